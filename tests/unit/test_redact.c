// SPDX-License-Identifier: BSD-2-Clause
/*
 * What of arguments is not recorded; and text that is cut between characters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "ledger/redact.h"

#define ARGV(text) text, sizeof(text) /* with the NUL of the literal as its last */

static void assert_redacted(const char *rule, const char *argv, size_t len, const char *want, size_t want_len)
{
	char to[256];
	size_t got = redact_arguments(rule, argv, len, to, sizeof(to));

	assert_int_equal(got, want_len);
	assert_memory_equal(to, want, want_len);
}

static void test_what_is_asked_for_is_taken_out(void **state)
{
	const char *rule = "--password=,-p,--token";

	(void)state;
	assert_redacted(NULL, ARGV("a\0-psecret"), ARGV("a\0-psecret"));
	assert_redacted("none", ARGV("a\0-psecret"), ARGV("a\0-psecret"));
	assert_redacted("all", ARGV("mysql\0-psecret\0db"), ARGV("mysql\0***\0***"));
	assert_redacted(rule, ARGV("mysql\0-psecret\0db"), ARGV("mysql\0-p***\0db"));
	assert_redacted(rule, ARGV("x\0--password=a b\0--token\0t\0u"), ARGV("x\0--password=***\0--token\0***\0u"));
	assert_redacted(rule, ARGV("-psecret\0y"), ARGV("-psecret\0y")); /* its name */
	assert_redacted(rule, ARGV("x\0--token"), ARGV("x\0--token"));
	assert_redacted(rule, "", 0, "", 0);
	assert_redacted(rule, "x\0-psec", 7, "x\0-p***", 7); /* cut off */
}

static void test_it_stays_within_its_room(void **state)
{
	char argv[64], to[40];

	(void)state;
	memset(argv, 0, sizeof(argv));
	for (size_t size = 0; size <= sizeof(to); size++)
		assert_true(redact_arguments("all", argv, sizeof(argv), to, size) <= size);
}

static void test_rules_are_checked(void **state)
{
	(void)state;
	assert_int_equal(redact_check("all"), 0);
	assert_int_equal(redact_check("--password=,-p"), 0);
	assert_true(redact_check("") < 0 && redact_check(",") < 0 && redact_check("a,,b") < 0 &&
		    redact_check("a,") < 0);
}

static void test_text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_int_equal(utf8_whole("ab", 2), 2);
	assert_int_equal(utf8_whole("a\xc3\xa9", 3), 3);
	assert_int_equal(utf8_whole("a\xc3", 2), 1);
	assert_int_equal(utf8_whole("\xe2\x82", 2), 0);
	assert_int_equal(utf8_whole("\xf0\x9f\x92\x80", 4), 4);
	assert_int_equal(utf8_whole("x\xf0\x9f\x92", 4), 1);
	assert_int_equal(utf8_whole("\x80\x80\x80\x80", 4), 4); /* no UTF-8 */
	assert_int_equal(utf8_whole("\xff", 1), 1);
	assert_int_equal(utf8_whole("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_asked_for_is_taken_out),
		cmocka_unit_test(test_it_stays_within_its_room),
		cmocka_unit_test(test_rules_are_checked),
		cmocka_unit_test(test_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
