// SPDX-License-Identifier: BSD-2-Clause
/*
 * Setting the agent up, in this order: signals, limits, the store, the programs and their rings, the first walk, the
 * ledger with what is alive, the threads. Taking it down again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/initial_scan.h"
#include "agent/agent_inside.h"
#include "agent/host.h"
#include "agent/notify.h"
#include "agent/previous.h"
#include "agent/privileges.h"
#include "base/clock.h"
#include "base/log.h"

static int open_timer(uint64_t first_ns, uint64_t every_ns)
{
	struct itimerspec spec = {
		.it_value = {(time_t)(first_ns / NS_PER_S), (long)(first_ns % NS_PER_S)},
		.it_interval = {(time_t)(every_ns / NS_PER_S), (long)(every_ns % NS_PER_S)},
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		timerfd_settime(fd, 0, &spec, NULL);
	return fd;
}

/* Signals come by descriptor; blocked before any thread is made, so that none gets them. */
static int open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int say_collect_error(int r, const char *what)
{
	if (r == -EPERM || r == -EACCES)
		log_line("%s: %s; run as root, or with the capabilities that `obit doctor` names", what, strerror(-r));
	else
		log_line("%s: %s; `obit doctor` says what this kernel allows", what, strerror(-r));
	return r;
}

static int open_store(struct agent *agent)
{
	const struct agent_options *options = agent->options;
	struct store_options store = {
		.dir = options->store_dir,
		.retain_bytes = options->retain_bytes,
		.retain_age_ns = options->retain_age_ns,
		.fsync_each_interval = options->fsync_each_interval,
		.is_sealing = true,
	};
	struct store_counts counts = {0};
	int holder = 0, r;

	host_describe(&agent->origin);
	agent->start_boot_ns = clock_boot_ns();
	agent->origin.interval_ns = options->interval_ns;
	r = store_writer_open(&store, &agent->origin, &agent->writer.store, &holder);
	if (r == -EBUSY)
		log_line("the store %s is being written by process %d; stop it or give another --store", store.dir,
			 holder);
	else if (r == -EMEDIUMTYPE)
		log_line("%s holds files that are not obit's; give an empty directory with --store", store.dir);
	else if (r == -ELOOP)
		log_line("the store %s: a link on the way to it, or in place of its lock, is another user's; take it "
			 "away, or give another --store",
			 store.dir);
	else if (r < 0)
		log_line("cannot write to the store %s: %s; give another with --store", store.dir, strerror(-r));
	else
		store_writer_counts(agent->writer.store, &counts);
	if (r == 0 && counts.was_open_to_others)
		log_line("the store %s: others could write to it; now they cannot", store.dir);
	if (!realpath(store.dir, agent->store_path))
		snprintf(agent->store_path, sizeof(agent->store_path), "%s", store.dir);
	return r;
}

static int make_rings(struct agent *agent)
{
	int r = 0;
	int *fds;

	agent->drain.n_rings = collect_n_rings(agent->collect);
	agent->drain.rings = calloc(collect_max_rings(agent->collect), sizeof(*agent->drain.rings));
	fds = calloc(agent->drain.n_rings, sizeof(*fds));
	agent->ledger.queue = queue_new(QUEUE_BYTES);
	agent->ledger.queue_wake_fd = eventfd(0, EFD_CLOEXEC);
	if (!agent->drain.rings || !fds || !agent->ledger.queue || agent->ledger.queue_wake_fd < 0)
		r = -ENOMEM;
	for (unsigned i = 0; r == 0 && i < agent->drain.n_rings; i++) {
		struct ring_memory memory = collect_ring(agent->collect, i);

		fds[i] = memory.fd;
		r = ring_init(&agent->drain.rings[i], &memory);
	}
	if (r == 0) {
		agent->drain.drain =
			drain_new(agent->drain.rings, fds, agent->drain.n_rings, collect_max_rings(agent->collect),
				  agent->ledger.queue, agent->ledger.queue_wake_fd);
		r = agent->drain.drain ? 0 : -ENOMEM;
	}
	free(fds);
	return r;
}

static int make_snapshot(struct agent *agent)
{
	struct snapshot *s = &agent->rollover.snapshot;

	s->births_late = calloc(BOUNDARY_PROCESSES, sizeof(*s->births_late));
	s->exits_unreported = calloc(BOUNDARY_PROCESSES, sizeof(*s->exits_unreported));
	s->rollups = calloc(collect_max_rollups(agent->collect), sizeof(*s->rollups));
	s->runq = calloc(collect_max_runq(agent->collect), sizeof(*s->runq));
	s->samples = calloc(N_SAMPLES, sizeof(*s->samples));
	if (!s->births_late || !s->exits_unreported || !s->rollups || !s->runq || !s->samples)
		return -ENOMEM;
	for (int i = 0; i < N_SAMPLES; i++) {
		s->samples[i] = chunk_block_new(CHUNK_SAMPLES + i);
		if (!s->samples[i])
			return -ENOMEM;
	}
	return 0;
}

