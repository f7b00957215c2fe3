// SPDX-License-Identifier: BSD-2-Clause
#include "store/sealer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void sealer_init(struct sealer *sealer)
{
	*sealer = (struct sealer){.dir_fd = -1};
	sem_init(&sealer->work, 0, 0);
}

void sealer_done(struct sealer *sealer)
{
	if (sealer->dir_fd >= 0)
		close(sealer->dir_fd);
	sealer->dir_fd = -1;
	sem_destroy(&sealer->work);
}

int sealer_assign(struct sealer *sealer, int dir_fd, const struct segment_name *name, const struct file_calls *calls)
{
	/* The writer may leave its directory for another one meanwhile. */
	int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	sealer->dir_fd = fd;
	sealer->name = *name;
	sealer->calls = calls;
	/* pairs with sealer_work() */
	atomic_store_explicit(&sealer->state, SEALER_ASSIGNED, memory_order_release);
	sem_post(&sealer->work);
	return 0;
}

bool sealer_collect(struct sealer *sealer, struct segment_name *ret_name, struct seal_result *ret_result,
		    int *ret_error)
{
	/* pairs with sealer_work() */
	if (atomic_load_explicit(&sealer->state, memory_order_acquire) != SEALER_DONE)
		return false;
	*ret_name = sealer->name;
	*ret_result = sealer->result;
	*ret_error = sealer->error;
	close(sealer->dir_fd);
	sealer->dir_fd = -1;
	atomic_store_explicit(&sealer->state, SEALER_IDLE, memory_order_relaxed);
	return true;
}

void sealer_work(struct sealer *sealer)
{
	/* pairs with sealer_assign() */
	if (atomic_load_explicit(&sealer->state, memory_order_acquire) != SEALER_ASSIGNED)
		return;
	sealer->error = seal_write(sealer->dir_fd, &sealer->name, sealer->calls, &sealer->stop, &sealer->result);
	/* pairs with sealer_collect() */
	atomic_store_explicit(&sealer->state, SEALER_DONE, memory_order_release);
}
