// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ledger's thread (queue to ledger) and the writer's (chunks to store), and the ports between them.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/agent_inside.h"
#include "base/log.h"

#define RETRY_FIRST_US 10000u
#define RETRY_LAST_US  1000000u
#define RETRY_AT_STOP  8 /* tries: 10 ms to 1 s apart, 2.3 s in all */

static struct chunk *take_empty(void *ctx)
{
	struct agent *agent = ctx;

	return chunk_line_take(agent->empty);
}

static void put_full(void *ctx, struct chunk *chunk)
{
	struct agent *agent = ctx;

	chunk_line_put(agent->full, chunk);
}

static struct cgroup_name cgroup_name(void *ctx, uint32_t hierarchy, uint64_t id)
{
	struct agent *agent = ctx;

	return cgroups_name(agent->cgroups, hierarchy, id);
}

static void cgroup_made(void *ctx, uint32_t hierarchy, uint64_t id, const char *path, size_t len)
{
	struct agent *agent = ctx;

	cgroups_add(agent->cgroups, hierarchy, id, path, len);
}

static uint64_t begin_real_ns(void *ctx, uint32_t epoch)
{
	struct agent *agent = ctx;

	/* pairs with turn(): it is there before any program runs under the epoch */
	return atomic_load_explicit(&agent->begin_real_ns[epoch % OPEN_INTERVALS], memory_order_relaxed);
}

struct ledger_ports agent_ledger_ports(struct agent *agent)
{
	return (struct ledger_ports){
		.take_empty = take_empty,
		.put_full = put_full,
		.cgroup_name = cgroup_name,
		.cgroup_made = cgroup_made,
		.begin_real_ns = begin_real_ns,
		.ctx = agent,
	};
}

static void seal(struct agent *agent, uint32_t epoch)
{
	uint64_t one = 1;

	ledger_seal(agent->ledger, &agent->snapshot);
	agent->totals[epoch & 1] = *ledger_totals(agent->ledger);
	/* pairs with wait_sealed() and last_totals(): the snapshot is the main thread's again */
	atomic_fetch_add_explicit(&agent->intervals_sealed, 1, memory_order_release);
	if (write(agent->sealed_fd, &one, sizeof(one)) < 0)
		return;
}

void *agent_ledger_thread(void *context)
{
	struct agent *agent = context;
	const struct event_head *head;
	uint64_t count;
	uint32_t size;

	/* pairs with stop_threads() */
	while (!atomic_load_explicit(&agent->ledger_stop, memory_order_acquire)) {
		if (read(agent->queue_wake_fd, &count, sizeof(count)) < 0 && errno != EINTR)
			break;
		while ((head = queue_peek(agent->queue, &size))) {
			if (size == sizeof(*head) && head->type == EVENT_MARK)
				seal(agent, head->epoch);
			else
				ledger_event(agent->ledger, head, size);
			queue_release(agent->queue);
		}
	}
	return NULL;
}

/* What the store did on the way to keep going: for the log, and for who asks. */
static void tell_counts(struct agent *agent)
{
	static struct log_limit full_limit;
	const char *dir = agent->options->store_dir;
	struct store_counts counts;

	store_writer_counts(agent->store, &counts);
	if (counts.evicted_full > atomic_load_explicit(&agent->store_evicted_full, memory_order_relaxed))
		log_limited(&full_limit, "the disk of %s is full: %llu of the oldest segments removed so far to make room",
			    dir, (unsigned long long)counts.evicted_full);
	if (counts.clock_jumps > agent->clock_jumps)
		log_line("the clock has jumped, or the host was suspended: segments are not removed for their age for the next "
			 "ten minutes");
	agent->clock_jumps = counts.clock_jumps;
	if (counts.restarts > atomic_load_explicit(&agent->store_restarts, memory_order_relaxed))
		log_line("the store %s, or the segment being written, had been removed or replaced: going on in a new "
			 "segment (%llu so far)",
			 dir, (unsigned long long)counts.restarts);
	atomic_store_explicit(&agent->store_bytes, store_writer_bytes(agent->store), memory_order_relaxed);
	atomic_store_explicit(&agent->store_kept_bytes, counts.kept_bytes, memory_order_relaxed);
	atomic_store_explicit(&agent->store_evicted, counts.evicted, memory_order_relaxed);
	atomic_store_explicit(&agent->store_evicted_full, counts.evicted_full, memory_order_relaxed);
	atomic_store_explicit(&agent->store_restarts, counts.restarts, memory_order_relaxed);
}

static void write_chunk(struct agent *agent, struct chunk *chunk)
{
	static struct log_limit limit;
	unsigned wait_us = RETRY_FIRST_US, tries_at_stop = 0;
	int r;

	for (;;) {
		r = store_writer_append(agent->store, &chunk->interval, chunk->blocks, N_TABLES);
		tell_counts(agent);
		atomic_store_explicit(&agent->store_error, r, memory_order_relaxed);
		if (r == 0)
			break;
		atomic_fetch_add_explicit(&agent->store_errors, 1, memory_order_relaxed);
		log_limited(&limit, "cannot write to the store %s: %s; trying again", agent->options->store_dir,
			    strerror(-r));
		if (atomic_load_explicit(&agent->is_stopping, memory_order_relaxed) &&
		    ++tries_at_stop == RETRY_AT_STOP) {
			log_line("interval %llu is lost: the store could not be written",
				 (unsigned long long)chunk->interval.number);
			atomic_store_explicit(&agent->has_lost, true, memory_order_relaxed);
			break;
		}
		usleep(wait_us);
		wait_us = wait_us * 2 < RETRY_LAST_US ? wait_us * 2 : RETRY_LAST_US;
	}
}

void *agent_writer_thread(void *context)
{
	struct agent *agent = context;
	struct chunk *chunk;
	struct utsname host;

	while ((chunk = chunk_line_take(agent->full))) {
		/* A host may get its name after the agent has started. */
		if (uname(&host) == 0)
			store_writer_set_host(agent->store, host.nodename);
		if (atomic_exchange_explicit(&agent->segment_ends, false, memory_order_relaxed))
			store_writer_end_segment(agent->store);
		write_chunk(agent, chunk);
		chunk_clear(chunk);
		chunk_line_put(agent->empty, chunk);
	}
	return NULL;
}
