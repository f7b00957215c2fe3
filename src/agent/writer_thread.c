// SPDX-License-Identifier: BSD-2-Clause
/*
 * The writer's thread: from chunks to the store, with patience; and the one that seals beside it, whenever nobody else
 * wants the CPU or the disk.
 */
#define _GNU_SOURCE /* SCHED_IDLE */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/agent_inside.h"
#include "base/log.h"

#define RETRY_FIRST_US 10000u
#define RETRY_LAST_US  1000000u
#define RETRY_AT_STOP  8 /* tries: 10 ms to 1 s apart, 2.3 s in all */

/* What the store did on the way to keep going: for the log, and for who asks. */
static void report_counts(struct writer_thread *thread)
{
	static struct log_limit full_limit, seal_limit;
	const char *dir = thread->store_dir;
	struct store_counts counts;

	store_writer_counts(thread->store, &counts);
	if (counts.evicted_full > atomic_load_explicit(&thread->shared->store_evicted_full, memory_order_relaxed))
		log_limited(&full_limit,
			    "the disk of %s is full: %llu of the oldest segments removed so far to make room", dir,
			    (unsigned long long)counts.evicted_full);
	if (counts.clock_jumps > thread->clock_jumps)
		log_line("the clock has jumped, or the host was suspended: segments are not removed for their age for "
			 "the next "
			 "ten minutes");
	thread->clock_jumps = counts.clock_jumps;
	if (counts.seal_errors > thread->seal_errors)
		log_limited(&seal_limit,
			    "a log in %s cannot be sealed: %s; it stays readable as it is, and is tried again", dir,
			    strerror(-counts.seal_error));
	thread->seal_errors = counts.seal_errors;
	if (counts.restarts > atomic_load_explicit(&thread->shared->store_restarts, memory_order_relaxed))
		log_line("the store %s, or the segment being written, had been removed or replaced: going on in a new "
			 "segment (%llu so far)",
			 dir, (unsigned long long)counts.restarts);
	atomic_store_explicit(&thread->shared->store_bytes, store_writer_bytes(thread->store), memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_kept_bytes, counts.kept_bytes, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_evicted, counts.evicted, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_evicted_full, counts.evicted_full, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_restarts, counts.restarts, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_sealed, counts.sealed, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_logs, counts.logs, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->store_logs_bytes, counts.logs_bytes, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->seal_errors, counts.seal_errors, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->seal_cpu_ns, counts.seal_cpu_ns, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->seal_memory_bytes, counts.seal_memory_bytes, memory_order_relaxed);
	atomic_store_explicit(&thread->shared->seal_error, counts.seal_error, memory_order_relaxed);
}

static void write_chunk(struct writer_thread *thread, struct chunk *chunk)
{
	static struct log_limit limit;
	unsigned wait_us = RETRY_FIRST_US, tries_at_stop = 0;
	int r;

	for (;;) {
		r = store_writer_append(thread->store, &chunk->interval, chunk->blocks, N_TABLES);
		report_counts(thread);
		atomic_store_explicit(&thread->shared->store_error, r, memory_order_relaxed);
		if (r == 0)
			break;
		atomic_fetch_add_explicit(&thread->shared->store_errors, 1, memory_order_relaxed);
		log_limited(&limit, "cannot write to the store %s: %s; trying again", thread->store_dir, strerror(-r));
		if (atomic_load_explicit(&thread->shared->is_stopping, memory_order_relaxed) &&
		    ++tries_at_stop == RETRY_AT_STOP) {
			log_line("interval %llu is lost: the store could not be written",
				 (unsigned long long)chunk->interval.number);
			atomic_store_explicit(&thread->shared->has_lost, true, memory_order_relaxed);
			break;
		}
		usleep(wait_us);
		wait_us = wait_us * 2 < RETRY_LAST_US ? wait_us * 2 : RETRY_LAST_US;
	}
}

void *writer_thread_run(void *context)
{
	struct writer_thread *thread = context;
	struct chunk *chunk;
	struct utsname host;

	while ((chunk = chunk_line_take(thread->full))) {
		/* A host may get its name after the agent has started. */
		if (uname(&host) == 0)
			store_writer_set_host(thread->store, host.nodename);
		if (atomic_exchange_explicit(&thread->shared->segment_ends, false, memory_order_relaxed))
			store_writer_end_segment(thread->store);
		write_chunk(thread, chunk);
		chunk_clear(chunk);
		chunk_line_put(thread->empty, chunk);
	}
	return NULL;
}

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE  3
#define IOPRIO_CLASS_SHIFT 13

void *sealer_thread_run(void *context)
{
	struct sealer *sealer = context;
	const struct sched_param none = {0};

	/* Not permitted: then without. */
	sched_setscheduler(0, SCHED_IDLE, &none);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
	while (!atomic_load_explicit(&sealer->stop, memory_order_relaxed)) {
		if (sem_wait(&sealer->work) == 0)
			sealer_work(sealer);
	}
	return NULL;
}

void sealer_thread_stop(struct sealer *sealer)
{
	atomic_store_explicit(&sealer->stop, true, memory_order_relaxed);
	sem_post(&sealer->work);
}
