// SPDX-License-Identifier: BSD-2-Clause
/*
 * The walk over all tasks: a file that the kernel writes while it is read. Rows, some of them with figures
 * behind them, come one after the other; a read may end inside one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/collect_kernel.h"

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

static int add(struct walk *walk, const void *data, size_t size)
{
	if (make_room((void **)&walk->living, walk->n_living, &walk->max_living, sizeof(*walk->living)) < 0 ||
	    make_room((void **)&walk->told, walk->n_told, &walk->max_told, sizeof(*walk->told)) < 0)
		return -ENOMEM;
	memcpy(&walk->living[walk->n_living], data, sizeof(*walk->living));
	walk->n_living += !(walk->living[walk->n_living].flags & WALK_DEAD);
	if (size == sizeof(*walk->told))
		memcpy(&walk->told[walk->n_told++], data, size);
	return 0;
}

/* Takes what is whole; how many bytes, or -ENOMEM. */
static ssize_t take_rows(struct walk *walk, const char *data, size_t len)
{
	size_t used = 0;

	while (len - used >= sizeof(struct walk_row)) {
		const struct walk_row *row = (const void *)(data + used);
		size_t size = row->flags & WALK_THREAD	  ? sizeof(struct walk_thread)
			      : row->flags & WALK_FIGURES ? sizeof(struct walk_told)
							  : sizeof(*row);

		if (len - used < size)
			break;
		if ((row->flags & WALK_THREAD ? add_thread(walk, row) : add(walk, row, size)) < 0)
			return -ENOMEM;
		used += size;
	}
	return (ssize_t)used;
}

void walk_done(struct walk *walk)
{
	free(walk->living);
	free(walk->told);
	free(walk->threads);
	*walk = (struct walk){0};
}

int collect_walk(struct collect *collect, int tell_all, struct walk *walk)
{
	/* At least the buffer that the kernel fills between two reads. */
	static _Alignas(8) char room[64u << 10];
	size_t held = 0;
	ssize_t n, taken = 0;
	int fd;

	collect->skel->bss->tell_all = tell_all;
	fd = bpf_iter_create(bpf_link__fd(collect->skel->links.walk));
	if (fd < 0)
		return -errno;
	walk->n_living = walk->n_told = walk->n_threads = 0;
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
	return taken < 0 ? (int)taken : (int)n;
}
