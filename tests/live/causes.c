// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why a process ended, and who asked for it: ends of many kinds, each by somebody that the test knows.
 *
 * usage: causes OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "agent_run.h"

#define NOBODY (-1)

static const char *obit;
static char store[512];

/* What a row of exits must say. */
struct end {
	const char *name;
	pid_t pid, killer, asker;  /* NOBODY: null */
	int signal, code;	   /* code: with signal 0 */
	const char *reason, *comm; /* NULL: null */
};

static struct end ends[64];
static int n_ends;

static struct end *end_of(const char *name, pid_t pid)
{
	struct end *end = &ends[n_ends++];

	*end = (struct end){.name = name, .pid = pid, .killer = NOBODY, .asker = NOBODY};
	return end;
}

/* --- ends ------------------------------------------------------------------------------------------------------- */
static int ready[2];

static void say_ready(void)
{
	if (write(ready[1], "", 1) != 1)
		_exit(9);
}

static void await_ready(void)
{
	char byte;

	if (read(ready[0], &byte, 1) != 1)
		die("a child that gets ready");
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* A process of its own that sends the signal; its pid. */
static pid_t send_by_another(pid_t to, int number)
{
	pid_t sender = fork();

	if (sender == 0)
		_exit(kill(to, number) != 0);
	waitpid(sender, NULL, 0);
	return sender;
}

static void set_blocked(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

static void on_signal_exit(int number)
{
	(void)number;
	_exit(7);
}

static void on_signal_raise_again(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void on_signal_nothing(int number)
{
	(void)number;
}

static void take_by_sigwait(void)
{
	sigset_t set;
	int number;

	set_blocked(SIG_BLOCK, SIGTERM);
	say_ready();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &number);
	set_blocked(SIG_UNBLOCK, SIGTERM);
}

static void take_by_descriptor(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	set_blocked(SIG_BLOCK, SIGTERM);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	fd = signalfd(-1, &set, 0);
	say_ready();
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		_exit(9);
	set_blocked(SIG_UNBLOCK, SIGTERM);
}

static void take_by_handler(void)
{
	sigset_t none;

	signal(SIGTERM, on_signal_nothing);
	set_blocked(SIG_BLOCK, SIGTERM);
	say_ready();
	sigemptyset(&none);
	sigsuspend(&none);
	signal(SIGTERM, SIG_DFL);
	set_blocked(SIG_UNBLOCK, SIGTERM);
}

static void ignore_one(void)
{
	signal(SIGTERM, SIG_IGN);
	say_ready();
	usleep(100000);
	signal(SIGTERM, SIG_DFL);
}

/* The first TERM is taken, the second ends it. */
static void taken_earlier(const char *name, void (*take)(void), int asks)
{
	struct end *end;
	pid_t pid = fork(), first;

	if (pid == 0) {
		take();
		say_ready();
		wait_for_ever();
	}
	await_ready();
	first = send_by_another(pid, SIGTERM);
	await_ready();
	end = end_of(name, pid);
	end->signal = SIGTERM;
	end->killer = send_by_another(pid, SIGTERM);
	end->comm = "causes";
	if (asks)
		end->asker = first;
	waitpid(pid, NULL, 0);
}

static void blocked_then_unblocked(void)
{
	pid_t pid = fork();
	struct end *end;

	if (pid == 0) {
		set_blocked(SIG_BLOCK, SIGINT);
		say_ready();
		usleep(100000);
		set_blocked(SIG_UNBLOCK, SIGINT);
		wait_for_ever();
	}
	await_ready();
	end = end_of("a signal that was blocked ends it later", pid);
	end->signal = SIGINT;
	end->killer = send_by_another(pid, SIGINT);
	end->comm = "causes";
	waitpid(pid, NULL, 0);
}

static void handled(const char *name, void (*handler)(int), int signal_number, int code)
{
	pid_t pid = fork();
	struct end *end;

	if (pid == 0) {
		signal(SIGTERM, handler);
		say_ready();
		wait_for_ever();
	}
	await_ready();
	end = end_of(name, pid);
	end->signal = signal_number;
	end->code = code;
	end->asker = send_by_another(pid, SIGTERM);
	if (signal_number) {
		end->killer = end->asker;
		end->comm = "causes";
	}
	waitpid(pid, NULL, 0);
}

/* si_code says that a timer has sent it; anybody may say so by rt_sigqueueinfo(2). */
static void forged(void)
{
	pid_t pid = fork(), sender;
	struct end *end;

	if (pid == 0)
		wait_for_ever();
	sender = fork();
	if (sender == 0) {
		siginfo_t info = {.si_code = SI_TIMER};

		_exit(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info) != 0);
	}
	waitpid(sender, NULL, 0);
	waitpid(pid, NULL, 0);
	end = end_of("a sender with a forged si_code", pid);
	end->signal = SIGUSR1;
	end->killer = sender;
	end->comm = "causes";
}

static void called_kernel(void)
{
	pid_t pid = fork(), sender;
	struct end *end;

	if (pid == 0)
		wait_for_ever();
	sender = fork();
	if (sender == 0) {
		prctl(PR_SET_NAME, "[kernel]");
		_exit(kill(pid, SIGKILL) != 0);
	}
	waitpid(sender, NULL, 0);
	waitpid(pid, NULL, 0);
	end = end_of("a process that calls itself [kernel]", pid);
	end->signal = SIGKILL;
	end->killer = sender;
	end->comm = "[kernel]";
}

/* --- by the kernel ---------------------------------------------------------------------------------------------- */
static void by_posix_timer(void)
{
	struct itimerspec soon = {.it_value = {0, 50000000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timer_settime(timer, 0, &soon, NULL);
	wait_for_ever();
}

static void by_interval_timer(void)
{
	struct itimerval soon = {.it_value = {0, 50000}};

	setitimer(ITIMER_REAL, &soon, NULL);
	wait_for_ever();
}

static void by_pipe(void)
{
	int fds[2];

	if (pipe(fds) < 0)
		_exit(9);
	signal(SIGPIPE, SIG_DFL);
	close(fds[0]);
	_exit(write(fds[1], "x", 1) == 1);
}

static void by_file_size(void)
{
	struct rlimit limit = {512, 512};
	int fd = memfd_create("causes", 0);
	char page[4096] = {0};

	setrlimit(RLIMIT_FSIZE, &limit);
	for (;;)
		if (write(fd, page, sizeof(page)) < 0)
			_exit(9);
}

static void by_cpu_time(void)
{
	struct rlimit limit = {1, 2}, no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_CPU, &limit);
	for (;;)
		__asm__ volatile("");
}

static void by_fault(void)
{
	struct rlimit no_core = {0, 0};
	volatile int *volatile nowhere = (volatile int *)16;

	setrlimit(RLIMIT_CORE, &no_core);
	*nowhere = 1;
	_exit(9);
}

static void by_filter(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
	struct sock_fprog program = {1, code};
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	_exit(9);
}

static void by_kernel(const char *name, void (*live)(void), int number, const char *reason)
{
	pid_t pid = fork();
	struct end *end;

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		live();
	}
	waitpid(pid, NULL, 0);
	end = end_of(name, pid);
	end->signal = number;
	end->killer = 0;
	end->comm = "[kernel]";
	end->reason = reason;
}

/* Ends when another does: that one makes it, sends its pid and ends itself. */
static void by_the_end_of_another(const char *name, void (*make)(int), int number, const char *reason)
{
	struct pollfd reported = {.fd = ready[0], .events = POLLIN};
	pid_t middle = fork(), pid = -1;
	struct end *end;

	if (middle == 0) {
		make(ready[1]);
		_exit(0);
	}
	/* It is said before the middle one ends, if ever. */
	if (poll(&reported, 1, 30000) <= 0 || read(ready[0], &pid, sizeof(pid)) != sizeof(pid))
		die(name);
	waitpid(middle, NULL, 0);
	/* It is init's, or a subreaper's, to reap. */
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		usleep(10000);
	end = end_of(name, pid);
	end->signal = number;
	end->killer = 0;
	end->comm = "[kernel]";
	end->reason = reason;
}

static void send_pid(int to, pid_t pid)
{
	if (write(to, &pid, sizeof(pid)) != sizeof(pid))
		_exit(9);
}

static void make_child_with_death_signal(int to)
{
	int reported[2];
	char byte;
	pid_t pid;

	if (pipe(reported) < 0)
		_exit(9);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGUSR2);
		if (write(reported[1], "", 1) != 1)
			_exit(9);
		wait_for_ever();
	}
	if (read(reported[0], &byte, 1) != 1)
		_exit(9);
	send_pid(to, pid);
}

