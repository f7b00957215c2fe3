// SPDX-License-Identifier: BSD-2-Clause
/*
 * Short lives: a build (make: printf, mkdir, cc with cc1 and as) and scripts (sh with sed, grep, awk). Medians are
 * those of a recorded build of obit. A job's processes are laid out in time when it begins; an interval takes from them
 * who lived in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "day.h"

#define MAX_LIFETIMES 4096

struct life {
	struct identity identity;
	uint64_t exit_time;
	struct doings all, reported; /* the whole life; what earlier rows of procs said */
	uint64_t max_rss_pages, threads, exit_code;
	int was_seen;
};

static const struct day_options *options;
static struct life lives[MAX_LIFETIMES];
static uint32_t n_lifetimes;
static uint64_t next_pid = 100000;

/* comm, exe; medians: CPU, minor faults, pages of max RSS, rchar, wchar, read and write calls. */
static const struct program {
	const char *comm, *exe;
	double cpu_ns, minflt, rss_pages, rchar, wchar, syscr, syscw;
} programs[] = {
	{"cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", 80e6, 3200, 9200, 900e3, 120e3, 160, 35},
	{"as", "/usr/bin/x86_64-linux-gnu-as", 6e6, 520, 1200, 200e3, 60e3, 30, 20},
	{"cc", "/usr/bin/x86_64-linux-gnu-gcc-12", 1.7e6, 100, 875, 1100e3, 200e3, 210, 60},
	{"printf", "/usr/bin/printf", 900e3, 78, 875, 6976, 34, 10, 1},
	{"mkdir", "/usr/bin/mkdir", 1e6, 94, 875, 9004, 0, 14, 0},
	{"sh", "/usr/bin/dash", 1.2e6, 110, 460, 5200, 120, 9, 2},
	{"sed", "/usr/bin/sed", 1.1e6, 120, 700, 7800, 400, 12, 2},
	{"grep", "/usr/bin/grep", 1e6, 115, 640, 21000, 90, 14, 1},
	{"awk", "/usr/bin/mawk", 1.4e6, 140, 800, 9900, 220, 11, 3},
};
enum { CC1, AS, CC, PRINTF, MKDIR, SH, SED, GREP, AWK };

void jobs_begin(const struct day_options *day_options)
{
	options = day_options;
}

static uint64_t new_pid(void)
{
	next_pid += 1 + draw_below(8) / 7;
	if (next_pid >= 4194304)
		next_pid = 300;
	return next_pid;
}

static void spend(struct life *life, const struct program *program)
{
	struct doings *all = &life->all;

	all->cpu_ns = draw_around(program->cpu_ns, program->cpu_ns > 5e6 ? 0.5 : 0.15);
	switch (draw_below(4)) { /* short lives see few ticks or none */
	case 0:
		all->user_ns = program->cpu_ns > 5e6 ? all->cpu_ns / 5 * 4 : 0;
		break;
	case 1:
		all->user_ns = program->cpu_ns > 5e6 ? all->cpu_ns / 7 * 6 : all->cpu_ns;
		break;
	default:
		all->user_ns = (uint64_t)((double)all->cpu_ns * (0.5 + 0.5 * draw_share()));
	}
	all->nvcsw = 1 + draw_count(program->cpu_ns > 5e6 ? 2 : 0.6);
	all->nivcsw = draw_count((double)all->cpu_ns / 10e6 + 0.8);
	all->timeslices = all->nvcsw + all->nivcsw;
	all->migrations = draw_count(0.4);
	all->run_delay_ns = draw_around(90e3, 1.2);
	all->minflt = draw_around(program->minflt, program->minflt > 200 ? 0.3 : 0.015);
	life->max_rss_pages =
		program->rss_pages > 1000 ? draw_around(program->rss_pages, 0.2) : (uint64_t)program->rss_pages;
	all->syscr = draw_around(program->syscr, program->syscr > 25 ? 0.2 : 0);
	all->syscw = draw_around(program->syscw, program->syscw > 15 ? 0.3 : 0);
	all->rchar = draw_around(program->rchar, program->rchar > 50e3 ? 0.3 : draw_below(4) ? 0 : 0.1);
	all->wchar = draw_around(program->wchar, 0.3);
	all->read_bytes = draw_below(12) ? 0 : 4096 * (1 + draw_count(10));
	all->write_bytes = all->wchar > 4096 ? (all->wchar + 4096) / 4096 * 4096 : 0;
	if (!draw_below(30)) {
		all->delays_1ms = 1;
		all->max_delay_ns = draw_around(1900e3, 0.4);
		all->run_delay_ns += all->max_delay_ns;
	}
	life->exit_code = draw_below(program->comm[0] == 'g' ? 3 : 150) ? 0 : 1;
}

