// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chrome's trace events (the "Trace Event Format"), which ui.perfetto.dev and chrome://tracing open: a complete event
 * ("X") for each process, from fork to end, on a lane of the track of its cgroup or of its parent. To the viewer a
 * track is a process and a lane a thread of it.
 *
 * Times are microseconds with three decimals from the origin, not from the epoch: viewers keep them in a double,
 * which has room for nanoseconds of some days only. The origin is in "otherData".
 *
 * Memory follows the tracks, not the slices. That of a parent is named and forgotten at the parent's end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/rfc3339.h"
#include "output/format.h"
#include "output/lanes.h"
#include "output/plain.h"
#include "output/text.h"

/* What the code needs to find; -1: it is not among the columns. */
struct trace_columns {
	int exit_time, start_time, comm, cgroup, pid, ppid, exit_code, exit_signal;
};

/* Shown with a slice, where not null. */
static const char *const shown[] = {
	"pid",	     "ppid",	    "argv",	     "exe",	     "cgroup",	    "container_id", "uid",
	"exit_code", "exit_signal", "core_dumped",   "oom_killed",   "killer_pid",  "killer_comm",  "killer_uid",
	"cpu_ns",    "user_ns",	    "system_ns",     "run_delay_ns", "block_ns",    "nvcsw",	    "nivcsw",
	"minflt",    "majflt",	    "max_rss_bytes", "read_bytes",   "write_bytes", "threads",	    "flags",
};

#define N_SHOWN (ARRAY_SIZE(shown))

struct trace {
	struct trace_columns columns;
	int shown[N_SHOWN]; /* columns */
	struct tracks tracks;
	struct buffer key;   /* of the track */
	struct buffer words; /* argv, or text made UTF-8 */
	bool has_event;
};

