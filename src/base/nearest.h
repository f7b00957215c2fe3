/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mistyped name may have meant.
 */
#ifndef OBIT_BASE_NEAREST_H
#define OBIT_BASE_NEAREST_H

#include <stddef.h>

/* The one of `names` nearest to `word`, at most a third of it wrong, or that begins with it; else NULL. */
const char *nearest_name(const char *word, size_t len, const char *const *names, size_t n);

#endif
