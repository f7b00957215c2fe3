// SPDX-License-Identifier: BSD-2-Clause
/*
 * The agent without its threads: the rollovers of rollover.c, with the model kernel going on between any two of its
 * steps, and its end, clean or not. Rings, drain, queue, ledger and writer are the real ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "simulate.h"

#define BOUNDARY_AHEAD_NS 1000000u   /* as in agent.c */
#define HOLD_BACK_NS	  2000000u   /* as in drain.c */
#define QUEUE_ROOM	  (4u << 20) /* all rings together, twice: the drain never waits */
#define TRIES		  200

struct watch {
	struct simulation *sim;
	struct ledger *ledger;
	struct store_writer *store;
	struct ring rings[MAX_CPUS];
	unsigned n_rings;
	int fds[MAX_CPUS], wake_fd;
	struct drain *drain;
	struct queue *queue;
	struct chunk *empty[CHUNKS], *full[CHUNKS]; /* full: first come first */
	unsigned n_empty, n_full;
	size_t first_full; /* of history->written */
	struct snapshot snapshot;
	uint32_t epoch;
	uint64_t begin_real_ns[OPEN_INTERVALS];
	uint64_t missed_before;
	char path[OBIT_CGROUP_MAX];
};

/* What the disk may show: after a power cut, rubbish behind what was synced. */
static int allowed(const struct simulation *sim)
{
	return AUDIT_TORN | (sim->history.n_cuts ? AUDIT_DAMAGED : 0);
}

static int is_over(const struct watch *watch)
{
	return watch->sim->disk.has_exited || watch->sim->history.failure[0];
}

/* --- the ports ---------------------------------------------------------------------------------------------- */
static void put_pending(struct watch *watch, const struct chunk *chunk, int is_broken)
{
	struct history *history = &watch->sim->history;

	if (history->n_written == history->written_capacity) {
		history->written_capacity = history->written_capacity * 2 + 64;
		history->written = realloc(history->written, history->written_capacity * sizeof(*history->written));
		if (!history->written)
			abort();
	}
	history->written[history->n_written++] = (struct written){
		.digest = blocks_digest(chunk->blocks, N_TABLES),
		.number = chunk->interval.number,
		.end_real_ns = chunk->interval.end_real_ns,
		.is_last = chunk->interval.is_last_chunk,
		.is_broken = is_broken,
		.run = history->run,
		.is_pending = 1,
	};
	history->digest = history->digest * 31 + history->written[history->n_written - 1].digest;
}

/* The writer's thread, one chunk: again and again until it is in the store, or the agent is dead. */
static void write_one(struct watch *watch)
{
	struct history *history = &watch->sim->history;
	struct written *written = &history->written[watch->first_full];
	struct chunk *chunk = watch->full[0];
	int r = -EIO;

	for (int tries = 0; r < 0 && !is_over(watch); tries++) {
		r = store_writer_append(watch->store, &chunk->interval, chunk->blocks, N_TABLES);
		if (r < 0 && chance_is(&watch->sim->disk.chance, 20))
			audit_store(watch->sim, allowed(watch->sim));
		if (tries == TRIES)
			history_fail(history, "the store takes nothing in %d tries: %s", tries, strerror(-r));
	}
	/* Beside it, sooner or later, the thread that seals. */
	if (watch->first_full % 5 == 0) {
		watch->sim->disk.is_sealing = 1;
		sealer_work(store_writer_sealer(watch->store));
		watch->sim->disk.is_sealing = 0;
	}
	if (r == 0) {
		written->is_pending = 0;
		disk_locate(&watch->sim->disk, watch->sim->dir, written);
	}
	watch->first_full++;
	memmove(watch->full, watch->full + 1, --watch->n_full * sizeof(watch->full[0]));
	chunk_clear(chunk);
	watch->empty[watch->n_empty++] = chunk;
}

static struct chunk *take_empty(void *ctx)
{
	struct watch *watch = ctx;

