// SPDX-License-Identifier: BSD-2-Clause
#include "output/scale.h"

#include <inttypes.h>

#include "base/array.h"
#include "base/clock.h"

#define KIB UINT64_C(1024)

static const struct scale durations[] = {
	{"ns", 1, 0}, {"us", 1000, 3}, {"ms", 1000000, 3}, {"s", NS_PER_S, 3}, {"h", 3600 * NS_PER_S, 3},
};
/* Up to so much seconds are as easy to read. */
#define HOURS_FROM (100 * 3600 * NS_PER_S)

static const struct scale sizes[] = {
	{"B", 1, 0},
	{"KiB", KIB, 2},
	{"MiB", KIB *KIB, 2},
	{"GiB", KIB *KIB *KIB, 2},
	{"TiB", KIB *KIB *KIB *KIB, 2},
	{"PiB", KIB *KIB *KIB *KIB *KIB, 2},
};

static const struct scale hundredths = {"", 100, 2};

bool scale_is_of(const struct field *field)
{
	return !field_is_text(field) && field->type != FIELD_BOOL &&
	       (field->unit == UNIT_NS || field->unit == UNIT_BYTES || field->unit == UNIT_HUNDREDTHS);
}

const struct scale *scale_for(const struct field *field, uint64_t greatest)
{
	const struct scale *scales = field->unit == UNIT_NS ? durations : sizes;
	size_t n = field->unit == UNIT_NS ? ARRAY_SIZE(durations) : ARRAY_SIZE(sizes), i = 0;

	if (field->unit == UNIT_HUNDREDTHS)
		return &hundredths;
	while (i + 1 < n && greatest >= (field->unit == UNIT_NS && i + 2 == n ? HOURS_FROM : scales[i + 1].unit))
		i++;
	return &scales[i];
}

void scale_add(struct buffer *buffer, const struct scale *scale, uint64_t value)
{
	uint64_t ten = 1, parts;

	for (unsigned i = 0; i < scale->decimals; i++)
		ten *= 10;
	parts = (uint64_t)(((__uint128_t)value * ten + scale->unit / 2) / scale->unit);
	if (!value || !scale->decimals)
		buffer_add_format(buffer, "%" PRIu64, value / scale->unit);
	else if (!parts)
		buffer_add_format(buffer, "<.%0*u", (int)scale->decimals, 1u);
	else
		buffer_add_format(buffer, "%" PRIu64 ".%0*" PRIu64, parts / ten, (int)scale->decimals, parts % ten);
}