static void drop_snapshot(struct snapshot *s)
{
	free(s->births_late);
	free(s->exits_unreported);
	free(s->rollups);
	free(s->runq);
	for (int i = 0; s->samples && i < N_SAMPLES; i++)
		block_free(s->samples[i]);
	free(s->samples);
}

static int make_ledger(struct agent *agent)
{
	struct ledger_ports ports = ledger_thread_ports(&agent->ledger);
	int r;

	agent->writer.empty = agent->ledger.empty = chunk_line_new();
	agent->writer.full = agent->ledger.full = chunk_line_new();
	agent->ledger.ledger = ledger_new(agent->options->max_processes, (uint64_t)sysconf(_SC_PAGESIZE), &ports);
	agent->ledger.cgroups = cgroups_new();
	account_names_init(&agent->ledger.accounts, "");
	container_files_init(&agent->ledger.containers, "");
	agent->rollover.samplers = samplers_new();
	agent->ledger.sealed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!agent->writer.empty || !agent->writer.full || !agent->ledger.ledger || !agent->ledger.cgroups ||
	    !agent->rollover.samplers || agent->ledger.sealed_fd < 0)
		return -ENOMEM;
	for (int i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = chunk_new();

		if (!chunk)
			return -ENOMEM;
		chunk_line_put(agent->writer.empty, chunk);
	}
	r = make_snapshot(agent);
	if (r < 0)
		return r;
	r = agent->cgroups_error = cgroups_scan(agent->ledger.cgroups);
	/* In a cgroup namespace: that has been said. */
	if (r < 0 && r != -EXDEV)
		log_line("no cgroup v2 hierarchy (%s): records carry cgroup ids without paths", strerror(-r));
	return 0;
}

/* Says what may not be done, and what is lost by that. */
static void say_missing_privileges(void)
{
	struct privilege missing;

	const char *loss;

	for (size_t i = 0; privileges_missing(i, &missing); i++)
		log_line("without %s: %s", missing.name, missing.loss);
	for (unsigned i = 0; (loss = host_namespace_loss(i)); i++)
		log_line("%s", loss);
}

/* Not to be able to give rights up is no reason not to record. */
static void drop_privileges(const char *store_dir)
{
	int r = privileges_drop(store_dir);

	if (r < 0)
		log_line("the agent keeps more rights than it needs: %s", strerror(-r));
}

static int start_thread(struct agent *agent, const char *name, void *(*body)(void *), void *arg)
{
	pthread_attr_t attributes;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	r = pthread_create(&agent->threads[agent->n_threads], &attributes, body, arg);
	pthread_attr_destroy(&attributes);
	if (r)
		return -r;
	pthread_setname_np(agent->threads[agent->n_threads++], name);
	return 0;
}

static void *drain_thread(void *drain)
{
	return drain_run(drain);
}

/* Each has what this thread has when it starts: few rights, and the drain its place before others. */
static int start_threads(struct agent *agent)
{
	int own_nice = getpriority(PRIO_PROCESS, 0), r;

	/* Not permitted: then without. */
	setpriority(PRIO_PROCESS, 0, DRAIN_NICE);
	drop_privileges(agent->store_path);
	r = start_thread(agent, "drain", drain_thread, agent->drain.drain);
	setpriority(PRIO_PROCESS, 0, own_nice);
	if (r == 0)
		r = start_thread(agent, "ledger", ledger_thread_run, &agent->ledger);
	if (r == 0)
		r = start_thread(agent, "writer", writer_thread_run, &agent->writer);
	if (r == 0)
		r = start_thread(agent, "sealer", sealer_thread_run, store_writer_sealer(agent->writer.store));
	if (r < 0)
		log_line("cannot start threads: %s", strerror(-r));
	return r;
}

/* What changed while nobody watched, if there was a run before on this boot. */
static void read_previous_run(struct agent *agent)
{
	const char *dir = agent->options->store_dir;
	uint64_t closing;
	int r = previous_closing(dir, agent->origin.boot_id, clock_real_ns() - clock_boot_ns(), &closing);

	if (r > 0)
		ledger_set_previous(agent->ledger.ledger, closing);
	else if (r < 0)
		log_line("cannot read the last ledger in %s: %s", dir, strerror(-r));
}