	while (!watch->n_empty)
		write_one(watch);
	return watch->empty[--watch->n_empty];
}

static void put_full(void *ctx, struct chunk *chunk)
{
	struct watch *watch = ctx;
	int is_broken = history_check_chunk(&watch->sim->history, chunk);

	put_pending(watch, chunk, is_broken);
	watch->full[watch->n_full++] = chunk;
	while (watch->n_full && chance_is(&watch->sim->world.chance, 600))
		write_one(watch);
}

static struct cgroup_name cgroup_name(void *ctx, uint32_t hierarchy, uint64_t id)
{
	struct watch *watch = ctx;
	size_t len = cgroup_path_of(id, &watch->sim->plan, watch->path);

	(void)hierarchy;
	return (struct cgroup_name){.path = {len ? watch->path : NULL, len}};
}

static void cgroup_made(void *ctx, uint32_t hierarchy, uint64_t id, const char *path, size_t len)
{
	struct watch *watch = ctx;

	(void)hierarchy;
	if (len != cgroup_path_of(id, &watch->sim->plan, watch->path) || memcmp(path, watch->path, len) != 0)
		history_fail(&watch->sim->history, "cgroup %llu has another path", (unsigned long long)id);
}

static struct text_view user_name(void *ctx, uint32_t uid)
{
	static char name[16];

	(void)ctx;
	return (struct text_view){name, (size_t)snprintf(name, sizeof(name), "u%u", (unsigned)uid)};
}

static struct container_facts container_facts(void *ctx, const struct cgroup_name *of)
{
	(void)ctx;
	return (struct container_facts){.name = of->container};
}

static uint64_t begin_real_ns(void *ctx, uint32_t epoch)
{
	struct watch *watch = ctx;

	return watch->begin_real_ns[epoch % OPEN_INTERVALS];
}

/* --- drain and ledger ---------------------------------------------------------------------------------------- */
static void consume(struct watch *watch, uint64_t n)
{
	const void *event;
	uint32_t size;

	for (; n && !is_over(watch) && (event = queue_peek(watch->queue, &size)); n--) {
		history_hear(&watch->sim->history, event);
		ledger_event(watch->ledger, event, size);
		history_heard(&watch->sim->history, event);
		queue_release(watch->queue);
	}
}

static void drain_until(struct watch *watch, uint64_t until_ns)
{
	consume(watch, UINT64_MAX);
	drain_round(watch->drain, until_ns);
}

/* The kernel goes on; drain and ledger come by now and then. */
static void go_on(struct watch *watch, unsigned steps)
{
	struct world *world = &watch->sim->world;

	while (steps && !is_over(watch)) {
		unsigned part = 1 + (unsigned)chance_below(&world->chance, 40);

		part = part < steps ? part : steps;
		world_steps(world, part);
		steps -= part;
		if (chance_is(&world->chance, watch->sim->plan.idle_drain))
			continue;
		drain_until(watch, world->boot_ns - HOLD_BACK_NS);
		if (chance_is(&world->chance, 700))
			consume(watch, chance_scaled(&world->chance, 8));
	}
}

static void go_on_a_little(struct watch *watch)
{
	go_on(watch, (unsigned)chance_below(&watch->sim->world.chance, watch->sim->plan.steps_per_stage + 1));
}

/* --- a rollover ----------------------------------------------------------------------------------------------- */
/* `is_alone`: nothing else happens meanwhile. */
static void wait_for_programs(struct watch *watch, int is_alone)
{
	struct world *world = &watch->sim->world;

	world->is_settling = 1;
	if (!is_alone)
		world_steps(world, (unsigned)chance_below(&world->chance, watch->sim->plan.steps_per_stage + 1));
	world->is_settling = 0;
	if (!is_alone)
		world_grace(world);
}

