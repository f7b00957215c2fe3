// SPDX-License-Identifier: BSD-2-Clause
/*
 * Points in time as users type them, and quantities and dates below them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "base/rfc3339.h"
#include "base/signal_name.h"
#include "query/time.h"

#define S   UINT64_C(1000000000)
#define NOW (UINT64_C(1767323045) * S + 600000000) /* 2026-01-02T03:04:05.6Z */

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static uint64_t time_of(const char *text)
{
	uint64_t real_ns = 1;

	if (query_time(text, strlen(text), NOW, &real_ns) != 0)
		fail_msg("\"%s\" was not understood", text);
	return real_ns;
}

static int error_of(const char *text)
{
	uint64_t real_ns = 4711;
	int r = query_time(text, strlen(text), NOW, &real_ns);

	if (r < 0)
		assert_int_equal(real_ns, 4711);
	return r;
}

/* Summer time ends at 02:00 EDT, which is 01:00 EST: 01:30 is 05:30Z, and an hour later again. */
static void test_hour_that_comes_twice(void **state)
{
	uint64_t first = 1793511000 * S, real_ns;

	(void)state;
	set_zone("EST5EDT,M3.2.0,M11.1.0");
	assert_int_equal(time_of("2026-11-01 01:30"), first);
	assert_int_equal(query_time_of("2026-11-01 01:30", 16, NOW, 1, &real_ns), TIME_TWICE);
	assert_int_equal(real_ns, first + 3600 * S);
	assert_int_equal(query_time_of("2026-11-01 03:30", 16, NOW, 1, &real_ns), 0);
	assert_int_equal(real_ns, time_of("2026-11-01 03:30"));
	assert_int_equal(time_of("2026-11-01 01:30-05:00"), first + 3600 * S);
	assert_int_equal(query_time_of("2026-11-01 01:30-05:00", 22, NOW, 1, &real_ns), 0);
	assert_int_equal(query_time_of("Sun Nov  1 01:30:00 2026", 24, NOW, 0, &real_ns), TIME_TWICE);
}

/* Summer time begins at 02:00 EST, which is 03:00 EDT: 02:30 is taken for 07:30Z. */
static void test_hour_that_is_skipped(void **state)
{
	uint64_t real_ns;

	(void)state;
	set_zone("EST5EDT,M3.2.0,M11.1.0");
	assert_int_equal(query_time_of("2026-03-08 02:30", 16, NOW, 0, &real_ns), TIME_SKIPPED);
	assert_int_equal(real_ns, time_of("2026-03-08 03:30"));
	assert_int_equal(query_time_of("2026-03-08 01:59", 16, NOW, 0, &real_ns), 0);
	assert_int_equal(query_time_of("2026-03-08 03:00", 16, NOW, 0, &real_ns), 0);
	set_zone("UTC0");
	assert_int_equal(query_time_of("2026-03-08 02:30", 16, NOW, 0, &real_ns), 0);
}

static void test_rfc3339_with_offset(void **state)
{
	(void)state;
	set_zone("America/New_York");
	assert_int_equal(time_of("2026-01-02T03:04:05.6Z"), NOW);
	assert_int_equal(time_of("2026-01-02t03:04:05.600000000z"), NOW);
	assert_int_equal(time_of("2026-01-02 03:04:05.6 Z"), NOW);
	assert_int_equal(time_of("2026-01-02T04:34:05.6+01:30"), NOW);
	assert_int_equal(time_of("2026-01-01T19:04:05.6-08:00"), NOW);
	assert_int_equal(time_of("1970-01-01T00:00:00Z"), 0);
	/* As date(1) has it by --iso-8601=ns, journald and most loggers by %z. */
	assert_int_equal(time_of("2026-01-02T04:34:05,600000000+01:30"), NOW);
	assert_int_equal(time_of("2026-01-02T04:34:05.6+0130"), NOW);
	assert_int_equal(time_of("2026-01-02T05:04:05.6+02"), NOW);
	assert_int_equal(error_of("2026-01-02T04:34:05.6+01:3"), -EINVAL);
	assert_int_equal(error_of("2026-01-02T04:34:05.6+013"), -EINVAL);
	assert_int_equal(time_of("2024-02-29T00:00Z"), 1709164800 * S);
	assert_int_equal(time_of("2016-12-31T23:59:60Z"), 1483228800 * S);
	assert_int_equal(time_of("2026-01-02T03:04:05.1234567899Z"), NOW - 600000000 + 123456789);
}

