// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit record`: the agent, in the foreground.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/config.h"
#include "cmd/agent_hooks.h"
#include "cmd/options.h"
#include "ledger/redact.h"
#include "model/limits.h"

enum record_option {
	STORE,
	INTERVAL,
	DURATION,
	RETAIN_BYTES,
	RETAIN_AGE,
	SCHED,
	THREADS,
	TRANSPORT,
	RING_PAGES,
	MAX_PROCESSES,
	REDACT_ARGV,
	FSYNC,
	SOCKET,
	VERBOSE,
	N_KEYS, /* the options above may stand in the file */
	CONFIG = N_KEYS,
	PRINT_CONFIG,
};

#define DEFAULT_CONFIG "/etc/obit.conf"

static const struct option_spec specs[] = {
	[STORE] = {"store", "DIR", "where to write; default $OBIT_STORE or /var/lib/obit"},
	[INTERVAL] = {"interval", "T", "how often the ledger is closed and the store is written: 100ms to 1h", "1s"},
	[DURATION] = {"duration", "T", "stop by itself after T; default: at SIGINT or SIGTERM"},
	[RETAIN_BYTES] = {"retain-bytes", "N|none",
			  "the store never grows beyond it: the oldest goes first; from 64KiB", "10GiB"},
	[RETAIN_AGE] = {"retain-age", "T|none", "what ended longer ago goes: 30d, 12h; from 1s", "none"},
	[SCHED] = {"sched", "off|delay|full",
		   "what is done at a context switch: delay: ends are seen, waits for a CPU "
		   "measured; full: uninterruptible sleep too; off: nothing: ends are "
		   "seen at the release of the task, a grace period later",
		   "delay"},
	[THREADS] = {"threads", NULL, "rows of single threads too, of processes that have several: the table threads"},
	[TRANSPORT] = {"transport", "perf|ringbuf",
		       "how events leave the kernel: perf ring buffers or BPF ring buffers, "
		       "one for each CPU",
		       "perf"},
	[RING_PAGES] = {"ring-pages", "N", "pages of each CPU's ring, a power of two; default: 4 MiB over all CPUs"},
	[MAX_PROCESSES] = {"max-processes", "N",
			   "processes that are known at a time: of those beyond argv, exe, procs and "
			   "killer are unknown; memory grows up to about 700 bytes for each",
			   "131072"},
	[REDACT_ARGV] = {"redact-argv", "none|all|P,P",
			 "what is not recorded of arguments: all but the first; or what follows "
			 "one of these beginnings, as --password=,-p,--token",
			 "none"},
	[FSYNC] = {"fsync", NULL, "make each interval safe from a power cut; default: each segment"},
	[SOCKET] = {"socket", "PATH|none",
		    "where `obit status` asks; default /run/obit/obit.sock for the default store, "
		    "for another one a name beside it that --store finds"},
	[VERBOSE] = {"verbose", NULL, "show what libbpf says"},
	[CONFIG] = {"config", "FILE|none",
		    "where the options above stand that are not given, `interval = 5s` a line, flags "
		    "`threads = yes`; default, where there is one, " DEFAULT_CONFIG},
	[PRINT_CONFIG] = {"print-config", NULL, "show as such a file what is in effect, and record nothing"},
};

static const struct usage usage = {
	"obit record",
	"",
	"Records every process that ends on this host, until it is asked to stop. Needs root.",
	specs,
	ARRAY_SIZE(specs),
	"When everything is attached it says so on stderr and to $NOTIFY_SOCKET (systemd, Type=notify).\n"
	"SIGINT and SIGTERM end it cleanly: what had ended before is in the store.\n"
	"An option comes before what the file says, that before the default; --threads=no takes back a flag.\n"
	"The store is a directory of segments of at most 1/16 of what is kept, and at most an hour; the oldest go\n"
	"as new ones come, and also when the disk is full. `obit store` lists them.\n",
	0,
};

#define INTERVAL_MIN_NS (100 * NS_PER_MS)
#define INTERVAL_MAX_NS (3600 * NS_PER_S)

#define RETAIN_MIN	  (UINT64_C(64) << 10) /* a few segments that are little more than their header */
#define RETAIN_AGE_MAX_NS (UINT64_MAX / 2)

static int report_error(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "obit record: --%s %s: %s\n", option, value, wanted);
	return -EINVAL;
}

static int read_pages(const char *value, uint32_t *ret_pages)
{
	uint64_t pages;

	if (!value)
		return 0;
	if (quantity_read_count(value, strlen(value), &pages) < 0 || pages < 1 || pages > RING_PAGES_ASKED_MAX ||
	    (pages & (pages - 1)))
		return report_error("ring-pages", value, "must be a power of two from 1 to 65536");
	*ret_pages = (uint32_t)pages;
	return 0;
}

static int read_max_processes(const char *value, uint32_t *ret)
{
	uint64_t n;

	if (quantity_read_count(value, strlen(value), &n) < 0 || n < PROCESSES_MAX_LEAST || n > PROCESSES_MAX_MOST)
		return report_error("max-processes", value, "must be a number from 1024 to 4194304");
	*ret = (uint32_t)n;
	return 0;
}

