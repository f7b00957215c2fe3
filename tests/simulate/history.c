// SPDX-License-Identifier: BSD-2-Clause
/*
 * The truth, counted apart from the programs' own counters, and what the ledger has heard of it. From both
 * follows what each row must say.
 *
 * Identity (argv, exe, killer) is judged by the truth alone as long as all that was said of a process was
 * heard, in order. A process of which something was lost or overtaken is excused: then a null is right too.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/census.h"
#include "simulate.h"

#define SWEEP_EVERY 64 /* as in ledger.c */

static void *grown(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
	uint32_t before = *capacity;

	if (n < *capacity)
		return array;
	*capacity = n * 2 + 16;
	array = realloc(array, *capacity * size);
	if (!array)
		abort();
	memset((char *)array + before * size, 0, (*capacity - before) * size);
	return array;
}

void history_init(struct history *history, const struct plan *plan)
{
	*history = (struct history){.plan = plan};
}

static void forget_epochs(struct history *history)
{
	for (uint32_t i = 0; i < history->epochs_capacity; i++)
		free(history->epochs[i].exits);
	free(history->epochs);
	history->epochs = NULL;
	history->n_epochs = history->epochs_capacity = 0;
}

void history_done(struct history *history)
{
	forget_epochs(history);
	free(history->known);
	free(history->written);
}

void history_fail(struct history *history, const char *format, ...)
{
	va_list args;

	if (history->failure[0])
		return;
	va_start(args, format);
	vsnprintf(history->failure, sizeof(history->failure), format, args);
	va_end(args);
}

struct epoch_truth *history_epoch(struct history *history, uint32_t epoch)
{
	history->epochs = grown(history->epochs, epoch, &history->epochs_capacity, sizeof(*history->epochs));
	if (epoch >= history->n_epochs)
		history->n_epochs = epoch + 1;
	return &history->epochs[epoch];
}

/* At the instant the programs are attached. */
void history_begin_run(struct history *history, struct world *world)
{
	history->world = world;
	history->run++;
	forget_epochs(history);
	history->n_known = 0;
	history->missed_births = history->missed_deaths = 0;
	history->alive_at_attach = 0;
	for (uint32_t i = 0; i < world->n_live; i++) {
		struct process_lifetime *process = world->live[i];

		process->said = process->heard = process->parent_said = 0;
		/* Nobody has a record of who killed it. */
		process->is_excused = process->stage == STAGE_ENDING;
		process->is_known = process->is_before_agent = process->has_image = 0;
		process->is_scanned_empty = process->is_exit_heard = process->has_row_left = 0;
		process->epoch_heard = process->heard_flags = 0;
		process->pending = process->in_row = (struct sample){0};
		/* Whatever an agent before counted. Those that have exited already are given up when the walk finds
		 * them so. */
		process->death_epoch = NO_EPOCH;
		process->reported_by = REPORTED_BY_NONE;
		if (process->stage >= STAGE_TOLD)
			process->birth_epoch = BEFORE_LEDGER;
		/* No walk will find it; or its last switch is over, and its release does not count. */
		process->died_unwatched =
			process->is_reaped || (history->plan->sched_on && process->stage == STAGE_ENDING &&
					       process->is_leader_out && !process->n_others && !process->n_released);
		history->alive_at_attach += process->stage >= STAGE_TOLD && !process->died_unwatched;
	}
	history_epoch(history, 0);
}

struct process_lifetime *history_find(struct history *history, uint32_t pid, uint64_t start_boot_ns)
{
	struct world *world = history->world;
	uint32_t low = history->boot_first, high = world->n_all;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (world->all[middle]->start_boot_ns < start_boot_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < world->n_all && world->all[low]->start_boot_ns == start_boot_ns; low++)
		if (world->all[low]->pid == pid)
			return world->all[low];
	return NULL;
}

/* --- what happens ------------------------------------------------------------------------------------------- */
void history_birth(struct history *history, struct process_lifetime *process, uint32_t epoch)
{
	process->birth_epoch = epoch;
	history_epoch(history, epoch)->births++;
}

