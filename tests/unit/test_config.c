// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file of options: what it says counts where the command line is silent, and what is wrong in it is named.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/config.h"

enum { DEPTH, NAME, LOUD, CONFIG, N_KEYS = CONFIG };

static const struct option_spec specs[] = {
	{"depth", "N", "how deep", "3"},
	{"name", "TEXT", "of what", NULL},
	{"loud", NULL, "say more", NULL},
	{"config", "FILE", "not a key", NULL},
};
static const struct usage usage = {"obit test", "", "", specs, sizeof(specs) / sizeof(specs[0]), "", 0};

static char path[64], said[1024];
static struct options options;
static struct config config;

/* Standard error of reading `text` after these words, or what --print-config says of it, is in `said`. */
static int read_text(const char *text, size_t len, const char *word)
{
	const char *argv[] = {"obit", word, NULL};
	FILE *file = fopen(path, "w"), *errors = tmpfile();
	int kept = dup(STDERR_FILENO), r;
	size_t n;

	assert_non_null(file);
	fwrite(text, 1, len, file);
	fclose(file);
	assert_int_equal(options_parse(&usage, word ? 2 : 1, (char **)argv, &options), 0);
	dup2(fileno(errors), STDERR_FILENO);
	r = config_read(&usage, N_KEYS, path, 1, &options, &config);
	if (r == 0)
		config_blame(&config, &usage, &options, DEPTH);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(errors);
	n = fread(said, 1, sizeof(said) - 1, errors);
	said[n] = 0;
	fclose(errors);
	return r;
}

static int read_string(const char *text, const char *word)
{
	return read_text(text, strlen(text), word);
}

static void test_file_counts_where_the_command_line_is_silent(void **state)
{
	(void)state;
	assert_int_equal(read_string("# a comment\n\n  depth=7  \nname = a = b \nloud = yes\n", NULL), 0);
	assert_string_equal(options.values[DEPTH], "7");
	assert_string_equal(options.values[NAME], "a = b");
	assert_non_null(options.values[LOUD]);
	assert_non_null(strstr(said, "line 3"));
	config_done(&config);

	assert_int_equal(read_string("depth = 7\nloud = yes", "--depth=9"), 0);
	assert_string_equal(options.values[DEPTH], "9");
	assert_string_equal(said, ""); /* the file is not to blame for what it did not decide */
	config_done(&config);

	assert_int_equal(read_string("loud = yes\n", "--loud=no"), 0);
	assert_null(options.values[LOUD]);
	config_done(&config);

	assert_int_equal(read_string("loud = no\n", NULL), 0);
	assert_null(options.values[LOUD]);
	assert_null(options.values[DEPTH]);
	assert_string_equal(options_value(&usage, &options, DEPTH), "3");
	config_done(&config);
}

static void test_what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{"\ndepht = 1\n", "line 2: \"depht\" is no key; did you mean depth?"},
		{"config = x\n", "line 1: \"config\" is no key"},
		{"nonsense\n", "line 1: \"nonsense\" is not of the form"},
		{"depth =\n", "line 1: \"depth\" has no value"},
		{"loud = 1\n", "line 1: \"loud\" must be yes or no"},
		{"depth = 1\r\ndepth = 2\r\n", "line 2: \"depth\" stands in the file twice"},
		{"= 1\n", "line 1: \"\" is no key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_string(cases[i].text, NULL), -EINVAL);
		if (!strstr(said, cases[i].wrong))
			fail_msg("\"%s\": %s", cases[i].text, said);
		config_done(&config);
	}
	assert_int_equal(read_text("depth = 1\0", 10, NULL), -EILSEQ);
	config_done(&config);
}

static void test_a_file_that_is_not_there_is_an_error_only_where_it_was_named(void **state)
{
	(void)state;
	assert_int_equal(options_parse(&usage, 1, (char *[]){(char *)"obit", NULL}, &options), 0);
	assert_int_equal(config_read(&usage, N_KEYS, "/nowhere/obit.conf", 0, &options, &config), 0);
	config_done(&config);
	assert_int_equal(config_read(&usage, N_KEYS, "/nowhere/obit.conf", 1, &options, &config), -ENOENT);
	config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_counts_where_the_command_line_is_silent),
		cmocka_unit_test(test_what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(test_a_file_that_is_not_there_is_an_error_only_where_it_was_named),
	};
	int r;

	snprintf(path, sizeof(path), "/tmp/obit-config-%d", getpid());
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