/* The first process of a pid namespace ends, and the kernel ends the others. */
static void make_namespace(int to)
{
	pid_t first;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(9);
	first = fork();
	if (first == 0) {
		if (fork() == 0)
			wait_for_ever();
		usleep(400000);
		_exit(0);
	}
	usleep(150000);
	/* The second's pid here: the one after the first's, or a little later, whose parent that is. */
	for (pid_t pid = first + 1; pid < first + 200; pid++) {
		char path[64], line[256] = "";
		int parent = 0;
		FILE *stat;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		stat = fopen(path, "r");
		if (!stat)
			continue;
		if (fgets(line, sizeof(line), stat))
			sscanf(strrchr(line, ')') + 1, " %*c %d", &parent);
		fclose(stat);
		if (parent == first) {
			send_pid(to, pid);
			break;
		}
	}
	waitpid(first, NULL, 0);
}

static void make_traced(int to)
{
	pid_t pid = fork();

	if (pid == 0)
		wait_for_ever();
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL) < 0)
		_exit(9);
	send_pid(to, pid);
}

static void make_on_terminal(int to)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), reported[2];
	char byte, *name;
	pid_t pid;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || !(name = ptsname(master)) ||
	    pipe(reported) < 0)
		_exit(9);
	pid = fork();
	if (pid == 0) {
		setsid();
		if (open(name, O_RDWR) < 0)
			_exit(9);
		close(master);
		if (write(reported[1], "", 1) != 1)
			_exit(9);
		wait_for_ever();
	}
	if (read(reported[0], &byte, 1) != 1)
		_exit(9);
	send_pid(to, pid);
	close(master);
}

