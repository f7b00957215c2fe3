// SPDX-License-Identifier: BSD-2-Clause
/*
 * Are the records true? Every kind of life and death is lived under the agent; then each record is held
 * against what wait4() and /proc said of the same process.
 *
 * usage: truth OBIT STORE_DIR
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "records.h"

#define LONG_ARGV_BYTES 100000
#define ARGV_KEPT_BYTES 4096 /* as `obit schema exits` states */

/* --- lives ------------------------------------------------------------------------------------------------- */

static void live_forks(void)
{
	for (int i = 0; i < 50; i++) {
		struct life *life = life_begin("fork without exec");

		if (life_fork(life))
			_exit(i * 5);
		life->threads = 1;
		life->comm = "truth";
		life->flag = "no_exec";
		if (i % 2)
			life_end(life);
		else
			life_end_at_once(life);
	}
}

static void live_execs(void)
{
	static char name[] = "a name", word[] = "two words", fail[] = "OBIT_ACT=fail", burn[] = "OBIT_ACT=burn";
	char *argv[] = {name, word, NULL};

	for (int i = 0; i < 50; i++) {
		struct life *life = life_begin("vfork and exec");

		life_exec(life, argv, i % 2 ? fail : burn);
		life->threads = 1;
		life->comm = "truth";
		life->exe = self_path;
		life->argv_json = "[\"a name\",\"two words\"]";
		life_end_at_once(life);
	}
}

static void live_burners(void)
{
	static const uint64_t cpu_us[] = {100, 500, 1000, 3000, 12000, 50000, 200000};

	for (int i = 0; i < 7; i++) {
		struct life *life = life_begin("CPU burners");

		if (life_fork(life)) {
			act_burn(cpu_us[i] * 1000);
			_exit(0);
		}
		life_end(life);
	}
}

static void live_memory(void)
{
	for (int i = 0; i < 6; i++) {
		struct life *life = life_begin("memory and file I/O");

		if (life_fork(life)) {
			if (i % 2)
				act_file();
			act_touch((size_t)8 << i);
			_exit(0);
		}
		life_end(life);
	}
}

static void live_threads(const char *group, int n, enum end end, int repeat)
{
	for (int i = 0; i < repeat; i++) {
		struct life *life = life_begin(group);

		if (life_fork(life)) {
			act_threads(n, end);
			_exit(0);
		}
		life->threads = n + 1;
		life->comm = "truth";
		if (i % 2)
			life_end(life);
		else
			life_end_at_once(life);
	}
}

static void await_threads(pid_t pid, int n)
{
	char path[64];
	struct stat tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	/* A link for each, besides . and .. */
	for (int i = 0; i < 1000 && (stat(path, &tasks) < 0 || (int)tasks.st_nlink < n + 2); i++)
		usleep(10000);
}

/* Sleeps until it is killed. */
static void live_target(const char *group, int signal, unsigned uid, int n_threads)
{
	struct life *life = life_begin(group);
	pid_t killer;

	if (life_fork(life)) {
		if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
			_exit(99);
		if (n_threads)
			act_threads(n_threads, NEVER);
		pause();
	}
	usleep(20000);
	await_threads(life->pid, n_threads + 1);
	killer = fork();
	if (killer == 0) {
		prctl(PR_SET_NAME, "the killer");
		_exit((uid && setuid(uid)) || kill(life->pid, signal));
	}
	life_end(life);
	waitpid(killer, NULL, 0);
	life->threads = n_threads + 1;
	life->has_killer = 1;
	life->killer_pid = killer;
	life->killer_uid = uid;
	life->killer_comm = "the killer";
	life->uid = life->gid = uid;
}

static void live_crashes(void)
{
	static char name[] = "crash", crash[] = "OBIT_ACT=crash";
	char *argv[] = {name, NULL};

	for (int i = 0; i < 6; i++) {
		struct life *life = life_begin("crashes: the kernel is the killer");

		if (i < 3) {
			life_exec(life, argv, crash);
		} else if (life_fork(life)) {
			act_crash();
		}
		life_end(life);
		life->has_killer = 1;
		life->killer_comm = "[kernel]";
	}
	for (int i = 0; i < 2; i++) {
		struct life *life = life_begin("abort: it killed itself");

		if (life_fork(life))
			abort();
		life_end(life);
		life->has_killer = 1;
		life->killer_pid = life->pid;
		life->killer_comm = "truth";
	}
}

