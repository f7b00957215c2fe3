/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_CMD_EXPORT_DATASET_H
#define OBIT_CMD_EXPORT_DATASET_H

#include "cmd/dataset.h"
#include "cmd/export_read.h"

/*
 * Adds to the dataset what it does not have yet of the tables and the time asked for; with every_ns again after so
 * long, until it is asked to stop. 0; -EINTR: asked to stop; -ENOMEM; -EINVAL: what is wrong has been said.
 */
int export_to_dataset(const struct export_question *question, const struct table *const *tables, size_t n_tables,
		      struct dataset *dataset, uint64_t every_ns);

#endif
