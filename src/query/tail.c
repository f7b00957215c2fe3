// SPDX-License-Identifier: BSD-2-Clause
#include "query/tail.h"

#include <errno.h>

#include "base/buffer.h"

struct stretch {
	uint64_t begin_real_ns, rows;
};

int tail_since(struct store_reader *reader, uint64_t rows, uint64_t *ret_real_ns)
{
	const struct store_part *part;
	struct buffer stretches = {0};
	const struct stretch *list;
	uint64_t n = 0, since = UINT64_MAX;
	int r;

	while ((r = store_reader_next(reader, &part)) > 0)
		for (uint32_t i = 0; i < part->n_groups; i++) {
			const struct store_group *group = &part->groups[i];
			struct stretch stretch = {group->intervals[group->first_interval].begin_real_ns, group->rows};

			buffer_add(&stretches, &stretch, sizeof(stretch));
		}
	if (r == 0)
		r = stretches.error;
	list = (const struct stretch *)(const void *)stretches.data;
	for (size_t i = stretches.used / sizeof(*list); r == 0 && i-- > 0 && n < rows;) {
		n += list[i].rows;
		since = list[i].begin_real_ns < since ? list[i].begin_real_ns : since;
	}
	*ret_real_ns = n < rows ? 0 : since;
	buffer_done(&stretches);
	return r;
}

int tail_count(struct store_reader *reader, uint64_t *ret_rows)
{
	const struct store_part *part;
	int r;

	*ret_rows = 0;
	while ((r = store_reader_next(reader, &part)) > 0)
		for (uint32_t i = 0; i < part->n_groups; i++)
			*ret_rows += part->groups[i].rows;
	return r;
}
