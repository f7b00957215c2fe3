// SPDX-License-Identifier: BSD-2-Clause
/*
 * The agent as a service: which rights it keeps, that it records with the few that its unit gives it, what it says
 * the service manager, what SIGHUP does.
 *
 * usage: service OBIT DIR_PREFIX
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "agent_run.h"
#include "storm_run.h"

#ifndef CAP_BPF
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

#define BIT(cap) (1ULL << (cap))
#define UNIT_CAPS                                                                                                      \
	(BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_IPC_LOCK))
/* What src/agent/privileges.c says it keeps, at the most. */
#define KEPT_CAPS (BIT(CAP_BPF) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN) | BIT(CAP_IPC_LOCK))

static const char *obit, *prefix;
static char store[512];

static void name_store(const char *name)
{
	snprintf(store, sizeof(store), "%s-%s", prefix, name);
}

/* A line of a thread's status, as a number of base 16. */
static unsigned long long status_of(const char *path, const char *key)
{
	char line[256], name[300];
	unsigned long long value = ~0ULL;
	FILE *file;

	snprintf(name, sizeof(name), "%s/status", path);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, 16);
	if (file)
		fclose(file);
	return value;
}

/* Whole, balanced, and with at least n exits. */
static int is_balanced(const char *name, unsigned n)
{
	char command[1200], line[512] = "", *exits;
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' verify --store '%s' 2>&1 | grep verdict:", obit, store);
	pipe = popen(command, "r");
	exits = pipe && fgets(line, sizeof(line), pipe) ? strstr(line, " exits") : NULL;
	while (exits && exits > line && exits[-1] != ' ')
		exits--;
	if (pipe)
		pclose(pipe);
	/* What it found goes beside the verdict. */
	if (!strstr(line, "intact and balanced")) {
		snprintf(command, sizeof(command),
			 "export OBIT_STORE='%s'; '%s' verify 2>&1; '%s' dump ledger --format csv --fields "
			 "time,opening,forks,exits_seen,exits_recorded,closing,amendments,exits_second_witness; '%s' "
			 "dump "
			 "exits --group-by pid,start_boot_ns --having 'count > 1' --fields "
			 "'count,first(comm),first(exit_time),last(exit_time),first(witness),last(witness)'; '%s' dump "
			 "exits "
			 "--format csv --fields pid,start_boot_ns,comm,ppid,exit_time,witness,flags --where 'comm != "
			 "storm'",
			 store, obit, obit, obit, obit);
		(void)!system(command); /* NOLINT(cert-env33-c): paths of this test */
	}
	return check(strstr(line, "intact and balanced") && exits && strtoul(exits, NULL, 10) >= n, name, "%s", line);
}

static void rights_are_given_up(const char *name)
{
	const char *args[] = {"--interval", "200ms", "--socket", "none", NULL};
	struct storm_result storm;
	char path[300];
	struct dirent *entry;
	int good = 1, n = 0;
	pid_t agent;
	DIR *tasks;

	name_store("rights");
	agent = agent_start(obit, store, args);
	snprintf(path, sizeof(path), "/proc/%d/task", agent);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s", agent, entry->d_name);
		good &= check(!(status_of(path, "CapEff:") & ~KEPT_CAPS) && !(status_of(path, "CapPrm:") & ~KEPT_CAPS),
			      name, "thread %s keeps %llx", entry->d_name, status_of(path, "CapPrm:"));
		good &= check((status_of(path, "CapEff:") & BIT(CAP_BPF)) != 0, name, "CAP_BPF is gone too");
		good &= check(status_of(path, "NoNewPrivs:") == 1, name, "thread %s may get new rights", entry->d_name);
		good &= check(status_of(path, "Seccomp:") == 2, name, "thread %s may call all", entry->d_name);
		n++;
	}
	if (tasks)
		closedir(tasks);
	good &= check(n == 5, name, "%d threads", n);
	good &= check(storm_run(2000, 2, 0, &storm) == 0, name, "the storm failed");
	/* A segment more, made without the rights that the first was made with. */
	kill(agent, SIGHUP);
	usleep(500000);
	good &= check(storm_run(2000, 2, 0, &storm) == 0, name, "the storm failed");
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	good &= is_balanced(name, 4000);
	finish_group(name, good);
}

