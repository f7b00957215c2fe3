// SPDX-License-Identifier: BSD-2-Clause
/*
 * The main thread: set-up, the turn of intervals, the stop.
 *
 * A turn: the epoch changes, a grace period passes, the living are walked, what the kernel counted under the
 * old epoch is read, and a mark is sent through the rings and the queue behind everything that belongs to
 * it. When the ledger meets the mark it seals the interval with that snapshot.
 */
#define _GNU_SOURCE
#include "agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/adopt.h"
#include "agent/agent_inside.h"
#include "agent/host.h"
#include "agent/notify.h"
#include "agent/previous.h"
#include "agent/privileges.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/census.h"
#include "model/limits.h"

/* Late enough for every start stamped before the change of epoch, early enough to matter to few. */
#define EDGE_AHEAD_NS NS_PER_MS
/* With the second witness alone an end is told a grace period or a few after it happened: for the last ones
 * a stop waits so long at most: until one whose release no program saw is counted too. */
#define LAST_ENDS_WAIT_NS (RELEASE_WAIT_NS + NS_PER_S)
#define LAST_ENDS_US	50000

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
	};
	struct store_counts counts;
	int holder = 0, r;

	host_describe(&agent->origin);
	agent->start_boot_ns = clock_boot_ns();
	agent->origin.interval_ns = options->interval_ns;
	r = store_writer_open(&store, &agent->origin, &agent->store, &holder);
	if (r == -EBUSY)
		log_line("the store %s is being written by process %d; stop it or give another --store", store.dir, holder);
	else if (r == -EMEDIUMTYPE)
		log_line("%s holds files that are not obit's; give an empty directory with --store", store.dir);
	else if (r == -ELOOP)
		log_line("the store %s: a link on the way to it, or in place of its lock, is another user's; take it away, or "
			 "give another --store",
			 store.dir);
	else if (r < 0)
		log_line("cannot write to the store %s: %s; give another with --store", store.dir, strerror(-r));
	else
		store_writer_counts(agent->store, &counts);
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

	agent->n_rings = collect_n_rings(agent->collect);
	agent->rings = calloc(collect_max_rings(agent->collect), sizeof(*agent->rings));
	fds = calloc(agent->n_rings, sizeof(*fds));
	agent->queue = queue_new(QUEUE_BYTES);
	agent->queue_wake_fd = eventfd(0, EFD_CLOEXEC);
	if (!agent->rings || !fds || !agent->queue || agent->queue_wake_fd < 0)
		r = -ENOMEM;
	for (unsigned i = 0; r == 0 && i < agent->n_rings; i++) {
		struct ring_memory memory = collect_ring(agent->collect, i);

		fds[i] = memory.fd;
		r = ring_init(&agent->rings[i], &memory);
	}
	if (r == 0) {
		agent->drain = drain_new(agent->rings, fds, agent->n_rings, collect_max_rings(agent->collect), agent->queue,
					 agent->queue_wake_fd);
		r = agent->drain ? 0 : -ENOMEM;
	}
	free(fds);
	return r;
}

static int make_snapshot(struct agent *agent)
{
	struct snapshot *s = &agent->snapshot;

	s->births_late = calloc(CROSSINGS, sizeof(*s->births_late));
	s->deaths_untold = calloc(CROSSINGS, sizeof(*s->deaths_untold));
	s->rollups = calloc(collect_max_rollups(agent->collect), sizeof(*s->rollups));
	s->runq = calloc(collect_max_runq(agent->collect), sizeof(*s->runq));
	s->samples = calloc(N_SAMPLES, sizeof(*s->samples));
	if (!s->births_late || !s->deaths_untold || !s->rollups || !s->runq || !s->samples)
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
	free(s->deaths_untold);
	free(s->rollups);
	free(s->runq);
	for (int i = 0; s->samples && i < N_SAMPLES; i++)
		block_free(s->samples[i]);
	free(s->samples);
}

static int make_ledger(struct agent *agent)
{
	struct ledger_ports ports = agent_ledger_ports(agent);
	int r;

	agent->empty = chunk_line_new();
	agent->full = chunk_line_new();
	agent->ledger = ledger_new(agent->options->max_processes, (uint64_t)sysconf(_SC_PAGESIZE), &ports);
	agent->cgroups = cgroups_new();
	agent->samplers = samplers_new();
	agent->sealed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!agent->empty || !agent->full || !agent->ledger || !agent->cgroups || !agent->samplers ||
	    agent->sealed_fd < 0)
		return -ENOMEM;
	for (int i = 0; i < CHUNKS; i++) {
		struct chunk *chunk = chunk_new();

		if (!chunk)
			return -ENOMEM;
		chunk_line_put(agent->empty, chunk);
	}
	r = make_snapshot(agent);
	if (r < 0)
		return r;
	r = agent->cgroups_error = cgroups_scan(agent->cgroups);
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
	r = start_thread(agent, "drain", drain_thread, agent->drain);
	setpriority(PRIO_PROCESS, 0, own_nice);
	if (r == 0)
		r = start_thread(agent, "ledger", agent_ledger_thread, agent);
	if (r == 0)
		r = start_thread(agent, "writer", agent_writer_thread, agent);
	if (r < 0)
		log_line("cannot start threads: %s", strerror(-r));
	return r;
}