void history_death(struct history *history, struct process_lifetime *process, uint32_t epoch, int reported_by)
{
	struct epoch_truth *truth = history_epoch(history, epoch);

	if (process->death_epoch != NO_EPOCH)
		history_fail(history, "the model counts the end of %u twice", process->pid);
	if (process->died_unwatched)
		history_fail(history, "the model counts the end of %u, which it had given up", process->pid);
	process->death_epoch = epoch;
	process->reported_by = (uint8_t)reported_by;
	truth->deaths++;
	truth->counters.exits_second_witness += (process->end.flags & EXIT_BY_FREE) != 0;
}

void history_unwatched(struct history *history, struct process_lifetime *process)
{
	if (process->died_unwatched)
		return;
	process->died_unwatched = 1;
	if (history->world->epoch)
		history->missed_deaths++;
	else if (process->birth_epoch != NO_EPOCH)
		history->alive_at_attach--;
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash ^ (hash >> 29);
}

uint64_t history_key(const char *comm, size_t comm_len, const char *cgroup, size_t cgroup_len)
{
	return hash_bytes(hash_bytes(0xcbf29ce484222325ULL, comm, comm_len) * 31 + 7, cgroup, cgroup_len);
}

void history_exit_rolled(struct history *history, const struct process_lifetime *process)
{
	const struct event_exit *end = &process->end;
	struct sums *sums = &history_epoch(history, end->head.epoch)->rolled;
	const uint64_t *from = (const uint64_t *)(const void *)&end->costs;
	char path[OBIT_CGROUP_MAX];
	size_t len = cgroup_path_of(end->cgroup_id, history->plan, path);
	uint64_t key = history_key(end->comm, strnlen(end->comm, OBIT_COMM_LEN), path, len);

	sums->exits++;
	sums->failed += end->wait_status != 0;
	sums->by_key_exits += key;
	sums->by_key_cpu += key * end->costs.cpu_ns;
	if (end->max_rss_pages > sums->max_rss_pages)
		sums->max_rss_pages = end->max_rss_pages;
	for (size_t i = 0; i < sizeof(end->costs) / 8; i++)
		((uint64_t *)(void *)&sums->costs)[i] += from[i];
	history->n_rolled++;
}

static void add_figures(struct sums *sums, const struct sample *sample)
{
	sums->costs.threads += sample->threads;
	by_thread_add(&sums->costs.by_thread, &sample->own);
}

static struct sample figures_of(const struct event_thread *event)
{
	return (struct sample){1, event->own};
}

static void join_samples(struct sample *to, const struct sample *more)
{
	to->threads += more->threads;
	by_thread_add(&to->own, &more->own);
}

void history_thread_rolled(struct history *history, const struct event_thread *event)
{
	struct sample sample = figures_of(event);

	add_figures(&history_epoch(history, event->head.epoch)->rolled, &sample);
}

/* --- what the ledger hears ---------------------------------------------------------------------------------- */
static void learn(struct history *history, struct process_lifetime *process)
{
	if (process->is_known)
		return;
	process->is_known = 1;
	process->known_offset_ns = history->offset_ns;
	history->known = grown(history->known, history->n_known, &history->known_capacity, sizeof(*history->known));
	history->known[history->n_known++] = process;
}

void history_add_existing(struct history *history, struct process_lifetime *process, int is_empty)
{
	learn(history, process);
	process->is_before_agent = process->has_image = 1;
	process->is_scanned_empty = (uint8_t)is_empty;
}

static void hear_fork(struct history *history, struct process_lifetime *process, uint32_t epoch)
{
	struct process_lifetime *parent = process->parent;

	process->is_excused |=
		!epoch || parent->is_excused || !parent->is_known || parent->heard != process->parent_said;
	learn(history, process);
	process->is_before_agent = 0;
	process->epoch_heard = epoch;
	if (process->has_image)
		return;
	process->has_image = parent->has_image;
	process->heard_flags = parent->heard_flags;
	process->is_scanned_empty = parent->is_scanned_empty;
}

