// SPDX-License-Identifier: BSD-2-Clause
/*
 * The walk over all tasks: a file that the kernel writes while it is read. Rows, some of them with a sample
 * behind them, come one after the other; a read may end inside one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/collect_kernel.h"

#define GROW 4096u

/* Room for one more. */
static int make_room(void **rows, size_t n, size_t *max, size_t size)
{
	void *more;

	if (n < *max)
		return 0;
	more = realloc(*rows, (*max + GROW) * size);
	if (!more)
		return -ENOMEM;
	*rows = more;
	*max += GROW;
	return 0;
}

static int add_thread(struct walk *walk, const void *data)
{
	if (make_room((void **)&walk->threads, walk->n_threads, &walk->max_threads, sizeof(*walk->threads)) < 0)
		return -ENOMEM;
	memcpy(&walk->threads[walk->n_threads++], data, sizeof(*walk->threads));
	return 0;
}

/* Adds the thread to what has been reported of its process, if that has. */
static int add_part(struct walk *walk, const struct walk_part *part)
{
	size_t low = 0, high = walk->n_reported;
	struct walk_report *reported;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->reported[middle].row.pid < part->row.pid)
			low = middle + 1;
		else
			high = middle;
	}
	reported = &walk->reported[low];
	if (low == walk->n_reported || reported->row.pid != part->row.pid ||
	    reported->row.start_boot_ns != part->row.start_boot_ns)
		return 0;
	for (size_t i = 0; i < sizeof(part->costs) / sizeof(__u64); i++)
		((__u64 *)(void *)&reported->sample.costs)[i] += ((const __u64 *)(const void *)&part->costs)[i];
	return 0;
}

static int add(struct walk *walk, const void *data, size_t size)
{
	if (make_room((void **)&walk->live, walk->n_live, &walk->max_live, sizeof(*walk->live)) < 0 ||
	    make_room((void **)&walk->reported, walk->n_reported, &walk->max_reported, sizeof(*walk->reported)) < 0)
		return -ENOMEM;
	memcpy(&walk->live[walk->n_live], data, sizeof(*walk->live));
	walk->n_live += !(walk->live[walk->n_live].flags & WALK_EXITED);
	if (size == sizeof(*walk->reported))
		memcpy(&walk->reported[walk->n_reported++], data, size);
	return 0;
}

/* Takes what is whole; how many bytes, or -ENOMEM. */
static ssize_t take_rows(struct walk *walk, const char *data, size_t len)
{
	size_t used = 0;

	while (len - used >= sizeof(struct walk_row)) {
		const struct walk_row *row = (const void *)(data + used);
		size_t size = row->flags & WALK_THREAD	 ? sizeof(struct walk_thread)
			      : row->flags & WALK_PART	 ? sizeof(struct walk_part)
			      : row->flags & WALK_SAMPLE ? sizeof(struct walk_report)
							 : sizeof(*row);

		if (len - used < size)
			break;
		if ((row->flags & WALK_THREAD ? add_thread(walk, row)
		     : row->flags & WALK_PART ? add_part(walk, (const void *)row)
					      : add(walk, row, size)) < 0)
			return -ENOMEM;
		used += size;
	}
	return (ssize_t)used;
}

static int compare_rows(const void *a, const void *b)
{
	const struct walk_row *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	return one->start_boot_ns < other->start_boot_ns ? -1 : one->start_boot_ns > other->start_boot_ns;
}

/* A process whose leader changed while the walk stood at it may come twice, and behind its place. */
static void put_in_order(struct walk *walk)
{
	size_t kept = 0;
	int is_in_order = 1;

	for (size_t i = 1; i < walk->n_live && is_in_order; i++)
		is_in_order = compare_rows(&walk->live[i - 1], &walk->live[i]) < 0;
	if (is_in_order)
		return;
	qsort(walk->live, walk->n_live, sizeof(*walk->live), compare_rows);
	for (size_t i = 0; i < walk->n_live; i++)
		if (!kept || compare_rows(&walk->live[kept - 1], &walk->live[i]) != 0)
			walk->live[kept++] = walk->live[i];
	walk->n_live = kept;
}

void walk_done(struct walk *walk)
{
	free(walk->live);
	free(walk->reported);
	free(walk->threads);
	*walk = (struct walk){0};
}

int collect_walk(struct collect *collect, int report_all, struct walk *walk)
{
	/* At least the buffer that the kernel fills between two reads. */
	static _Alignas(8) char room[64u << 10];
	size_t held = 0;
	ssize_t n, taken = 0;
	int fd;

	collect->skel->bss->report_all = report_all;
	fd = bpf_iter_create(bpf_link__fd(collect->skel->links.walk));
	if (fd < 0)
		return -errno;
	walk->n_live = walk->n_reported = walk->n_threads = 0;
	do {
		n = read(fd, room + held, sizeof(room) - held);
		if (n < 0)
			n = -errno;
		if (n <= 0)
			continue;
		held += (size_t)n;
		taken = take_rows(walk, room, held);
		if (taken < 0)
			break;
		held -= (size_t)taken;
		memmove(room, room + taken, held);
	} while (n > 0 || n == -EINTR || n == -EAGAIN);
	close(fd);
	put_in_order(walk);
	return taken < 0 ? (int)taken : (int)n;
}