static void walk(struct watch *watch, int is_alone)
{
	struct world *world = &watch->sim->world;
	struct snapshot *s = &watch->snapshot;
	struct process_lifetime *process;
	uint32_t cursor = 1;

	for (s->n_live = 0; (process = programs_walk_next(world, &cursor));) {
		int is_interrupted = !is_alone && chance_is(&world->chance, 1000 / (world->n_live + 1) + 1);

		if (is_interrupted)
			world_steps(world,
				    (unsigned)chance_below(&world->chance, watch->sim->plan.steps_per_stage + 1));
		if (is_interrupted && chance_is(&world->chance, 300))
			world_grace(world);
		s->n_live += (size_t)programs_walk_one(world, process, &s->live[s->n_live]);
	}
}

static void step_clock(struct world *world)
{
	int64_t by = (int64_t)chance_scaled(&world->chance, 45);

	if (chance_is(&world->chance, world->plan->clock_steps))
		world->real_minus_boot_ns += chance_is(&world->chance, 500) ? by : -by;
}

static void take_snapshot(struct watch *watch, uint32_t epoch, uint64_t boundary_boot_ns, int is_alone)
{
	struct world *world = &watch->sim->world;
	struct snapshot *s = &watch->snapshot;

	walk(watch, is_alone);
	if (!is_alone && chance_is(&world->chance, 500))
		go_on_a_little(watch);
	s->n_exits_unreported = programs_exiting(world, epoch + 1, s->exits_unreported);
	programs_counters(world, epoch, &s->counters);
	s->n_rollups = programs_rollups(world, epoch, s->rollups);
	if (!is_alone)
		go_on_a_little(watch);
	s->n_exits_unreported = programs_exits_unreported(world, epoch + 1, s->exits_unreported, s->n_exits_unreported);
	s->read_boot_ns = world->boot_ns;
	if (!is_alone && chance_is(&world->chance, 500))
		go_on_a_little(watch);
	s->n_births_late = programs_births_late(world, epoch + 1, s->births_late);
	if (!is_alone && chance_is(&world->chance, 500))
		go_on_a_little(watch);
	s->epoch = epoch;
	s->boundary_boot_ns = boundary_boot_ns;
	s->duration_ns = 1000000;
	s->end_real_ns = watch->begin_real_ns[watch->epoch % OPEN_INTERVALS];
	s->real_minus_boot_ns = (int64_t)(s->end_real_ns - boundary_boot_ns);
	s->page_bytes = PAGE_BYTES;
	s->missed_runs = world->missed_runs - watch->missed_before;
	watch->missed_before = world->missed_runs;
	s->malformed = drain_take_malformed(watch->drain);
	s->ring_high_water_bytes = drain_take_high_water(watch->drain);
	s->queue_high_water_bytes = queue_take_high_water(watch->queue);
	s->store_bytes = store_writer_bytes(watch->store);
}

static void roll_over(struct watch *watch, int is_alone)
{
	struct world *world = &watch->sim->world;
	uint32_t ended = watch->epoch;
	uint64_t boundary_boot_ns;

	step_clock(world);
	/* The agent may be away between any two of its steps: collect_begin_epoch(). */
	programs_begin_epoch(world, ended + 1, UINT64_MAX);
	if (!is_alone && chance_is(&world->chance, 200))
		world_steps(world, (unsigned)chance_below(&world->chance, watch->sim->plan.steps_per_stage + 1));
	boundary_boot_ns = world->boot_ns + BOUNDARY_AHEAD_NS;
	watch->begin_real_ns[(ended + 1) % OPEN_INTERVALS] = boundary_boot_ns + (uint64_t)world->real_minus_boot_ns;
	history_epoch(&watch->sim->history, ended + 1)->begin_real_ns =
		watch->begin_real_ns[(ended + 1) % OPEN_INTERVALS];
	programs_begin_epoch(world, ended + 1, boundary_boot_ns);
	watch->epoch = ended + 1;
	wait_for_programs(watch, is_alone);
	take_snapshot(watch, ended, boundary_boot_ns, is_alone);
	drain_until(watch, UINT64_MAX - 1);
	/* The mark is behind what is in the queue now; what comes meanwhile stays in the rings. */
	if (!is_alone)
		world_steps(world, (unsigned)chance_below(&world->chance, watch->sim->plan.steps_per_stage + 1));
	consume(watch, UINT64_MAX);
	if (is_over(watch))
		return;
	history_before_seal(&watch->sim->history, &watch->snapshot);
	ledger_seal(watch->ledger, &watch->snapshot);
	watch->sim->history.offset_ns = watch->snapshot.real_minus_boot_ns;
}

