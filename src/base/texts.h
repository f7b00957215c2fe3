/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fixed pool of texts (images of processes, paths of cgroups), counted by reference: a child shares its
 * parent's. Text lies in chained blocks of 64 bytes, so that the pool never breaks into pieces. Used by the
 * ledger's thread only.
 */
#ifndef OBIT_BASE_TEXTS_H
#define OBIT_BASE_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct texts;

/* A text's number; 0 is none. */
typedef uint32_t text_id;

struct texts *texts_new(uint32_t max_texts, uint32_t max_blocks);
void texts_free(struct texts *texts);

/*
 * How long a text may be so that there is room for others: any length while half of the pool is free, and less the
 * fuller it is, down to a block. Whoever fills it shortens what comes after, and pushes nobody out.
 */
size_t texts_fair_bytes(const struct texts *texts);

/* Keeps a copy, held once. 0 when there is no room. */
text_id texts_add(struct texts *texts, const void *data, size_t len);

/* Holding and dropping text 0 is legal and does nothing. */
text_id texts_hold(struct texts *texts, text_id id);
void texts_drop(struct texts *texts, text_id id);

/* Copies up to `size` bytes out; the text's length. */
size_t texts_copy(const struct texts *texts, text_id id, void *to, size_t size);

#endif
