// SPDX-License-Identifier: BSD-2-Clause
/*
 * Oldest first, without exception: where the oldest cannot be removed nothing newer goes in its place, for
 * that would leave a hole in the middle of a run.
 *
 * Age is measured against the intervals that come in, not against a clock of its own: what is kept is the last
 * so many hours of the store's own time.
 */
#include "store/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/group_directory.h"

#define PARTS	16 /* a segment is at most this part of what is kept */
#define HOUR_NS (3600 * 1000000000ull)

void retention_done(struct retention *retention)
{
	free(retention->segments);
	retention->segments = NULL;
	retention->n = 0;
	retention->bytes = 0;
}

uint64_t retention_segment_bytes(const struct retention *retention, uint64_t wanted_bytes)
{
	uint64_t part = retention->max_bytes / PARTS;

	return retention->max_bytes && part < wanted_bytes ? part : wanted_bytes;
}

uint64_t retention_segment_age_ns(const struct retention *retention)
{
	uint64_t part = retention->max_age_ns / PARTS;

	if (!retention->max_bytes)
		return UINT64_MAX;
	return retention->max_age_ns && part < HOUR_NS ? part : HOUR_NS;
}

/* Is it columns, and when did it end, by its trailer or by its last write? 0, or what the system said. */
static int inspect(int dir_fd, struct retention_segment *segment)
{
	unsigned char tail[GROUP_TRAILER_BYTES];
	int fd = directory_open_file(dir_fd, segment->name.text), r = 0;
	struct group_trailer trailer = {0};
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_size >= (off_t)sizeof(tail) &&
		 pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) == sizeof(tail))
		segment->is_sealed = group_trailer_get(tail, &trailer) == 0;
	close(fd);
	segment->end_real_ns = trailer.greatest_real_ns;
	if (r == 0 && !segment->end_real_ns)
		segment->end_real_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return r;
}

struct retention_segment *retention_find(struct retention *retention, const struct segment_name *name)
{
	for (size_t low = 0, high = retention->n; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name->text, retention->segments[middle].name.text);

		if (order == 0)
			return &retention->segments[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct retention_segment *retention_next_log(struct retention *retention)
{
	for (size_t i = 0; i < retention->n; i++)
		if (!retention->segments[i].is_sealed && !retention->segments[i].is_foreign)
			return &retention->segments[i];
	return NULL;
}

int retention_scan(struct retention *retention, int dir_fd, const char *running)
{
	struct retention_segment *segments;
	struct segment_name *names;
	size_t n, kept = 0;
	uint64_t bytes = 0;
	int r = directory_list(dir_fd, &names, &n);

	if (r < 0)
		return r;
	segments = calloc(n + 1, sizeof(*segments));
	if (!segments)
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		/* What becomes of a log the writer knows itself. */
		const struct retention_segment *known = retention_find(retention, &names[i]);
		struct retention_segment *segment = &segments[kept];
		struct stat st;

		/* What is no file of ours (a link, a pipe) takes no room, and is left alone. */
		if ((running && strcmp(names[i].text, running) == 0) ||
		    fstatat(dir_fd, names[i].text, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		segment->name = names[i];
		if (known)
			*segment = *known;
		else
			r = inspect(dir_fd, segment);
		segment->bytes = (uint64_t)st.st_size;
		bytes += segment->bytes;
		kept++;
	}
	free(names);
	if (r < 0) {
		free(segments);
		return r;
	}
	free(retention->segments);
	retention->segments = segments;
	retention->n = kept;
	retention->bytes = bytes;
	return 0;
}

static int evict_oldest(struct retention *retention, int dir_fd)
{
	const struct retention_segment *oldest = &retention->segments[0];

	/* Somebody else's rm is as good. */
	if (unlinkat(dir_fd, oldest->name.text, 0) < 0 && errno != ENOENT)
		return -errno;
	retention->n_evicted++;
	retention->evicted_bytes += oldest->bytes;
	retention->bytes -= oldest->bytes;
	retention->n--;
	memmove(retention->segments, retention->segments + 1, retention->n * sizeof(*retention->segments));
	return 0;
}

int retention_fit(struct retention *retention, int dir_fd, uint64_t needed_bytes, uint64_t now_real_ns)
{
	uint64_t max_bytes = retention->max_bytes, max_age_ns = retention->max_age_ns;
	int r = 0;

	if (!max_bytes)
		return 0;
	needed_bytes += retention->reserved_bytes;
	while (r == 0 && retention->n && max_age_ns && now_real_ns > max_age_ns &&
	       retention->segments[0].end_real_ns < now_real_ns - max_age_ns)
		r = evict_oldest(retention, dir_fd);
	while (r == 0 && retention->n && (needed_bytes > max_bytes || retention->bytes > max_bytes - needed_bytes))
		r = evict_oldest(retention, dir_fd);
	return r;
}

int retention_free(struct retention *retention, int dir_fd, uint64_t bytes)
{
	uint64_t freed = retention->evicted_bytes;
	int n = 0, r = 0;

	if (!retention->max_bytes)
		return 0;
	while (r == 0 && retention->n && retention->evicted_bytes - freed < bytes) {
		r = evict_oldest(retention, dir_fd);
		n += r == 0;
	}
	return n ? n : r;
}