/* --- beginning and end ----------------------------------------------------------------------------------------- */
static int open_store(struct watch *watch)
{
	struct simulation *sim = watch->sim;
	struct store_options options = {
		.dir = sim->dir,
		.segment_bytes = sim->plan.segment_bytes,
		.level = 1,
		.fsync_each_interval = sim->plan.fsync_each_interval,
		.is_sealing = sim->plan.is_sealing,
	};
	struct origin origin = {
		.host = "simulated",
		.kernel = "0.0",
		.agent = "simulator",
		.run_real_ns = sim->world.boot_ns + (uint64_t)sim->world.real_minus_boot_ns,
		.real_minus_boot_ns = sim->world.real_minus_boot_ns,
		.interval_ns = 1000000,
	};
	int r = -EIO;

	memcpy(origin.boot_id, sim->boot_id, sizeof(origin.boot_id));
	for (int tries = 0; r < 0 && !is_over(watch); tries++) {
		/* A long recovery would else never come through. */
		sim->disk.errors = tries < 5 ? sim->plan.disk_errors : tries < TRIES / 2 ? 2 : 0;
		r = store_writer_open_with(&options, &origin, &disk_calls, &watch->store, NULL);
		if (tries == TRIES)
			history_fail(&sim->history, "the store cannot be opened in %d tries: %s", tries, strerror(-r));
	}
	sim->disk.errors = sim->plan.disk_errors;
	return r;
}

static void make_rings(struct watch *watch)
{
	watch->n_rings = watch->sim->plan.n_cpus;
	watch->queue = queue_new(QUEUE_ROOM);
	watch->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < watch->n_rings; i++) {
		char *base = watch->sim->world.rings[i].memory;
		struct ring_memory memory = {
			.kind = RING_PERF,
			.control = base,
			.data = base + PAGE_BYTES,
			.bytes = watch->sim->plan.ring_bytes,
		};

		watch->fds[i] = eventfd(0, EFD_CLOEXEC);
		if (ring_init(&watch->rings[i], &memory) < 0)
			abort();
	}
	watch->drain =
		drain_new(watch->rings, watch->fds, watch->n_rings, watch->n_rings, watch->queue, watch->wake_fd);
	if (!watch->queue || !watch->drain)
		abort();
}

static void make_ledger(struct watch *watch)
{
	struct ledger_ports ports = {
		.take_empty = take_empty,
		.put_full = put_full,
		.cgroup_name = cgroup_name,
		.cgroup_made = cgroup_made,
		.names = {user_name, user_name, container_facts, watch},
		.begin_real_ns = begin_real_ns,
		.ctx = watch,
	};
	struct snapshot *s = &watch->snapshot;

	for (; watch->n_empty < CHUNKS; watch->n_empty++) {
		struct chunk **kept = &watch->sim->chunks[watch->n_empty];

		watch->empty[watch->n_empty] = *kept ? *kept : chunk_new();
		*kept = NULL;
		if (!watch->empty[watch->n_empty])
			abort();
		chunk_clear(watch->empty[watch->n_empty]);
	}
	watch->ledger = ledger_new(watch->sim->plan.max_processes, PAGE_BYTES, &ports);
	s->live = calloc(watch->sim->world.max_pid + 2, sizeof(*s->live));
	s->births_late = calloc(MAX_BOUNDARY, sizeof(*s->births_late));
	s->exits_unreported = calloc(MAX_BOUNDARY + watch->sim->world.max_pid * 2, sizeof(*s->exits_unreported));
	s->rollups = calloc(MAX_ROLLUPS + 1, sizeof(*s->rollups));
	if (!watch->ledger || !s->live || !s->births_late || !s->exits_unreported || !s->rollups)
		abort();
}