static int walk(struct agent *agent, struct snapshot *s, int tell_all)
{
	struct walk *walk = &agent->walk;
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	int r = collect_walk(agent->collect, tell_all, walk);

	s->living = walk->living;
	s->n_living = walk->n_living;
	s->told = walk->told;
	s->n_told = walk->n_told;
	s->threads = walk->threads;
	s->n_threads = walk->n_threads;
	s->snapshot_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	agent->walk_ns += s->snapshot_ns;
	return r;
}

static void sample(struct agent *agent, struct snapshot *s)
{
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	samplers_take(agent->samplers, s->end_real_ns, s->samples);
	s->snapshot_ns += clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
}

/* They are counted here, for want of a program that was there. */
static void count_unseen(struct agent *agent, struct snapshot *s, uint64_t unseen)
{
	unseen += agent->exits_unseen;
	agent->exits_unseen = 0;
	if (!unseen)
		return;
	s->counters.exits_seen += unseen;
	s->counters.exits_unseen += unseen;
	if (!s->n_rollups || !s->rollups[s->n_rollups - 1].is_other)
		s->rollups[s->n_rollups++] = (struct rollup_row){.is_other = 1};
	s->rollups[s->n_rollups - 1].sum.exits += unseen;
}

/* Reads everything that closes the epoch which has just ended, in the order that census.h gives. */
static int take_snapshot(struct agent *agent, uint32_t epoch, uint64_t edge_boot_ns)
{
	struct snapshot *s = &agent->snapshot;
	uint64_t cpu_ns, missed, unseen = 0;
	int r;

	s->is_roster = epoch && (epoch == 1 || edge_boot_ns - agent->roster_boot_ns >= ROSTER_PERIOD_NS);
	if (s->is_roster)
		agent->roster_boot_ns = edge_boot_ns;
	r = collect_settle(agent->collect);
	if (r == 0)
		r = walk(agent, s, s->is_roster || !epoch);
	if (r == 0)
		r = collect_exiting(agent->collect, epoch + 1, &agent->walk, s->deaths_untold, CROSSINGS,
				    &s->n_deaths_untold, &unseen);
	if (r == 0)
		r = collect_runq(agent->collect, epoch, s->runq, collect_max_runq(agent->collect), &s->n_runq);
	if (r == 0)
		r = collect_counters(agent->collect, epoch, &s->counters);
	if (r == 0)
		r = collect_rollups(agent->collect, epoch, s->rollups, collect_max_rollups(agent->collect),
				    &s->n_rollups);
	if (r == 0)
		count_unseen(agent, s, unseen);
	/* One whose first wakeup was under way in the walk has been counted after this, and so has an exit. */
	if (r == 0)
		r = collect_settle(agent->collect);
	if (r == 0)
		r = collect_deaths_untold(agent->collect, epoch + 1, s->deaths_untold, CROSSINGS, &s->n_deaths_untold);
	s->read_boot_ns = clock_boot_ns();
	if (r == 0)
		r = collect_births_late(agent->collect, epoch + 1, s->births_late, CROSSINGS, &s->n_births_late);
	s->epoch = epoch;
	s->edge_boot_ns = edge_boot_ns;
	s->duration_ns = edge_boot_ns - agent->begin_boot_ns;
	s->end_real_ns = atomic_load_explicit(&agent->begin_real_ns[agent->epoch % OPEN_INTERVALS], memory_order_relaxed);
	s->real_minus_boot_ns = (int64_t)(s->end_real_ns - edge_boot_ns);
	sample(agent, s);
	cpu_ns = host_own_cpu_ns();
	missed = collect_missed_runs(agent->collect);
	s->missed_runs = missed - agent->missed_before;
	s->agent_cpu_ns = cpu_ns - agent->cpu_before_ns;
	s->agent_rss_bytes = host_own_rss_bytes();
	s->queue_high_water_bytes = queue_take_high_water(agent->queue);
	s->ring_high_water_bytes = drain_take_high_water(agent->drain);
	s->malformed = drain_take_malformed(agent->drain);
	s->store_bytes = atomic_load_explicit(&agent->store_bytes, memory_order_relaxed);
	agent->missed_before = missed;
	agent->cpu_before_ns = cpu_ns;
	return r;
}

