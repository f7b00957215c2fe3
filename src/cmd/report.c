// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lines about a store that several commands print the same.
 */
#include "cmd/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "output/text.h"

void report_store_error(const char *command, const char *dir, int error)
{
	switch (error) {
	case -ENOENT:
		fprintf(stderr, "%s: there is no store at %s; `obit record` makes one, --store DIR names another\n",
			command, dir);
		break;
	case -ENOTDIR:
		fprintf(stderr, "%s: %s is not a directory; a store is one\n", command, dir);
		break;
	case -EMEDIUMTYPE:
		fprintf(stderr, "%s: %s holds files, but none of obit's; --store DIR names another directory\n", command,
			dir);
		break;
	case -EACCES:
	case -EPERM:
		fprintf(stderr, "%s: no permission to read %s; run as root or as a member of the group that owns it\n",
			command, dir);
		break;
	case -ENOMEM:
		fprintf(stderr, "%s: out of memory while reading %s\n", command, dir);
		break;
	default:
		fprintf(stderr, "%s: cannot read %s: %s\n", command, dir, strerror(-error));
	}
}

void report_text(FILE *to, const char *text)
{
	struct buffer visible = {0};

	text_add_visible(&visible, text, strlen(text));
	fwrite(visible.data, 1, visible.used, to);
	buffer_done(&visible);
}

size_t report_damage(FILE *to, const char *prefix, const struct store_reader *reader)
{
	size_t n, n_damaged = 0;
	const struct store_damage *damage = store_reader_damage(reader, &n);

	for (size_t i = 0; i < n; i++) {
		fputs(prefix, to);
		report_text(to, damage[i].segment);
		if (damage[i].is_torn_tail) {
			fprintf(to, ": torn tail at offset %" PRIu64 ", %" PRIu64 " bytes: its writer was stopped in the "
				"middle of a chunk, or is writing it now\n", damage[i].offset, damage[i].bytes);
			continue;
		}
		n_damaged++;
		fprintf(to, ": damaged at offset %" PRIu64 ", %" PRIu64 " bytes skipped: ", damage[i].offset,
			damage[i].bytes);
		report_text(to, damage[i].what);
		fputc('\n', to);
	}
	return n_damaged;
}
