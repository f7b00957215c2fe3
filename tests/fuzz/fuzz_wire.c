// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as an agent's reply, as they are and between a right first and last line; what is understood is written
 * so that it is understood again.
 */
#include "control/wire.h"
#include "input.h"

static void read_reply(const char *data, size_t len)
{
	static struct status *status, *again;
	struct buffer first = {0}, second = {0};
	const char *error = NULL;
	size_t error_len = 0;
	int r;

	if (!status)
		status = status_new();
	if (!again)
		again = status_new();
	r = wire_read_reply(data, len, status, &error, &error_len);
	if (r == 0) {
		wire_add_status(&first, status);
		MUST(wire_read_reply(first.data, first.used, again, &error, &error_len) == 0);
		wire_add_status(&second, again);
		MUST(first.used == second.used && memcmp(first.data, second.data, first.used) == 0);
	} else if (error) {
		MUST(error >= data && error + error_len <= data + len);
	}
	buffer_done(&first);
	buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole = {0};

	read_reply((const char *)data, size);
	buffer_add_text(&whole, "obit status\n");
	buffer_add(&whole, data, size);
	buffer_add_text(&whole, "\nend\n");
	read_reply(whole.data, whole.used);
	buffer_done(&whole);
	return 0;
}
