// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ledger joins what is reported of a process at different times: fork and exec give its image, signals its
 * killer, its threads their own values, the exit event the rest. When the exit comes its row is made at
 * once; the process stays known until the row's chunk leaves, so that a thread which was switched out after
 * it can still be added (an amendment). What comes later still goes to the interval's roll-ups, without an
 * exit, so that totals stay exact.
 */
#include "ledger/ledger.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ledger/ledger_inside.h"
#include "ledger/redact.h"
#include "ledger/rows_live.h"
#include "model/limits.h"

struct ledger *ledger_new(uint32_t max_processes, uint64_t page_bytes, const struct ledger_ports *ports)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->ports = *ports;
	ledger->page_bytes = page_bytes;
	ledger->processes = processes_new(max_processes);
	ledger->texts = texts_new(max_processes, max_processes * TEXT_BLOCKS_PER_PROCESS);
	ledger->baselines = baselines_new(max_processes);
	ledger->sched = SCHED_DELAY;
	if (!ledger->processes || !ledger->texts || !ledger->baselines) {
		ledger_free(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (int i = 0; i < OPEN_INTERVALS; i++)
		chunk_free(ledger->open[i].chunk);
	processes_free(ledger->processes);
	texts_free(ledger->texts);
	baselines_free(ledger->baselines);
	free(ledger);
}

void ledger_set_clock(struct ledger *ledger, int64_t real_minus_boot_ns)
{
	ledger->real_minus_boot_ns = real_minus_boot_ns;
}

void ledger_set_sched(struct ledger *ledger, enum sched_level sched)
{
	ledger->sched = sched;
}

void ledger_set_redact(struct ledger *ledger, const char *rule)
{
	ledger->redact = rule;
}

void ledger_set_previous(struct ledger *ledger, uint64_t closing)
{
	ledger->has_previous = 1;
	ledger->previous_closing = closing;
}

/* Cuts the arguments where room is short. */
static void cut_arguments(struct image *image, size_t bytes, uint32_t *flags)
{
	if (image->argv_len <= bytes)
		return;
	image->argv_len = (uint16_t)utf8_whole(image->bytes + image->exe_len, bytes);
	*flags |= PROCESS_ARGV_TRUNCATED;
}

/* What is kept may be shorter than what is given; `flags` then says so. */
static text_id keep_image(struct ledger *ledger, struct image *image, uint32_t *flags)
{
	size_t fair = texts_fair_bytes(ledger->texts), head = offsetof(struct image, bytes) + image->exe_len;
	char *argv = image->bytes + image->exe_len;

	if (ledger->redact) {
		memcpy(ledger->arguments, argv, image->argv_len);
		image->argv_len = (uint16_t)redact_arguments(ledger->redact, ledger->arguments, image->argv_len, argv,
							     OBIT_ARGV_MAX);
	}
	/* Where it was cut, by exec or here, a character may have lost its end. */
	if (*flags & PROCESS_ARGV_TRUNCATED)
		image->argv_len = (uint16_t)utf8_whole(argv, image->argv_len);
	cut_arguments(image, fair > head ? fair - head : 0, flags);
	return texts_add(ledger->texts, image, offsetof(struct image, bytes) + image->exe_len + image->argv_len);
}

void ledger_add_existing(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns, const char *exe, size_t exe_len,
			 const char *argv, size_t argv_len, uint32_t flags)
{
	struct process *process = ledger_known_or_new(ledger, pid, start_boot_ns);
	struct image *image = &ledger->image;

	if (!process)
		return;
	if (argv_len > OBIT_ARGV_MAX) {
		argv_len = OBIT_ARGV_MAX;
		flags |= PROCESS_ARGV_TRUNCATED;
	}
	if (exe_len > OBIT_EXE_MAX) {
		exe_len = OBIT_EXE_MAX;
		flags |= PROCESS_EXE_TRUNCATED;
	}
	image->exe_len = (uint16_t)exe_len;
	image->argv_len = (uint16_t)argv_len;
	memcpy(image->bytes, exe, exe_len);
	memcpy(image->bytes + exe_len, argv, argv_len);
	process->image = keep_image(ledger, image, &flags);
	process->flags = flags | PROCESS_BEFORE_AGENT;
}

static void on_fork(struct ledger *ledger, const struct event_fork *event)
{
	struct process *parent, *child = ledger_known_or_new(ledger, event->head.pid, event->head.start_boot_ns);

	if (!child)
		return;
	child->flags &= ~(uint32_t)PROCESS_BEFORE_AGENT;
	child->born_epoch_plus_1 = event->head.epoch + 1;
	child->heard_epoch = event->head.epoch;
	parent = processes_find(ledger->processes, event->parent_pid, event->parent_start_boot_ns);
	if (!parent || child->image)
		return;
	child->image = texts_hold(ledger->texts, parent->image);
	child->flags |= parent->flags & (PROCESS_ARGV_TRUNCATED | PROCESS_EXE_TRUNCATED | PROCESS_ARGV_LOST);
}

/* The kernel sends a path's components last one first, each ended by NUL. */
static size_t reverse_path(const char *parts, size_t len, char *to)
{
	size_t used = 0;

	for (size_t end = len; end > 0;) {
		size_t begin = end - 1;

		while (begin > 0 && parts[begin - 1])
			begin--;
		to[used++] = '/';
		memcpy(to + used, parts + begin, end - 1 - begin);
		used += end - 1 - begin;
		end = begin;
	}
	return used;
}

static void on_exec(struct ledger *ledger, const struct event_exec *event)
{
	struct process *process = ledger_known_or_new(ledger, event->head.pid, event->head.start_boot_ns);
	struct image *image = &ledger->image;
	uint32_t flags = (event->flags & EXEC_ARGV_TRUNCATED ? PROCESS_ARGV_TRUNCATED : 0) |
			 (event->flags & EXEC_EXE_TRUNCATED ? PROCESS_EXE_TRUNCATED : 0) |
			 (event->flags & EXEC_ARGV_LOST ? PROCESS_ARGV_LOST : 0);

	if (!process)
		return;
	process->heard_epoch = event->head.epoch;
	image->exe_len = (uint16_t)reverse_path(event->data, event->exe_len, image->bytes);
	image->argv_len = (uint16_t)event->argv_len;
	memcpy(image->bytes + image->exe_len, event->data + event->exe_len, event->argv_len);
	texts_drop(ledger->texts, process->image);
	process->image = keep_image(ledger, image, &flags);
	/* It had a handler for that; the new program has none. */
	process->asker = (struct asker){0};
	process->flags = (process->flags & PROCESS_BEFORE_AGENT) | flags;
}

/* Without the zeroes that a title leaves of what it was written over. */
static size_t title_length(const char *data, size_t len)
{
	while (len > 1 && !data[len - 1] && !data[len - 2])
		len--;
	return len;
}

static void on_title(struct ledger *ledger, const struct event_title *event)
{
	struct process *process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);
	struct image *image = &ledger->image;
	char *title = ledger->arguments;
	size_t len;

	if (!process || !process->image)
		return;
	/* As it would be kept: else whatever is left out of arguments looks like a change of them. */
	len = redact_arguments(ledger->redact, event->data, title_length(event->data, event->len), title,
			       sizeof(ledger->arguments));
	texts_copy(ledger->texts, process->image, image, sizeof(*image));
	/* The same as far as it was read. */
	if (image->argv_len >= len && memcmp(image->bytes + image->exe_len, title, len) == 0 &&
	    (event->len == OBIT_TITLE_MAX || image->argv_len == len))
		return;
	memcpy(image->bytes + image->exe_len, title, len);
	image->argv_len = (uint16_t)len;
	texts_drop(ledger->texts, process->image);
	process->image = keep_image(ledger, image, &process->flags);
	process->flags &= ~(uint32_t)PROCESS_IS_WRITTEN;
}

