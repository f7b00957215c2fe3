// SPDX-License-Identifier: BSD-2-Clause
/*
 * Does a running agent say of itself what its store says later? And does whoever asks, or may not ask, leave
 * its recording alone?
 *
 * usage: status OBIT DIR_PREFIX
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent_run.h"
#include "storm_run.h"

#define OBIT_GID   64111 /* of the group obit in this test's own /etc/group */
#define NOBODY_UID 65534
#define SLOW_PEERS 12 /* more than are served at a time */
#define COLUMNS                                                                                                        \
	"duration_ns,forks,execs,exits_seen,exits_recorded,exits_rolled_up,exits_second_witness,amendments,"           \
	"snapshot_ns,agent_cpu_ns"
#define N_COLUMNS 10

static const char *obit, *prefix;
static char store[512], path[96], said[65536];

/* Names of a store and a socket of one test's own. */
static void name_paths(const char *name)
{
	snprintf(store, sizeof(store), "%s-%s", prefix, name);
	snprintf(path, sizeof(path), "/tmp/obit-live-%s-%d.sock", name, getpid());
}

static pid_t start(const char *const *more)
{
	const char *args[16] = {"--interval", "200ms", "--socket", path};

	for (int i = 0; i < 8 && more[i]; i++)
		args[4 + i] = more[i];
	return agent_start(obit, store, args);
}