/* For what this process starts from now on. */
static void limit_caps(unsigned long long caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (unsigned cap = 0; cap < 64; cap++)
		if (!(caps & BIT(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		_exit(126);
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(caps >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(126);
}

static void the_rights_of_the_unit_suffice(const char *name)
{
	const char *args[] = {"--interval", "200ms", "--socket", "none", NULL};
	int good, status;
	struct storm_result storm;
	pid_t agent, child = fork();

	name_store("unit");
	if (child == 0) {
		limit_caps(UNIT_CAPS);
		agent = agent_start(obit, store, args);
		good = storm_run(2000, 2, 0, &storm) == 0;
		_exit(!agent_stop(agent) || !good);
	}
	waitpid(child, &status, 0);
	good = check(status == 0, name, "status %d", status);
	good &= is_balanced(name, 2000);
	finish_group(name, good);
}

/* Each capability without which nothing can be recorded is named, with what is lost. */
static void what_is_missing_is_named(const char *name)
{
	static const struct {
		int cap;
		const char *said;
	} vital[] = {{CAP_BPF, "without CAP_BPF: "}, {CAP_PERFMON, "without CAP_PERFMON: "}};
	int good = 1;

	name_store("missing");
	for (size_t i = 0; i < 2; i++) {
		char text[4096];
		int fds[2], status;
		size_t used = 0;
		ssize_t n;
		pid_t child;

		if (pipe(fds) < 0)
			die("pipe");
		child = fork();
		if (child == 0) {
			limit_caps(UNIT_CAPS & ~BIT(vital[i].cap));
			dup2(fds[1], STDERR_FILENO);
			close(fds[0]);
			close(fds[1]);
			execl(obit, obit, "record", "--store", store, "--socket", "none", "--duration", "1s", NULL);
			_exit(127);
		}
		close(fds[1]);
		while ((n = read(fds[0], text + used, sizeof(text) - 1 - used)) > 0)
			used += (size_t)n;
		text[used] = 0;
		close(fds[0]);
		waitpid(child, &status, 0);
		good &= check(WIFEXITED(status) && WEXITSTATUS(status) == 1, name, "status %d: %s", status, text);
		good &= check(strstr(text, vital[i].said) != NULL, name, "it says: %s", text);
	}
	finish_group(name, good);
}

static void the_service_manager_is_kept_reported(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd wait = {.events = POLLIN};
	int good, n_watchdog = 0, is_stopping = 0;
	char message[64];
	ssize_t len;
	pid_t agent;

	name_store("reported");
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/obit-live-reported-%d.sock", getpid());
	wait.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(wait.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	agent = fork();
	if (agent == 0) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("NOTIFY_SOCKET", address.sun_path, 1);
		setenv("WATCHDOG_USEC", "400000", 1);
		setenv("WATCHDOG_PID", pid, 1);
		execl(obit, obit, "record", "--store", store, "--socket", "none", "--duration", "2s", NULL);
		_exit(127);
	}
	good = check(poll(&wait, 1, 120000) == 1 && recv(wait.fd, message, sizeof(message), 0) == 7, name, "not ready");
	/* Never silent for longer than the manager would wait, up to the end. */
	while (good && !is_stopping && check(poll(&wait, 1, 4000) == 1, name, "silence")) {
		len = recv(wait.fd, message, sizeof(message) - 1, 0);
		message[len > 0 ? len : 0] = 0;
		n_watchdog += strcmp(message, "WATCHDOG=1") == 0;
		is_stopping = strcmp(message, "STOPPING=1") == 0;
	}
	good &= check(is_stopping && n_watchdog >= 5, name, "%d signs of life in 2 s", n_watchdog);
	good &= check(waitpid(agent, NULL, 0) == agent, name, "no end");
	close(wait.fd);
	unlink(address.sun_path);
	finish_group(name, good);
}

static void a_hangup_ends_the_segment(const char *name)
{
	const char *args[] = {"--interval", "200ms", "--socket", "none", NULL};
	char command[1200];
	pid_t agent;
	int good;

	name_store("hangup");
	agent = agent_start(obit, store, args);
	usleep(300000);
	kill(agent, SIGHUP);
	usleep(700000);
	snprintf(command, sizeof(command), "'%s' store --store '%s' --format csv | grep -c ',sealed,' | grep -qx 1",
		 obit, store);
	good = check(system(command) == 0, name, "not one sealed segment");
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	snprintf(command, sizeof(command), "'%s' store --store '%s' --format csv | grep -c ',sealed,' | grep -qx 2",
		 obit, store);
	good &= check(system(command) == 0, name, "not two sealed segments");
	good &= is_balanced(name, 0);
	finish_group(name, good);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: service OBIT DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	prefix = argv[2];
	rights_are_given_up("rights are given up when all is set up");
	the_rights_of_the_unit_suffice("the rights of the unit suffice");
	what_is_missing_is_named("a missing right is named");
	the_service_manager_is_kept_reported("the service manager is kept reported");
	a_hangup_ends_the_segment("SIGHUP ends the segment");
	return end_of_tests();
}
