// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ledger's thread: from the queue to the ledger, and the ledger's ports.
 */
#include <errno.h>
#include <unistd.h>

#include "agent/agent_inside.h"

#define BEGIN_WAIT_US 50

static struct chunk *take_empty(void *ctx)
{
	struct ledger_thread *thread = ctx;

	return chunk_line_take(thread->empty);
}

static void put_full(void *ctx, struct chunk *chunk)
{
	struct ledger_thread *thread = ctx;

	chunk_line_put(thread->full, chunk);
}

static struct cgroup_name cgroup_name(void *ctx, uint32_t hierarchy, uint64_t id)
{
	struct ledger_thread *thread = ctx;

	return cgroups_name(thread->cgroups, hierarchy, id);
}

static void cgroup_made(void *ctx, uint32_t hierarchy, uint64_t id, const char *path, size_t len)
{
	struct ledger_thread *thread = ctx;

	cgroups_add(thread->cgroups, hierarchy, id, path, len);
}

static struct text_view user_name(void *ctx, uint32_t uid)
{
	struct ledger_thread *thread = ctx;

	return account_names_user(&thread->accounts, uid);
}

static struct text_view group_name(void *ctx, uint32_t gid)
{
	struct ledger_thread *thread = ctx;

	return account_names_group(&thread->accounts, gid);
}

static struct container_facts container_facts(void *ctx, const struct cgroup_name *of)
{
	struct ledger_thread *thread = ctx;

	return container_files_find(&thread->containers, of);
}

static uint64_t begin_real_ns(void *ctx, uint32_t epoch)
{
	struct ledger_thread *thread = ctx;
	uint64_t real_ns;

	/* pairs with agent_roll_over(), which has begun the epoch and says in an instant when that was */
	while (!(real_ns = atomic_load_explicit(&thread->shared->begin_real_ns[epoch % OPEN_INTERVALS],
						memory_order_relaxed)))
		usleep(BEGIN_WAIT_US);
	return real_ns;
}

struct ledger_ports ledger_thread_ports(struct ledger_thread *thread)
{
	return (struct ledger_ports){
		.take_empty = take_empty,
		.put_full = put_full,
		.cgroup_name = cgroup_name,
		.cgroup_made = cgroup_made,
		.names = {user_name, group_name, container_facts, thread},
		.begin_real_ns = begin_real_ns,
		.ctx = thread,
	};
}

static void seal(struct ledger_thread *thread, uint32_t epoch)
{
	uint64_t one = 1;

	ledger_seal(thread->ledger, thread->snapshot);
	thread->totals.of[epoch % TOTALS_KEPT] = *ledger_totals(thread->ledger);
	/* pairs with agent_sealed() and last_totals(): the snapshot is the main thread's again */
	atomic_fetch_add_explicit(&thread->shared->intervals_sealed, 1, memory_order_release);
	if (write(thread->sealed_fd, &one, sizeof(one)) < 0)
		return;
}

void *ledger_thread_run(void *context)
{
	struct ledger_thread *thread = context;
	const struct event_head *head;
	uint64_t count;
	uint32_t size;

	/* pairs with stop_threads() */
	while (!atomic_load_explicit(&thread->shared->ledger_stop, memory_order_acquire)) {
		if (read(thread->queue_wake_fd, &count, sizeof(count)) < 0 && errno != EINTR)
			break;
		while ((head = queue_peek(thread->queue, &size))) {
			if (size == sizeof(*head) && head->type == EVENT_MARK)
				seal(thread, head->epoch);
			else
				ledger_event(thread->ledger, head, size);
			queue_release(thread->queue);
		}
	}
	return NULL;
}
