// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fnv.h"
#include "base/stream.h"

#define VERSION	      1
#define COMPACT_LINES 1000

/* --- a segment -------------------------------------------------------------------------------------------------- */
static void drop_parts(struct manifest_table *table)
{
	for (size_t k = 0; k < table->n_parts; k++)
		free(table->parts[k]);
	free(table->parts);
	table->parts = NULL;
	table->n_parts = 0;
}

static void table_done(struct manifest_table *table)
{
	drop_parts(table);
	free(table->name);
	time_ranges_done(&table->ranges);
}

void manifest_segment_done(struct manifest_segment *segment)
{
	for (size_t i = 0; i < segment->n_tables; i++)
		table_done(&segment->tables[i]);
	free(segment->tables);
	free(segment->host);
	free(segment->boot_id);
	free(segment->segment);
	*segment = (struct manifest_segment){0};
}

struct manifest_table *manifest_segment_add(struct manifest_segment *segment, const char *name)
{
	struct manifest_table *more = realloc(segment->tables, (segment->n_tables + 1) * sizeof(*more));
	char *copy = strdup(name);

	if (more)
		segment->tables = more;
	if (!more || !copy) {
		free(copy);
		return NULL;
	}
	more[segment->n_tables] = (struct manifest_table){.name = copy};
	return &more[segment->n_tables++];
}

int manifest_table_add_part(struct manifest_table *table, const char *path)
{
	char **more = realloc(table->parts, (table->n_parts + 1) * sizeof(*more)), *copy = strdup(path);

	if (more)
		table->parts = more;
	if (!more || !copy) {
		free(copy);
		return -ENOMEM;
	}
	more[table->n_parts++] = copy;
	return 0;
}

static struct manifest_table *find_table(const struct manifest_segment *segment, const char *name)
{
	for (size_t i = 0; segment && i < segment->n_tables; i++)
		if (strcmp(segment->tables[i].name, name) == 0)
			return &segment->tables[i];
	return NULL;
}

const struct manifest_table *manifest_table(const struct manifest_segment *segment, const char *name)
{
	return find_table(segment, name);
}

/* --- all of them ------------------------------------------------------------------------------------------------ */
static struct map_key key_of(const struct manifest_segment *segment)
{
	uint64_t host = fnv_hash(segment->host, strlen(segment->host)),
		 boot = fnv_hash(segment->boot_id, strlen(segment->boot_id)),
		 name = fnv_hash(segment->segment, strlen(segment->segment));

	return (struct map_key){host ^ segment->run_real_ns, boot * 31 + name};
}

static bool is_same(const struct manifest_segment *a, const struct manifest_segment *b)
{
	return a->run_real_ns == b->run_real_ns && strcmp(a->segment, b->segment) == 0 &&
	       strcmp(a->host, b->host) == 0 && strcmp(a->boot_id, b->boot_id) == 0;
}

static struct manifest_segment *find(const struct manifest *manifest, const struct manifest_segment *like)
{
	const uint32_t *number = map_find(&manifest->by_name, key_of(like));
	struct manifest_segment *found = number && *number < manifest->n_segments ? &manifest->segments[*number] : NULL;

	return found && is_same(found, like) ? found : NULL;
}

const struct manifest_segment *manifest_find(const struct manifest *manifest, const struct manifest_segment *like)
{
	return find(manifest, like);
}

/* So that nothing can fail when the line has been written. */
static int make_room(struct manifest *manifest, const struct manifest_segment *segment)
{
	struct manifest_segment *known = find(manifest, segment);
	size_t capacity = manifest->capacity * 2 + 64;
	uint32_t *number;
	void *more;

	if (known) {
		more = realloc(known->tables, (known->n_tables + segment->n_tables) * sizeof(*known->tables));
		if (more)
			known->tables = more;
		return more ? 0 : -ENOMEM;
	}
	if (manifest->n_segments == manifest->capacity) {
		more = capacity > UINT32_MAX ? NULL
					     : realloc(manifest->segments, capacity * sizeof(*manifest->segments));
		if (!more)
			return -ENOMEM;
		manifest->segments = more;
		manifest->capacity = capacity;
	}
	number = map_put(&manifest->by_name, key_of(segment));
	if (number)
		*number = (uint32_t)manifest->n_segments;
	return number ? 0 : -ENOMEM;
}