/* As initial_scan.c: what /proc says of the pid. A zombie's files are empty, and so are a kernel thread's. */
static void scan(struct watch *watch)
{
	struct world *world = &watch->sim->world;
	const struct snapshot *s = &watch->snapshot;
	char exe[128], argv[OBIT_ARGV_MAX + 128];

	for (size_t i = 0; i < s->n_live; i++) {
		struct process_lifetime *process =
			history_find(&watch->sim->history, s->live[i].pid, s->live[i].start_boot_ns);
		int is_empty = !process || process->is_kthread || process->is_leader_out ||
			       world->by_pid[process->pid] != process;

		if (!process)
			continue;
		history_add_existing(&watch->sim->history, process, is_empty);
		ledger_add_existing(watch->ledger, process->pid, process->start_boot_ns, exe,
				    is_empty ? 0 : image_exe(process->image, exe), argv,
				    is_empty ? 0 : image_argv(process->image, &watch->sim->plan, argv), 0);
	}
}

/* Epoch 0: the programs are attached, the ledger not open yet. */
static void open_ledger(struct watch *watch, int is_alone)
{
	struct world *world = &watch->sim->world;

	programs_attach(world, ATTACHED_FORK);
	history_begin_run(&watch->sim->history, world);
	make_rings(watch);
	make_ledger(watch);
	for (int attached = ATTACHED_SWITCH; attached <= ATTACHED_ALL; attached++) {
		if (!is_alone)
			world_steps(world, watch->sim->plan.steps_per_stage);
		programs_attach(world, (enum attached)attached);
	}
	if (!is_alone)
		world_steps(world, watch->sim->plan.steps_per_stage);
	world->is_adopting = 1;
	wait_for_programs(watch, is_alone);
	programs_begin_epoch(world, 0, UINT64_MAX);
	walk(watch, is_alone);
	world->is_adopting = 0;
	programs_begin_epoch(world, 0, 0);
	watch->sim->history.offset_ns = world->real_minus_boot_ns;
	ledger_set_clock(watch->ledger, watch->sim->history.offset_ns);
	if (!is_alone)
		world_steps(world, watch->sim->plan.steps_per_stage);
	scan(watch);
	watch->epoch = 0;
	roll_over(watch, is_alone);
}

static void let_go(struct watch *watch)
{
	unsigned n = 0;

	programs_detach(&watch->sim->world);
	/* Those that the ledger fills go with it. */
	while (watch->n_empty)
		watch->sim->chunks[n++] = watch->empty[--watch->n_empty];
	while (watch->n_full)
		watch->sim->chunks[n++] = watch->full[--watch->n_full];
	ledger_free(watch->ledger);
	drain_free(watch->drain);
	queue_free(watch->queue);
	for (unsigned i = 0; i < watch->n_rings; i++) {
		ring_done(&watch->rings[i]);
		close(watch->fds[i]);
	}
	if (watch->n_rings)
		close(watch->wake_fd);
	free(watch->snapshot.live);
	free(watch->snapshot.births_late);
	free(watch->snapshot.exits_unreported);
	free(watch->snapshot.rollups);
}

/* Everything is reported, written and sealed. Seals may still fail: then the next agent makes up for them. */
static void stop(struct watch *watch)
{
	struct history *history = &watch->sim->history;
	struct world *world = &watch->sim->world;
	const struct epoch_truth *last;

	if (plan_has_misses(&watch->sim->plan) || chance_is(&world->chance, 300))
		world_quiet(world);
	roll_over(watch, plan_has_misses(&watch->sim->plan));
	while (watch->n_full && !is_over(watch))
		write_one(watch);
	if (is_over(watch) || !plan_has_misses(&watch->sim->plan))
		return;
	last = history_epoch(history, watch->epoch - 1);
	if (world->plan->max_exiting == 65536 && last->closing_said != world->n_live)
		history_fail(history, "%u processes are alive at the end, the last closing says %llu", world->n_live,
			     (unsigned long long)last->closing_said);
}