/* --- what the rows say ------------------------------------------------------------------------------------------ */
static int is_pid(const char *text, pid_t pid)
{
	return pid == NOBODY ? !*text : *text && atoi(text) == pid;
}

/* Before Linux 5.16 seccomp ends a process without a signal: there is no sender, and none is named. */
static int is_without_signal(const struct end *end)
{
	struct utsname host;
	int major = 0, minor = 0;

	if (!end->reason || strcmp(end->reason, "seccomp") != 0 || uname(&host) < 0 ||
	    sscanf(host.release, "%d.%d", &major, &minor) != 2)
		return 0;
	return major < 5 || (major == 5 && minor < 16);
}

static void check_ends(void)
{
	struct rows rows = dump_rows(
		obit, store, "exits",
		"pid,exit_signal,exit_code,killer_pid,killer_comm,kill_reason,asked_pid,asked_signal,asked_ago_ns");

	for (int i = 0; i < n_ends; i++) {
		struct end *end = &ends[i];
		char **row = rows_find(&rows, end->pid);
		int good = check(row != NULL, end->name, "no row of %d", end->pid);

		if (!row) {
			finish_group(end->name, good);
			continue;
		}
		if (is_without_signal(end)) {
			end->killer = NOBODY;
			end->comm = end->reason = NULL;
		}
		good &= check(end->signal ? atoi(row[1]) == end->signal : atoi(row[2]) == end->code, end->name,
			      "signal %s, code %s", row[1], row[2]);
		good &= check(is_pid(row[3], end->killer), end->name, "killer_pid %s, not %d", row[3], end->killer);
		good &= check(strcmp(row[4], end->comm ? end->comm : "") == 0, end->name, "killer_comm %s", row[4]);
		good &= check(strcmp(row[5], end->reason ? end->reason : "") == 0, end->name, "kill_reason %s, not %s",
			      row[5], end->reason ? end->reason : "null");
		good &= check(is_pid(row[6], end->asker), end->name, "asked_pid %s, not %d", row[6], end->asker);
		good &= check(end->asker == NOBODY ||
				      (atoi(row[7]) == SIGTERM && strtoull(row[8], NULL, 10) < 2000000000ULL),
			      end->name, "asked by %s, %s ns before", row[7], row[8]);
		finish_group(end->name, good);
	}
	rows_free(&rows);
}

static void live_all(void)
{
	pid_t burner = fork();

	/* Somebody else runs when a timer fires. */
	while (burner == 0)
		__asm__ volatile("");
	taken_earlier("a signal taken by sigwait", take_by_sigwait, 0);
	taken_earlier("a signal taken by a descriptor", take_by_descriptor, 0);
	taken_earlier("a signal that was handled", take_by_handler, 1);
	taken_earlier("a signal that was ignored", ignore_one, 0);
	blocked_then_unblocked();
	handled("who asked one that then exits", on_signal_exit, 0, 7);
	handled("who asked one that raises it again", on_signal_raise_again, SIGTERM, 0);
	forged();
	called_kernel();
	by_kernel("a POSIX timer", by_posix_timer, SIGALRM, "timer");
	by_kernel("an interval timer", by_interval_timer, SIGALRM, "timer");
	by_kernel("a pipe without a reader", by_pipe, SIGPIPE, "pipe");
	by_kernel("a file too large", by_file_size, SIGXFSZ, "rlimit_fsize");
	by_kernel("CPU time used up", by_cpu_time, SIGXCPU, "rlimit_cpu");
	by_kernel("a fault", by_fault, SIGSEGV, "fault");
	by_kernel("a system call that is not allowed", by_filter, SIGSYS, "seccomp");
	by_the_end_of_another("the end of the parent", make_child_with_death_signal, SIGUSR2, "pdeathsig");
	by_the_end_of_another("the end of a pid namespace", make_namespace, SIGKILL, "pid_namespace");
	by_the_end_of_another("the end of the tracer", make_traced, SIGKILL, "ptrace");
	by_the_end_of_another("a terminal hung up", make_on_terminal, SIGHUP, "hangup");
	kill(burner, SIGKILL);
	waitpid(burner, NULL, 0);
}

static void on_alarm(int number)
{
	(void)number;
	dprintf(1, "FAIL causes: what came after \"%s\" does not end\n", n_ends ? ends[n_ends - 1].name : "the start");
	_exit(1);
}

int main(int argc, char **argv)
{
	const char *args[] = {"--interval", "1s", "--socket", "none", "--config", "none", NULL};
	pid_t agent;

	if (argc != 3) {
		fprintf(stderr, "usage: causes OBIT STORE_DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	snprintf(store, sizeof(store), "%s-store", argv[2]);
	if (pipe(ready) < 0)
		die("pipe");
	/* Whatever does not come to its end is a failure. */
	signal(SIGALRM, on_alarm);
	alarm(200);
	agent = agent_start(obit, store, args);
	live_all();
	finish_group("the agent ends with status 0", check(agent_stop(agent), "the agent", "it did not"));
	check_ends();
	return end_of_tests();
}
