// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit status`: asks the running agent over its socket, and prints what it says of itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "cmd/status_text.h"
#include "control/client.h"
#include "control/wire.h"
#include "kernel/run_stats.h"

#define STATUS_DEGRADED	   1
#define STATUS_UNREACHABLE 2

#define MEASURE_MIN_NS (100 * NS_PER_MS)
#define MEASURE_MAX_NS (10 * NS_PER_S)

enum status_option { STORE, SOCKET, MEASURE, FORMAT };

static const struct option_spec specs[] = {
	[STORE] = {"store", "DIR", "the agent that writes this store; default $OBIT_STORE or /var/lib/obit"},
	[SOCKET] = {"socket", "PATH", "ask here; default: where the store's agent answers"},
	[MEASURE] = {"measure", "T", "measure for T, 100ms to 10s, what the programs take for each run"},
	[FORMAT] = {"format", "table|jsonl",
		    "default table, human-readable; jsonl: an object for each section, integers exact"},
};

static const struct usage usage = {
	"obit status",
	"",
	"Says how the running agent is: its ledger so far, rings, programs, samplers, its own cost.",
	specs,
	ARRAY_SIZE(specs),
	"A program, a sampler, the store or the transport is active, degraded (something is missing, or was lost\n"
	"since the agent began; the reason says what), failed, or off (left out by the agent's options).\n"
	"Asking takes root or the group obit, measuring root. It costs two readings of the clock for each run of every "
	"BPF\n"
	"program of the host; it ends by itself.\n"
	"\nexit status: 0 all is active; 1 something is degraded or failed; 2 no agent could be asked\n"
	"\nexamples:\n"
	"  obit status --measure 1s\n"
	"  obit status --format jsonl | jq -r 'select(.section == \"program\") | [.name, .state, .misses] | @tsv'\n",
	0,
};

/* Why there is no answer, and the way out. */
static void explain(const char *path, const struct client *client, int error)
{
	int pid = client ? (int)client_agent_pid(client) : 0;
	char refusal[512];
	const char *text;
	size_t len = 0;

	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		fprintf(stderr,
			"%s: no agent answers at %s; start one with `obit record`, or name its store with --store or "
			"its "
			"socket with --socket\n",
			usage.command, path);
		break;
	case -EACCES:
	case -EPERM:
		fprintf(stderr, "%s: no permission to ask at %s; run as root or as a member of the group obit\n",
			usage.command, path);
		break;
	case -EREMOTEIO:
		text = client_refusal(client, &len);
		snprintf(refusal, sizeof(refusal), "%.*s", (int)(len < sizeof(refusal) ? len : sizeof(refusal) - 1),
			 text);
		fprintf(stderr, "%s: the agent (pid %d) at %s refuses: ", usage.command, pid, path);
		report_text(stderr, refusal);
		fprintf(stderr, "\n");
		break;
	case -ETIMEDOUT:
		fprintf(stderr, "%s: the agent (pid %d) at %s does not answer in time; is it stopped or overloaded?\n",
			usage.command, pid, path);
		break;
	case -EPROTO:
	case -ECONNRESET:
		fprintf(stderr,
			"%s: what process %d says at %s is no status, or was cut off; does an agent of obit listen "
			"there?\n",
			usage.command, pid, path);
		break;
	default:
		fprintf(stderr, "%s: cannot ask at %s: %s; --socket names another\n", usage.command, path,
			strerror(-error));
	}
}