static void note_killer(struct process *process, const struct asker *asker)
{
	struct asker *first = &process->killers[0];

	/* Older kernels let further ones through when its end has begun. */
	if (first->flags & SIGNAL_ENDS)
		return;
	if (first->signal != asker->signal)
		process->killers[1] = *first;
	*first = *asker;
}

static void on_signal(struct ledger *ledger, const struct event_signal *event)
{
	struct process *process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);
	struct asker asker = {
		.boot_ns = event->head.boot_ns,
		.signal = (uint8_t)event->signal,
		.reason = event->reason < N_KILL_REASONS ? (uint8_t)event->reason : 0,
		.flags = (uint8_t)event->flags,
		.pid = event->sender_pid,
		.uid = event->sender_uid,
		.euid = event->sender_euid,
	};

	/* Of an unknown process it is kept by nobody: it may be a zombie. */
	if (!process)
		return;
	memcpy(asker.comm, event->sender_comm, sizeof(asker.comm));
	if (event->flags & (SIGNAL_ENDS | SIGNAL_MAY_END))
		note_killer(process, &asker);
	if (event->flags & SIGNAL_ASKS)
		process->asker = asker;
}

static void amend_late(struct ledger *ledger, const struct event_thread *event)
{
	struct rollup_row late = {.key.cgroup_id = event->cgroup_id};

	memcpy(late.key.comm, event->comm, sizeof(late.key.comm));
	late.sum.costs.threads = 1;
	late.sum.costs.by_thread = event->own;
	interval_open(ledger, event->head.epoch)->amendments_late++;
	interval_add_rollup(ledger, event->head.epoch, event->head.boot_ns + (uint64_t)ledger->real_minus_boot_ns,
			    &late);
}

