// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that live as long as the day: servers with their workers, sessions, daemons. Who is active is drawn for
 * each interval; few processes are nearly always active and most hardly ever (Zipf), as on a real host.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "day.h"

struct process {
	struct identity identity;
	double active;		     /* in an interval */
	double cpu_median_ns, level; /* `level` wanders around 0 */
	double user_share, bytes_per_read, bytes_per_write, reads, writes, faults;
	uint64_t threads, rss_pages, last_cpu, cpu_total_ns;
};

static const struct {
	const char *comm, *exe, *arguments, *cgroup;
	uint64_t uid;
	int is_container;
} kinds[] = {
	{"postgres", "/usr/lib/postgresql/15/bin/postgres", "postgres: app app 10.0.3.%u(4%04u) idle",
	 "/system.slice/system-postgresql.slice/postgresql@15-main.service", 114, 0},
	{"nginx", "/usr/sbin/nginx", "nginx: worker process %u", "/system.slice/nginx.service", 33, 0},
	{"java", "/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
	 "/usr/lib/jvm/java-17-openjdk-amd64/bin/java -Xmx%um -Dservice.port=%u -jar /srv/app/service.jar",
	 "/system.slice/docker-%s.scope", 1001, 1},
	{"node", "/usr/local/bin/node", "node /srv/web/server.js --port %u --worker %u",
	 "/system.slice/docker-%s.scope", 1002, 1},
	{"sshd", "/usr/sbin/sshd", "sshd: user%u@pts/%u", "/user.slice/user-1000.slice/session-%u.scope", 1000, 0},
	{"bash", "/usr/bin/bash", "-bash", "/user.slice/user-1000.slice/session-%u.scope", 1000, 0},
	{"systemd-journal", "/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald",
	 "/system.slice/systemd-journald.service", 0, 0},
	{"kworker/%u:%u", "", "", "/", 0, 0},
	{"rcu_preempt", "", "", "/", 0, 0},
	{"containerd-shim", "/usr/bin/containerd-shim-runc-v2",
	 "/usr/bin/containerd-shim-runc-v2 -namespace moby -id %u%u -address /run/containerd/containerd.sock",
	 "/system.slice/containerd.service", 0, 0},
	{"python3", "/usr/bin/python3.11", "/usr/bin/python3 /srv/jobs/worker.py --queue q%u --slot %u",
	 "/system.slice/worker@%u.service", 1003, 0},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct process *processes;
static uint32_t n_processes;

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void identify(struct process *process, uint32_t i, const struct day_options *options, uint64_t pid,
		     uint64_t ppid)
{
	struct identity *identity = &process->identity;
	size_t kind = draw_below(N_KINDS);
	unsigned a = (unsigned)draw_below(255), b = (unsigned)draw_below(9000);
	char words[512], hex[65];

	for (int digit = 0; digit < 64; digit++)
		hex[digit] = "0123456789abcdef"[draw() >> 60];
	hex[64] = '\0';
	identity->pid = pid;
	identity->ppid = ppid;
	identity->uid = kinds[kind].uid;
	identity->start_time = options->begin_real_ns - draw_below(30ull * 86400 * 1000000000) - i;
	snprintf(identity->comm, sizeof(identity->comm), kinds[kind].comm, a % 8, b % 4);
	snprintf(identity->exe, sizeof(identity->exe), "%s", kinds[kind].exe);
	snprintf(words, sizeof(words), kinds[kind].arguments, a, b);
	identity_argv(identity, words);
	if (kinds[kind].is_container)
		snprintf(identity->cgroup, sizeof(identity->cgroup), kinds[kind].cgroup, hex);
	else
		snprintf(identity->cgroup, sizeof(identity->cgroup), kinds[kind].cgroup, a % 20);
}

static void give_habits(struct process *process)
{
	process->cpu_median_ns = (double)draw_around(400e3, 1.5);
	process->user_share = 0.2 + 0.7 * draw_share();
	process->bytes_per_read = draw_below(3) ? (double)draw_around(200, 1.5) : 8; /* 8: an eventfd */
	process->bytes_per_write = (double)draw_around(150, 1.5);
	process->reads = draw_below(4) ? (double)draw_around(4, 1) : 0;
	process->writes = draw_below(2) ? (double)draw_around(2, 1) : 0;
	process->faults = draw_below(3) ? 0 : (double)draw_around(10, 1);
	process->threads = draw_below(3) ? 1 : 1 + draw_around(8, 0.8);
	process->rss_pages = draw_around(5000, 1.4);
	process->cpu_total_ns = draw_around(30e9, 2);
	process->last_cpu = draw_below(DAY_CPUS);
}

/* The shares of activity, that add up to what is asked for: min(1, c / rank^0.9), c by halving. */
static void share_activity(double sum)
{
	double low = 0, high = n_processes;

	for (int step = 0; step < 60; step++) {
		double c = (low + high) / 2, total = 0;

		for (uint32_t i = 0; i < n_processes; i++) {
			/* Rank and place are not the same: 7919 is a prime, and a permutation of them. */
			uint32_t place = (uint32_t)((i * 7919ull + 13) % n_processes);

			processes[place].active = fmin(1, c / pow(i + 1, 0.9));
			total += processes[place].active;
		}
		if (total > sum)
			high = c;
		else
			low = c;
	}
}

void processes_begin(const struct day_options *options)
{
	uint64_t pid = 1;

	n_processes = options->processes;
	processes = calloc(n_processes + 1, sizeof(*processes));
	if (!processes)
		exit(1);
	for (uint32_t i = 0; i < n_processes; i++) {
		struct process *process = &processes[i];

		identify(process, i, options, pid, i && draw_below(3) ? processes[draw_below(i)].identity.pid : 1);
		give_habits(process);
		pid += 1 + draw_count(8);
	}
	share_activity(options->active * n_processes);
}

static void act(struct process *process, struct doings *ret)
{
	double busy;

	process->level = 0.9 * process->level + 0.3 * draw_normal();
	busy = exp(process->level);
	ret->cpu_ns = draw_around(process->cpu_median_ns * busy, 0.4);
	if (ret->cpu_ns > 900000000)
		ret->cpu_ns = 900000000 - draw_below(1000000);
	ret->user_ns = (uint64_t)((double)ret->cpu_ns * fmin(1, process->user_share * (0.9 + 0.2 * draw_share())));
	ret->nvcsw = 1 + draw_count((double)ret->cpu_ns / 60e3);
	ret->nivcsw = draw_count((double)ret->cpu_ns / 5e6);
	ret->timeslices = ret->nvcsw + ret->nivcsw;
	if (!draw_below(20)) /* it ran at an boundary */
		ret->timeslices += draw_below(2) ? 1 : -1ull;
	ret->run_delay_ns = draw_around(4000 * (double)(ret->timeslices + 1), 0.7);
	ret->migrations = draw_count(0.3 * (double)ret->nvcsw / 4);
	ret->minflt = draw_share() < 0.3 ? draw_count(process->faults * busy) : 0;
	ret->majflt = draw_below(500) ? 0 : 1 + draw_count(2);
	ret->syscr = draw_count(process->reads * busy);
	ret->syscw = draw_count(process->writes * busy);
	ret->rchar =
		process->bytes_per_read == 8 ? ret->syscr * 8 : draw_around(process->bytes_per_read, 0.6) * ret->syscr;
	ret->wchar = draw_around(process->bytes_per_write, 0.6) * ret->syscw;
	ret->read_bytes = ret->majflt ? 4096 * (ret->majflt + draw_count(8)) : 0;
	ret->write_bytes = ret->syscw && !draw_below(4) ? 4096 * (1 + draw_count(3)) : 0;
	if (!draw_below(60)) {
		ret->delays_1ms = 1;
		ret->max_delay_ns = draw_around(1800e3, 0.3);
		ret->run_delay_ns += ret->max_delay_ns;
	}
	process->cpu_total_ns += ret->cpu_ns;
	if (draw_share() < 0.25)
		process->rss_pages += draw_count(12) - (process->rss_pages > 100 ? draw_count(12) : 0);
	if (!draw_below(4))
		process->last_cpu = draw_below(DAY_CPUS);
}

void processes_interval(const struct instant *instant, struct block *procs, struct block *roster)
{
	for (uint32_t i = 0; i < n_processes; i++) {
		struct process *process = &processes[i];

		if (draw_share() < process->active) {
			struct doings doings = {0};

			act(process, &doings);
			put_procs_row(procs, instant, &process->identity, "SSSSSSSSSSSSSRRD"[draw_below(16)], &doings,
				      process -> threads, process -> rss_pages, process -> last_cpu);
		}
		if (roster)
			put_roster_row(roster, instant, &process->identity, process->threads, process->rss_pages,
				       process->cpu_total_ns, process->last_cpu);
	}
}
