// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rollover of intervals: the epoch changes, a grace period passes, live processes are walked, what the kernel
 * counted under the old epoch is read, and a mark is sent through the rings and the queue behind everything that
 * belongs to it. When the ledger meets the mark it seals the interval with that snapshot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_inside.h"
#include "agent/host.h"
#include "base/clock.h"
#include "base/log.h"
#include "ledger/census.h"

/* With --sched off an end is reported a grace period or a few after it happened: for the last ones
 * a stop waits so long at most: until one whose release no program saw is counted too. */
#define LAST_ENDS_WAIT_NS (RELEASE_WAIT_NS + NS_PER_S)
#define LAST_ENDS_US	  50000

int agent_walk(struct agent *agent, bool is_whole)
{
	struct snapshot *s = &agent->rollover.snapshot;
	struct walk *walk = &agent->rollover.walk;
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	int r = collect_walk(agent->collect, is_whole, walk);

	s->live = walk->live;
	s->n_live = walk->n_live;
	s->reported = walk->reported;
	s->n_reported = walk->n_reported;
	s->threads = walk->threads;
	s->n_threads = walk->n_threads;
	s->snapshot_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	agent->rollover.walk_ns += s->snapshot_ns;
	return r;
}

static void sample(struct agent *agent, struct snapshot *s)
{
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	samplers_take(agent->rollover.samplers, s->end_real_ns, s->samples);
	s->snapshot_ns += clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
}

/* They are counted here, for want of a program that was there. */
static void count_unseen(struct agent *agent, struct snapshot *s, uint64_t unseen)
{
	unseen += agent->rollover.exits_unseen;
	agent->rollover.exits_unseen = 0;
	if (!unseen)
		return;
	s->counters.exits_seen += unseen;
	s->counters.exits_unseen += unseen;
	if (!s->n_rollups || !s->rollups[s->n_rollups - 1].is_other)
		s->rollups[s->n_rollups++] = (struct rollup_row){.is_other = 1};
	s->rollups[s->n_rollups - 1].sum.exits += unseen;
}

/* Reads everything that closes the epoch which has just ended, in the order that census.h gives. */
static int take_snapshot(struct agent *agent, uint32_t epoch, uint64_t boundary_boot_ns)
{
	struct snapshot *s = &agent->rollover.snapshot;
	uint64_t cpu_ns, missed, unseen = 0;
	int r;

	s->is_roster = epoch && (epoch == 1 || boundary_boot_ns - agent->rollover.roster_boot_ns >= ROSTER_PERIOD_NS);
	if (s->is_roster)
		agent->rollover.roster_boot_ns = boundary_boot_ns;
	r = collect_synchronize_rcu(agent->collect);
	if (r == 0)
		r = agent_walk(agent, s->is_roster || !epoch);
	if (r == 0)
		r = collect_exiting(agent->collect, epoch + 1, &agent->rollover.walk, s->exits_unreported,
				    BOUNDARY_PROCESSES, &s->n_exits_unreported, &unseen);
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
		r = collect_synchronize_rcu(agent->collect);
	if (r == 0)
		r = collect_exits_unreported(agent->collect, epoch + 1, s->exits_unreported, BOUNDARY_PROCESSES,
					     &s->n_exits_unreported);
	s->read_boot_ns = clock_boot_ns();
	if (r == 0)
		r = collect_births_late(agent->collect, epoch + 1, s->births_late, BOUNDARY_PROCESSES,
					&s->n_births_late);
	s->epoch = epoch;
	s->boundary_boot_ns = boundary_boot_ns;
	s->duration_ns = boundary_boot_ns - agent->rollover.begin_boot_ns;
	s->end_real_ns = atomic_load_explicit(&agent->shared.begin_real_ns[agent->rollover.epoch % OPEN_INTERVALS],
					      memory_order_relaxed);
	s->real_minus_boot_ns = (int64_t)(s->end_real_ns - boundary_boot_ns);
	sample(agent, s);
	cpu_ns = host_own_cpu_ns();
	missed = collect_missed_runs(agent->collect);
	s->missed_runs = missed - agent->rollover.missed_before;
	s->agent_cpu_ns = cpu_ns - agent->rollover.cpu_before_ns;
	s->agent_rss_bytes = host_own_rss_bytes();
	s->queue_high_water_bytes = queue_take_high_water(agent->ledger.queue);
	s->ring_high_water_bytes = drain_take_high_water(agent->drain.drain);
	s->malformed = drain_take_malformed(agent->drain.drain);
	s->store_bytes = atomic_load_explicit(&agent->shared.store_bytes, memory_order_relaxed);
	agent->rollover.missed_before = missed;
	agent->rollover.cpu_before_ns = cpu_ns;
	return r;
}

