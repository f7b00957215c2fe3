// SPDX-License-Identifier: BSD-2-Clause
/*
 * Disks. A disk is known by its numbers and its name. One that goes is forgotten, and begins from 0 when it
 * comes again. The kernel prints durations as 32 bits of ms, which turn over after 49 days of I/O; all its
 * other readings are of 64 bits, so that one of them which is smaller than before reports a new disk in the
 * place of the old.
 */
#include "sample/sample_disks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/limits.h"

#define NAME_BYTES   32 /* DISK_NAME_LEN, include/linux/blkdev.h */
#define SECTOR_BYTES 512
#define NS_WRAP	     ((UINT64_C(1) << 32) * NS_PER_MS)

struct disk {
	uint64_t major, minor;
	char name[NAME_BYTES]; /* "": free */
	bool is_left_out;
	uint64_t seen; /* pass it was last seen in */
	struct readings before;
};

struct sample_disks {
	struct proc_buffer *buffer; /* not owned */
	struct proc_file file;
	const char *sys_block; /* not owned */
	struct disk disks[SAMPLED_DISKS];
	uint32_t next; /* where the next line's disk was last time: the order seldom changes */
	uint64_t pass;
	bool is_full_said;
	struct disk_line line; /* one at a time */
};

_Static_assert((unsigned)N_DISKS_FIELDS <= READINGS_MAX, "a reading for each field");

struct sample_disks *sample_disks_new(struct proc_buffer *buffer, const char *diskstats, const char *sys_block)
{
	struct sample_disks *sampler = calloc(1, sizeof(*sampler));

	if (!sampler)
		return NULL;
	sampler->buffer = buffer;
	sampler->file = (struct proc_file)PROC_FILE(diskstats, "table `disks`");
	sampler->sys_block = sys_block;
	return sampler;
}

void sample_disks_free(struct sample_disks *sampler)
{
	if (!sampler)
		return;
	proc_file_close(&sampler->file);
	free(sampler);
}

/* Documentation/admin-guide/iostats.rst; discards came with 4.18, flushes with 5.5. */
int disk_read_line(struct proc_text line, struct disk_line *ret)
{
	static const struct {
		uint32_t field;
		uint32_t scale; /* 0: not recorded */
	} columns[] = {
		{DISKS_reads, 1},
		{DISKS_read_merges, 1},
		{DISKS_read_bytes, SECTOR_BYTES},
		{DISKS_read_ns, NS_PER_MS},
		{DISKS_writes, 1},
		{DISKS_write_merges, 1},
		{DISKS_write_bytes, SECTOR_BYTES},
		{DISKS_write_ns, NS_PER_MS},
		{DISKS_in_flight, 1},
		{DISKS_busy_ns, NS_PER_MS},
		{DISKS_queue_ns, NS_PER_MS},
		{DISKS_discards, 1},
		{0, 0}, /* discards merged */
		{DISKS_discard_bytes, SECTOR_BYTES},
		{DISKS_discard_ns, NS_PER_MS},
		{DISKS_flushes, 1},
		{DISKS_flush_ns, NS_PER_MS},
	};
	const size_t least = 11;
	uint64_t value;

	ret->readings.known = 0;
	if (!proc_take_number(&line, &ret->major) || !proc_take_number(&line, &ret->minor) ||
	    !proc_take_word(&line, &ret->name))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (!proc_take_number(&line, &value))
			return i < least ? -EBADMSG : 0;
		if (columns[i].scale)
			readings_set_scaled(&ret->readings, columns[i].field, value, columns[i].scale);
	}
	return 0;
}

int disk_is_pseudo(const struct proc_text *name)
{
	static const char *const kinds[] = {"loop", "ram", "zram"};
	struct proc_text rest;
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (proc_after(name, kinds[i], &rest) && proc_number(&rest, &number))
			return 1;
	return 0;
}

