// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the coder begins and ends. At the end the number with the most zeros below that the range holds is written, and
 * of its bytes those that are not zero.
 */
#include "store/range.h"

#include <errno.h>

#define CODE_BYTES 8

void range_put_begin(struct range_sink *to, struct sink *sink)
{
	*to = (struct range_sink){.sink = sink, .start = sink->len, .range = UINT64_MAX};
}

int range_put_room(struct range_sink *to, size_t len)
{
	if (to->at)
		to->sink->len = (size_t)(to->at - to->sink->data);
	to->at = sink_room(to->sink, len + CODE_BYTES);
	return to->at ? 0 : -ENOMEM;
}

void range_put_end(struct range_sink *to)
{
	uint64_t zeros = (1ull << (63 - __builtin_clzll(to->range))) - 1;

	range_add(to, zeros);
	to->low &= ~zeros;
	for (int i = 0; i < CODE_BYTES; i++)
		*to->at++ = (unsigned char)(to->low >> (56 - 8 * i));
	to->sink->len = (size_t)(to->at - to->sink->data);
	while (to->sink->len > to->start && !to->sink->data[to->sink->len - 1])
		to->sink->len--;
}

void range_get_begin(struct range_source *from, const unsigned char *data, size_t len)
{
	*from = (struct range_source){.at = data, .end = data + len, .range = UINT64_MAX};
	for (int i = 0; i < CODE_BYTES; i++)
		from->code = from->code << 8 | (from->at < from->end ? *from->at++ : 0);
}
