// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit record`: the agent, in the foreground.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/guest.h"
#include "cmd/options.h"
#include "record/agent.h"

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
	FSYNC,
	SOCKET,
	VERBOSE,
};

static const struct option_spec specs[] = {
	[STORE] = {"store", "DIR", "where to write; default $OBIT_STORE or /var/lib/obit"},
	[INTERVAL] = {"interval", "T", "how often the books are closed and the store is written: 100ms to 1h; default 1s"},
	[DURATION] = {"duration", "T", "stop by itself after T; default: at SIGINT or SIGTERM"},
	[RETAIN_BYTES] = {"retain-bytes", "N|none", "the store never grows beyond it: the oldest goes first; from 64KiB; default "
						    "10GiB"},
	[RETAIN_AGE] = {"retain-age", "T|none", "what ended longer ago goes: 30d, 12h; from 1s; default none"},
	[SCHED] = {"sched", "off|delay|full", "what is done at a context switch: delay (the default): ends are seen, waits for "
					      "a CPU measured; full: uninterruptible sleep too; off: nothing: ends are "
					      "seen at the release of the task, a grace period later"},
	[THREADS] = {"threads", NULL, "rows of single threads too, of processes that have several: the table threads"},
	[TRANSPORT] = {"transport", "perf|ringbuf", "how events leave the kernel: perf ring buffers (the default) or BPF "
						    "ring buffers, one for each CPU"},
	[RING_PAGES] = {"ring-pages", "N", "pages of each CPU's ring, a power of two; default: 4 MiB over all CPUs"},
	[FSYNC] = {"fsync", NULL, "make each interval safe from a power cut; default: each segment"},
	[SOCKET] = {"socket", "PATH|none", "where `obit status` asks; default /run/obit/obit.sock for the default store, "
					   "for another one a name beside it that --store finds"},
	[VERBOSE] = {"verbose", NULL, "show what libbpf says"},
};

static const struct usage usage = {
	"obit record", "", "Records every process that ends on this host, until it is told to stop. Needs root.",
	specs, sizeof(specs) / sizeof(specs[0]),
	"When everything is attached it says so on stderr and to $NOTIFY_SOCKET (systemd, Type=notify).\n"
	"SIGINT and SIGTERM end it cleanly: what had ended before is in the store.\n"
	"The store is a directory of segments of at most 1/16 of what is kept, and at most an hour; the oldest go\n"
	"as new ones come, and also when the disk is full. `obit store` lists them.\n",
	0,
};

#define INTERVAL_MIN_NS (100 * NS_PER_MS)
#define INTERVAL_MAX_NS (3600 * NS_PER_S)
#define RING_PAGES_MAX	65536u

#define RETAIN_DEFAULT	 (UINT64_C(10) << 30)
#define RETAIN_MIN	 (UINT64_C(64) << 10) /* a few segments that are little more than their header */
#define RETAIN_AGE_MAX_NS (UINT64_MAX / 2)

static int complain(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "obit record: --%s %s: %s\n", option, value, wanted);
	return -EINVAL;
}

static int read_pages(const char *value, uint32_t *ret_pages)
{
	uint64_t pages;

	if (!value)
		return 0;
	if (quantity_read_count(value, strlen(value), &pages) < 0 || pages < 1 || pages > RING_PAGES_MAX ||
	    (pages & (pages - 1)))
		return complain("ring-pages", value, "must be a power of two from 1 to 65536");
	*ret_pages = (uint32_t)pages;
	return 0;
}

/* The agent takes 0 for "remove nothing, ever": without a limit the oldest still go when the disk is full. */
static int read_retain(const struct usage *of, const char *bytes, const char *age, struct agent_options *agent)
{
	agent->retain_bytes = RETAIN_DEFAULT;
	if (bytes && strcmp(bytes, "none") == 0)
		agent->retain_bytes = UINT64_MAX;
	else if (bytes && (quantity_read_bytes(bytes, strlen(bytes), &agent->retain_bytes) < 0 ||
			   agent->retain_bytes < RETAIN_MIN))
		return complain("retain-bytes", bytes, "must be a size of at least 64KiB, as 500MiB or 10GiB, or none");
	if (age && strcmp(age, "none") == 0)
		return 0;
	return options_duration(of, "retain-age", age, NS_PER_S, RETAIN_AGE_MAX_NS, &agent->retain_age_ns);
}

static int read_sched(const char *value, enum sched_level *ret)
{
	for (*ret = SCHED_OFF; value && *ret <= SCHED_FULL; *ret = (enum sched_level)(*ret + 1))
		if (strcmp(value, sched_level_name(*ret)) == 0)
			return 0;
	if (value)
		return complain("sched", value, "must be off, delay or full");
	*ret = SCHED_DELAY;
	return 0;
}

static int read_transport(const char *value, int *ret_ringbuf)
{
	if (!value || strcmp(value, "perf") == 0)
		*ret_ringbuf = 0;
	else if (strcmp(value, "ringbuf") == 0)
		*ret_ringbuf = 1;
	else
		return complain("transport", value, "must be perf or ringbuf");
	return 0;
}

int cmd_record(int argc, char **argv)
{
	struct agent_options agent = {.interval_ns = NS_PER_S};
	struct guest guest = {0};
	struct agent_guest port;
	struct options options;
	int r = options_parse(&usage, argc, argv, &options);

	if (r != 0)
		return r < 0 ? STATUS_USAGE : STATUS_OK;
	agent.store_dir = options_store(options.values[STORE]);
	agent.fsync_each_interval = options.values[FSYNC] != NULL;
	agent.threads_on = options.values[THREADS] != NULL;
	agent.is_verbose = options.values[VERBOSE] != NULL;
	if (options_duration(&usage, "interval", options.values[INTERVAL], INTERVAL_MIN_NS, INTERVAL_MAX_NS,
			     &agent.interval_ns) < 0 ||
	    options_duration(&usage, "duration", options.values[DURATION], 1, UINT64_MAX / 2, &agent.duration_ns) < 0 ||
	    read_retain(&usage, options.values[RETAIN_BYTES], options.values[RETAIN_AGE], &agent) < 0 ||
	    read_sched(options.values[SCHED], &agent.sched) < 0 ||
	    read_transport(options.values[TRANSPORT], &agent.use_ringbuf) < 0 ||
	    read_pages(options.values[RING_PAGES], &agent.ring_pages) < 0)
		return STATUS_USAGE;
	guest.store = agent.store_dir;
	guest.socket = options.values[SOCKET];
	port = guest_port(&guest);
	agent.guest = &port;
	return agent_run(&agent) < 0 ? STATUS_FAILED : STATUS_OK;
}
