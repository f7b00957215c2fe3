// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file is read whole and cut into lines in place, so that values live as long as it does.
 */
#include "cmd/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

#define CONFIG_MAX_BYTES 65536 /* a hundred times what there is to say */
#define BLANK		 " \t\r"
#define WRAP_COLUMN	 100

/* `what` is in the line and `is_wrong`. */
static int report_error(const struct config *config, const struct usage *usage, unsigned line, const char *what,
			const char *is_wrong)
{
	fprintf(stderr, "%s: %s, line %u: \"%s\" %s\n", usage->command, config->path, line, what, is_wrong);
	return -EINVAL;
}

static int read_file(struct config *config)
{
	FILE *file = fopen(config->path, "re");
	size_t len;
	int r = 0;

	if (!file)
		return -errno;
	config->text = malloc(CONFIG_MAX_BYTES + 1);
	if (!config->text) {
		fclose(file);
		return -ENOMEM;
	}
	len = fread(config->text, 1, CONFIG_MAX_BYTES + 1, file);
	if (ferror(file))
		r = -errno;
	else if (len > CONFIG_MAX_BYTES)
		r = -EFBIG;
	else if (memchr(config->text, 0, len))
		r = -EILSEQ;
	else
		config->text[len] = 0;
	fclose(file);
	return r;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	text += strspn(text, BLANK);
	while (end > text && strchr(BLANK, end[-1]))
		*--end = 0;
	return text;
}

static int find_key(const struct config *config, const struct usage *usage, size_t n_keys, const char *key,
		    unsigned line)
{
	const char *names[OPTIONS_MAX], *nearest;
	char wrong[128];

	for (size_t i = 0; i < n_keys; i++) {
		names[i] = usage->specs[i].name;
		if (strcmp(names[i], key) == 0)
			return (int)i;
	}
	nearest = nearest_name(key, strlen(key), names, n_keys);
	snprintf(wrong, sizeof(wrong), "is no key; did you mean %s?", nearest ? nearest : "");
	return report_error(config, usage, line, key, nearest ? wrong : "is no key; `--print-config` lists them");
}

static int take_line(struct config *config, const struct usage *usage, size_t n_keys, char *text, unsigned line,
		     struct options *options)
{
	char *equals = strchr(text, '='), *key, *value;
	int i;

	if (!equals)
		return report_error(config, usage, line, text, "is not of the form `key = value`");
	*equals = 0;
	key = trim(text);
	value = trim(equals + 1);
	i = find_key(config, usage, n_keys, key, line);
	if (i < 0)
		return i;
	if (config->lines[i])
		return report_error(config, usage, line, key, "stands in the file twice");
	if (!*value)
		return report_error(config, usage, line, key, "has no value");
	if (!usage->specs[i].argument && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return report_error(config, usage, line, key, "must be yes or no");
	config->lines[i] = line;
	if (options->is_given[i])
		return 0;
	if (usage->specs[i].argument)
		options->values[i] = value;
	else
		options->values[i] = strcmp(value, "yes") == 0 ? "" : NULL;
	return 0;
}

int config_read(const struct usage *usage, size_t n_keys, const char *path, bool is_wanted, struct options *options,
		struct config *ret)
{
	char *rest, *text;
	int r;

	*ret = (struct config){.path = path};
	r = read_file(ret);
	if (r == -ENOENT && !is_wanted)
		return 0;
	if (r < 0) {
		fprintf(stderr, "%s: cannot read %s: %s; give another with --config, or --config none\n",
			usage->command, path, r == -EILSEQ ? "it is not a text" : strerror(-r));
		return r;
	}
	rest = ret->text;
	for (unsigned line = 1; r == 0 && (text = strsep(&rest, "\n")); line++) {
		text = trim(text);
		if (*text && *text != '#')
			r = take_line(ret, usage, n_keys, text, line, options);
	}
	return r;
}

void config_done(struct config *config)
{
	free(config->text);
	config->text = NULL;
}

void config_blame(const struct config *config, const struct usage *usage, const struct options *options, int i)
{
	if (config->lines[i] && !options->is_given[i])
		fprintf(stderr, "%s: this is said by %s, line %u\n", usage->command, config->path, config->lines[i]);
}

/* A comment of as many lines as it takes. */
static void print_comment(const char *help)
{
	while (*help) {
		int len = (int)strlen(help), room = WRAP_COLUMN;

		if (len > room)
			for (len = room; len > 1 && help[len] != ' ';)
				len--;
		printf("# %.*s\n", len, help);
		help += len;
		help += strspn(help, " ");
	}
}

void config_print(const struct usage *usage, size_t n_keys, const struct options *options)
{
	printf("# %s reads this file: --print-config shows what is in effect. What stands in a comment is the "
	       "default.\n",
	       usage->command);
	for (size_t i = 0; i < n_keys; i++) {
		const struct option_spec *spec = &usage->specs[i];
		const char *value = options->values[i], *fallback = spec->fallback ? spec->fallback : spec->argument;

		printf("\n");
		print_comment(spec->help);
		if (!spec->argument)
			printf("%s%s = %s\n", value ? "" : "#", spec->name, value ? "yes" : "no");
		else
			printf("%s%s = %s\n", value ? "" : "#", spec->name, value ? value : fallback);
	}
}