static void sleep_ns(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* The row of this name; -1 when there is none. */
static int find_program(const struct block *programs, const char *name, size_t len)
{
	for (uint32_t row = 0; row < programs->rows; row++) {
		size_t other_len;
		const char *other = block_text(programs, row, PROGRAM_name, &other_len);

		if (len == other_len && memcmp(name, other, len) == 0)
			return (int)row;
	}
	return -1;
}

/* Leaves in `after` what has come since `before`. */
static void subtract(struct status *after, const struct status *before)
{
	struct block *agent = after->sections[SECTION_AGENT], *programs = after->sections[SECTION_PROGRAM];
	const struct block *agent_before = before->sections[SECTION_AGENT];

	if (agent->rows && agent_before->rows) {
		block_set_number(agent, 0, AGENT_measured_ns,
				 block_number(agent, 0, AGENT_uptime_ns) -
					 block_number(agent_before, 0, AGENT_uptime_ns));
		block_set_number(agent, 0, AGENT_measured_cpu_ns,
				 block_number(agent, 0, AGENT_cpu_ns) - block_number(agent_before, 0, AGENT_cpu_ns));
	}
	for (uint32_t row = 0; row < programs->rows; row++) {
		static const uint32_t fields[] = {PROGRAM_runs, PROGRAM_run_ns};
		size_t len;
		const char *name = block_text(programs, row, PROGRAM_name, &len);
		int was = find_program(before->sections[SECTION_PROGRAM], name, len);

		for (size_t i = 0; i < 2 && was >= 0; i++)
			if (!block_is_null(programs, row, fields[i]) &&
			    !block_is_null(before->sections[SECTION_PROGRAM], (uint32_t)was, fields[i]))
				programs->numbers[fields[i]][row] -=
					block_number(before->sections[SECTION_PROGRAM], (uint32_t)was, fields[i]);
	}
}

/* 0, or -errno after saying why there is no answer. */
static int ask(const char *path, struct status *ret)
{
	struct client *client = NULL;
	int r = client_open(path, &client);

	if (r == 0)
		r = client_ask(client, WIRE_STATUS, ret);
	if (r < 0)
		explain(path, client, r);
	client_close(client);
	return r;
}

/* The same, with what came in a time during which the kernel counted run times. */
static int ask_measured(const char *path, uint64_t measure_ns, struct status *ret)
{
	struct status *before = status_new();
	int fd, r = before ? ask(path, before) : -ENOMEM;

	if (r == 0) {
		fd = run_stats_open();
		if (fd < 0) {
			fprintf(stderr, "%s: --measure: the kernel counts no run times: %s%s\n", usage.command,
				strerror(-fd), fd == -EPERM ? "; run as root" : "");
			r = fd;
		} else {
			sleep_ns(measure_ns);
			r = ask(path, ret);
			close(fd);
		}
	}
	if (r == 0)
		subtract(ret, before);
	status_free(before);
	return r;
}

static int print_jsonl(const struct status *status)
{
	static struct stream stream;
	struct output_options output_options;
	int columns[TABLE_MAX_FIELDS], r = 0;

	for (int i = 0; i < TABLE_MAX_FIELDS; i++)
		columns[i] = i;
	stream_init(&stream, STDOUT_FILENO);
	options_output(OUTPUT_JSONL, &stream, options_now_real_ns(), &output_options);
	for (int i = 0; i < N_SECTIONS && r == 0; i++) {
		const struct block *block = status->sections[i];
		struct output *output;
		int close_r;

		r = output_open(&output_options, block->table->fields, block->table->n_fields, &output);
		if (r < 0)
			return r;
		for (uint32_t row = 0; row < block->rows && r == 0; row++)
			r = output_row(output, block, row, columns);
		close_r = output_close(output);
		r = r ? r : close_r;
	}
	return r;
}

static int print_text(const struct status *status)
{
	status_text_print(stdout, status);
	return fflush(stdout) != 0 ? -errno : 0;
}

static bool is_active(const struct status *status)
{
	const struct block *agent = status->sections[SECTION_AGENT];
	const char *state;
	size_t len;

	if (!agent->rows)
		return 0;
	state = block_text(agent, 0, AGENT_state, &len);
	return len == strlen("active") && memcmp(state, "active", len) == 0;
}

static int run(const char *path, uint64_t measure_ns, bool is_jsonl)
{
	struct status *status = status_new();
	int exit_status = STATUS_UNREACHABLE, r;

	if (!status) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return exit_status;
	}
	r = measure_ns ? ask_measured(path, measure_ns, status) : ask(path, status);
	if (r == 0) {
		exit_status = is_active(status) ? STATUS_OK : STATUS_DEGRADED;
		r = is_jsonl ? print_jsonl(status) : print_text(status);
		if (r < 0 && r != -EPIPE) {
			fprintf(stderr, "%s: cannot write: %s\n", usage.command, strerror(-r));
			exit_status = STATUS_UNREACHABLE;
		}
	}
	status_free(status);
	return exit_status;
}

int cmd_status(int argc, char **argv)
{
	static const char *const formats[] = {"table", "jsonl"};
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t measure_ns = 0;
	struct options options;
	int r = options_parse(&usage, argc, argv, &options), format = 0;
	const char *store;

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options.values[FORMAT])
		format = options_choose(&usage, "format", options.values[FORMAT], formats, 2);
	if (format < 0 || options_duration(&usage, "measure", options.values[MEASURE], MEASURE_MIN_NS, MEASURE_MAX_NS,
					   &measure_ns) < 0)
		return STATUS_USAGE;
	store = options_store(options.values[STORE]);
	r = options_socket(options.values[SOCKET], store, path, sizeof(path));
	if (r == -ENAMETOOLONG) {
		fprintf(stderr, "%s: --socket %s: longer than the %zu bytes that a socket's name may have\n",
			usage.command, options.values[SOCKET], sizeof(path) - 1);
		return STATUS_USAGE;
	}
	if (r < 0) {
		report_store_error(usage.command, store, r);
		return STATUS_UNREACHABLE;
	}
	return run(path, measure_ns, format == 1);
}