static void hear_thread(struct history *history, struct process_lifetime *process, const struct event_thread *event)
{
	struct epoch_truth *truth = history_epoch(history, event->head.epoch);
	struct sample sample = figures_of(event);

	truth->amendments++;
	if (process->is_known && process->is_exit_heard) {
		join_samples(&process->in_row, &sample);
	} else if (process->is_known) {
		join_samples(&process->pending, &sample);
		process->epoch_heard = event->head.epoch;
	} else if (event->head.epoch) {
		add_figures(&truth->rolled, &sample);
		truth->amendments_late++;
		history->n_late++;
	}
}

/* Before the ledger does. */
void history_hear(struct history *history, const void *data)
{
	const struct event_head *head = data;
	const struct event_exec *exec = data;
	const struct event_cgroup *cgroup = data;
	struct process_lifetime *process;
	char path[OBIT_CGROUP_MAX];

	if (head->type == EVENT_CGROUP) {
		if (cgroup->path_len != cgroup_path_of(cgroup->id, history->plan, path))
			history_fail(history, "the path of cgroup %llu comes out of its ring changed",
				     (unsigned long long)cgroup->id);
		return;
	}
	process = history_find(history, head->pid, head->start_boot_ns);
	if (!process) {
		history_fail(history, "an event of type %u of a process %u that never was", head->type, head->pid);
		return;
	}
	process->is_excused |= head->unused != process->heard + 1;
	process->heard = head->unused;
	switch (head->type) {
	case EVENT_FORK:
		hear_fork(history, process, head->epoch);
		break;
	case EVENT_EXEC:
		learn(history, process);
		process->has_image = 1;
		process->is_scanned_empty = 0;
		process->heard_flags = exec->flags;
		process->epoch_heard = head->epoch;
		break;
	case EVENT_THREAD:
		hear_thread(history, process, data);
		break;
	}
}

/* After it: the row, if there is one, has been added. */
void history_heard(struct history *history, const void *data)
{
	const struct event_head *head = data;
	struct epoch_truth *truth;
	struct process_lifetime *process;

	if (head->type != EVENT_EXIT)
		return;
	process = history_find(history, head->pid, head->start_boot_ns);
	if (!process)
		return;
	if (process->is_exit_heard)
		history_fail(history, "the end of %u comes twice", process->pid);
	process->is_excused |= !process->is_known || plan_is_tight(history->plan);
	if (!process->is_known)
		process->known_offset_ns = history->offset_ns;
	process->is_exit_heard = 1;
	process->is_known = head->epoch != 0;
	process->row_offset_ns = history->offset_ns;
	if (!head->epoch)
		return;
	truth = history_epoch(history, head->epoch);
	truth->exits = grown(truth->exits, truth->n_exits, &truth->exits_capacity, sizeof(struct process_lifetime *));
	truth->exits[truth->n_exits++] = process;
	process->in_row = process->pending;
	join_samples(&process->in_row, &(struct sample){process->end.costs.threads, process->end.costs.by_thread});
	history->n_exits++;
}

/*
 * Whom the ledger will give up, because nothing but a roll-up reports its end: what its threads left goes
 * to the roll-ups of the interval too. And the closing, by truth.
 */
void history_before_seal(struct history *history, const struct snapshot *s)
{
	struct epoch_truth *truth = history_epoch(history, s->epoch);
	int is_sweep = s->n_rollups || s->counters.drops_fork || s->epoch % SWEEP_EVERY == 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < history->n_known; i++) {
		struct process_lifetime *process = history->known[i];

		if (process->is_exit_heard)
			continue;
		if (is_sweep && process->epoch_heard <= s->epoch && process->start_boot_ns <= s->boundary_boot_ns &&
		    !census_lists(s, process->pid, process->start_boot_ns) &&
		    !census_is_unreported(s, process->pid, process->start_boot_ns) &&
		    (process->reported_by == REPORTED_BY_ROLLUP || process->died_unwatched)) {
			if (s->epoch) {
				add_figures(&truth->rolled, &process->pending);
				truth->amendments_late += process->pending.threads;
			}
			process->pending = (struct sample){0};
			process->is_known = process->has_image = 0;
			continue;
		}
		history->known[kept++] = process;
	}
	history->n_known = kept;
	truth->closing = s->epoch ? history_epoch(history, s->epoch - 1)->closing : history->alive_at_attach;
	truth = history_epoch(history, s->epoch);
	truth->closing += truth->births - truth->deaths;
}
