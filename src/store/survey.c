// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every chunk's head is read, for the rows that it says it has; the columns behind are stepped over.
 */
#include "store/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/chunk_codec.h"
#include "store/segment.h"

struct survey {
	int dir_fd, has_writer;
	struct segment_name *names;
	size_t n_names, next_name;
};

const char *survey_state_name(enum survey_state state)
{
	static const char *const names[] = {"sealed", "writing", "torn", "damaged"};

	return names[state];
}

int survey_open(const char *dir, struct survey **ret)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int r;

	if (!survey)
		return -ENOMEM;
	survey->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = survey->dir_fd < 0 ? -errno : directory_list(survey->dir_fd, &survey->names, &survey->n_names);
	if (r < 0) {
		survey_close(survey);
		return r;
	}
	survey->has_writer = directory_is_locked(survey->dir_fd);
	*ret = survey;
	return 0;
}

void survey_close(struct survey *survey)
{
	if (!survey)
		return;
	if (survey->dir_fd >= 0)
		close(survey->dir_fd);
	free(survey->names);
	free(survey);
}

static void note_damage(void *ctx, uint64_t offset, uint64_t bytes, int is_torn_tail, const char *what)
{
	struct survey_segment *segment = ctx;

	(void)offset;
	segment->unread_bytes += bytes;
	segment->state = is_torn_tail ? SURVEY_TORN : SURVEY_DAMAGED;
	if (!*segment->what)
		snprintf(segment->what, sizeof(segment->what), "%s", what);
}

static void count_interval(struct survey_segment *segment, const struct interval *interval)
{
	uint64_t end = interval->is_last_chunk && interval->end_real_ns > interval->begin_real_ns
			       ? interval->end_real_ns
			       : interval->begin_real_ns;

	if (!segment->intervals || interval->number < segment->first_number)
		segment->first_number = interval->number;
	if (!segment->intervals || interval->begin_real_ns < segment->first_real_ns)
		segment->first_real_ns = interval->begin_real_ns;
	if (interval->number > segment->last_number)
		segment->last_number = interval->number;
	if (end > segment->last_real_ns)
		segment->last_real_ns = end;
	segment->intervals = segment->last_number - segment->first_number + 1;
}

/* 0 or -EBADMSG. */
static int count_chunk(struct survey_segment *segment, const struct segment_chunk *chunk)
{
	struct source body = {(const unsigned char *)chunk->data + CHUNK_PREFIX, chunk->len - CHUNK_PREFIX, 0};
	struct chunk_section sections[TABLE_MAX_TABLES];
	struct interval interval;
	uint64_t ordinal;
	int r = chunk_get_head(&body, &ordinal, &interval);
	size_t n = 0;

	if (r == 0)
		r = chunk_get_sections(&body, sections, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		if (sections[i].id < TABLE_MAX_TABLES)
			segment->rows[sections[i].id] += sections[i].rows;
	if (r == 0)
		count_interval(segment, &interval);
	segment->raw_bytes += chunk->len;
	return r;
}

static int read_chunks(struct survey_segment *ret, struct segment *segment)
{
	struct segment_chunk chunk;
	int r;

	while ((r = segment_next(segment, &chunk)) > 0)
		if (count_chunk(ret, &chunk) < 0)
			segment_give_up_frame(segment, "a chunk that cannot be decoded");
	return r;
}

static int survey_one(struct survey *survey, int is_last, struct survey_segment *ret)
{
	struct segment *segment;
	struct stat st;
	int is_written = is_last && survey->has_writer;
	int r = segment_open(survey->dir_fd, ret->name.text, note_damage, ret, &segment);

	if (r < 0)
		return r;
	ret->has_origin = segment_header(segment)->n_tables > 0;
	if (ret->has_origin)
		ret->origin = segment_header(segment)->origin;
	r = read_chunks(ret, segment);
	if (ret->has_origin && !segment_index(segment) && ret->state == SURVEY_SEALED) {
		ret->state = is_written ? SURVEY_WRITING : SURVEY_TORN;
		ret->unread_bytes += is_written ? 0 : segment_torn_bytes(segment);
	} else if (is_written && ret->state == SURVEY_TORN) {
		/* Its header is on the way. */
		ret->state = SURVEY_WRITING;
		ret->unread_bytes = 0;
		ret->what[0] = '\0';
	}
	if (fstatat(survey->dir_fd, ret->name.text, &st, 0) == 0)
		ret->bytes = (uint64_t)st.st_size;
	segment_close(segment);
	return r;
}

int survey_next(struct survey *survey, struct survey_segment *ret)
{
	while (survey->next_name < survey->n_names) {
		struct survey_segment segment = {.name = survey->names[survey->next_name++]};
		int r = survey_one(survey, survey->next_name == survey->n_names, &segment);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		*ret = segment;
		return 1;
	}
	return 0;
}
