/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is shared by joins.c, which reads names in, and join_columns.c, which looks them up; inside src/query only.
 * Texts are numbered from 1, each once; 0 is none. Of a process there is a chain of what it ran, in order of time.
 */
#ifndef OBIT_QUERY_JOINS_INSIDE_H
#define OBIT_QUERY_JOINS_INSIDE_H

#include "base/buffer.h"
#include "base/map.h"
#include "query/joins.h"

#define NO_UID UINT64_MAX

/* What a process ran from a time on. */
struct program {
	uint64_t time_ns, uid;
	uint32_t exe, argv, cgroup, container; /* texts */
	uint32_t next;			       /* the later one; 0: none */
};

struct container_names {
	uint32_t name, runtime, pod, namespace, image; /* texts */
};

struct joins {
	unsigned keys;
	struct store_reader *store;
	struct group_reader *reader;
	uint64_t covered_real_ns; /* the end of the last interval that was read to it */

	struct buffer bytes; /* of all texts */
	struct span *texts;  /* [0] is none */
	uint32_t *same_hash; /* [text]: the next of its hash; 0: none */
	uint32_t n_texts, texts_capacity;
	struct map by_hash;

	struct map processes;			/* the first program of each */
	struct buffer programs, containers;	/* arrays; [0] is none */
	struct map users, groups, by_container; /* texts, texts, places in containers */
	struct map uids, gids;			/* of names */
};

static inline struct program *program_at(const struct joins *joins, uint32_t i)
{
	return (struct program *)(void *)joins->programs.data + i;
}

static inline const struct container_names *container_at(const struct joins *joins, uint32_t i)
{
	return (const struct container_names *)(const void *)joins->containers.data + i;
}

/* The number of a text that is known; 0: it is not. */
uint32_t joins_find_text(const struct joins *joins, const char *data, size_t len);

#endif
