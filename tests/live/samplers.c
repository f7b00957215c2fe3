// SPDX-License-Identifier: BSD-2-Clause
/*
 * The samplers against the files they read. The test reads a counter before the agent is started and when it
 * records, before the agent is stopped and when it is gone: the agent's first and last readings lie between
 * these, and so must the sum of its intervals. That is all the tolerance there is: counters of the same file
 * that only grow are compared to the last digit.
 *
 *   A  start  B  ... load ...  C  stop  D        C - B <= sum <= D - A
 *
 * It runs in a network namespace of its own, whose lo and tap device are its.
 *
 * usage: samplers OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "agent_run.h"

#define INTERVAL     "200ms"
#define INTERVAL_US  200000
#define PACKETS	     2000
#define PACKET_BYTES 1000
#define FILE_BYTES   (8 << 20)
#define BURN_MS	     300
#define HELD_BYTES   (32 << 20)

static const char *obit;
static char store[512], file_path[600];

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* The file's line that begins with the key, from the first number after it; NULL: none. */
static const char *line_of(const char *file_name, const char *key)
{
	static char line[65536];
	FILE *file = fopen(file_name, "re");
	size_t len = strlen(key);
	const char *at, *found = NULL;

	while (file && !found && fgets(line, sizeof(line), file)) {
		at = line + strspn(line, " ");
		if (strncmp(at, key, len) == 0 && (at[len] == ' ' || at[len] == ':'))
			found = at + len + 1;
	}
	if (file)
		fclose(file);
	return found;
}

/* Number `column` (from 1) after the key. */
static uint64_t value(const char *file_name, const char *key, int column)
{
	const char *at = line_of(file_name, key);
	char *end;
	uint64_t value = 0;

	for (int i = 0; at && i < column; i++) {
		value = strtoull(at, &end, 10);
		at = end;
	}
	return value;
}

struct counter {
	const char *table, *field, *label_field, *label; /* of the store; label "": the table has one row */
	const char *file, *key;
	int column;
	uint64_t scale;
	int must_move;
	uint64_t at[4]; /* A to D */
};

static char disk_key[64], disk[40];

static struct counter counters[] = {
	{"system", "user_ns", "resets", "", "/proc/stat", "cpu", 1, 10000000, 1, {0}},
	{"system", "system_ns", "resets", "", "/proc/stat", "cpu", 3, 10000000, 1, {0}},
	{"system", "softirq_ns", "resets", "", "/proc/stat", "cpu", 7, 10000000, 0, {0}},
	{"system", "context_switches", "resets", "", "/proc/stat", "ctxt", 1, 1, 1, {0}},
	{"system", "forks", "resets", "", "/proc/stat", "processes", 1, 1, 1, {0}},
	{"system", "pgfault", "resets", "", "/proc/vmstat", "pgfault", 1, 1, 1, {0}},
	{"system", "pgpgout_bytes", "resets", "", "/proc/vmstat", "pgpgout", 1, 1024, 0, {0}},
	{"nics", "rx_bytes", "nic", "lo", "/proc/net/dev", "lo", 1, 1, 1, {0}},
	{"nics", "rx_packets", "nic", "lo", "/proc/net/dev", "lo", 2, 1, 1, {0}},
	{"nics", "tx_bytes", "nic", "lo", "/proc/net/dev", "lo", 9, 1, 1, {0}},
	{"disks", "reads", "disk", disk, "/proc/diskstats", disk_key, 1, 1, 0, {0}},
	{"disks", "writes", "disk", disk, "/proc/diskstats", disk_key, 5, 1, 0, {0}},
	{"disks", "write_bytes", "disk", disk, "/proc/diskstats", disk_key, 7, 512, 0, {0}},
	{"disks", "write_ns", "disk", disk, "/proc/diskstats", disk_key, 8, 1000000, 0, {0}},
	{"disks", "busy_ns", "disk", disk, "/proc/diskstats", disk_key, 10, 1000000, 0, {0}},
};

#define N_COUNTERS (sizeof(counters) / sizeof(counters[0]))

static void read_counters(int instant)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		struct counter *counter = &counters[i];

		counter->at[instant] = value(counter->file, counter->key, counter->column) * counter->scale;
	}
}