/* A handled signal kills nobody: who sent it must not be named as the killer. */
static void live_survivor(void)
{
	struct life *life = life_begin("a signal that was ignored is no killer");
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		die("pipe");
	if (life_fork(life)) {
		/* Not sooner: where the processor is emulated that may take longer than any fixed time. */
		signal(SIGTERM, SIG_IGN);
		if (write(ready[1], "", 1) != 1)
			_exit(9);
		usleep(40000);
		_exit(5);
	}
	if (read(ready[0], &byte, 1) != 1)
		die("a process that ignores a signal");
	kill(life->pid, SIGTERM);
	close(ready[0]);
	close(ready[1]);
	life_end(life);
	life->has_killer = 1;
	life->killer_pid = NO_KILLER;
}

static void live_pid_again(void)
{
	struct life *life = life_begin("a pid used again");
	pid_t pid;

	if (life_fork(life))
		_exit(1);
	life_end(life);
	pid = life->pid;
	for (int i = 2; i < 6; i++) {
		struct clone_args args = {
			.exit_signal = SIGCHLD,
			.set_tid = (uintptr_t)&pid,
			.set_tid_size = 1,
		};

		usleep(5000);
		life = life_begin("a pid used again");
		life->pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
		if (life->pid == 0)
			_exit(i);
		if (life->pid != pid) {
			n_lifetimes--;
			check(0, "a pid used again", "clone3 with set_tid: %s", strerror(errno));
			finish_group("clone3 with set_tid", 0);
			return;
		}
		life_end(life);
	}
}

/* As jsonl writes it: control characters as \u00XX, bytes that are not UTF-8 as \\xXX. */
static char *json_of_word(const char *word, size_t len)
{
	char *json = malloc(len * 6 + 8), *to = json;

	*to++ = '[';
	*to++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c == '"' || c == '\\')
			to += sprintf(to, "\\%c", c);
		else if (c < 32 || c == 127)
			to += sprintf(to, "\\u%04x", c);
		else if (c > 127)
			to += sprintf(to, "\\\\x%02x", c);
		else
			*to++ = (char)c;
	}
	strcpy(to, "\"]");
	return json;
}

static void live_arguments(void)
{
	static const char hard[] = "one\ntwo\t\"three\" 'four' \\ \xff\xfe\x80 \x01 $(reboot) ";
	static char fail[] = "OBIT_ACT=fail", empty[] = "";
	char *none[] = {NULL}, *one_empty[] = {empty, NULL}, *word = malloc(LONG_ARGV_BYTES + 1);
	char *hard_argv[] = {(char *)hard, NULL}, *long_argv[] = {word, NULL};
	struct life *life = life_begin("argv of 0 bytes");

	life_exec(life, none, fail);
	life_end(life);
	life = life_begin("argv of 0 bytes");
	life_exec(life, one_empty, fail);
	life->argv_json = "[\"\"]";
	life_end(life);

	life = life_begin("argv with newlines, quotes and invalid UTF-8");
	life_exec(life, hard_argv, fail);
	life->argv_json = json_of_word(hard, strlen(hard));
	life_end(life);

	for (int i = 0; i < LONG_ARGV_BYTES; i++)
		word[i] = hard[(size_t)i % strlen(hard)];
	word[LONG_ARGV_BYTES] = 0;
	life = life_begin("argv of 100,000 bytes");
	life_exec(life, long_argv, fail);
	life->argv_json = json_of_word(word, ARGV_KEPT_BYTES);
	life->flag = "argv_truncated";
	life_end(life);
	free(word);
}

static void live_identities(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_NEWPID};
	struct life *life = life_begin("session, group, user, name");

	if (life_fork(life)) {
		setsid();
		prctl(PR_SET_NAME, "a new name");
		_exit(0);
	}
	life_end(life);
	life->sid = life->pgid = (unsigned)life->pid;
	life->comm = "a new name";

	life = life_begin("session, group, user, name");
	if (life_fork(life)) {
		setpgid(0, 0);
		_exit(setgroups(0, NULL) || setgid(4321) || setuid(1234));
	}
	life_end(life);
	life->pgid = (unsigned)life->pid;
	life->uid = 1234;
	life->gid = 4321;

	life = life_begin("pid in its own namespace");
	life->pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (life->pid == 0)
		_exit(getpid() != 1);
	life_end(life);
	life->nspid = 1;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* The mount point of the v2 hierarchy, or "". */
static const char *cgroup2_mount(void)
{
	static char point[256];
	FILE *mounts = fopen("/proc/mounts", "r");
	char line[1024], path[256], type[64];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %255s %63s", path, type) == 2 && strcmp(type, "cgroup2") == 0)
			strcpy(point, path);
	if (mounts)
		fclose(mounts);
	return point;
}