/* Epoch 0: the programs are attached, the ledger not open yet. */
static int open_ledger(struct agent *agent)
{
	struct snapshot *s = &agent->rollover.snapshot;
	int r;

	collect_set_initial_scan(agent->collect, 1);
	r = collect_synchronize_rcu(agent->collect);
	collect_set_boundary(agent->collect, 0, UINT64_MAX);
	if (r == 0)
		r = agent_walk(agent, 0);
	if (r < 0)
		return say_collect_error(r, "walking all tasks");
	collect_set_initial_scan(agent->collect, 0);
	collect_set_boundary(agent->collect, 0, 0);
	r = make_ledger(agent);
	if (r < 0) {
		log_line("not enough memory for %u processes; give fewer with --max-processes",
			 agent->options->max_processes);
		return r;
	}
	ledger_set_sched(agent->ledger.ledger, agent->options->sched);
	ledger_set_redact(agent->ledger.ledger, agent->options->redact);
	ledger_set_clock(agent->ledger.ledger, clock_real_minus_boot_ns());
	read_previous_run(agent);
	initial_scan(agent->ledger.ledger, s->live, s->n_live);
	return 0;
}

/*
 * Debian's kernels close perf_event_open(2) to all without CAP_SYS_ADMIN (kernel.perf_event_paranoid = 3): then
 * events come by BPF ring buffers, which CAP_BPF opens.
 */
static int open_collect(struct agent *agent, struct collect_options *collect)
{
	const char *what = NULL;
	int r = collect_open(collect, &agent->collect, &what);

	if (r == -EACCES && collect->ring_kind == RING_PERF) {
		log_line("perf ring buffers are closed to this agent (kernel.perf_event_paranoid, CAP_SYS_ADMIN): it "
			 "takes BPF ring buffers");
		collect->ring_kind = RING_BPF;
		r = collect_open(collect, &agent->collect, &what);
	}
	agent->has_bpf_rings = collect->ring_kind == RING_BPF;
	return r < 0 ? say_collect_error(r, what) : 0;
}

int agent_set_up(struct agent *agent)
{
	const struct agent_options *options = agent->options;
	struct collect_options collect = {
		.sched = options->sched,
		.threads_on = options->threads_on,
		.has_cgroup_v1 = cgroups_has_v1(),
		.ring_kind = options->use_ringbuf ? RING_BPF : RING_PERF,
		.ring_pages = options->ring_pages,
		.max_processes = options->max_processes,
		.is_verbose = options->is_verbose,
	};
	uint64_t watchdog_ns;
	int r;

	agent->signal_fd = open_signals();
	say_missing_privileges();
	host_raise_limits();
	r = open_store(agent);
	if (r < 0)
		return r;
	r = open_collect(agent, &collect);
	if (r < 0)
		return r;
	r = make_rings(agent);
	/* What comes later takes memory, and has it locked, as far as it is used. */
	agent->is_memory_locked = host_lock_memory();
	if (r == 0)
		r = open_ledger(agent);
	if (r < 0)
		return r;
	agent->rollover.begin_boot_ns = clock_boot_ns();
	if (options->hooks)
		agent->hooks_fd = options->hooks->open(options->hooks->ctx, agent);
	r = start_threads(agent);
	if (r < 0)
		return r;
	r = agent_roll_over(agent);
	if (r < 0)
		return say_collect_error(r, "opening the ledger");
	agent->tick_fd = open_timer(options->interval_ns, options->interval_ns);
	agent->end_fd = options->duration_ns ? open_timer(options->duration_ns, 0) : -1;
	watchdog_ns = notify_watchdog_ns();
	/* Twice as often as it must be, as sd_watchdog_enabled(3) has it. */
	agent->watchdog_fd = watchdog_ns ? open_timer(watchdog_ns / 2, watchdog_ns / 2) : -1;
	log_line("recording to %s", options->store_dir);
	notify("READY=1");
	return 0;
}

int agent_tear_down(struct agent *agent)
{
	int r = store_writer_close(agent->writer.store);

	collect_close(agent->collect);
	drain_free(agent->drain.drain);
	for (unsigned i = 0; agent->drain.rings && i < agent->drain.n_rings; i++)
		ring_done(&agent->drain.rings[i]);
	free(agent->drain.rings);
	queue_free(agent->ledger.queue);
	ledger_free(agent->ledger.ledger);
	cgroups_free(agent->ledger.cgroups);
	samplers_free(agent->rollover.samplers);
	chunk_line_free(agent->writer.empty);
	chunk_line_free(agent->writer.full);
	walk_done(&agent->rollover.walk);
	drop_snapshot(&agent->rollover.snapshot);
	return r;
}
