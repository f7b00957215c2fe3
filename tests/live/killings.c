// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends that a cgroup brings, and exits beside a flood of signals that end nobody.
 *
 * usage: killings OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent_run.h"

#define FLOOD	   200000
#define FLOOD_ENDS 500
#define LIMIT	   (16u << 20)

static const char *obit;
static char store[512];

/* The mount point of the hierarchy whose line in mountinfo has this type and option; false: there is none. */
static bool find_hierarchy(const char *type, const char *option, char *ret, size_t size)
{
	char line[1024], point[256], what[64], options[512];
	FILE *file = fopen("/proc/self/mountinfo", "r");
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 ||
		    sscanf(rest, " - %63s %*s %511s", what, options) != 2)
			continue;
		is_found = strcmp(what, type) == 0 && strstr(options, option);
	}
	if (file)
		fclose(file);
	if (is_found)
		snprintf(ret, size, "%s", point);
	return is_found;
}

static bool write_file(const char *dir, const char *name, const char *text)
{
	char path[400];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

static void remove_group(const char *dir)
{
	for (int i = 0; i < 100 && rmdir(dir) < 0 && errno == EBUSY; i++)
		usleep(10000);
}

/* --- cgroup.kill ------------------------------------------------------------------------------------------------ */
static pid_t put_down, who_did;

static void kill_by_group(const char *name)
{
	char mount_point[256], dir[300], path[400];

	if (!find_hierarchy("cgroup2", "", mount_point, sizeof(mount_point))) {
		skip_group(name, "no cgroup v2 is mounted");
		return;
	}
	snprintf(dir, sizeof(dir), "%s/obit-killings-%d", mount_point, getpid());
	snprintf(path, sizeof(path), "%s/cgroup.kill", dir);
	if (mkdir(dir, 0755) < 0 || access(path, W_OK) < 0) {
		skip_group(name, "no cgroup can be made, or it has no cgroup.kill (before 5.14)");
		rmdir(dir);
		return;
	}
	put_down = fork();
	if (put_down == 0) {
		if (!write_file(dir, "cgroup.procs", "0"))
			_exit(9);
		for (;;)
			pause();
	}
	usleep(300000);
	who_did = fork();
	if (who_did == 0)
		_exit(!write_file(dir, "cgroup.kill", "1"));
	waitpid(who_did, NULL, 0);
	waitpid(put_down, NULL, 0);
	remove_group(dir);
}

static void check_kill_by_group(const char *name)
{
	struct rows rows = dump_rows(obit, store, "exits", "pid,exit_signal,killer_pid,kill_reason");
	char **row = rows_find(&rows, put_down);

	if (put_down)
		finish_group(name, check(row && atoi(row[1]) == SIGKILL && atoi(row[2]) == who_did &&
						 strcmp(row[3], "cgroup_kill") == 0,
					 name, "signal %s by %s, reason %s; %d wrote to cgroup.kill",
					 row ? row[1] : "?", row ? row[2] : "?", row ? row[3] : "?", who_did));
	rows_free(&rows);
}

/* --- the memory of a cgroup ------------------------------------------------------------------------------------- */
static pid_t too_large;

static void use_memory(void)
{
	size_t bytes = 4 * (size_t)LIMIT;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; memory != MAP_FAILED && i < bytes; i += 4096)
		memory[i] = 1;
	_exit(0);
}

