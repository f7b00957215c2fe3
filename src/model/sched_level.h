/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much is done at a context switch (--sched).
 */
#ifndef OBIT_MODEL_SCHED_LEVEL_H
#define OBIT_MODEL_SCHED_LEVEL_H

enum sched_level {
	SCHED_OFF,   /* nothing: ends are seen at the release of the task alone */
	SCHED_DELAY, /* ends are seen; waits for a CPU are measured */
	SCHED_FULL,  /* ... and uninterruptible sleep */
};

static inline const char *sched_level_name(enum sched_level level)
{
	return level == SCHED_OFF ? "off" : level == SCHED_DELAY ? "delay" : "full";
}

#endif