static uint32_t sealed(struct agent *agent)
{
	/* pairs with seal() */
	return atomic_load_explicit(&agent->intervals_sealed, memory_order_acquire);
}

static void wait_sealed(struct agent *agent, uint32_t n)
{
	struct pollfd wait = {.fd = agent->sealed_fd, .events = POLLIN};
	uint64_t count;

	while (sealed(agent) < n) {
		poll(&wait, 1, 1000);
		if (read(agent->sealed_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return;
	}
}

/* Rings for CPUs that came online later. */
static void add_rings(struct agent *agent)
{
	static struct log_limit limit;
	struct ring_memory memory;
	int cpu, r;

	while ((r = collect_late_ring(agent->collect, &memory, &cpu)) > 0) {
		r = ring_init(&agent->rings[agent->n_rings], &memory);
		if (r == 0)
			r = drain_add(agent->drain, memory.fd);
		if (r < 0)
			break;
		agent->n_rings++;
		log_line("CPU %d came online: it has its ring now", cpu);
	}
	if (r < 0)
		log_limited(&limit, "CPU %d came online and has no ring (%s): its records are roll-ups", cpu, strerror(-r));
}

/* Ends the epoch and begins the next. */
static int turn(struct agent *agent)
{
	static struct log_limit limit;
	uint32_t ended = agent->epoch;
	uint64_t edge_boot_ns = clock_boot_ns() + EDGE_AHEAD_NS;
	int r;

	/* pairs with begin_real_ns(): its events come through the rings */
	atomic_store_explicit(&agent->begin_real_ns[(ended + 1) % OPEN_INTERVALS],
			      edge_boot_ns + (uint64_t)clock_real_minus_boot_ns(), memory_order_relaxed);
	collect_begin_epoch(agent->collect, ended + 1, edge_boot_ns);
	agent->epoch = ended + 1;
	r = take_snapshot(agent, ended, edge_boot_ns);
	agent->begin_boot_ns = edge_boot_ns;
	drain_mark(agent->drain, ended);
	add_rings(agent);
	if (r < 0) {
		agent->failed_turns++;
		agent->turn_error = r;
		log_limited(&limit, "the books of interval %u are incomplete: %s", ended, strerror(-r));
	}
	return r;
}

/* What changed while nobody watched, if there was a run before on this boot. */
static void look_back(struct agent *agent)
{
	const char *dir = agent->options->store_dir;
	uint64_t closing;
	int r = previous_closing(dir, agent->origin.boot_id, clock_real_ns() - clock_boot_ns(), &closing);

	if (r > 0)
		ledger_set_previous(agent->ledger, closing);
	else if (r < 0)
		log_line("cannot read the last books in %s: %s", dir, strerror(-r));
}

/* Epoch 0: the programs are attached, the books not open yet. */
static int open_books(struct agent *agent)
{
	struct snapshot *s = &agent->snapshot;
	int r;

	collect_set_adopting(agent->collect, 1);
	r = collect_settle(agent->collect);
	collect_begin_epoch(agent->collect, 0, UINT64_MAX);
	if (r == 0)
		r = walk(agent, s, 0);
	if (r < 0)
		return say_collect_error(r, "walking all tasks");
	collect_set_adopting(agent->collect, 0);
	collect_begin_epoch(agent->collect, 0, 0);
	r = make_ledger(agent);
	if (r < 0) {
		log_line("not enough memory for %u processes; give fewer with --max-processes", agent->options->max_processes);
		return r;
	}
	ledger_set_sched(agent->ledger, agent->options->sched);
	ledger_set_redact(agent->ledger, agent->options->redact);
	ledger_set_clock(agent->ledger, clock_real_minus_boot_ns());
	look_back(agent);
	adopt_living(agent->ledger, s->living, s->n_living);
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

static int start(struct agent *agent)
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
		r = open_books(agent);
	if (r < 0)
		return r;
	agent->begin_boot_ns = clock_boot_ns();
	if (options->guest)
		agent->guest_fd = options->guest->open(options->guest->ctx, agent);
	r = start_threads(agent);
	if (r < 0)
		return r;
	r = turn(agent);
	if (r < 0)
		return say_collect_error(r, "opening the books");
	agent->tick_fd = open_timer(options->interval_ns, options->interval_ns);
	agent->end_fd = options->duration_ns ? open_timer(options->duration_ns, 0) : -1;
	watchdog_ns = notify_watchdog_ns();
	/* Twice as often as it must be, as sd_watchdog_enabled(3) has it. */
	agent->watchdog_fd = watchdog_ns ? open_timer(watchdog_ns / 2, watchdog_ns / 2) : -1;
	log_line("recording to %s", options->store_dir);
	notify("READY=1");
	return 0;
}

/* Takes the signals that have come. Is it to stop? */
static int is_told_to_stop(struct agent *agent)
{
	struct signalfd_siginfo info;

	while (read(agent->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return 1;
		log_line("SIGHUP: the segment ends with this interval, a new one begins");
		atomic_store_explicit(&agent->segment_ends, true, memory_order_relaxed);
	}
	return 0;
}

/* Turns intervals until a signal or the end of the duration. */
static void run(struct agent *agent)
{
	struct pollfd wait[] = {
		{.fd = agent->signal_fd, .events = POLLIN},
		{.fd = agent->end_fd, .events = POLLIN},
		{.fd = agent->tick_fd, .events = POLLIN},
		{.fd = agent->guest_fd, .events = POLLIN},
		{.fd = agent->watchdog_fd, .events = POLLIN},
	};
	const struct agent_guest *guest = agent->options->guest;
	uint64_t count;

	for (;;) {
		if (poll(wait, sizeof(wait) / sizeof(wait[0]), -1) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (wait[1].revents || (wait[0].revents && is_told_to_stop(agent)))
			return;
		if (wait[4].revents && read(agent->watchdog_fd, &count, sizeof(count)) > 0)
			notify("WATCHDOG=1");
		if (wait[3].revents)
			guest->serve(guest->ctx);
		if (!wait[2].revents || read(agent->tick_fd, &count, sizeof(count)) < 0)
			continue;
		/* While an interval waits to be sealed (a slow disk), the running one grows. */
		if (sealed(agent) < agent->epoch)
			continue;
		turn(agent);
	}
}

/* Waits until every process that has left the living is told of. */
static void await_last_ends(struct agent *agent)
{
	struct snapshot *s = &agent->snapshot;

	for (uint64_t until_ns = clock_boot_ns() + LAST_ENDS_WAIT_NS; clock_boot_ns() < until_ns;) {
		size_t unlisted = 0;
		uint64_t unseen = 0;

		if (walk(agent, s, 0) < 0 ||
		    collect_exiting(agent->collect, 0, &agent->walk, s->deaths_untold, CROSSINGS, &s->n_deaths_untold,
				    &unseen) < 0)
			return;
		agent->exits_unseen += unseen;
		for (size_t k = 0; k < s->n_deaths_untold; k++)
			unlisted += !census_lists(s, s->deaths_untold[k].pid, s->deaths_untold[k].start_boot_ns);
		if (!unlisted)
			return;
		usleep(LAST_ENDS_US);
	}
}

/* The last interval, to the end. */
static void finish(struct agent *agent)
{
	notify("STOPPING=1");
	atomic_store_explicit(&agent->is_stopping, true, memory_order_relaxed);
	wait_sealed(agent, agent->epoch);
	if (agent->options->sched == SCHED_OFF)
		await_last_ends(agent);
	turn(agent);
	wait_sealed(agent, agent->epoch);
}

static void stop_threads(struct agent *agent)
{
	uint64_t one = 1;

	if (agent->drain)
		drain_stop(agent->drain);
	atomic_store_explicit(&agent->ledger_stop, true, memory_order_release);
	if (agent->queue_wake_fd >= 0 && write(agent->queue_wake_fd, &one, sizeof(one)) < 0)
		log_line("cannot wake the ledger: %s", strerror(errno));
	if (agent->full)
		chunk_line_close(agent->full);
	while (agent->n_threads)
		pthread_join(agent->threads[--agent->n_threads], NULL);
}

static int tear_down(struct agent *agent)
{
	int r = store_writer_close(agent->store);

	collect_close(agent->collect);
	drain_free(agent->drain);
	for (unsigned i = 0; agent->rings && i < agent->n_rings; i++)
		ring_done(&agent->rings[i]);
	free(agent->rings);
	queue_free(agent->queue);
	ledger_free(agent->ledger);
	cgroups_free(agent->cgroups);
	samplers_free(agent->samplers);
	chunk_line_free(agent->empty);
	chunk_line_free(agent->full);
	walk_done(&agent->walk);
	drop_snapshot(&agent->snapshot);
	return r;
}

int agent_run(const struct agent_options *options)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int r, closed;

	if (!agent)
		return -ENOMEM;
	agent->options = options;
	agent->queue_wake_fd = agent->sealed_fd = agent->end_fd = agent->tick_fd = agent->guest_fd = agent->watchdog_fd =
		-1;
	r = start(agent);
	if (r == 0)
		run(agent);
	if (options->guest)
		options->guest->close(options->guest->ctx);
	if (r == 0)
		finish(agent);
	stop_threads(agent);
	if (r == 0 && agent->has_lost)
		r = -EIO;
	closed = tear_down(agent);
	if (closed < 0)
		log_line("closing the store %s: %s", options->store_dir, strerror(-closed));
	free(agent);
	return r < 0 ? r : closed;
}
