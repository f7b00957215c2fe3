/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of `users`, `groups` and `containers`: each name is written when an id is seen for the first time since the last
 * roster, as far as it is known.
 */
#ifndef OBIT_LEDGER_WRITTEN_NAMES_H
#define OBIT_LEDGER_WRITTEN_NAMES_H

#include <stdint.h>

#include "base/text_view.h"
#include "ledger/chunk.h"
#include "model/cgroup_name.h"
#include "model/container_facts.h"
#include "model/limits.h"

#define ACCOUNT_NAME_MAX 256 /* bytes; LOGIN_NAME_MAX */

/* The most text that rows have. */
#define NAME_ROW_TEXT_MAX      ACCOUNT_NAME_MAX
#define CONTAINER_ROW_TEXT_MAX (CGROUP_PATH_BYTES + 6 * CONTAINER_FACT_MAX)

/* Where names come from: texts are valid until the next call. One without data: there is none. */
struct name_ports {
	struct text_view (*user)(void *ctx, uint32_t uid);
	struct text_view (*group)(void *ctx, uint32_t gid);
	struct container_facts (*container)(void *ctx, const struct cgroup_name *of);
	void *ctx;
};

struct written_names {
	uint64_t keys[2 * NAMES_WRITTEN]; /* an open hash table; 0: free */
	uint32_t n;
	uint64_t last[N_TABLES];	 /* of each kind, looked up last and written: most are the same again */
	char last_id[CGROUP_PATH_BYTES]; /* and of containers its id */
	size_t last_id_len;
};

/* All is to be written again. */
void written_names_forget(struct written_names *names);

/* Where the chunk has no room for it, it is written with a later row. */
void write_user(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		uint32_t uid);
void write_group(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		 uint32_t gid);
void write_container(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		     const struct cgroup_name *of);

#endif