/* From `begin` on, for its CPU time and some more, or until a child of it has ended. */
static struct life *be_born(const struct program *program, uint64_t begin, const struct life *parent, uint64_t pgid,
			    const char *words)
{
	struct life *life = &lives[n_lifetimes++];
	struct identity *identity = &life->identity;

	*life = (struct life){.threads = 1};
	identity->start_time = begin;
	identity->pid = new_pid();
	identity->ppid = parent ? parent->identity.pid : pgid + 9;
	identity->pgid = pgid;
	identity->sid = pgid - 400;
	identity->uid = pgid % 3 ? 1000 : 0;
	snprintf(identity->comm, sizeof(identity->comm), "%s", program->comm);
	snprintf(identity->exe, sizeof(identity->exe), "%s", program->exe);
	snprintf(identity->cgroup, sizeof(identity->cgroup),
		 pgid % 3 ? "/user.slice/user-1000.slice/session-%u.scope" : "/system.slice/runner-%u.service",
		 (unsigned)(pgid % 17));
	identity_argv(identity, words);
	spend(life, program);
	life->exit_time = begin + life->all.cpu_ns + life->all.run_delay_ns + draw_around(80e3, 0.8);
	return life;
}

static const char *draw_name(char *name, size_t size, const char *folder, const char *suffix)
{
	static const char *const syllables[] = {"re",	 "cord", "in",	 "dex",	 "bal", "ance", "tab",
						"le",	 "que",	 "ry",	 "net",	 "io",	"map",	"page",
						"sched", "lock", "page", "init", "x",	"ops"};
	unsigned which = (unsigned)draw_below(900); /* of so many files */

	snprintf(name, size, "%s/%s%s%s%s", folder, syllables[which % 20], syllables[which / 20 % 20],
		 which & 1 ? syllables[which / 45] : "", suffix);
	return name;
}