/* The whole disk with the most writes; none: its counters stay 0. */
static void choose_disk(void)
{
	FILE *file = fopen("/proc/diskstats", "re");
	char line[512], name[40], path[128];
	unsigned major, minor;
	unsigned long long writes;
	long long most = -1;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u %u %39s %*u %*u %*u %*u %llu", &major, &minor, name, &writes) != 4)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s", name);
		if (access(path, F_OK) < 0 || strncmp(name, "loop", 4) == 0 || strncmp(name, "ram", 3) == 0 ||
		    strncmp(name, "zram", 4) == 0 || (long long)writes <= most)
			continue;
		most = (long long)writes;
		snprintf(disk, sizeof(disk), "%s", name);
		snprintf(disk_key, sizeof(disk_key), "%u%*u %s", major, 8, minor, name);
	}
	if (file)
		fclose(file);
}

static void set_up_interface(const char *name)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("setting an interface up");
	close(fd);
}

static void burn(int ms)
{
	struct timespec now;
	int64_t until;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	until = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until);
}

/* CPU in both modes, forks, packets over lo, writes to the disk. */
static void make_load(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char packet[PACKET_BYTES] = {0};
	char *bytes = malloc(FILE_BYTES);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	burn(BURN_MS);
	for (int i = 0; i < PACKETS; i++) {
		sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to));
		if (i % 10 == 0 && fork() == 0)
			_exit(0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	close(fd);
	memset(bytes, 1, FILE_BYTES);
	fd = open(file_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, FILE_BYTES) != FILE_BYTES || fsync(fd) < 0)
		die(file_path);
	close(fd);
	unlink(file_path);
	free(bytes);
}

static uint64_t sum_of(const struct counter *counter)
{
	char fields[128];
	struct rows rows;
	uint64_t sum = 0;

	snprintf(fields, sizeof(fields), "%s,%s", counter->field, counter->label_field);
	rows = dump_rows(obit, store, counter->table, fields);
	for (int i = 0; i < rows.n; i++)
		if (!*counter->label || strcmp(rows.row[i][1], counter->label) == 0)
			sum += number(rows.row[i][0]);
	rows_free(&rows);
	return sum;
}

static int judge(const char *name, const struct counter *counter)
{
	uint64_t least = counter->at[2] - counter->at[1], most = counter->at[3] - counter->at[0], sum = sum_of(counter);

	if (counter->at[1] == 0 && counter->at[2] == 0 && strcmp(counter->table, "disks") == 0)
		return 1; /* no disk */
	printf("     %-8s %-17s %-6s %14" PRIu64 " of %14" PRIu64 " to %14" PRIu64 "\n", counter->table, counter->field,
	       counter->label, sum, least, most);
	return check(least <= sum && sum <= most, name, "%s.%s %s", counter->table, counter->field, counter->label) &&
	       check(!counter->must_move || sum > 0, name, "%s.%s did not move", counter->table, counter->field);
}

/* A tap device that comes while the agent records, and one frame through it. 0: there are none here. */
static int plug_tap(int *ret_fd)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	char frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};

	*ret_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "obit0");
	if (*ret_fd < 0 || ioctl(*ret_fd, TUNSETIFF, &request) < 0)
		return 0;
	set_up_interface("obit0");
	return write(*ret_fd, frame, sizeof(frame)) == sizeof(frame);
}

static void judge_tap(const char *name)
{
	struct rows rows = dump_rows(obit, store, "nics", "nic,appeared,rx_packets,rx_bytes");
	int good = 0;

	for (int i = 0; i < rows.n; i++)
		if (strcmp(rows.row[i][0], "obit0") == 0) {
			good = check(strcmp(rows.row[i][1], "true") == 0 && number(rows.row[i][2]) == 1 &&
					     number(rows.row[i][3]) > 0,
				     name, "appeared %s, %s packets, %s bytes", rows.row[i][1], rows.row[i][2],
				     rows.row[i][3]);
			break;
		}
	check(good, name, "obit0 is not as it should be");
	rows_free(&rows);
	finish_group(name, good);
}