/* What the disk does not have is lost, with all that the agent knew. */
static void die(struct watch *watch)
{
	struct simulation *sim = watch->sim;

	sim->history.n_crashes++;
	sim->disk.has_exited = 1;
	store_writer_close(watch->store);
	watch->store = NULL;
	sim->disk.has_exited = 0;
	sim->disk.dies_after_bytes = -1;
}

static void lose_power(struct simulation *sim)
{
	struct history *history = &sim->history;

	history->n_cuts++;
	if (disk_cut_power(&sim->disk, sim->dir) < 0)
		history_fail(history, "the disk of the simulator itself fails");
	for (size_t i = 0; i < history->n_written; i++)
		history->written[i].is_lost |= !disk_is_kept(&sim->disk, &history->written[i]);
	sim->n_boots++;
	snprintf(sim->boot_id, sizeof(sim->boot_id), "boot-%u", sim->n_boots);
	sim->world.real_minus_boot_ns += (int64_t)sim->world.boot_ns + 1000000000;
	sim->history.boot_first = sim->world.n_all;
	world_boot(&sim->world);
}

/* One agent from start to end. Returns whether it was killed. */
static int watch_once(struct simulation *sim, struct watch *watch)
{
	struct chance *chance = &sim->world.chance;
	unsigned n = 4 + (unsigned)chance_scaled(chance, 7);
	int is_alone = plan_has_misses(&sim->plan) || chance_is(chance, 300);

	sim->disk.dies_after_bytes = chance_is(chance, sim->plan.crashes) ? (int64_t)chance_scaled(chance, 16) : -1;
	if (is_alone)
		world_quiet(&sim->world);
	if (open_store(watch) < 0)
		return 1;
	/* What an earlier one left torn stays so until it is sealed. */
	audit_store(sim, allowed(sim));
	open_ledger(watch, is_alone);
	for (; n && !is_over(watch) && sim->world.n_events < sim->plan.events; n--) {
		go_on(watch, 1 + (unsigned)chance_below(chance, sim->plan.steps_per_interval));
		if (chance_is(chance, sim->plan.crashes / 2))
			return 1;
		if (chance_is(chance, sim->plan.crashes / 2))
			sim->disk.dies_after_bytes = (int64_t)chance_scaled(chance, 15);
		if (!is_over(watch))
			roll_over(watch, 0);
		if (chance_is(chance, 30))
			audit_store(sim, allowed(sim));
	}
	if (!is_over(watch))
		stop(watch);
	return sim->disk.has_exited;
}

void watch_all(struct simulation *sim)
{
	disk_use(&sim->disk);
	for (unsigned runs = 0; runs < 1000 && !sim->history.failure[0]; runs++) {
		struct watch watch = {.sim = sim, .first_full = sim->history.n_written};
		int is_killed;

		if (sim->world.n_events >= sim->plan.events)
			break;
		is_killed = watch_once(sim, &watch);
		if (is_killed)
			die(&watch);
		else
			store_writer_close(watch.store);
		let_go(&watch);
		if (chance_is(&sim->world.chance, 300))
			audit_store(sim, allowed(sim));
		if (is_killed && chance_is(&sim->world.chance, sim->plan.power_cuts)) {
			lose_power(sim);
			audit_store(sim, AUDIT_TORN | AUDIT_DAMAGED);
		}
		world_steps(&sim->world, (unsigned)chance_scaled(&sim->world.chance, 9));
	}
	audit_store(sim, AUDIT_TORN | AUDIT_DAMAGED);
}
