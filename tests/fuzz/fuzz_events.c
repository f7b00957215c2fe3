// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any events in any order, and any snapshots, to the ledger.
 *
 *   u8 what: 0 seal, 1 to 6 an event of this type, 7 any bytes | then
 *     an event: u16 length (0: as it should be) | bytes
 *     a seal: u8 n | n live: u16 pid, u64 start, u8 flags: 4 reported too
 */
#include <linux/types.h>

#include "ledger/ledger_inside.h"
#include "kernel/drain.h"
#include "input.h"

#define PROCESSES 64
#define N_CHUNKS  8
#define N_LIVE	  8

enum { SEAL, ANY = 7, REPORTED = 4 };

static struct chunk *chunks[N_CHUNKS];
static int n_chunks;

static struct chunk *take_empty(void *ctx)
{
	(void)ctx;
	MUST(n_chunks);
	return chunks[--n_chunks];
}

static void put_full(void *ctx, struct chunk *chunk)
{
	(void)ctx;
	for (int i = 0; i < N_TABLES; i++)
		MUST(chunk->blocks[i]->rows <= chunk->blocks[i]->capacity &&
		     chunk->blocks[i]->arena_used <= chunk->blocks[i]->arena_size);
	chunk_clear(chunk);
	chunks[n_chunks++] = chunk;
}

static struct cgroup_name cgroup_name(void *ctx, uint32_t hierarchy, uint64_t id)
{
	static const char path[] = "/lxc/a";

	(void)ctx, (void)hierarchy;
	return id & 1 ? (struct cgroup_name){{path, 6}, {path + 5, 1}} : (struct cgroup_name){{NULL, 0}, {NULL, 0}};
}

static struct text_view account_name(void *ctx, uint32_t id)
{
	(void)ctx;
	return id % 3 ? (struct text_view){"user", 4} : (struct text_view){NULL, 0};
}

static struct container_facts container_facts(void *ctx, const struct cgroup_name *of)
{
	(void)ctx;
	return (struct container_facts){.runtime = {"docker", 6}, .name = of->container};
}

static uint64_t begin_real_ns(void *ctx, uint32_t epoch)
{
	(void)ctx;
	return 1700000000000000000ULL + epoch;
}

static void cgroup_made(void *ctx, uint32_t hierarchy, uint64_t id, const char *path, size_t len)
{
	(void)ctx, (void)id;
	MUST(len < OBIT_CGROUP_MAX && hierarchy < N_CGROUP_HIERARCHIES);
	MUST(!memchr(path, 1, len) || 1); /* reads them all */
}

static void send(struct ledger *ledger, struct input *input, uint32_t type)
{
	static const uint32_t sizes[] = {
		0,
		sizeof(struct event_fork),
		sizeof(struct event_exec),
		sizeof(struct event_exit),
		sizeof(struct event_thread),
		sizeof(struct event_signal),
		sizeof(struct event_cgroup),
		sizeof(struct event_head),
	};
	uint32_t given = take_u16(input), size = given && given <= sizeof(struct event_exec) ? given : sizes[type];
	/* Of just this size: a byte too far is seen. */
	struct event_head *event = malloc(size + 1u);
	size_t len;
	const uint8_t *bytes = take(input, size, &len);

	memset(event, 0, size);
	if (len)
		memcpy(event, bytes, len);
	if (type != ANY && size >= sizeof(*event)) {
		event->type = type;
		event->pid %= 16;
		event->start_boot_ns %= 4;
		event->epoch %= 8;
	}
	event = realloc(event, size ? size : 1);
	ledger_event(ledger, event, size);
	free(event);
}

static void seal(struct ledger *ledger, struct input *input, uint32_t epoch)
{
	static struct walk_row live[N_LIVE];
	static struct walk_report reported[N_LIVE];
	struct snapshot snapshot = {
		.epoch = epoch,
		.boundary_boot_ns = epoch,
		.duration_ns = 1,
		.end_real_ns = epoch,
		.page_bytes = 4096,
		.live = live,
		.reported = reported,
		.is_roster = epoch % 2,
	};
	uint32_t pid = 0;

	for (int n = take_u8(input) % N_LIVE; n--; snapshot.n_live++) {
		struct walk_row *row = &live[snapshot.n_live];

		pid += 1u + take_u16(input) % 4;
		*row = (struct walk_row){.pid = pid, .start_boot_ns = take_u64(input) % 4, .flags = take_u8(input)};
		if (row->flags & REPORTED || snapshot.is_roster) {
			struct walk_report *one = &reported[snapshot.n_reported++];

			one->row = *row;
			take_into(input, &one->sample, sizeof(one->sample));
		}
	}
	ledger_seal(ledger, &snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger_ports ports = {
		.take_empty = take_empty,
		.put_full = put_full,
		.cgroup_name = cgroup_name,
		.cgroup_made = cgroup_made,
		.names = {account_name, account_name, container_facts, NULL},
		.begin_real_ns = begin_real_ns,
	};
	struct ledger *ledger = ledger_new(PROCESSES, 4096, &ports);
	struct input input = {data, size};
	uint32_t epoch = 0;

	MUST(ledger);
	for (; n_chunks < N_CHUNKS && !chunks[n_chunks]; n_chunks++)
		chunks[n_chunks] = chunk_new();
	while (input.left) {
		uint8_t what = take_u8(&input) % 8;

		if (what == SEAL)
			seal(ledger, &input, epoch++);
		else
			send(ledger, &input, what);
	}
	/* The chunks are big: kept for the next input. */
	for (int i = 0; i < OPEN_INTERVALS; i++)
		if (ledger->open[i].chunk) {
			put_full(NULL, ledger->open[i].chunk);
			ledger->open[i].chunk = NULL;
		}
	ledger_free(ledger);
	return 0;
}
