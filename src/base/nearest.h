/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mistyped name may have meant.
 */
#ifndef OBIT_BASE_NEAREST_H
#define OBIT_BASE_NEAREST_H

#include <stddef.h>

/* The one of `names` nearest to `word`, or NULL when none is near: at most a third of the word wrong, or its beginning. */
const char *nearest_name(const char *word, size_t len, const char *const *names, size_t n);

#endif