static void sums_are_those_of_the_files(void)
{
	const char *sums = "sums of the intervals are those of the files", *levels = "levels are those of the files";
	const char *hotplug = "an interface that comes up is reported";
	const char *args[] = {"--interval", INTERVAL, NULL};
	uint64_t total, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	int good = 1, has_tap, tap;
	struct rows rows;
	pid_t agent;

	read_counters(0);
	agent = agent_start(obit, store, args);
	read_counters(1);
	make_load();
	has_tap = plug_tap(&tap);
	usleep(3 * INTERVAL_US);
	if (tap >= 0)
		close(tap); /* the interface goes with it */
	usleep(2 * INTERVAL_US);
	read_counters(2);
	good &= check(agent_stop(agent), sums, "the agent did not end with status 0");
	read_counters(3);
	for (size_t i = 0; i < N_COUNTERS; i++)
		good &= judge(sums, &counters[i]);
	finish_group(sums, good);
	if (has_tap)
		judge_tap(hotplug);
	else
		skip_group(hotplug, "no tap device can be made here");

	total = value("/proc/meminfo", "MemTotal", 1) * 1024;
	rows = dump_rows(obit, store, "system", "memory_total_bytes,cpus,duration_ns,memory_free_bytes,running");
	good = check(rows.n > 4, levels, "%d rows", rows.n);
	for (int i = 0; i < rows.n; i++)
		good &= check(number(rows.row[i][0]) == total && number(rows.row[i][1]) == cpus &&
				      number(rows.row[i][2]) > 0 && number(rows.row[i][3]) < total &&
				      number(rows.row[i][4]) >= 1,
			      levels, "row %d: %s %s %s %s %s", i, rows.row[i][0], rows.row[i][1], rows.row[i][2],
			      rows.row[i][3], rows.row[i][4]);
	rows_free(&rows);
	finish_group(levels, good);
}

/* --- cgroups --------------------------------------------------------------------------------------------- */

static char mount_point[256], group_name[64];

static int find_mount(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int found = 0;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %255s", mount_point) == 1;
	if (file)
		fclose(file);
	return found;
}

static char *in_mount(const char *name, const char *file)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s%s", mount_point, name, file);
	return path;
}