/* Its tables take the place of what was known of them. Takes it over; there is room. */
static void put(struct manifest *manifest, struct manifest_segment *segment)
{
	struct manifest_segment *known = find(manifest, segment);

	if (!known) {
		manifest->segments[manifest->n_segments++] = *segment;
		*segment = (struct manifest_segment){0};
		return;
	}
	for (size_t i = 0; i < segment->n_tables; i++) {
		struct manifest_table *before = find_table(known, segment->tables[i].name);

		if (before)
			table_done(before);
		else
			before = &known->tables[known->n_tables++];
		*before = segment->tables[i];
	}
	segment->n_tables = 0;
	manifest_segment_done(segment);
}

void manifest_done(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->n_segments; i++)
		manifest_segment_done(&manifest->segments[i]);
	free(manifest->segments);
	free(manifest->where);
	map_done(&manifest->by_name);
	*manifest = (struct manifest){0};
}

/* --- reading ---------------------------------------------------------------------------------------------------- */
static char *copy_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strdup(text) : NULL;
}

static int read_head(struct manifest *manifest, const json_t *line)
{
	const char *times = json_string_value(json_object_get(line, "times"));
	const json_t *where = json_object_get(line, "where");

	if (json_integer_value(json_object_get(line, "obit_dataset")) != VERSION || !times ||
	    (!json_is_null(where) && !json_is_string(where)))
		return -EBADMSG;
	manifest->are_times_ns = strcmp(times, "ns") == 0;
	if (json_is_string(where)) {
		manifest->where = strdup(json_string_value(where));
		return manifest->where ? 0 : -ENOMEM;
	}
	return 0;
}

static void set_line(struct manifest_segment *segment, int64_t offset, int64_t bytes)
{
	for (size_t i = 0; i < segment->n_tables; i++) {
		segment->tables[i].offset = offset;
		segment->tables[i].bytes = bytes;
	}
}

static int read_number(const json_t *value, uint64_t *ret)
{
	json_int_t number = json_integer_value(value);

	*ret = (uint64_t)number;
	return json_is_integer(value) && number >= 0 ? 0 : -EBADMSG;
}

static int read_ranges(const json_t *ranges, struct time_ranges *ret)
{
	int r = json_is_array(ranges) ? 0 : -EBADMSG;

	for (size_t i = 0; i < json_array_size(ranges) && r == 0; i++) {
		const json_t *pair = json_array_get(ranges, i);
		struct time_range range = {0, NO_END};

		r = read_number(json_array_get(pair, 0), &range.since_real_ns);
		if (r == 0 && !json_is_null(json_array_get(pair, 1)))
			r = read_number(json_array_get(pair, 1), &range.until_real_ns);
		if (r == 0)
			r = time_ranges_add(ret, range);
	}
	return r;
}

static int read_table(const json_t *value, struct manifest_table *ret)
{
	const json_t *intervals = json_object_get(value, "intervals");
	int r = read_number(json_object_get(value, "rows"), &ret->rows);

	ret->is_complete = json_is_true(json_object_get(value, "complete"));
	if (r == 0)
		r = read_number(json_array_get(intervals, 0), &ret->first_number);
	if (r == 0)
		r = read_number(json_array_get(intervals, 1), &ret->last_number);
	return r == 0 ? read_ranges(json_object_get(value, "ranges"), &ret->ranges) : r;
}