static void on_thread(struct ledger *ledger, const struct event_thread *event)
{
	struct process *process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);

	if (event->head.epoch)
		interval_open(ledger, event->head.epoch)->amendments++;
	if (!process && !event->head.epoch)
		return;
	if (!process) {
		amend_late(ledger, event);
	} else if (process->exit_epoch) {
		struct open_interval *open = interval_open(ledger, process->exit_epoch);

		row_amend_exit(open->chunk->blocks[CHUNK_EXITS], process->row, event);
		if (process->last_row_plus_1)
			row_amend_proc(open->chunk->blocks[CHUNK_PROCS], process->last_row_plus_1 - 1, event);
	} else {
		process->heard_epoch = event->head.epoch;
		process->threads++;
		by_thread_add(&process->ended, &event->own);
	}
}

/* What was born in the epoch in which it died did not live at the boundary before, whatever its start says. */
static void note_ended(struct ledger *ledger, const struct event_exit *event, const struct process *process)
{
	if (process && process->born_epoch_plus_1 == event->head.epoch + 1)
		return;
	if (event->flags & EXIT_CROSSED_BOUNDARY && ledger->n_ended < BOUNDARY_PROCESSES)
		ledger->ended[ledger->n_ended++] = (struct ended){
			.process = {event->head.start_boot_ns, event->head.pid, event->head.epoch},
			.boot_ns = event->head.boot_ns,
		};
}

struct cgroup_name ledger_find_cgroup(struct ledger *ledger, uint64_t cgroup_id, const __u64 *v1_ids)
{
	const struct ledger_ports *ports = &ledger->ports;
	struct cgroup_name name = ledger_cgroup_name(ledger, cgroup_id);

	for (uint32_t i = CGROUP_V1_MEMORY; i < N_CGROUP_HIERARCHIES && !name.container.data; i++) {
		uint64_t id = v1_ids[i - CGROUP_V1_MEMORY];
		struct cgroup_name in_v1;

		if (!id)
			continue;
		in_v1 = ports->cgroup_name(ports->ctx, i, id);
		if (in_v1.container.data && in_v1.container.len <= sizeof(ledger->container))
			in_v1.container.data = memcpy(ledger->container, in_v1.container.data, in_v1.container.len);
		else
			in_v1.container = (struct text_view){NULL, 0};
		name = ledger_cgroup_name(ledger, cgroup_id);
		name.container = in_v1.container;
		name.runtime = in_v1.runtime;
	}
	return name;
}

/* Of the process, and of who sent it signals. */
static void write_names(struct ledger *ledger, const struct open_interval *open, const struct exit_source *exit)
{
	const struct name_ports *ports = &ledger->ports.names;
	const struct event_exit *event = exit->event;
	uint64_t time_ns = event->head.boot_ns + (uint64_t)ledger->real_minus_boot_ns;

	write_user(&ledger->names, ports, open->chunk, time_ns, event->uid);
	write_user(&ledger->names, ports, open->chunk, time_ns, event->euid);
	write_group(&ledger->names, ports, open->chunk, time_ns, event->gid);
	write_group(&ledger->names, ports, open->chunk, time_ns, event->egid);
	write_container(&ledger->names, ports, open->chunk, time_ns, &exit->cgroup);
	for (int i = 0; exit->process && i < 2; i++)
		if (exit->process->killers[i].signal && !(exit->process->killers[i].flags & SIGNAL_BY_KERNEL))
			write_user(&ledger->names, ports, open->chunk, time_ns, exit->process->killers[i].uid);
	if (exit->process && exit->process->asker.signal && !(exit->process->asker.flags & SIGNAL_BY_KERNEL))
		write_user(&ledger->names, ports, open->chunk, time_ns, exit->process->asker.uid);
}