static void begin_compile(uint64_t at, uint64_t pgid)
{
	static const char *const folders[] = {"kernel", "mm", "fs/ext4", "net/core", "drivers/base", "lib"};
	const char *folder = folders[draw_below(6)];
	char name[64], temporary[16] = "/tmp/cc", words[900];
	struct life *cc, *child;

	for (int i = 7; i < 13; i++)
		temporary[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[draw_below(62)];
	draw_name(name, sizeof(name), folder, "");
	snprintf(words, sizeof(words), "printf  \"%%-7s_%%s\\n\" CC %s.c", name);
	be_born(&programs[PRINTF], at, NULL, pgid, words);
	snprintf(words, sizeof(words), "mkdir -p build/obj/%s", folder);
	be_born(&programs[MKDIR], at + draw_around(1.2e6, 0.1), NULL, pgid, words);
	snprintf(words, sizeof(words),
		 "cc -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -O2 "
		 "-g -Iinclude -I. -Ibuild/gen -pthread -MMD -MP -c %s.c -o build/obj/%s.o",
		 name, name);
	at += draw_around(2.6e6, 0.1);
	cc = be_born(&programs[CC], at, NULL, pgid, words);
	snprintf(words, sizeof(words),
		 "%s -quiet -I include -I . -I build/gen -imultiarch x86_64-linux-gnu -MMD build/obj/%s.d "
		 "-MP -MQ build/obj/%s.o -D_REENTRANT %s.c -quiet -dumpdir build/obj/%s/ -dumpbase %s.c -dumpbase-ext "
		 ".c "
		 "-mtune=generic -march=x86-64 -g -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
		 "-Wvla "
		 "-std=gnu11 -fasynchronous-unwind-tables -o %s.s",
		 programs[CC1].exe, name, name, name, folder, strrchr(name, '/') + 1, temporary);
	child = be_born(&programs[CC1], at + draw_around(900e3, 0.2), cc, pgid, words);
	snprintf(words, sizeof(words), "as -I include -I . -I build/gen --gdwarf-5 --64 -o build/obj/%s.o %s.s", name,
		 temporary);
	child = be_born(&programs[AS], child->exit_time + draw_around(250e3, 0.3), cc, pgid, words);
	cc->exit_time = child->exit_time + draw_around(300e3, 0.3);
}

static void begin_script(uint64_t at, uint64_t pgid)
{
	char name[64], words[400];
	struct life *sh, *child = NULL;

	draw_name(name, sizeof(name), "/var/log/app", ".log");
	snprintf(words, sizeof(words), "/bin/sh -c grep_-c_ERROR_%s_|_sed_s/^/count_/", name);
	sh = be_born(&programs[SH], at, NULL, pgid, words);
	for (uint64_t i = 0, n = 2 + draw_below(4); i < n; i++) {
		enum { FIRST = SED };
		const struct program *program = &programs[FIRST + draw_below(3)];

		snprintf(words, sizeof(words), "%s -n %u %s", program->comm, (unsigned)draw_below(50), name);
		at = (child ? child->exit_time : at) + draw_around(300e3, 0.4);
		child = be_born(program, at, sh, pgid, words);
	}
	sh->exit_time = child->exit_time + draw_around(200e3, 0.3);
}

static uint64_t begin_jobs(const struct instant *instant)
{
	double expected = options->exits_per_s * (double)options->interval_ns / 1e9 / 4.8;
	uint64_t n_jobs = (uint64_t)(expected * (0.6 + 0.8 * draw_share()) + draw_share());
	uint32_t before = n_lifetimes;

	for (uint64_t i = 0; i < n_jobs && n_lifetimes + 10 < MAX_LIFETIMES; i++) {
		uint64_t at = instant->begin_real_ns + draw_below(options->interval_ns);
		uint64_t pgid =
			70000 + at / 600000000000ull % 40 * 10; /* a build or a script's round takes ten minutes */

		if (draw_below(4))
			begin_compile(at, pgid);
		else
			begin_script(at, pgid + 1);
	}
	return n_lifetimes - before;
}

static void put_exit(struct block *exits, const struct life *life)
{
	const struct identity *identity = &life->identity;
	const struct doings *all = &life->all;
	const struct {
		uint32_t field;
		uint64_t value;
	} values[] = {
		{EXITS_exit_time, life->exit_time},
		{EXITS_start_time, identity->start_time},
		{EXITS_wall_ns, life->exit_time - identity->start_time},
		{EXITS_pid, identity->pid},
		{EXITS_ppid, identity->ppid},
		{EXITS_nspid, identity->pid},
		{EXITS_pgid, identity->pgid},
		{EXITS_sid, identity->sid},
		{EXITS_uid, identity->uid},
		{EXITS_gid, identity->uid},
		{EXITS_cgroup_id, identity->uid * 31 + identity->pgid % 17},
		{EXITS_threads, life->threads},
		{EXITS_exit_code, life->exit_code},
		{EXITS_core_dumped, 0},
		{EXITS_oom_killed, 0},
		{EXITS_cpu_ns, all->cpu_ns},
		{EXITS_user_ns, all->user_ns},
		{EXITS_system_ns, all->cpu_ns - all->user_ns},
		{EXITS_run_delay_ns, all->run_delay_ns},
		{EXITS_timeslices, all->timeslices},
		{EXITS_nvcsw, all->nvcsw},
		{EXITS_nivcsw, all->nivcsw},
		{EXITS_migrations, all->migrations},
		{EXITS_minflt, all->minflt},
		{EXITS_majflt, all->majflt},
		{EXITS_max_rss_bytes, life->max_rss_pages * 4096},
		{EXITS_rchar, all->rchar},
		{EXITS_wchar, all->wchar},
		{EXITS_read_bytes, all->read_bytes},
		{EXITS_write_bytes, all->write_bytes},
		{EXITS_cancelled_write_bytes, 0},
		{EXITS_syscr, all->syscr},
		{EXITS_syscw, all->syscw},
		{EXITS_delays_1ms, all->delays_1ms},
		{EXITS_delays_10ms, 0},
		{EXITS_delays_100ms, 0},
	};
	int row = block_add_row(exits);

	if (row < 0)
		exit(1);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		block_set_number(exits, (uint32_t)row, values[i].field, values[i].value);
	set_text(exits, (uint32_t)row, EXITS_comm, identity->comm);
	set_text(exits, (uint32_t)row, EXITS_exe, identity->exe);
	set_text(exits, (uint32_t)row, EXITS_cgroup, identity->cgroup);
	set_text(exits, (uint32_t)row, EXITS_witness, "switch");
	block_set_text(exits, (uint32_t)row, EXITS_argv, identity->argv, identity->argv_len);
	if (all->max_delay_ns)
		block_set_number(exits, (uint32_t)row, EXITS_max_delay_ns, all->max_delay_ns);
}

/* What of its life was not reported yet: all at the end, else a share. */
static void put_part(struct block *procs, const struct instant *instant, struct life *life, int is_end)
{
	const uint64_t *all = (const uint64_t *)&life->all;
	uint64_t *reported = (uint64_t *)&life->reported;
	double share = is_end ? 1
			      : (double)(instant->end_real_ns - life->identity.start_time) /
					(double)(life->exit_time - life->identity.start_time);
	struct doings doings;
	uint64_t *part = (uint64_t *)&doings;

	for (size_t i = 0; i < sizeof(doings) / sizeof(uint64_t); i++) {
		part[i] = (uint64_t)((double)(all[i] - reported[i]) * share);
		reported[i] += part[i];
	}
	if (doings.user_ns > doings.cpu_ns)
		doings.user_ns = doings.cpu_ns;
	put_procs_row(procs, instant, &life->identity, is_end ? 'X' : 'R', &doings, life->threads,
		      life->max_rss_pages / 2, draw_below(DAY_CPUS));
	life->was_seen = 1;
}

static int by_exit_time(const void *a, const void *b)
{
	const struct life *left = a, *right = b;

	return left->exit_time < right->exit_time ? -1 : left->exit_time > right->exit_time;
}

uint64_t jobs_interval(const struct instant *instant, struct block *exits, struct block *procs, struct block *roster)
{
	uint64_t n_born = begin_jobs(instant);
	uint32_t n_ended = 0;

	qsort(lives, n_lifetimes, sizeof(lives[0]), by_exit_time);
	for (uint32_t i = 0; i < n_lifetimes; i++) {
		struct life *life = &lives[i];
		int has_ended = life->exit_time < instant->end_real_ns;

		if (life->identity.start_time >= instant->end_real_ns)
			continue;
		if (has_ended) {
			put_exit(exits, life);
			n_ended++;
		} else if (roster) {
			put_roster_row(roster, instant, &life->identity, life->threads, life->max_rss_pages,
				       life->reported.cpu_ns, 0);
		}
		if (!has_ended || life->was_seen)
			put_part(procs, instant, life, has_ended);
	}
	memmove(lives, lives + n_ended, (n_lifetimes - n_ended) * sizeof(lives[0]));
	n_lifetimes -= n_ended;
	return n_born;
}

uint64_t jobs_alive(void)
{
	return n_lifetimes;
}
