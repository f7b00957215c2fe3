/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantities: numbers with a unit, read exactly and written to be read.
 *
 *   durations  1.5s 200ms 3us 10ns 5m 2h 7d 1w, also chained: 1h30m. A bare number is ns.
 *   sizes      KiB MiB GiB TiB PiB and K M G T P are powers of 1024; kB MB GB TB PB of 1000. A bare number is bytes.
 */
#ifndef OBIT_BASE_QUANTITY_H
#define OBIT_BASE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#define QUANTITY_TEXT_BYTES 32 /* room for what quantity_write_*() writes, with its NUL */

/* The whole of `text` must be the quantity. 0; -EINVAL, not one; -EDOM, not a whole ns or byte; -ERANGE, past 2^64. */
int quantity_read_count(const char *text, size_t len, uint64_t *ret);
int quantity_read_hundredths(const char *text, size_t len, uint64_t *ret); /* 1.5 is 150 */
#define QUANTITY_MILLION UINT64_C(1000000)
int quantity_read_millionths(const char *text, size_t len, uint64_t *ret);
int quantity_read_ns(const char *text, size_t len, uint64_t *ret_ns);
int quantity_read_bytes(const char *text, size_t len, uint64_t *ret_bytes);

/* Three significant digits: 12.3ms, 3m05s, 4.50MiB. Ended by NUL; returns the length. */
size_t quantity_write_ns(uint64_t ns, char *ret);
size_t quantity_write_bytes(uint64_t bytes, char *ret);

#endif