static void test_without_offset_it_is_local(void **state)
{
	(void)state;
	set_zone("UTC0");
	assert_int_equal(time_of("2026-01-02"), 1767312000 * S);
	assert_int_equal(time_of("2026-01-02 03:04:05.6"), NOW);
	assert_int_equal(time_of("03:04"), NOW - 5 * S - 600000000);
	assert_int_equal(time_of("today"), 1767312000 * S);
	assert_int_equal(time_of("today 03:00"), (1767312000 + 3 * 3600) * S);
	assert_int_equal(time_of("Yesterday 23:59:59"), (1767312000 - 1) * S);
	assert_int_equal(time_of("yesterday"), (1767312000 - 86400) * S);
	set_zone("EST5EDT,M3.2.0,M11.1.0");
	assert_int_equal(time_of("2026-01-02"), (1767312000 + 5 * 3600) * S);
	assert_int_equal(time_of("2026-07-02"), time_of("2026-07-02T00:00:00-04:00"));
	/* At NOW it is still the first of January there. */
	assert_int_equal(time_of("today"), (1767312000 - 19 * 3600) * S);
	assert_int_equal(time_of("today 03:00 Z"), (1767225600 + 3 * 3600) * S);
	set_zone("UTC0");
}

static void test_back_from_now(void **state)
{
	(void)state;
	assert_int_equal(time_of("now"), NOW);
	assert_int_equal(time_of("-10m"), NOW - 600 * S);
	assert_int_equal(time_of("3m ago"), NOW - 180 * S);
	assert_int_equal(time_of("3mago"), NOW - 180 * S);
	assert_int_equal(time_of("1h30m ago"), NOW - 5400 * S);
	assert_int_equal(time_of(" -1.5s "), NOW - 1500000000);
	assert_int_equal(time_of("3 minutes ago"), NOW - 180 * S);
	assert_int_equal(time_of("1 Hour 30 min ago"), NOW - 5400 * S);
	assert_int_equal(time_of("2 days ago"), NOW - 2 * 86400 * S);
	assert_int_equal(time_of("1.5 weeks ago"), NOW - 907200 * S);
	assert_int_equal(time_of("-10 mins"), NOW - 600 * S);
	assert_int_equal(time_of("-1w"), NOW - 7 * 86400 * S);
	assert_int_equal(time_of("@1767323045.6"), NOW);
}