/* Runs `obit status` with these words, as this user and group; what it prints, stderr too, is in `said`. */
static int status_as(uid_t uid, gid_t group, const char *words)
{
	char command[2048], *argv[] = {(char *)"sh", (char *)"-c", command, NULL};
	int fds[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	snprintf(command, sizeof(command), "exec '%s' status --socket '%s' %s 2>&1", obit, path, words);
	if (pipe(fds) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		if (uid && (setgroups(group ? 1 : 0, &group) < 0 || setresgid(uid, uid, uid) < 0 ||
			    setresuid(uid, uid, uid) < 0))
			_exit(126);
		execv("/bin/sh", argv);
		_exit(127);
	}
	close(fds[1]);
	while (used < sizeof(said) - 1 && (n = read(fds[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = 0;
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int status_of(const char *words)
{
	return status_as(0, 0, words);
}

/* The line of `said` that has both texts; "" when there is none. */
static const char *line_with(const char *one, const char *other)
{
	static char line[8192];

	for (const char *at = said; *at;) {
		size_t len = strcspn(at, "\n");

		if (len < sizeof(line)) {
			memcpy(line, at, len);
			line[len] = 0;
			if (strstr(line, one) && strstr(line, other))
				return line;
		}
		at += len + (at[len] == '\n');
	}
	return "";
}

/* A number of a line of JSON; -1 when there is none. */
static int64_t json(const char *line, const char *key)
{
	char wanted[80];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\"%s\":", key);
	at = strstr(line, wanted);
	if (!at || (at[strlen(wanted)] != '-' && (at[strlen(wanted)] < '0' || at[strlen(wanted)] > '9')))
		return -1;
	return strtoll(at + strlen(wanted), NULL, 10);
}

static int balanced(const char *name)
{
	return check(is_sound(obit, store), name, "obit verify does not agree on %s", store);
}

static int64_t column(const struct rows *rows, int64_t n, int i, int is_maximum)
{
	int64_t result = 0;

	for (int row = 0; row < rows->n && row < n; row++) {
		int64_t value = strtoll(rows->row[row][i], NULL, 10);

		if (!is_maximum)
			result += value;
		else if (value > result)
			result = value;
	}
	return result;
}

static void says_what_the_store_says(const char *name)
{
	/* in the order of COLUMNS */
	static const char *const names[N_COLUMNS] = {
		"duration_ns",		"forks",	  "execs",
		"exits_seen",		"exits_recorded", "exits_rolled_up",
		"exits_second_witness", "amendments",	  "snapshot_ns",
		"agent_cpu_ns",
	};
	const char *args[] = {NULL}, *line;
	int64_t written, intervals, reported[N_COLUMNS], opening, closing, ring, queue;
	struct storm_result storm;
	struct rows rows;
	pid_t agent;
	int good;

	name_paths("ledger");
	agent = start(args);
	good = check(storm_run(4000, 2, 0, &storm) == 0 && storm_run(1000, 2, 1, &storm) == 0, name, "a storm failed");
	usleep(600000);
	rows = dump_rows(obit, store, "ledger", "forks");
	written = rows.n;
	rows_free(&rows);
	good &= check(status_of("--format jsonl") == 0, name, "not active: %s", said);
	good &= check(json(line_with("\"section\":\"agent\"", ""), "pid") == agent, name, "not the agent's pid: %s",
		      said);
	line = line_with("\"section\":\"transport\"", "");
	good &= check(json(line, "ring_high_water_bytes") > 0 &&
			      json(line, "ring_high_water_bytes") <= json(line, "ring_bytes") &&
			      json(line, "queue_high_water_bytes") <= json(line, "queue_bytes"),
		      name, "high-water marks: %s", line);
	line = line_with("\"section\":\"ledger\"", "");
	intervals = json(line, "intervals");
	for (int i = 0; i < N_COLUMNS; i++)
		reported[i] = json(line, names[i]);
	opening = json(line, "opening");
	closing = json(line, "closing");
	ring = json(line, "ring_high_water_bytes");
	queue = json(line, "queue_high_water_bytes");
	good &= check(json(line, "unbalanced") == 0, name, "%s", line);
	good &= check(intervals >= written, name, "%lld intervals are reported, the store had %lld before",
		      (long long)intervals, (long long)written);
	good &= check(intervals > 3 && reported[3] >= 5000, name, "%lld intervals, %lld exits", (long long)intervals,
		      (long long)reported[3]);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");

	rows = dump_rows(obit, store, "ledger",
			 COLUMNS ",opening,closing,ring_high_water_bytes,queue_high_water_bytes");
	good &= check(rows.n > intervals, name, "%d intervals in the store, %lld were reported", rows.n,
		      (long long)intervals);
	for (int i = 0; i < N_COLUMNS; i++)
		good &= check(column(&rows, intervals, i, 0) == reported[i], name,
			      "%s: reported %lld, the store has %lld", names[i], (long long)reported[i],
			      (long long)column(&rows, intervals, i, 0));
	good &= check(good && strtoll(rows.row[0][N_COLUMNS], NULL, 10) == opening &&
			      strtoll(rows.row[intervals - 1][N_COLUMNS + 1], NULL, 10) == closing,
		      name, "opening or closing is not the store's");
	good &= check(column(&rows, intervals, N_COLUMNS + 2, 1) == ring &&
			      column(&rows, intervals, N_COLUMNS + 3, 1) == queue,
		      name, "high-water marks are not the store's");
	rows_free(&rows);
	good &= check(status_of("") == 2 && strstr(said, "no agent answers at"), name, "after its end: %s", said);
	good &= check(access(path, F_OK) < 0, name, "the socket is still there");
	finish_group(name, good);
}

static int connect_here(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	return fd;
}

static int64_t runs_of(const char *program)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "\"name\":\"%s\"", program);
	return json(line_with("\"section\":\"program\"", wanted), "runs");
}

/* Does the agent hold a descriptor for which the kernel counts run times? Others on this host may. */
static int holds_statistics(pid_t agent)
{
	char name[64], target[64];
	int held = 0;

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t len;

		snprintf(name, sizeof(name), "/proc/%d/fd/%d", agent, fd);
		len = readlink(name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = 0;
		held |= strcmp(target, "anon_inode:bpf-stats") == 0;
	}
	return held;
}

static void measures_programs_only_when_asked(const char *name)
{
	const char *args[] = {NULL};
	struct storm_result storm;
	pid_t agent, stormer;
	int good;

	name_paths("measure");
	agent = start(args);
	good = check(status_of("--format jsonl") == 0, name, "not active: %s", said);
	good &= check(!holds_statistics(agent), name, "it measures though nobody asked");
	stormer = fork();
	if (stormer == 0)
		_exit(storm_run(20000, 2, 0, &storm) != 0);
	usleep(50000);
	good &= check(status_of("--measure 300ms --format jsonl") == 0, name, "no measurement: %s", said);
	waitpid(stormer, NULL, 0);
	good &= check(runs_of("on_fork") > 100 && json(line_with("\"name\":\"on_fork\"", ""), "run_ns") > 0, name,
		      "nothing was measured: %s", said);
	good &= check(json(line_with("\"section\":\"agent\"", ""), "measured_ns") >= 300000000, name, "%s", said);
	good &= check(!holds_statistics(agent), name, "the agent itself measures");
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	finish_group(name, good);
}

static void what_options_leave_out_is_off(const char *name)
{
	const char *args[] = {"--sched", "off", NULL};
	pid_t agent;
	int good;

	name_paths("off");
	agent = start(args);
	status_of("--format jsonl");
	good = check(*line_with("\"name\":\"on_switch\"", "\"state\":\"off\""), name, "on_switch: %s", said);
	good &= check(*line_with("\"section\":\"agent\"", "\"sched\":\"off\""), name, "the agent: %s", said);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	finish_group(name, good);
}

static void a_stale_socket_gives_way(const char *name)
{
	const char *args[] = {NULL};
	pid_t agent;
	int good;

	name_paths("stale");
	agent = start(args);
	kill(agent, SIGKILL);
	waitpid(agent, NULL, 0);
	good = check(access(path, F_OK) == 0, name, "SIGKILL should have left the socket");
	good &= check(status_of("") == 2 && strstr(said, "no agent answers at"), name, "a dead agent: %s", said);
	agent = start(args);
	good &= check(status_of("") == 0, name, "the next agent does not answer: %s", said);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	finish_group(name, good);
}

/* A group obit is in /etc/group, for this process and its children. */
static int make_group(void)
{
	char own[] = "/tmp/obit-live-group-XXXXXX";
	int fd = mkstemp(own);

	if (fd < 0 || dprintf(fd, "root:x:0:\nobit:x:%d:\n", OBIT_GID) < 0 || fchmod(fd, 0644) < 0)
		return -errno;
	close(fd);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(own, "/etc/group", NULL, MS_BIND, NULL) < 0) {
		unlink(own);
		return -errno;
	}
	unlink(own);
	return 0;
}

static void only_root_and_the_group_may_ask(const char *name)
{
	const char *args[] = {NULL};
	struct stat stat;
	pid_t agent;
	int good, has_group = make_group() == 0;

	name_paths("peers");
	agent = start(args);
	good = check(lstat(path, &stat) == 0 && (stat.st_mode & 07777) == 0660 && stat.st_uid == 0 &&
			     stat.st_gid == (has_group ? OBIT_GID : 0),
		     name, "the socket is %o %d:%d", stat.st_mode & 07777, (int)stat.st_uid, (int)stat.st_gid);
	good &= check(status_as(NOBODY_UID, 0, "") == 2 && strstr(said, "no permission to ask"), name, "nobody: %s",
		      said);
	chmod(path, 0666);
	good &= check(status_as(NOBODY_UID, 0, "") == 2 && strstr(said, "refuses: only root and members"), name,
		      "nobody, at an open socket: %s", said);
	chmod(path, 0660);
	if (has_group)
		good &= check(status_as(NOBODY_UID, OBIT_GID, "") == 0, name, "a member of the group: %s", said);
	good &= check(status_of("") == 0, name, "root: %s", said);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	good &= balanced(name);
	finish_group(name, good);
	if (!has_group)
		skip_group("a member of the group obit may ask", "no mount namespace of its own for /etc/group");
}

static void bad_clients_do_not_disturb(const char *name)
{
	const char *args[] = {NULL};
	char flood[8192], reply[256] = "";
	int fds[SLOW_PEERS], good = 1;
	int64_t longest;
	struct rows rows;
	pid_t agent;

	name_paths("slow");
	agent = start(args);
	memset(flood, 'x', sizeof(flood));
	fds[0] = connect_here();
	good &= check(send(fds[0], flood, sizeof(flood), MSG_NOSIGNAL) > 0 &&
			      recv(fds[0], reply, sizeof(reply) - 1, 0) > 0 &&
			      strcmp(reply, "error the request is too long\n") == 0,
		      name, "a request of 8 KiB: %s", reply);
	close(fds[0]);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < SLOW_PEERS; i++) {
			fds[i] = connect_here();
			if (i % 2)
				send(fds[i], "measu", 5, MSG_NOSIGNAL);
		}
		good &= check(status_of("") == 0, name, "behind slow clients: %s", said);
		for (int i = 0; i < SLOW_PEERS; i++)
			close(fds[i]);
	}
	for (int i = 0; i < 200; i++) { /* asked, and not waited for */
		fds[0] = connect_here();
		send(fds[0], "status\n", 7, MSG_NOSIGNAL);
		close(fds[0]);
	}
	good &= check(status_of("") == 0, name, "after hasty clients: %s", said);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	good &= balanced(name);
	rows = dump_rows(obit, store, "ledger", "duration_ns");
	longest = column(&rows, rows.n, 0, 1);
	good &= check(longest < 900000000, name, "an interval of 200 ms took %lld ns", (long long)longest);
	rows_free(&rows);
	finish_group(name, good);
}