static int read_tables(json_t *tables, struct manifest_segment *ret)
{
	const char *name;
	json_t *value;
	int r;

	if (!json_is_object(tables))
		return -EBADMSG;
	json_object_foreach(tables, name, value)
	{
		struct manifest_table *table = manifest_segment_add(ret, name);

		r = table ? read_table(value, table) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_segment(struct manifest *manifest, const json_t *line, int64_t bytes)
{
	struct manifest_segment segment = {
		.host = copy_text(line, "host"),
		.boot_id = copy_text(line, "boot_id"),
		.segment = copy_text(line, "segment"),
	};
	uint64_t batch = 0;
	int r = segment.host && segment.boot_id && segment.segment ? 0 : -EBADMSG;

	if (r == 0)
		r = read_number(json_object_get(line, "batch"), &batch);
	if (r == 0)
		r = read_number(json_object_get(line, "run"), &segment.run_real_ns);
	if (r == 0)
		r = read_tables(json_object_get(line, "tables"), &segment);
	if (r == 0)
		r = make_room(manifest, &segment);
	if (r < 0) {
		manifest_segment_done(&segment);
		return r;
	}
	if (batch > manifest->last_batch)
		manifest->last_batch = batch;
	set_line(&segment, manifest->bytes, bytes);
	put(manifest, &segment);
	return 0;
}

static int read_line(struct manifest *manifest, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int r = -EBADMSG;

	if (json_is_object(line))
		r = manifest->n_lines ? read_segment(manifest, line, (int64_t)len) : read_head(manifest, line);
	json_decref(line);
	return r;
}

int manifest_read(struct manifest *ret, int dir_fd, size_t *ret_line)
{
	int fd = openat(dir_fd, MANIFEST_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW), r = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	size_t size = 0;
	char *text = NULL;
	ssize_t len;

	*ret = (struct manifest){0};
	if (!file) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (len = getline(&text, &size, file)) > 0) {
		if (text[len - 1] != '\n')
			break; /* its writer was stopped in it */
		r = read_line(ret, text, (size_t)len);
		ret->bytes += len;
		if (!ret->n_lines)
			ret->head_bytes = len;
		*ret_line = ++ret->n_lines;
	}
	if (r == 0 && !ret->n_lines)
		r = -ENOENT;
	if (r == 0 && ferror(file))
		r = -EIO;
	/* Not if all is whole: who looks for what has changed finds nothing. */
	if (r == 0 && len > 0 && ftruncate(fd, ret->bytes) < 0)
		r = -errno;
	free(text);
	fclose(file);
	return r;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */
/* Takes the object over. */
static int append(struct manifest *manifest, int dir_fd, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	int fd, r;

	json_decref(line);
	if (!text)
		return -ENOMEM;
	fd = openat(dir_fd, MANIFEST_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	r = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (r == 0)
		r = write_all(fd, "\n", 1);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	/* Half a line at the end is none, also where it cannot be taken away. */
	if (r == 0) {
		manifest->bytes += (int64_t)strlen(text) + 1;
		manifest->n_lines++;
	} else if (fd >= 0 && ftruncate(fd, manifest->bytes) < 0) {
		r = -errno;
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return r;
}

int manifest_begin(struct manifest *manifest, int dir_fd)
{
	int r;

	manifest->bytes = 0;
	r = append(manifest, dir_fd,
		   json_pack("{s:i, s:s, s:s?}", "obit_dataset", VERSION, "times", manifest->are_times_ns ? "ns" : "us",
			     "where", manifest->where));
	manifest->head_bytes = manifest->bytes;
	return r;
}

static int copy_bytes(int from, int64_t offset, int64_t bytes, int to)
{
	char data[16384];

	while (bytes) {
		ssize_t n = pread(from, data, bytes < (int64_t)sizeof(data) ? (size_t)bytes : sizeof(data), offset);
		int r = n > 0 ? write_all(to, data, (size_t)n) : n < 0 ? -errno : -EBADMSG;

		if (r < 0)
			return r;
		offset += n;
		bytes -= n;
	}
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct manifest_table *x = *(struct manifest_table *const *)a, *y = *(struct manifest_table *const *)b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* All tables of all segments, in the order of their lines. */
static struct manifest_table **all_tables(const struct manifest *manifest, size_t *ret_n)
{
	struct manifest_table **all;
	size_t n = 0;

	for (size_t i = 0; i < manifest->n_segments; i++)
		n += manifest->segments[i].n_tables;
	all = malloc((n + 1) * sizeof(struct manifest_table *));
	*ret_n = 0;
	for (size_t i = 0; i < manifest->n_segments && all; i++)
		for (size_t k = 0; k < manifest->segments[i].n_tables; k++)
			all[(*ret_n)++] = &manifest->segments[i].tables[k];
	if (all)
		qsort(all, *ret_n, sizeof(struct manifest_table *), compare_lines);
	return all;
}

/* The first line, and those that hold. With `to` -1, says where they are now instead. */
static int copy_lines(struct manifest *manifest, struct manifest_table *const *all, size_t n, int from, int to)
{
	int64_t last = -1, bytes = manifest->head_bytes;
	size_t n_lines = 1;
	int r = to < 0 ? 0 : copy_bytes(from, 0, bytes, to);

	for (size_t i = 0; i < n && r == 0; i++) {
		int64_t offset = all[i]->offset;

		if (offset != last) {
			r = to < 0 ? 0 : copy_bytes(from, offset, all[i]->bytes, to);
			bytes += all[i]->bytes;
			n_lines++;
		}
		if (to < 0)
			all[i]->offset = bytes - all[i]->bytes;
		last = offset;
	}
	if (to < 0) {
		manifest->bytes = bytes;
		manifest->n_lines = n_lines;
	}
	return r;
}

int manifest_compact(struct manifest *manifest, int dir_fd)
{
	struct manifest_table **all;
	int from, to, r;
	size_t n;

	if (manifest->n_lines < 2 * manifest->n_segments + COMPACT_LINES)
		return 0;
	all = all_tables(manifest, &n);
	if (!all)
		return -ENOMEM;
	from = openat(dir_fd, MANIFEST_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	to = openat(dir_fd, COMPACTED_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	r = from < 0 || to < 0 ? -errno : copy_lines(manifest, all, n, from, to);
	if (r == 0 && fsync(to) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, COMPACTED_NAME, dir_fd, MANIFEST_NAME) < 0)
		r = -errno;
	if (r == 0)
		copy_lines(manifest, all, n, from, -1);
	else
		unlinkat(dir_fd, COMPACTED_NAME, 0);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	free(all);
	return r;
}

static json_t *pack_ranges(const struct time_ranges *set)
{
	json_t *ranges = json_array();

	for (size_t i = 0; i < set->n; i++) {
		uint64_t until = set->ranges[i].until_real_ns;
		json_t *end = until == NO_END ? json_null() : json_integer((json_int_t)until);

		json_array_append_new(ranges, json_pack("[I, o]", (json_int_t)set->ranges[i].since_real_ns, end));
	}
	return ranges;
}

static json_t *pack_tables(const struct manifest_segment *segment)
{
	json_t *tables = json_object();

	for (size_t i = 0; i < segment->n_tables; i++) {
		const struct manifest_table *table = &segment->tables[i];
		json_t *parts = json_array();

		for (size_t k = 0; k < table->n_parts; k++)
			json_array_append_new(parts, json_string(table->parts[k]));
		json_object_set_new(tables, table->name,
				    json_pack("{s:I, s:b, s:[I, I], s:o, s:o}", "rows", (json_int_t)table->rows,
					      "complete", table->is_complete, "intervals",
					      (json_int_t)table->first_number, (json_int_t)table->last_number, "ranges",
					      pack_ranges(&table->ranges), "parts", parts));
	}
	return tables;
}

int manifest_add(struct manifest *manifest, int dir_fd, uint64_t batch, struct manifest_segment *segment)
{
	int64_t offset = manifest->bytes;
	int r = make_room(manifest, segment);

	if (r == 0)
		r = append(manifest, dir_fd,
			   json_pack("{s:I, s:s, s:s, s:I, s:s, s:o}", "batch", (json_int_t)batch, "host",
				     segment->host, "boot_id", segment->boot_id, "run",
				     (json_int_t)segment->run_real_ns, "segment", segment->segment, "tables",
				     pack_tables(segment)));
	if (r < 0) {
		manifest_segment_done(segment);
		return r;
	}
	manifest->last_batch = batch;
	for (size_t i = 0; i < segment->n_tables; i++)
		drop_parts(&segment->tables[i]);
	set_line(segment, offset, manifest->bytes - offset);
	put(manifest, segment);
	return 0;
}