/* For the groups below; those that v2 does not have are refused. */
static void enable_controllers(const char *group)
{
	static const char *const controllers[] = {"+cpu", "+io", "+memory", "+pids"};
	int fd = open(in_mount(group, "/cgroup.subtree_control"), O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		if (write(fd, controllers[i], strlen(controllers[i])) < 0 && errno != ENOENT && errno != EINVAL)
			perror(controllers[i]);
	close(fd);
}

/* A child that moves into the group, holds memory and burns CPU there, and ends. */
static void burn_in(const char *group, int ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(in_mount(group, "/cgroup.procs"), O_WRONLY | O_CLOEXEC);

		volatile char *held = malloc(HELD_BYTES);

		if (fd < 0 || write(fd, "0", 1) != 1 || !held)
			_exit(1);
		for (size_t i = 0; i < HELD_BYTES; i += 4096)
			held[i] = 1;
		burn(ms);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Sum of cpu_ns of the path's rows; how many rows; the ids are counted as they change. */
static uint64_t cpu_of(const char *path, int *ret_rows, int *ret_groups)
{
	struct rows rows = dump_rows(obit, store, "cgroups", "cgroup,cpu_ns,cgroup_id");
	const char *id = "";
	uint64_t sum = 0;

	*ret_rows = *ret_groups = 0;
	for (int i = 0; i < rows.n; i++) {
		if (strcmp(rows.row[i][0], path) != 0)
			continue;
		*ret_groups += strcmp(rows.row[i][2], id) != 0;
		id = rows.row[i][2];
		(*ret_rows)++;
		sum += number(rows.row[i][1]);
	}
	rows_free(&rows);
	return sum;
}

/* Until the store has it: what a group did since the last reading goes with it, into the values of the one above. */
static void await_cpu_of(const char *path, uint64_t cpu_ns)
{
	int n_rows, n_groups;

	for (int i = 0; i < 50 && cpu_of(path, &n_rows, &n_groups) < cpu_ns; i++)
		usleep(INTERVAL_US);
}

/* Where the controllers are in v2, what the group held shows. */
static int memory_is_reported(const char *name, const char *path)
{
	struct rows rows = dump_rows(obit, store, "cgroups", "cgroup,anon_bytes,memory_bytes,pgfault,pids");
	uint64_t anon = 0, memory = 0, faults = 0, pids = 0;

	for (int i = 0; i < rows.n; i++) {
		if (strcmp(rows.row[i][0], path) != 0)
			continue;
		anon = number(rows.row[i][1]) > anon ? number(rows.row[i][1]) : anon;
		memory = number(rows.row[i][2]) > memory ? number(rows.row[i][2]) : memory;
		faults += number(rows.row[i][3]);
		pids = number(rows.row[i][4]) > pids ? number(rows.row[i][4]) : pids;
	}
	rows_free(&rows);
	/* A page or two were the child's before it moved. */
	return check(anon >= HELD_BYTES * 9 / 10 && memory >= HELD_BYTES * 9 / 10 && faults > 0 && pids == 1, name,
		     "anon %" PRIu64 ", memory %" PRIu64 ", faults %" PRIu64 ", pids %" PRIu64, anon, memory, faults,
		     pids);
}

static int path_of_exits(const char *path)
{
	struct rows rows = dump_rows(obit, store, "exits", "cgroup");
	int n = 0;

	for (int i = 0; i < rows.n; i++)
		n += strcmp(rows.row[i][0], path) == 0;
	rows_free(&rows);
	return n;
}

static void groups_are_reported(const char *name)
{
	const char *args[] = {"--interval", INTERVAL, NULL};
	char below[128], brief[128], path[160], brief_path[160];
	uint64_t usage = 0, reported;
	int good, n_rows, n_groups, has_memory;
	pid_t agent;

	snprintf(group_name, sizeof(group_name), "obit-live-%d", getpid());
	snprintf(below, sizeof(below), "%s/below", group_name);
	snprintf(brief, sizeof(brief), "%s/brief", group_name);
	snprintf(path, sizeof(path), "/%s", below);
	snprintf(brief_path, sizeof(brief_path), "/%s", brief);
	if (!find_mount() || mkdir(in_mount(group_name, ""), 0755) < 0) {
		skip_group(name, "no cgroup v2 hierarchy that can be written to");
		return;
	}
	enable_controllers("");
	enable_controllers(group_name);
	agent = agent_start(obit, store, args);
	/* The same name twice: two groups, two ids. */
	for (int round = 0; round < 2; round++) {
		mkdir(in_mount(below, ""), 0755);
		burn_in(below, BURN_MS);
		usage += value(in_mount(below, "/cpu.stat"), "usage_usec", 1) * 1000;
		await_cpu_of(path, usage);
		has_memory = access(in_mount(below, "/memory.current"), F_OK) == 0 &&
			     access(in_mount(below, "/pids.current"), F_OK) == 0;
		rmdir(in_mount(below, ""));
	}
	mkdir(in_mount(brief, ""), 0755);
	burn_in(brief, 1);
	rmdir(in_mount(brief, ""));
	usleep(2 * INTERVAL_US);
	good = check(agent_stop(agent), name, "the agent did not end with status 0");

	reported = cpu_of(path, &n_rows, &n_groups);
	printf("     cgroups  cpu_ns %" PRIu64 " in %d rows, cpu.stat says %" PRIu64 "\n", reported, n_rows, usage);
	good &= check(reported == usage && usage >= 2 * BURN_MS * UINT64_C(1000000) && n_rows >= 2, name, "%s", path);
	good &= check(n_groups == 2, name, "%d groups of the name", n_groups);
	if (has_memory)
		good &= memory_is_reported(name, path);
	else
		skip_group("memory of cgroups is reported", "the memory and pids controllers are not in v2 here");
	usage = value(in_mount(group_name, "/cpu.stat"), "usage_usec", 1) * 1000;
	snprintf(path, sizeof(path), "/%s", group_name);
	reported = cpu_of(path, &n_rows, &n_groups);
	good &= check(reported == usage, name, "the group above: %" PRIu64 " is reported, cpu.stat says %" PRIu64,
		      reported, usage);
	good &= check(path_of_exits(brief_path) == 1, name, "the brief group's exit has no path");
	rmdir(in_mount(group_name, ""));
	finish_group(name, good);
}

static void ledger_balances_beside(const char *name)
{
	finish_group(name, check(is_sound(obit, store), name, "obit verify does not agree on %s", store));
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: samplers OBIT STORE_DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace of its own");
	set_up_interface("lo");
	choose_disk();
	snprintf(file_path, sizeof(file_path), "%s-file", argv[2]);
	snprintf(store, sizeof(store), "%s-sums", argv[2]);
	sums_are_those_of_the_files();
	ledger_balances_beside("the ledger balances beside them");
	snprintf(store, sizeof(store), "%s-cgroups", argv[2]);
	groups_are_reported("cgroups are reported");
	return end_of_tests();
}