/* The path within the hierarchy is the same for all: two levels, removed as soon as the process is dead. */
static void live_cgroup(void)
{
	static char path[64];
	char outer[512], inner[600], procs[700];
	struct life *life;

	snprintf(path, sizeof(path), "/obit-truth-%d/inner", getpid());
	snprintf(outer, sizeof(outer), "%s/obit-truth-%d", cgroup2_mount(), getpid());
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", inner);
	if (!*cgroup2_mount() || mkdir(outer, 0755) || mkdir(inner, 0755)) {
		skip_group("cgroup made and removed while recording", "no writable cgroup v2 here");
		return;
	}
	life = life_begin("cgroup made and removed while recording");
	if (life_fork(life))
		_exit(write_text(procs, "0"));
	life_end(life);
	life->cgroup = path;
	rmdir(inner);
	rmdir(outer);
}

/* A memory cgroup of either version with a limit that the process must break. */
static void live_oom(void)
{
	static const char *group = "killed for lack of memory";
	char dir[256], limit[300], procs[300];
	struct life *life;

	snprintf(dir, sizeof(dir), "/sys/fs/cgroup/memory/obit-truth-%d", getpid());
	snprintf(limit, sizeof(limit), "%s/memory.limit_in_bytes", dir);
	if (mkdir(dir, 0755)) {
		snprintf(dir, sizeof(dir), "%s/obit-oom-%d", cgroup2_mount(), getpid());
		snprintf(limit, sizeof(limit), "%s/memory.max", dir);
		if (!*cgroup2_mount() || mkdir(dir, 0755)) {
			skip_group(group, "no memory cgroup can be made here");
			return;
		}
	}
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	if (write_text(limit, "16777216")) {
		rmdir(dir);
		skip_group(group, "no memory controller for a new cgroup here");
		return;
	}
	life = life_begin(group);
	if (life_fork(life)) {
		if (write_text(procs, "0"))
			_exit(99);
		act_touch(256);
		_exit(98);
	}
	life_end(life);
	life->is_oom = 1;
	life->has_killer = 1;
	life->killer_comm = "[kernel]";
	rmdir(dir);
}

/* Nobody waits for these two: no truth but that they lived. */
struct unreaped {
	pid_t autoreaped, autoreaping, zombie;
};

static struct unreaped live_unreaped(void)
{
	struct unreaped lived = {0};
	int fds[2];

	if (pipe(fds))
		die("pipe");
	lived.autoreaping = fork();
	if (lived.autoreaping == 0) {
		pid_t child;

		signal(SIGCHLD, SIG_IGN);
		child = fork();
		if (child == 0) {
			setsid();
			_exit(11);
		}
		_exit(write(fds[1], &child, sizeof(child)) != sizeof(child) || usleep(50000));
	}
	if (read(fds[0], &lived.autoreaped, sizeof(lived.autoreaped)) != sizeof(lived.autoreaped))
		die("read");
	waitpid(lived.autoreaping, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	lived.zombie = fork();
	if (lived.zombie == 0)
		_exit(12);
	return lived;
}

/* Older than the agent: their cost and their arguments are known all the same. */
static struct life *begin_elders(const int *ask)
{
	static char name[] = "elder", argument[] = "of the house", act[] = "OBIT_ACT=wait";
	static char *argv[] = {name, argument, NULL}, *envp[] = {act, NULL};
	struct life *first = &lives[n_lifetimes];

