// SPDX-License-Identifier: BSD-2-Clause
/*
 * Says of the sealed segments of a store what each column of each table takes, and in which form; with --seal it seals
 * its logs first and says what that cost.
 *
 * usage: columns [--seal] STORE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/column.h"
#include "store/group_directory.h"
#include "store/seal.h"

struct sum {
	const char *name;
	uint64_t bytes, raw_bytes, groups, forms[4][4];
};

static struct sum sums[TABLE_MAX_TABLES][TABLE_MAX_FIELDS + 1];
static uint64_t rows[TABLE_MAX_TABLES], directories, files;
static char names[TABLE_MAX_TABLES][32];

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "columns: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void seal(int dir_fd, const struct segment_name *name)
{
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	struct seal_result result;
	int r = seal_write(dir_fd, name, &file_calls_real, NULL, &result);

	if (r == -EALREADY)
		return;
	must(r, name->text);
	must(seal_replace(dir_fd, name, &result), name->text);
	before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	printf("sealed %s: %lu rows, %lu -> %lu bytes, %.3f us of CPU a row, %.1f MiB of memory\n", name->text,
	       result.rows, result.log_bytes, result.bytes,
	       (double)before / 1e3 / (double)(result.rows ? result.rows : 1), (double)result.memory_bytes / 1048576);
}

static void add(int dir_fd, const struct segment_name *name)
{
	unsigned char tail[GROUP_TRAILER_BYTES], *frame;
	int fd = directory_open_file(dir_fd, name->text);
	struct group_directory directory = {0};
	struct group_trailer trailer;
	struct stat st;

	must(fd < 0 || fstat(fd, &st) < 0 ? -ENOENT : 0, name->text);
	must(pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) == sizeof(tail) ? 0 : -EBADMSG,
	     name->text);
	must(group_trailer_get(tail, &trailer), name->text);
	frame = malloc(trailer.bytes);
	must(pread(fd, frame, trailer.bytes, (off_t)trailer.offset) == trailer.bytes ? 0 : -EBADMSG, name->text);
	must(group_directory_get(frame, &trailer, &directory), name->text);
	for (uint32_t i = 0; i < directory.n_groups; i++) {
		const struct group_entry *group = &directory.groups[i];
		const struct table *table = &directory.header.tables[group->table];

		rows[table->id] += group->rows;
		snprintf(names[table->id], sizeof(names[0]), "%s", table->name);
		for (uint32_t k = 0; k < group->n_columns; k++) {
			const struct column_entry *column = &directory.columns[group->first_column + k];
			struct sum *sum = &sums[table->id][k];
			const struct field *field = group_field(table, k);

			if (!sum->name)
				sum->name = strdup(field->name);
			sum->bytes += column->bytes;
			sum->raw_bytes += column->raw_bytes;
			sum->groups++;
			sum->forms[column->head >> 3 & 3][column->head & 3]++;
		}
	}
	directories += trailer.bytes;
	files += (uint64_t)st.st_size;
	group_directory_done(&directory);
	free(frame);
	close(fd);
}

int main(int argc, char **argv)
{
	static const char *const predictions[] = {"value", "delta", "difference", "interval"};
	static const char *const packings[] = {"planes", "lengths", "constant", "nulls"};
	int is_sealing = argc > 2 && strcmp(argv[1], "--seal") == 0, dir_fd;
	struct segment_name *segments;
	size_t n;

	if (argc != 2 + is_sealing) {
		fprintf(stderr, "usage: columns [--seal] STORE\n");
		return 2;
	}
	dir_fd = open(argv[1 + is_sealing], O_RDONLY | O_DIRECTORY);
	must(dir_fd < 0 ? -errno : directory_list(dir_fd, &segments, &n), argv[1 + is_sealing]);
	for (size_t i = 0; i < n; i++) {
		if (is_sealing)
			seal(dir_fd, &segments[i]);
		add(dir_fd, &segments[i]);
	}
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		uint64_t all = 0;

		if (!rows[i])
			continue;
		for (int k = 0; k <= TABLE_MAX_FIELDS; k++)
			all += sums[i][k].bytes;
		printf("%-9s %9lu rows %10lu bytes %7.2f a row\n", names[i], rows[i], all,
		       (double)all / (double)rows[i]);
		for (int k = 0; k <= TABLE_MAX_FIELDS; k++) {
			const struct sum *sum = &sums[i][k];

			if (!sum->bytes)
				continue;
			printf("  %-22s %7.3f a row, of %7.3f:", sum->name, (double)sum->bytes / (double)rows[i],
			       (double)sum->raw_bytes / (double)rows[i]);
			for (int p = 0; p < 4; p++)
				for (int q = 0; q < 4; q++)
					if (sum->forms[p][q])
						printf(" %s/%s %lu", predictions[p], packings[q], sum->forms[p][q]);
			printf("\n");
		}
	}
	printf("directories %lu, files %lu bytes\n", directories, files);
	return 0;
}