/* Only whole disks have a directory there; without /sys all count. */
static bool is_whole(const char *sys_block, const char *name)
{
	char path[128];
	int prefix = snprintf(path, sizeof(path), "%s/", sys_block);

	if (access(path, F_OK) < 0)
		return 1;
	snprintf(path + prefix, sizeof(path) - (size_t)prefix, "%s", name);
	for (char *c = path + prefix; *c; c++)
		if (*c == '/')
			*c = '!'; /* as sysfs spells it: cciss/c0d0 */
	return access(path, F_OK) == 0;
}

static bool is_of(const struct disk *disk, const struct disk_line *line)
{
	return *disk->name && disk->major == line->major && disk->minor == line->minor &&
	       proc_is(&line->name, disk->name);
}

static struct disk *find(struct sample_disks *sampler, const struct disk_line *line)
{
	for (uint32_t i = 0; i < SAMPLED_DISKS; i++) {
		uint32_t at = (sampler->next + i) % SAMPLED_DISKS;

		if (is_of(&sampler->disks[at], line)) {
			sampler->next = (at + 1) % SAMPLED_DISKS;
			return &sampler->disks[at];
		}
	}
	return NULL;
}

static struct disk *add(struct sample_disks *sampler, const struct disk_line *line)
{
	size_t len = (size_t)(line->name.end - line->name.at);

	for (uint32_t i = 0; i < SAMPLED_DISKS && len < NAME_BYTES; i++) {
		struct disk *disk = &sampler->disks[i];

		if (*disk->name)
			continue;
		disk->major = line->major;
		disk->minor = line->minor;
		memcpy(disk->name, line->name.at, len);
		disk->name[len] = 0;
		disk->is_left_out = disk_is_pseudo(&line->name) || !is_whole(sampler->sys_block, disk->name);
		return disk;
	}
	if (!sampler->is_full_said)
		log_line("more than %d disks and partitions: the others are not in `disks`", SAMPLED_DISKS);
	sampler->is_full_said = 1;
	return NULL;
}

/* 0 or -ENOSPC. */
static int take_line(struct sample_disks *sampler, uint64_t time_ns, struct block *rows)
{
	const struct delta_rule rule = {
		.table = rows->table, .resets = DISKS_resets, .restarts = 1, .ns_wrap = NS_WRAP};
	static const struct readings zero = {.known = UINT64_MAX};
	const struct readings *now = &sampler->line.readings;
	struct disk *disk = find(sampler, &sampler->line);
	int is_new = !disk, row;

	if (is_new)
		disk = add(sampler, &sampler->line);
	if (!disk)
		return -ENOSPC;
	disk->seen = sampler->pass;
	if (disk->is_left_out)
		return 0;
	if (is_new)
		disk->before = zero;
	if (sampler->pass > 1 && (readings_moved(&rule, now, &disk->before) || now->values[DISKS_in_flight])) {
		row = block_add_row(rows);
		/* Without room it is reported next time: its readings stay those of before. */
		if (row < 0)
			return row;
		block_set_number(rows, (uint32_t)row, DISKS_time, time_ns);
		block_set_text(rows, (uint32_t)row, DISKS_disk, disk->name, strlen(disk->name));
		delta_write(&rule, now, &disk->before, rows, (uint32_t)row);
		block_set_number(rows, (uint32_t)row, DISKS_appeared, (uint64_t)is_new);
	}
	disk->before = *now;
	return 0;
}

int sample_disks_take(struct sample_disks *sampler, uint64_t time_ns, struct block *rows)
{
	struct proc_text text, line;
	int r = proc_file_read(&sampler->file, sampler->buffer, &text), result = r;

	if (r < 0 && r != -EFBIG)
		return r;
	sampler->pass++;
	sampler->next = 0;
	while (proc_take_line(&text, &line)) {
		if (disk_read_line(line, &sampler->line) < 0)
			continue;
		r = take_line(sampler, time_ns, rows);
		if (r < 0 && result == 0)
			result = r;
	}
	/* Those that are gone; when the text's end is missing, nobody knows. */
	for (uint32_t i = 0; i < SAMPLED_DISKS && result != -EFBIG; i++)
		if (*sampler->disks[i].name && sampler->disks[i].seen != sampler->pass)
			*sampler->disks[i].name = 0;
	return result;
}
