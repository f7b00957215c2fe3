/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_BASE_ARRAY_H
#define OBIT_BASE_ARRAY_H

/* Elements of an array whose size is known here. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
