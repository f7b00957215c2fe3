/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sealed segment, open: its directory in memory, its columns where they are. Nothing changes after it has been
 * opened, and any number of threads may read columns.
 */
#ifndef OBIT_STORE_COLUMNS_FILE_H
#define OBIT_STORE_COLUMNS_FILE_H

#include "store/group_directory.h"
#include "store/segment.h"

struct columns_file {
	int fd;
	uint64_t file_bytes;
	struct group_trailer trailer;
	struct group_directory directory; /* empty where it is damaged, or the file is of no time that was asked for */
};

/* Does its end say that its header has this checksum (group_trailer)? */
bool columns_file_has_header(int fd, uint32_t checksum);

/* Does the file begin, or end, as a sealed segment does? 1; 0; -errno. */
int columns_file_is(int fd);

/*
 * Takes over the descriptor, also on error. The directory is read if the segment has something of [since, until)
 * (until 0: no end). Damage, and a format that is not known, is reported and leaves it without groups. 0, -ENOMEM,
 * -errno.
 */
int columns_file_open(struct columns_file *file, int fd, uint64_t since_real_ns, uint64_t until_real_ns,
		      segment_damage damage, void *ctx);
void columns_file_close(struct columns_file *file);

/* What reads columns: scratch, one for each thread. Zeroed; freed with column_scratch_done(). */
struct column_scratch {
	struct sink frame, raw;
	struct ZSTD_DCtx_s *zstd;
};

void column_scratch_done(struct column_scratch *scratch);

/* Reads a column that is stored and holds it against its checksum. 0; -EBADMSG, damaged; -ENOMEM; -errno. */
int columns_file_check(const struct columns_file *file, const struct column_entry *entry,
		       struct column_scratch *scratch);
/* The same, and decompresses it into scratch->raw. */
int columns_file_read(const struct columns_file *file, const struct column_entry *entry,
		      struct column_scratch *scratch);

#endif