/* The agent takes UINT64_MAX for no limit: the oldest still go when the disk is full. */
static int read_retain_bytes(const char *value, uint64_t *ret_bytes)
{
	if (strcmp(value, "none") == 0) {
		*ret_bytes = UINT64_MAX;
		return 0;
	}
	if (quantity_read_bytes(value, strlen(value), ret_bytes) < 0 || *ret_bytes < RETAIN_MIN)
		return report_error("retain-bytes", value,
				    "must be a size of at least 64KiB, as 500MiB or 10GiB, or none");
	return 0;
}

static int read_retain_age(const char *value, uint64_t *ret_ns)
{
	if (strcmp(value, "none") == 0)
		return 0;
	return options_duration(&usage, "retain-age", value, NS_PER_S, RETAIN_AGE_MAX_NS, ret_ns);
}

static int read_sched(const char *value, enum sched_level *ret)
{
	for (*ret = SCHED_OFF; *ret <= SCHED_FULL; *ret = (enum sched_level)(*ret + 1))
		if (strcmp(value, sched_level_name(*ret)) == 0)
			return 0;
	return report_error("sched", value, "must be off, delay or full");
}

static int read_transport(const char *value, int *ret_ringbuf)
{
	*ret_ringbuf = strcmp(value, "ringbuf") == 0;
	if (!*ret_ringbuf && strcmp(value, "perf") != 0)
		return report_error("transport", value, "must be perf or ringbuf");
	return 0;
}

/* -1 when all is well, or which option is not, after saying so. */
static int read_values(const struct options *options, struct agent_options *agent)
{
	const char *values[N_KEYS];

	for (int i = 0; i < N_KEYS; i++)
		values[i] = options_value(&usage, options, i);
	agent->store_dir = options_store(values[STORE]);
	agent->fsync_each_interval = values[FSYNC] != NULL;
	agent->threads_on = values[THREADS] != NULL;
	agent->is_verbose = values[VERBOSE] != NULL;
	if (options_duration(&usage, "interval", values[INTERVAL], INTERVAL_MIN_NS, INTERVAL_MAX_NS,
			     &agent->interval_ns) < 0)
		return INTERVAL;
	if (options_duration(&usage, "duration", values[DURATION], 1, UINT64_MAX / 2, &agent->duration_ns) < 0)
		return DURATION;
	if (read_retain_bytes(values[RETAIN_BYTES], &agent->retain_bytes) < 0)
		return RETAIN_BYTES;
	if (read_retain_age(values[RETAIN_AGE], &agent->retain_age_ns) < 0)
		return RETAIN_AGE;
	if (read_sched(values[SCHED], &agent->sched) < 0)
		return SCHED;
	if (read_transport(values[TRANSPORT], &agent->use_ringbuf) < 0)
		return TRANSPORT;
	if (read_pages(values[RING_PAGES], &agent->ring_pages) < 0)
		return RING_PAGES;
	if (redact_check(values[REDACT_ARGV]) < 0) {
		report_error("redact-argv", values[REDACT_ARGV],
			     "must be none, all, or beginnings of arguments with commas "
			     "between them");
		return REDACT_ARGV;
	}
	agent->redact = strcmp(values[REDACT_ARGV], "none") == 0 ? NULL : values[REDACT_ARGV];
	if (read_max_processes(values[MAX_PROCESSES], &agent->max_processes) < 0)
		return MAX_PROCESSES;
	return -1;
}

static int read_config(struct options *options, struct config *ret)
{
	const char *given = options->values[CONFIG], *path = given ? given : DEFAULT_CONFIG;

	*ret = (struct config){.path = path};
	if (strcmp(path, "none") == 0)
		return 0;
	return config_read(&usage, N_KEYS, path, given != NULL, options, ret);
}

static int record(const struct options *options, struct agent_options *agent)
{
	struct hooks hooks = {.store = agent->store_dir, .socket = options->values[SOCKET]};
	struct agent_hooks port = hooks_port(&hooks);

	int r;

	agent->hooks = &port;
	r = agent_run(agent);
	agent->hooks = NULL;
	return r < 0 ? STATUS_FAILED : STATUS_OK;
}

int cmd_record(int argc, char **argv)
{
	struct agent_options agent = {0};
	struct options options;
	struct config config;
	int status = STATUS_USAGE, wrong, r = options_parse(&usage, argc, argv, &options);

	if (r != 0)
		return r < 0 ? STATUS_USAGE : STATUS_OK;
	r = read_config(&options, &config);
	wrong = r < 0 ? -1 : read_values(&options, &agent);
	if (wrong >= 0) {
		config_blame(&config, &usage, &options, wrong);
	} else if (r == 0 && options.values[PRINT_CONFIG]) {
		if (getenv("OBIT_STORE") && *getenv("OBIT_STORE"))
			options.values[STORE] = agent.store_dir;
		config_print(&usage, N_KEYS, &options);
		status = STATUS_OK;
	} else if (r == 0) {
		status = record(&options, &agent);
	}
	config_done(&config);
	return status;
}
