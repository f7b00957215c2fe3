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
		fprintf(stderr, "%s: %s is not a directory; a store is one, or a tar archive of one\n", command, dir);
		break;
	case -EMEDIUMTYPE:
		fprintf(stderr, "%s: %s holds none of obit's segments; --store DIR names another store\n", command,
			dir);
		break;
	case -EBADMSG:
		fprintf(stderr,
			"%s: %s: the archive is broken; what is before that is read when it is unpacked (tar -xf)\n",
			command, dir);
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
	if (visible.used)
		fwrite(visible.data, 1, visible.used, to);
	buffer_done(&visible);
}

static void report_torn(FILE *to, const struct store_damage *damage)
{
	if (damage->bytes == 0)
		fprintf(to, ": not sealed: its writer was stopped between two chunks; nothing of it is missing\n");
	else
		fprintf(to, ": torn tail at offset %" PRIu64 ", %" PRIu64 " bytes: its writer was stopped in a chunk\n",
			damage->offset, damage->bytes);
}

struct report_skipped report_skipped(FILE *to, const char *prefix, struct store_reader *reader)
{
	struct report_skipped skipped = {0, 0};
	size_t n;
	const struct store_damage *damage = store_reader_damage(reader, &n);

	for (size_t i = 0; i < n; i++) {
		fputs(prefix, to);
		report_text(to, damage[i].segment);
		if (damage[i].is_torn_tail) {
			skipped.n_torn += damage[i].bytes > 0;
			report_torn(to, &damage[i]);
			continue;
		}
		skipped.n_damaged++;
		fprintf(to, ": damaged at offset %" PRIu64 ", %" PRIu64 " bytes skipped: ", damage[i].offset,
			damage[i].bytes);
		report_text(to, damage[i].what);
		fputc('\n', to);
	}
	return skipped;
}