/* Rings for CPUs that came online later. */
static void add_rings(struct agent *agent)
{
	static struct log_limit limit;
	struct ring_memory memory;
	int cpu, r;

	while ((r = collect_late_ring(agent->collect, &memory, &cpu)) > 0) {
		r = ring_init(&agent->drain.rings[agent->drain.n_rings], &memory);
		if (r == 0)
			r = drain_add(agent->drain.drain, memory.fd);
		if (r < 0)
			break;
		agent->drain.n_rings++;
		log_line("CPU %d came online: it has its ring now", cpu);
	}
	if (r < 0)
		log_limited(&limit, "CPU %d came online and has no ring (%s): its records are roll-ups", cpu,
			    strerror(-r));
}

int agent_roll_over(struct agent *agent)
{
	static struct log_limit limit;
	uint32_t ended = agent->rollover.epoch;
	_Atomic uint64_t *begin_real_ns = &agent->shared.begin_real_ns[(ended + 1) % OPEN_INTERVALS];
	uint64_t boundary_boot_ns;
	int r;

	/* pairs with begin_real_ns(): the epoch's first event may come before its time is known */
	atomic_store_explicit(begin_real_ns, 0, memory_order_relaxed);
	boundary_boot_ns = collect_begin_epoch(agent->collect, ended + 1);
	atomic_store_explicit(begin_real_ns, boundary_boot_ns + (uint64_t)clock_real_minus_boot_ns(),
			      memory_order_relaxed);
	agent->rollover.epoch = ended + 1;
	r = take_snapshot(agent, ended, boundary_boot_ns);
	agent->rollover.begin_boot_ns = boundary_boot_ns;
	drain_mark(agent->drain.drain, ended);
	add_rings(agent);
	if (r < 0) {
		agent->rollover.failed_rollovers++;
		agent->rollover.rollover_error = r;
		log_limited(&limit, "the ledger of interval %u is incomplete: %s", ended, strerror(-r));
	}
	return r;
}

uint32_t agent_sealed(struct agent *agent)
{
	/* pairs with seal() */
	return atomic_load_explicit(&agent->shared.intervals_sealed, memory_order_acquire);
}

void agent_wait_sealed(struct agent *agent, uint32_t n)
{
	struct pollfd wait = {.fd = agent->ledger.sealed_fd, .events = POLLIN};
	uint64_t count;

	while (agent_sealed(agent) < n) {
		poll(&wait, 1, 1000);
		if (read(agent->ledger.sealed_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return;
	}
}

void agent_await_last_ends(struct agent *agent)
{
	struct snapshot *s = &agent->rollover.snapshot;

	for (uint64_t until_ns = clock_boot_ns() + LAST_ENDS_WAIT_NS; clock_boot_ns() < until_ns;) {
		size_t unlisted = 0;
		uint64_t unseen = 0;

		if (agent_walk(agent, 0) < 0 ||
		    collect_exiting(agent->collect, 0, &agent->rollover.walk, s->exits_unreported, BOUNDARY_PROCESSES,
				    &s->n_exits_unreported, &unseen) < 0)
			return;
		agent->rollover.exits_unseen += unseen;
		for (size_t k = 0; k < s->n_exits_unreported; k++)
			unlisted += !census_lists(s, s->exits_unreported[k].pid, s->exits_unreported[k].start_boot_ns);
		if (!unlisted)
			return;
		usleep(LAST_ENDS_US);
	}
}
