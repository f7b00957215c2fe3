// SPDX-License-Identifier: BSD-2-Clause
/*
 * From two readings to a row.
 */
#include <stdbool.h>

#include "sample/counter_delta.h"

#include "base/clock.h"

/* The lowest bit of `left`. */
static uint32_t lowest(uint64_t left)
{
	return (uint32_t)__builtin_ctzll(left);
}

static bool is_counter(const struct delta_rule *rule, uint32_t field)
{
	return rule->table->fields[field].kind == KIND_SUM;
}

int readings_moved(const struct delta_rule *rule, const struct readings *now, const struct readings *before)
{
	for (uint64_t left = now->known & before->known; left; left &= left - 1) {
		uint32_t i = lowest(left);

		if (is_counter(rule, i) && now->values[i] != before->values[i])
			return 1;
	}
	return 0;
}

static int wraps(const struct delta_rule *rule, uint32_t field)
{
	return rule->ns_wrap && rule->table->fields[field].unit == UNIT_NS;
}

/* Did a counter fall that does not turn over? */
static bool has_restarted(const struct delta_rule *rule, const struct readings *now, const struct readings *before)
{
	for (uint64_t left = now->known & before->known; left; left &= left - 1) {
		uint32_t i = lowest(left);

		if (is_counter(rule, i) && !wraps(rule, i) && now->values[i] < before->values[i])
			return 1;
	}
	return 0;
}

void delta_write(const struct delta_rule *rule, const struct readings *now, const struct readings *before,
		 struct block *block, uint32_t row)
{
	int restarted = rule->ns_wrap && has_restarted(rule, now, before);
	uint64_t resets = 0;

	for (uint64_t left = now->known; left; left &= left - 1) {
		uint32_t i = lowest(left);
		uint64_t value = now->values[i], was = before->values[i];

		if (!is_counter(rule, i)) {
			block_set_number(block, row, i, value);
			continue;
		}
		if (!(before->known & READING_BIT(i)))
			continue;
		if (value >= was) {
			value -= was;
		} else if (wraps(rule, i) && !restarted && was < rule->ns_wrap) {
			value += rule->ns_wrap - was;
		} else {
			resets++;
			value = rule->restarts ? value : 0;
		}
		block_set_number(block, row, i, value);
	}
	block_set_number(block, row, rule->resets, resets);
}

void readings_read_keys(struct proc_text text, const struct reading_key *keys, size_t n_keys, struct readings *ret)
{
	struct proc_text line, name;
	uint64_t value;

	while (proc_take_line(&text, &line)) {
		if (!proc_take_word(&line, &name))
			continue;
		for (size_t i = 0; i < n_keys; i++) {
			if (*keys[i].name != *name.at || !proc_is(&name, keys[i].name))
				continue;
			if (proc_take_number(&line, &value))
				readings_set_scaled(ret, keys[i].field, value, keys[i].scale);
			break;
		}
	}
}

void readings_read_pressure(struct proc_text text, uint32_t some_ns, uint32_t full_ns, struct readings *ret)
{
	struct proc_text line, kind, word, total;
	uint64_t us;

	while (proc_take_line(&text, &line)) {
		if (!proc_take_word(&line, &kind) || !(proc_is(&kind, "some") || proc_is(&kind, "full")))
			continue;
		while (proc_take_word(&line, &word))
			if (proc_after(&word, "total=", &total) && proc_number(&total, &us))
				readings_set_scaled(ret, proc_is(&kind, "some") ? some_ns : full_ns, us, NS_PER_US);
	}
}