static void test_times_as_logs_have_them(void **state)
{
	static const char *const same[] = {
		"Fri Jan  2 03:04:05 UTC 2026",
		"Fri 02 Jan 2026 03:04:05 UTC",
		"Fri 2 Jan 2026 03:04:05 AM UTC",
		"Jan 02 03:04:05",
		"Jan 2 03:04:05",
		"january 2 03:04:05 2026",
		"Fri 2026-01-02 03:04:05 UTC",
		"2026/01/02 03:04:05",
		"02/Jan/2026:04:04:05 +0100",
		"Fri, 02 Jan 2026 03:04:05 GMT",
		"Friday, 2 January 2026 03:04:05",
	};
	static const char *const bad[] = {
		"Jan",
		"Jan 32 03:04:05",
		"Jen 2 03:04:05",
		"Jan 2",
		"02/Jan/2026 03:04:05",
		"Feb 29 03:04:05 2025",
		"Fri Jan 2 13:04:05 PM UTC 2026",
		"2026/01-02 03:04:05",
		"Jan 2 03:04:05 XYZ",
		"Fri",
		"2026/13/02 03:04:05",
		"Jan 2 03:04:05 UTC 2026 x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (time_of(same[i]) != NOW / S * S)
			fail_msg("%s: %llu", same[i], (unsigned long long)time_of(same[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (error_of(bad[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(time_of("Fri 2 Jan 2026 03:04:05 PM UTC"), NOW / S * S + 12 * 3600 * S);
	assert_int_equal(time_of("Jan 2 12:00:00 AM 2026"), 1767312000 * S);
	/* Of the year before: it has not been yet in this. */
	assert_int_equal(time_of("Dec 31 23:59:59"), (1767312000 - 2 * 86400 + 86399) * S);
	assert_int_equal(time_of("Feb 28 00:00:00"), time_of("2025-02-28"));
	set_zone("EST5EDT,M3.2.0,M11.1.0");
	assert_int_equal(time_of("Thu Jan  1 22:04:05 EST 2026"), NOW / S * S);
	assert_int_equal(time_of("Jan 1 22:04:05"), NOW / S * S);
	set_zone("UTC0");
}

static void test_what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"-",
		"ago",
		"-10",
		"10 ago",
		"-10x",
		"tomorrow",
		"todays",
		"today03",
		"2026",
		"2026-13-01",
		"2026-02-29",
		"2026-01-02T",
		"2026-01-02T24:00",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05+1",
		"2026-01-02T03:04Zx",
		"25:00",
		"3:00",
		"now now",
		"@",
		"@x",
		"@1s",
		"--5m",
		"2026-00-10",
		"2026-01-00",
		"now -",
		"00:00:00-99:00",
		"minutes ago",
		"3 4 minutes ago",
		"3 minute s ago",
		"3 months ago",
		"3m 4 ago",
		"3 minutesago 1",
		"1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1s ago",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (error_of(bad[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(error_of("1969-12-31T23:59:59Z"), -ERANGE);
	assert_int_equal(error_of("9999-01-01"), -ERANGE);
	assert_int_equal(error_of("-99999w"), -ERANGE);
}

static void test_times_survive_being_written_and_read(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[RFC3339_LEN];
		uint64_t real_ns;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		real_ns = seed % (UINT64_C(18429292800) * S); /* before 2554 */
		rfc3339_write(real_ns, text);
		if (i % 100 == 0) {
			time_t seconds = (time_t)(real_ns / S);
			char libc[64];
			struct tm tm;

			strftime(libc, sizeof(libc), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
			assert_memory_equal(text, libc, 19);
		}
		uint64_t read = 0;

		assert_int_equal(query_time(text, sizeof(text), NOW, &read), 0);
		assert_int_equal(read, real_ns);
	}
}

static uint64_t ns_of(const char *text)
{
	uint64_t ns;

	assert_int_equal(quantity_read_ns(text, strlen(text), &ns), 0);
	return ns;
}

static void test_quantities_are_read_exactly(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(ns_of("1.5s"), 1500000000);
	assert_int_equal(ns_of("0.1s"), 100000000);
	assert_int_equal(ns_of("1h30m"), 5400 * S);
	assert_int_equal(ns_of("7"), 7);
	assert_int_equal(ns_of("18446744073709551615"), UINT64_MAX);
	assert_int_equal(quantity_read_ns("18446744073709551616", 20, &value), -ERANGE);
	assert_int_equal(quantity_read_ns("99999999999999999999w", 21, &value), -ERANGE);
	assert_int_equal(quantity_read_ns("0.5ns", 5, &value), -EDOM);
	assert_int_equal(quantity_read_ns("1.2.3s", 6, &value), -EINVAL);
	assert_int_equal(quantity_read_ns(".", 1, &value), -EINVAL);
	assert_int_equal(quantity_read_ns("", 0, &value), -EINVAL);
	assert_int_equal(quantity_read_bytes("1.5MiB", 6, &value), 0);
	assert_int_equal(value, 1572864);
	assert_int_equal(quantity_read_bytes("2GiB", 4, &value), 0);
	assert_int_equal(value, UINT64_C(2) << 30);
	assert_int_equal(quantity_read_bytes("2MB", 3, &value), 0);
	assert_int_equal(value, 2000000);
	assert_int_equal(quantity_read_bytes("1K2K", 4, &value), -EINVAL);
	assert_int_equal(quantity_read_count("12k", 3, &value), -EINVAL);
}

static const char *ns_text(uint64_t ns)
{
	static char text[QUANTITY_TEXT_BYTES];

	quantity_write_ns(ns, text);
	return text;
}

static void test_quantities_have_three_digits_human_readable(void **state)
{
	char text[QUANTITY_TEXT_BYTES];

	(void)state;
	assert_string_equal(ns_text(0), "0ns");
	assert_string_equal(ns_text(999), "999ns");
	assert_string_equal(ns_text(12345), "12.3us");
	assert_string_equal(ns_text(999499), "999us");
	assert_string_equal(ns_text(999600), "1.00ms");
	assert_string_equal(ns_text(9996000), "10.0ms");
	assert_string_equal(ns_text(59949999999), "59.9s");
	assert_string_equal(ns_text(59960000000), "1m00s");
	assert_string_equal(ns_text(3725 * S), "1h02m");
	assert_string_equal(ns_text(90000 * S), "1d01h");
	quantity_write_ns(UINT64_MAX, text);
	quantity_write_bytes(UINT64_MAX, text);
	assert_string_equal(text, "16.0EiB");
	quantity_write_bytes(1023, text);
	assert_string_equal(text, "1023B");
	quantity_write_bytes(4718592, text);
	assert_string_equal(text, "4.50MiB");
	quantity_write_bytes(1048575, text);
	assert_string_equal(text, "1.00MiB");
}

static void test_signals_have_names_both_ways(void **state)
{
	(void)state;
	for (uint64_t number = 1; number <= 64; number++) {
		char name[SIGNAL_NAME_BYTES];
		size_t len = signal_name(number, name);

		assert_int_equal(signal_number(name, len), number);
	}
	assert_int_equal(signal_number("sigkill", 7), 9);
	assert_int_equal(signal_number("SIGRTMIN+1", 10), 35);
	assert_int_equal(signal_number("SIG", 3), -EINVAL);
	assert_int_equal(signal_number("0", 1), -EINVAL);
	assert_int_equal(signal_number("65", 2), -EINVAL);
	assert_int_equal(signal_number("RTMIN+31", 8), -EINVAL);
	assert_int_equal(signal_number("KILLED", 6), -EINVAL);
	assert_int_equal(signal_number("", 0), -EINVAL);
}

static void test_nearest_name_is_near(void **state)
{
	static const char *const names[] = {"dump", "verify", "schema", "max_rss_bytes", "cpu_ns"};

	(void)state;
	assert_string_equal(nearest_name("dmup", 4, names, 5), "dump");
	assert_string_equal(nearest_name("max_rss", 7, names, 5), "max_rss_bytes");
	assert_string_equal(nearest_name("cpu", 3, names, 5), "cpu_ns");
	assert_string_equal(nearest_name("verfy", 5, names, 5), "verify");
	assert_null(nearest_name("frobnicate", 10, names, 5));
	assert_null(nearest_name("", 0, names, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hour_that_comes_twice),
		cmocka_unit_test(test_hour_that_is_skipped),
		cmocka_unit_test(test_rfc3339_with_offset),
		cmocka_unit_test(test_without_offset_it_is_local),
		cmocka_unit_test(test_back_from_now),
		cmocka_unit_test(test_times_as_logs_have_them),
		cmocka_unit_test(test_what_is_no_time_is_refused),
		cmocka_unit_test(test_times_survive_being_written_and_read),
		cmocka_unit_test(test_quantities_are_read_exactly),
		cmocka_unit_test(test_quantities_have_three_digits_human_readable),
		cmocka_unit_test(test_signals_have_names_both_ways),
		cmocka_unit_test(test_nearest_name_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