static void a_second_agent_goes_without(const char *name)
{
	const char *args[] = {NULL};
	char first_store[512], wanted[64], log_path[512], log[4096] = "";
	int kept_stderr, log_fd, good;
	pid_t first, second;

	name_paths("first");
	memcpy(first_store, store, sizeof(store));
	first = start(args);
	snprintf(store, sizeof(store), "%s-second", prefix);
	snprintf(log_path, sizeof(log_path), "%s-log", prefix);
	log_fd = open(log_path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	kept_stderr = dup(2);
	dup2(log_fd, 2);
	second = start(args);
	dup2(kept_stderr, 2);
	close(kept_stderr);
	good = check(pread(log_fd, log, sizeof(log) - 1, 0) > 0, name, "the second agent says nothing");
	close(log_fd);
	unlink(log_path);
	snprintf(wanted, sizeof(wanted), "process %d answers at", first);
	good &= check(strstr(log, wanted) != NULL, name, "the second agent does not name the first: %s", log);
	good &= check(status_of("--format jsonl") == 0 && json(line_with("\"section\":\"agent\"", ""), "pid") == first,
		      name, "the first does not answer: %s", said);
	good &= check(agent_stop(second), name, "the second agent did not end with status 0");
	good &= balanced(name);
	good &= check(status_of("") == 0, name, "the second's end took the socket away: %s", said);
	good &= check(agent_stop(first), name, "the first agent did not end with status 0");
	memcpy(store, first_store, sizeof(store));
	good &= balanced(name);
	finish_group(name, good);
}

static void a_loss_is_reported(const char *name)
{
	const char *args[] = {"--ring-pages", "1", NULL};
	struct storm_result storm;
	pid_t agent;
	int good;

	name_paths("loss");
	agent = start(args);
	kill(agent, SIGSTOP);
	good = check(status_of("") == 2 && strstr(said, "does not answer in time"), name, "a stopped agent: %s", said);
	good &= check(storm_run(2000, 2, 1, &storm) == 0, name, "the storm failed");
	kill(agent, SIGCONT);
	usleep(600000);
	good &= check(status_of("--format jsonl") == 1, name, "not degraded: %s", said);
	good &= check(*line_with("\"name\":\"on_exec\"", "\"state\":\"degraded\""), name, "on_exec: %s", said);
	good &= check(*line_with("\"section\":\"agent\"", "found the ring full"), name, "no reason: %s", said);
	good &= check(json(line_with("\"section\":\"ledger\"", ""), "exits_rolled_up") > 0, name, "no roll-up: %s",
		      said);
	good &= check(status_of("") == 1 && strstr(said, "found the ring full"), name, "human-readable: %s", said);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	good &= balanced(name);
	finish_group(name, good);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: status OBIT DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	prefix = argv[2];
	says_what_the_store_says("status says what the store says");
	measures_programs_only_when_asked("programs are measured only when asked");
	what_options_leave_out_is_off("what options leave out is off");
	a_stale_socket_gives_way("a stale socket gives way");
	bad_clients_do_not_disturb("bad clients do not disturb");
	a_second_agent_goes_without("a second agent goes without a socket");
	a_loss_is_reported("a loss is reported");
	only_root_and_the_group_may_ask("only root and the group may ask"); /* last: it changes /etc/group for itself */
	return end_of_tests();
}
