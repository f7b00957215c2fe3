/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzzer's bytes, taken off the front: numbers, and parts to be handed on. What is missing is 0.
 */
#ifndef OBIT_FUZZ_INPUT_H
#define OBIT_FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

/* Up to `len` bytes; *ret_len says how many there are. */
static inline const uint8_t *take(struct input *input, size_t len, size_t *ret_len)
{
	const uint8_t *data = input->data;

	*ret_len = len < input->left ? len : input->left;
	input->data += *ret_len;
	input->left -= *ret_len;
	return data;
}

static inline void take_into(struct input *input, void *to, size_t len)
{
	size_t n;
	const uint8_t *data = take(input, len, &n);

	memset(to, 0, len);
	if (n)
		memcpy(to, data, n);
}

static inline uint8_t take_u8(struct input *input)
{
	uint8_t value;

	take_into(input, &value, sizeof(value));
	return value;
}

static inline uint16_t take_u16(struct input *input)
{
	uint16_t value;

	take_into(input, &value, sizeof(value));
	return value;
}

static inline uint64_t take_u64(struct input *input)
{
	uint64_t value;

	take_into(input, &value, sizeof(value));
	return value;
}

/* What must hold for every input. */
#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

#endif
