/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing beside a writer, without a lock between the two. The writer's thread says which log is next, a thread of the
 * caller's, which may have as little of the CPU as there is, writes its columns, and the writer's thread, when it comes
 * by with the next chunk, lets them take the log's name. So the directory is changed by one thread only, and that never
 * waits.
 *
 *   IDLE ──▶ ASSIGNED   the writer's: sealer_assign()
 *   ASSIGNED ──▶ DONE   the other thread's: sealer_work()
 *   DONE ──▶ IDLE       the writer's: sealer_collect()
 */
#ifndef OBIT_STORE_SEALER_H
#define OBIT_STORE_SEALER_H

#include <semaphore.h>

#include "store/seal.h"

enum sealer_state { SEALER_IDLE, SEALER_ASSIGNED, SEALER_DONE };

struct sealer {
	atomic_int state;
	sem_t work;
	atomic_bool stop; /* the other thread is to end, and what it is at stays a log */

	/* Whose they are the state says. */
	int dir_fd;
	struct segment_name name;
	const struct file_calls *calls;
	struct seal_result result;
	int error; /* 0 or -errno */
};

void sealer_init(struct sealer *sealer);
void sealer_done(struct sealer *sealer);

/* The writer's. Of an idle sealer. 0 or -errno. */
int sealer_assign(struct sealer *sealer, int dir_fd, const struct segment_name *name, const struct file_calls *calls);
/* The writer's. Is there a result? Then it is idle again, and *ret_error says how it went. */
bool sealer_collect(struct sealer *sealer, struct segment_name *ret_name, struct seal_result *ret_result,
		    int *ret_error);

/* Does what is assigned, if anything is. */
void sealer_work(struct sealer *sealer);

#endif