	for (int i = 0; i < 2; i++) {
		struct life *life = life_begin("started before the agent");

		life->flag = "started_before_agent";
		if (!life_fork(life))
			continue;
		dup2(ask[0], 0);
		close(ask[1]);
		if (i == 0) {
			execve(self_path, argv, envp);
			_exit(99);
		}
		act_burn(3000000);
		act_wait_then_burn(8000000);
		act_threads(2, JOINED);
		_exit(3);
	}
	first[0].argv_json = "[\"elder\",\"of the house\"]";
	first[0].exe = self_path;
	first[0].comm = "truth";
	return first;
}

/* --- those that nobody waited for ------------------------------------------------------------------------------ */

static void check_unreaped(struct rows *rows, const struct unreaped *lived)
{
	const char *group = "reaped by the kernel or by nobody";
	int n_autoreaped = 0, n_zombies = 0, good = 1;

	for (int i = 0; i < rows->n; i++) {
		char **row = rows->row[i];

		if ((pid_t)number(row[R_pid]) == lived->autoreaped && strcmp(row[R_exit_code], "11") == 0) {
			n_autoreaped++;
			good &= near(group, "sid", number(row[R_sid]), (unsigned)lived->autoreaped, 0);
			good &= near(group, "ppid", number(row[R_ppid]), (unsigned)lived->autoreaping, 0);
		}
		n_zombies += (pid_t)number(row[R_pid]) == lived->zombie && strcmp(row[R_exit_code], "12") == 0;
	}
	good &= check(n_autoreaped == 1, group, "%d records of the autoreaped", n_autoreaped);
	finish_group(group, good & check(n_zombies == 1, group, "%d records of the zombie", n_zombies));
}

/* --- a storm, every pid of it ------------------------------------------------------------------------------------ */

#define STORM_COUNT    storm_scaled(20000, 1000)
#define STORM_SPAWNERS 4

/* Each spawner notes its children here. */
static pid_t *storm_pids;

static void storm_of_trues(void)
{
	pid_t spawners[STORM_SPAWNERS];
	int count = STORM_COUNT;

	storm_pids = mmap(NULL, (size_t)STORM_COUNT * sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	for (int i = 0; i < STORM_SPAWNERS; i++) {
		spawners[i] = fork();
		if (spawners[i])
			continue;
		for (int k = i; k < count; k += STORM_SPAWNERS) {
			storm_pids[k] = storm_child(1);
			waitpid(storm_pids[k], NULL, 0);
		}
		_exit(0);
	}
	for (int i = 0; i < STORM_SPAWNERS; i++)
		waitpid(spawners[i], NULL, 0);
}

static int by_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static void check_storm(struct rows *rows)
{
	const char *group = "a storm of /bin/true (20,000, fewer where emulated), none missing";
	pid_t *recorded = calloc((size_t)rows->n + 1, sizeof(*recorded));
	int n = 0, missing = 0, at = 0, count = STORM_COUNT;

	for (int i = 0; i < rows->n; i++)
		if (strcmp(rows->row[i][R_comm], "true") == 0)
			recorded[n++] = (pid_t)number(rows->row[i][R_pid]);
	qsort(recorded, (size_t)n, sizeof(pid_t), by_pid);
	qsort(storm_pids, (size_t)count, sizeof(pid_t), by_pid);
	for (int i = 0; i < count; i++) {
		while (at < n && recorded[at] < storm_pids[i])
			at++;
		if (at < n && recorded[at] == storm_pids[i])
			at++;
		else
			missing++;
	}
	finish_group(group, check(missing == 0, group, "%d are missing, of %d recorded", missing, n));
	free(recorded);
}

static void live_all(void)
{
	live_forks();
	live_execs();
	live_burners();
	live_memory();
	live_threads("8 threads, joined", 8, JOINED, 10);
	live_threads("64 threads, joined", 64, JOINED, 6);
	live_threads("exit_group under 16 running threads", 16, EXIT_GROUP, 10);
	live_threads("the leader exits first", 8, LEADER_FIRST, 10);
	live_threads("exec from a thread", 8, EXEC, 10);
	live_target("SIGKILL by another process", SIGKILL, 0, 0);
	live_target("SIGKILL by another process", SIGKILL, 1234, 0);
	live_target("SIGTERM by another process", SIGTERM, 0, 0);
	live_target("SIGKILL of 8 threads", SIGKILL, 0, 8);
	live_crashes();
	live_survivor();
	live_pid_again();
	live_arguments();
	live_identities();
	live_cgroup();
	live_oom();
}

int main(int argc, char **argv)
{
	struct unreaped lived;
	struct life *elders;
	struct rows rows;
	int ask[2];
	pid_t agent;

	if (!realpath("/proc/self/exe", self_path))
		die("/proc/self/exe");
	play_act();
	if (argc != 3) {
		fprintf(stderr, "usage: truth OBIT STORE_DIR\n");
		return 2;
	}
	obit = argv[1];
	store = argv[2];
	if (pipe2(ask, O_CLOEXEC))
		die("pipe");
	elders = begin_elders(ask);
	agent = agent_start(obit, store, (const char *[]){"--interval", "1s", NULL});
	close(ask[1]);
	life_end(&elders[0]);
	life_end(&elders[1]);
	live_all();
	lived = live_unreaped();
	storm_of_trues();
	finish_group("a clean stop", check(agent_stop(agent), "a clean stop", "the agent did not end with status 0"));
	rows = dump_rows(obit, store, "exits", RECORD_FIELDS);
	check_lives(&rows);
	check_unreaped(&rows, &lived);
	check_storm(&rows);
	return end_of_tests();
}
