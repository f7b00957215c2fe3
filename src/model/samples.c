// SPDX-License-Identifier: BSD-2-Clause
#include "model/samples.h"

#include "model/limits.h"

#define NAME_BYTES 32 /* of a disk or interface */

static const struct {
	uint32_t table, rows, row_bytes;
} shapes[N_SAMPLES] = {
	[SAMPLE_SYSTEM] = {TABLE_SYSTEM, 1, 1},
	[SAMPLE_DISKS] = {TABLE_DISKS, DISK_ROWS, NAME_BYTES},
	[SAMPLE_NICS] = {TABLE_NICS, NIC_ROWS, NAME_BYTES},
	[SAMPLE_CGROUPS] = {TABLE_CGROUPS, CGROUP_ROWS, CGROUP_ROW_BYTES},
};

const struct table *samples_table(int sample)
{
	return table_by_id(shapes[sample].table);
}

struct block *samples_block_new(int sample)
{
	return block_new(table_by_id(shapes[sample].table), shapes[sample].rows,
			 shapes[sample].rows * shapes[sample].row_bytes);
}