static int find_column(const struct output *output, const char *name)
{
	for (uint32_t i = 0; i < output->n_columns; i++)
		if (strcmp(output->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int begin(struct output *output)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	struct stream *stream = output->options.stream;
	char origin[RFC3339_LEN];

	if (!trace)
		return -ENOMEM;
	output->state = trace;
	trace->columns = (struct trace_columns){
		find_column(output, "exit_time"), find_column(output, "start_time"),  find_column(output, "comm"),
		find_column(output, "cgroup"),	  find_column(output, "pid"),	      find_column(output, "ppid"),
		find_column(output, "exit_code"), find_column(output, "exit_signal"),
	};
	for (size_t i = 0; i < N_SHOWN; i++)
		trace->shown[i] = find_column(output, shown[i]);
	rfc3339_write(output->options.origin_real_ns, origin);
	stream_add_text(stream, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"origin\":\"");
	stream_add(stream, origin, sizeof(origin));
	stream_add_text(stream, "\",\"writer\":\"obit " OBIT_VERSION "\"},\"traceEvents\":[");
	return 0;
}

static void done(struct output *output)
{
	struct trace *trace = output->state;

	if (!trace)
		return;
	tracks_done(&trace->tracks);
	buffer_done(&trace->key);
	buffer_done(&trace->words);
	free(trace);
}

/* The row's value of a column: its field, or -1 where it is null. */
static int value_of(const struct block *block, uint32_t row, const int *fields, int column)
{
	return column < 0 || cell_is_null(block, row, fields[column]) ? -1 : fields[column];
}

/* A string of JSON and UTF-8. */
static int add_string(struct output *output, const char *text, size_t len)
{
	struct trace *trace = output->state;
	struct buffer *scratch = &output->scratch;

	if (!text_is_ascii(text, len)) {
		trace->words.used = 0;
		text_add_utf8(&trace->words, text, len);
		text = trace->words.data;
		len = trace->words.used;
	}
	scratch->used = 0;
	if (trace->words.error || buffer_reserve(scratch, PLAIN_JSON_BYTES(len)) < 0)
		return -ENOMEM;
	stream_add(output->options.stream, scratch->data,
		   (size_t)(plain_write_json(scratch->data, text, len) - scratch->data));
	return 0;
}

/* Argv is one text, quoted as for a shell: viewers show a list an item a line. */
static int add_argv(struct output *output, const char *text, size_t len)
{
	struct buffer words = {0};
	int r;

	text_add_words(&words, text, len);
	r = words.error ? words.error : add_string(output, words.data, words.used);
	buffer_done(&words);
	return r;
}

static int add_argument(struct output *output, const struct block *block, uint32_t row, int column, int field)
{
	const struct field *what = &output->columns[column];
	char number[PLAIN_NUMBER_BYTES];
	const char *text;
	size_t len;

	if (field_is_text(what)) {
		text = block_text(block, row, (uint32_t)field, &len);
		return what->type == FIELD_STRINGS ? add_argv(output, text, len) : add_string(output, text, len);
	}
	len = (size_t)(plain_write_number(number, what, block_number(block, row, (uint32_t)field)) - number);
	stream_add(output->options.stream, number, len);
	return 0;
}

static int add_arguments(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	const struct trace *trace = output->state;
	struct stream *stream = output->options.stream;
	int n = 0, r = 0;

	stream_add_text(stream, ",\"args\":{");
	for (size_t i = 0; i < N_SHOWN && r == 0; i++) {
		int field = value_of(block, row, fields, trace->shown[i]);

		if (field < 0)
			continue;
		stream_add_text(stream, n++ ? ",\"" : "\"");
		stream_add_text(stream, shown[i]);
		stream_add_text(stream, "\":");
		r = add_argument(output, block, row, trace->shown[i], field);
	}
	stream_add_text(stream, "}}");
	return r;
}

/* Microseconds from the origin. */
static void add_us(struct stream *stream, int64_t ns)
{
	char text[DECIMAL_MAX_BYTES + 8], *to = text;
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (ns < 0)
		*to++ = '-';
	to = decimal_write_u64(to, size / NS_PER_US);
	*to++ = '.';
	to = decimal_write_fixed(to, (uint32_t)(size % NS_PER_US), 3);
	stream_add(stream, text, (size_t)(to - text));
}

static void begin_event(struct output *output, const char *type)
{
	struct trace *trace = output->state;

	stream_add_text(output->options.stream, trace->has_event ? ",\n" : "\n");
	stream_add_text(output->options.stream, type);
	trace->has_event = 1;
}

static void add_ids(struct stream *stream, uint32_t track, uint32_t lane)
{
	stream_add_text(stream, ",\"pid\":");
	stream_add_u64(stream, track);
	stream_add_text(stream, ",\"tid\":");
	stream_add_u64(stream, lane);
}

static int add_name(struct output *output, const char *what, uint32_t track, uint32_t lane, const char *name,
		    size_t len)
{
	struct stream *stream = output->options.stream;
	int r;

	begin_event(output, "{\"ph\":\"M\",\"name\":\"");
	stream_add_text(stream, what);
	stream_add_text(stream, "\"");
	add_ids(stream, track, lane);
	stream_add_text(stream, ",\"args\":{\"name\":");
	r = add_string(output, name, len);
	stream_add_text(stream, "}}");
	return r;
}

static int name_lane(struct output *output, const struct track *track, uint32_t lane)
{
	char name[32];
	char *end = decimal_write_u64(stpcpy(name, "lane "), track->n_lanes);

	return add_name(output, "thread_name", track->number, lane, name, (size_t)(end - name));
}

/* The cgroup's path, or "pid N" of the parent. */
static void make_key(struct output *output, const struct block *block, uint32_t row, const int *fields, bool is_own)
{
	struct trace *trace = output->state;
	int is_parent = output->options.track == TRACK_PARENT;
	int column = is_parent ? (is_own ? trace->columns.pid : trace->columns.ppid) : trace->columns.cgroup;
	int field = value_of(block, row, fields, column);
	const char *text;
	size_t len;

	trace->key.used = 0;
	if (field < 0) {
		buffer_add_text(&trace->key, is_parent ? "pid unknown" : "cgroup unknown");
	} else if (is_parent) {
		buffer_add_format(&trace->key, "pid %" PRIu64, block_number(block, row, (uint32_t)field));
	} else {
		text = block_text(block, row, (uint32_t)field, &len);
		buffer_add(&trace->key, text, len);
	}
}

/* Where the slice goes: its track and lane, named when they are new. */
static int find_lane(struct output *output, uint64_t begin_ns, uint64_t end_ns, struct track **ret_track,
		     uint32_t *ret_lane)
{
	struct trace *trace = output->state;
	struct track *track = tracks_find(&trace->tracks, trace->key.data, trace->key.used);
	int is_new_track = !track, is_new_lane, r = 0;

	if (!track)
		track = tracks_add(&trace->tracks, trace->key.data, trace->key.used);
	if (!track || trace->key.error)
		return -ENOMEM;
	*ret_lane = track_take_lane(&trace->tracks, track, begin_ns, end_ns, &is_new_lane);
	if (!*ret_lane)
		return -ENOMEM;
	if (is_new_track && output->options.track == TRACK_CGROUP)
		r = add_name(output, "process_name", track->number, track->number, track->key, track->key_len);
	if (is_new_lane && r == 0)
		r = name_lane(output, track, *ret_lane);
	*ret_track = track;
	return r;
}

/* The parent's own end: its track gets its name and takes no more. */
static int end_parent(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct trace *trace = output->state;
	int comm = value_of(block, row, fields, trace->columns.comm), r;
	struct track *track;
	const char *text;
	size_t len;

	make_key(output, block, row, fields, 1);
	track = tracks_find(&trace->tracks, trace->key.data, trace->key.used);
	if (!track || comm < 0)
		return trace->key.error;
	text = block_text(block, row, (uint32_t)comm, &len);
	buffer_add_char(&trace->key, ' ');
	buffer_add(&trace->key, text, len);
	r = trace->key.error
		    ? trace->key.error
		    : add_name(output, "process_name", track->number, track->number, trace->key.data, trace->key.used);
	tracks_remove(&trace->tracks, track);
	return r;
}

static const char *category_of(const struct trace *trace, const struct block *block, uint32_t row, const int *fields)
{
	int code = value_of(block, row, fields, trace->columns.exit_code);

	if (value_of(block, row, fields, trace->columns.exit_signal) >= 0)
		return "killed";
	return code >= 0 && block_number(block, row, (uint32_t)code) != 0 ? "failed" : "ok";
}

static int add_slice(struct output *output, const struct block *block, uint32_t row, const int *fields,
		     uint64_t begin_ns, uint64_t end_ns)
{
	struct trace *trace = output->state;
	struct stream *stream = output->options.stream;
	int comm = value_of(block, row, fields, trace->columns.comm), r;
	struct track *track;
	const char *name = "?";
	size_t len = 1;
	uint32_t lane;

	make_key(output, block, row, fields, 0);
	r = find_lane(output, begin_ns, end_ns, &track, &lane);
	if (r < 0)
		return r;
	if (comm >= 0)
		name = block_text(block, row, (uint32_t)comm, &len);
	begin_event(output, "{\"ph\":\"X\",\"name\":");
	r = add_string(output, name, len);
	stream_add_text(stream, ",\"cat\":\"");
	stream_add_text(stream, category_of(trace, block, row, fields));
	stream_add_text(stream, "\"");
	add_ids(stream, track->number, lane);
	stream_add_text(stream, ",\"ts\":");
	add_us(stream, (int64_t)(begin_ns - output->options.origin_real_ns));
	stream_add_text(stream, ",\"dur\":");
	add_us(stream, (int64_t)(end_ns - begin_ns));
	return r < 0 ? r : add_arguments(output, block, row, fields);
}

/* A row without its times cannot be shown. */
static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	const struct trace *trace = output->state;
	int start = value_of(block, row, fields, trace->columns.start_time);
	int exit = value_of(block, row, fields, trace->columns.exit_time);
	uint64_t begin_ns, end_ns;
	int r;

	if (start < 0 || exit < 0)
		return 0;
	begin_ns = block_number(block, row, (uint32_t)start);
	end_ns = block_number(block, row, (uint32_t)exit);
	if (begin_ns > end_ns) /* a clock was set back between the two: an end without a length */
		begin_ns = end_ns;
	r = add_slice(output, block, row, fields, begin_ns, end_ns);
	return r == 0 && output->options.track == TRACK_PARENT ? end_parent(output, block, row, fields) : r;
}

/* Parents that are still alive have no name yet but their pid. */
static int end(struct output *output)
{
	struct trace *trace = output->state;
	int r = 0;

	for (uint32_t i = 0; i < trace->tracks.n_slots && output->options.track == TRACK_PARENT; i++)
		for (struct track *track = trace->tracks.slots[i]; track && r == 0; track = track->next)
			r = add_name(output, "process_name", track->number, track->number, track->key, track->key_len);
	stream_add_text(output->options.stream, "\n]}\n");
	return r;
}

const struct format format_perfetto = {begin, add_row, end, NULL, done};