static void out_of_memory_of_group(const char *name)
{
	bool is_v1, is_set;
	char mount_point[256], dir[300], limit[32];

	is_v1 = find_hierarchy("cgroup", "memory", mount_point, sizeof(mount_point));
	if (!is_v1 && !find_hierarchy("cgroup2", "", mount_point, sizeof(mount_point))) {
		skip_group(name, "no hierarchy of cgroups is mounted");
		return;
	}
	snprintf(dir, sizeof(dir), "%s/obit-memory-%d", mount_point, getpid());
	snprintf(limit, sizeof(limit), "%u", LIMIT);
	is_set = mkdir(dir, 0755) == 0 && write_file(dir, is_v1 ? "memory.limit_in_bytes" : "memory.max", limit);
	/* Else it pages to a swap that the host may have. Where no swap is accounted for, the file is missing. */
	write_file(dir, is_v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max", is_v1 ? limit : "0");
	if (!is_set) {
		skip_group(name, "no cgroup with a limit of memory can be made");
		rmdir(dir);
		return;
	}
	too_large = fork();
	if (too_large == 0) {
		if (!write_file(dir, "cgroup.procs", "0"))
			_exit(9);
		use_memory();
	}
	waitpid(too_large, NULL, 0);
	remove_group(dir);
}

static void check_out_of_memory(const char *name)
{
	struct rows rows = dump_rows(obit, store, "exits", "pid,exit_signal,killer_comm,kill_reason,oom_killed");
	char **row = rows_find(&rows, too_large);

	if (too_large)
		finish_group(name, check(row && atoi(row[1]) == SIGKILL && strcmp(row[2], "[kernel]") == 0 &&
						 strcmp(row[3], "oom_memcg") == 0,
					 name, "signal %s by %s, reason %s", row ? row[1] : "?", row ? row[2] : "?",
					 row ? row[3] : "?"));
	rows_free(&rows);
}

/* --- a flood ---------------------------------------------------------------------------------------------------- */
static pid_t flooder;

static void on_signal(int number)
{
	(void)number;
}

/* One process asks itself to end as fast as it can, and does not; others end. */
static void flood(void)
{
	flooder = fork();
	if (flooder == 0) {
		signal(SIGTERM, on_signal);
		for (int i = 0; i < FLOOD; i++)
			raise(SIGTERM);
		_exit(0);
	}
	for (int i = 0; i < FLOOD_ENDS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(42);
		waitpid(pid, NULL, 0);
	}
	waitpid(flooder, NULL, 0);
}

static void check_flood(const char *name)
{
	struct rows rows = dump_rows(obit, store, "exits", "pid,exit_code,ppid");
	unsigned long long not_sent = 0, sent_most;
	int good, n = 0;

	for (int i = 0; i < rows.n; i++)
		n += atoi(rows.row[i][1]) == 42 && atoi(rows.row[i][2]) == getpid();
	rows_free(&rows);
	/* Some are in roll-ups when the agent gets no CPU for a while; without a bound nearly all are. */
	good = check(n > FLOOD_ENDS * 9 / 10, name, "%d exits of %d have rows", n, FLOOD_ENDS);
	rows = dump_rows(obit, store, "ledger", "drops_signal");
	for (int i = 0; i < rows.n; i++)
		not_sent += strtoull(rows.row[i][0], NULL, 10);
	/* 256 of each CPU in 134 ms, in the few seconds that the flood lasts. */
	sent_most = FLOOD / 4;
	good &= check(not_sent > FLOOD - sent_most, name, "%llu of %d signals were kept out of the rings", not_sent,
		      FLOOD);
	rows_free(&rows);
	finish_group(name, good);
}

int main(int argc, char **argv)
{
	const char *args[] = {"--interval", "1s", "--socket", "none", "--config", "none", NULL};
	const char *killed = "cgroup.kill, and who wrote to it", *full = "the memory of a cgroup is used up";
	pid_t agent;

	if (argc != 3) {
		fprintf(stderr, "usage: killings OBIT STORE_DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	snprintf(store, sizeof(store), "%s-store", argv[2]);
	/* Whatever does not come to its end is a failure. */
	alarm(200);
	agent = agent_start(obit, store, args);
	kill_by_group(killed);
	out_of_memory_of_group(full);
	flood();
	finish_group("the agent ends with status 0", check(agent_stop(agent), "the agent", "it did not"));
	check_kill_by_group(killed);
	check_out_of_memory(full);
	check_flood("a flood of signals crowds out no exit");
	finish_group("verify agrees", check(is_sound(obit, store), "verify", "it does not agree"));
	return end_of_tests();
}