static void on_exit_event(struct ledger *ledger, const struct event_exit *event)
{
	uint32_t epoch = event->head.epoch;
	struct open_interval *open =
		epoch ? interval_reserve(ledger, epoch,
					 1u << CHUNK_EXITS | 1u << CHUNK_PROCS | 1u << CHUNK_PROGRAMS | NAME_BLOCKS)
		      : NULL;
	struct process *process = ledger_known_or_new(ledger, event->head.pid, event->head.start_boot_ns);
	struct exit_source source = {
		.event = event,
		.process = process,
		.sched = ledger->sched,
		.real_minus_boot_ns = ledger->real_minus_boot_ns,
		.page_bytes = ledger->page_bytes,
	};
	uint32_t row;

	note_ended(ledger, event, process);
	if (!open) {
		if (process)
			ledger_forget(ledger, process);
		return;
	}
	if (process && process->image && !(event->flags & EXIT_KTHREAD)) {
		texts_copy(ledger->texts, process->image, &ledger->image, sizeof(ledger->image));
		source.image = &ledger->image;
	}
	source.cgroup = ledger_find_cgroup(ledger, event->cgroup_id, event->v1_cgroup_ids);
	if (process && process->baseline)
		ledger_last_row(ledger, open, &source, process);
	row = row_add_exit(open->chunk->blocks[CHUNK_EXITS], &source);
	open->exits_recorded++;
	write_names(ledger, open, &source);
	ledger->owners[epoch % OPEN_INTERVALS][row] = (struct row_owner){event->head.pid, event->head.start_boot_ns};
	if (process) {
		process->exit_epoch = epoch;
		process->row = row;
	}
}

static bool is_sound(const struct ledger *ledger, const void *event, uint32_t size)
{
	const struct event_head *head = event;
	const struct event_exec *exec = event;
	const struct event_cgroup *cgroup = event;
	const struct event_title *title = event;
	uint32_t title_head = offsetof(struct event_title, data);
	uint32_t exec_head = offsetof(struct event_exec, data);

	if (size < sizeof(*head))
		return 0;
	if (ledger->is_any_sealed && (head->type == EVENT_EXIT || head->type == EVENT_THREAD) &&
	    (head->epoch <= ledger->sealed_epoch || head->epoch > ledger->sealed_epoch + OPEN_INTERVALS - 1))
		return 0;
	switch (head->type) {
	case EVENT_FORK:
		return size >= sizeof(struct event_fork);
	case EVENT_EXEC:
		return size >= exec_head && exec->exe_len <= OBIT_EXE_SPACE && exec->argv_len <= OBIT_ARGV_MAX &&
		       size >= exec_head + exec->exe_len + exec->argv_len &&
		       (exec->exe_len == 0 || exec->data[exec->exe_len - 1] == 0);
	case EVENT_EXIT:
		return size >= sizeof(struct event_exit);
	case EVENT_THREAD:
		return size >= sizeof(struct event_thread);
	case EVENT_SIGNAL:
		return size >= sizeof(struct event_signal);
	case EVENT_CGROUP:
		return size >= sizeof(struct event_cgroup) && cgroup->path_len < OBIT_CGROUP_MAX &&
		       cgroup->hierarchy < N_CGROUP_HIERARCHIES;
	case EVENT_TITLE:
		return size >= title_head && title->len <= OBIT_TITLE_MAX && size >= title_head + title->len;
	}
	return 0;
}

void ledger_event(struct ledger *ledger, const void *event, uint32_t size)
{
	const struct event_head *head = event;
	const struct event_cgroup *cgroup = event;

	if (!is_sound(ledger, event, size)) {
		ledger->malformed++;
		return;
	}
	switch (head->type) {
	case EVENT_FORK:
		on_fork(ledger, event);
		break;
	case EVENT_EXEC:
		on_exec(ledger, event);
		break;
	case EVENT_EXIT:
		on_exit_event(ledger, event);
		break;
	case EVENT_THREAD:
		on_thread(ledger, event);
		break;
	case EVENT_SIGNAL:
		on_signal(ledger, event);
		break;
	case EVENT_TITLE:
		on_title(ledger, event);
		break;
	case EVENT_CGROUP:
		ledger->ports.cgroup_made(ledger->ports.ctx, cgroup->hierarchy, cgroup->id, cgroup->path,
					  cgroup->path_len);
		break;
	}
}

const struct totals *ledger_totals(const struct ledger *ledger)
{
	return &ledger->totals;
}
