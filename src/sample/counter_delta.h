/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readings: what was read of one thing (the host, a disk, a cgroup) at one instant, by the numbers of the
 * fields of its table and in their units, counters as the kernel has them. Two readings make a row: the
 * difference of a field whose kind is SUM, the later value of any other.
 *
 * Plain values; no allocation.
 */
#ifndef OBIT_SAMPLE_COUNTER_DELTA_H
#define OBIT_SAMPLE_COUNTER_DELTA_H

#include "model/block.h"
#include "sample/proc_text.h"

#define READINGS_MAX 64 /* fields of such a table: their numbers are bits of `known` */

struct readings {
	uint64_t values[READINGS_MAX];
	uint64_t known;
};

#define READING_BIT(field) (UINT64_C(1) << (field))

static inline void readings_set(struct readings *readings, uint32_t field, uint64_t value)
{
	readings->values[field] = value;
	readings->known |= READING_BIT(field);
}

/* In units that the kernel counts in; what does not fit 64 bits stays unknown. */
static inline void readings_set_scaled(struct readings *readings, uint32_t field, uint64_t value, uint64_t scale)
{
	if (!__builtin_mul_overflow(value, scale, &value))
		readings_set(readings, field, value);
}

/* What a counter that is smaller than before means, and where the number of such goes. */
struct delta_rule {
	const struct table *table;
	uint32_t resets; /* the field */
	/* The thing began anew: count from 0. Else it is the kernel's inaccuracy: 0 is reported. */
	int restarts;
	/* Durations of a thing that did not begin anew turn over here. 0: never. */
	uint64_t ns_wrap;
};

/* Has a counter moved between the two? A counter that only one of them has has not. */
int readings_moved(const struct delta_rule *rule, const struct readings *now, const struct readings *before);

/* Sets the fields of `now`, and the resets; counters that `before` does not know stay null. */
void delta_write(const struct delta_rule *rule, const struct readings *now, const struct readings *before,
		 struct block *block, uint32_t row);

/* One of the words that lines begin with, and where the number after it goes. */
struct reading_key {
	const char *name;
	uint32_t field;
	uint32_t scale;
};

/* Lines of "name number ...", others passed over: vmstat, meminfo (names with their colon), cpu.stat. */
void readings_read_keys(struct proc_text text, const struct reading_key *keys, size_t n_keys, struct readings *ret);

/* A pressure file's totals, us: "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", and "full ...". */
void readings_read_pressure(struct proc_text text, uint32_t some_ns, uint32_t full_ns, struct readings *ret);

#endif
