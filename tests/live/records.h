/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records held against lives: every field of `exits` for which wait4(), /proc or the test knows the truth.
 */
#ifndef OBIT_TESTS_RECORDS_H
#define OBIT_TESTS_RECORDS_H

#include "agent_run.h"
#include "lives.h"
#include "storm_run.h"

static const char *obit, *store;

enum {
	R_pid,
	R_start_time,
	R_exit_code,
	R_exit_signal,
	R_core_dumped,
	R_cpu_ns,
	R_user_ns,
	R_system_ns,
	R_max_rss_bytes,
	R_minflt,
	R_majflt,
	R_nvcsw,
	R_nivcsw,
	R_threads,
	R_killer_pid,
	R_killer_comm,
	R_killer_uid,
	R_comm,
	R_exe,
	R_ppid,
	R_sid,
	R_pgid,
	R_nspid,
	R_uid,
	R_gid,
	R_flags,
	R_cgroup,
	R_oom_killed,
	R_rchar,
	R_wchar,
	R_syscr,
	R_syscw,
	R_read_bytes,
	R_write_bytes,
	R_wall_ns,
	R_run_delay_ns,
	R_timeslices,
};

#define RECORD_FIELDS                                                                                                  \
	"pid,start_time,exit_code,exit_signal,core_dumped,cpu_ns,user_ns,system_ns,max_rss_bytes,minflt,majflt,nvcsw," \
	"nivcsw,threads,killer_pid,killer_comm,killer_uid,comm,exe,ppid,sid,pgid,nspid,uid,gid,flags,cgroup,"          \
	"oom_killed,rchar,wchar,syscr,syscw,read_bytes,write_bytes,wall_ns,run_delay_ns,timeslices"

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* RFC 3339 in UTC with nanoseconds. */
static uint64_t real_ns(const char *text)
{
	unsigned long long ns = 0;
	struct tm tm = {0};

	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%lluZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec, &ns) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (uint64_t)timegm(&tm) * 1000000000ULL + ns;
}

/* The first that has this pid and was born when the life began or after; the clocks are read apart. */
static char **record_of(struct rows *rows, const struct life *life)
{
	char **found = NULL;

	for (int i = 0; i < rows->n; i++) {
		char **row = rows->row[i];

		if ((pid_t)number(row[R_pid]) != life->pid ||
		    real_ns(row[R_start_time]) + 1000000 < life->begin_real_ns)
			continue;
		if (!found || real_ns(row[R_start_time]) < real_ns(found[R_start_time]))
			found = row;
	}
	return found;
}

static int near(const char *group, const char *what, uint64_t is, uint64_t truth, uint64_t within)
{
	uint64_t off = is > truth ? is - truth : truth - is;

	return check(off <= within, group, "%s is %llu, the kernel says %llu", what, (unsigned long long)is,
		     (unsigned long long)truth);
}

static int same_text(const char *group, const char *what, const char *is, const char *truth)
{
	return check(strcmp(is, truth) == 0, group, "%s is '%s', not '%s'", what, is, truth);
}

static int check_status(const struct life *life, char **row)
{
	char code[16] = "", signal[16] = "";
	int good;

	if (WIFEXITED(life->status))
		snprintf(code, sizeof(code), "%d", WEXITSTATUS(life->status));
	else
		snprintf(signal, sizeof(signal), "%d", WTERMSIG(life->status));
	good = same_text(life->group, "exit_code", row[R_exit_code], code);
	good &= same_text(life->group, "exit_signal", row[R_exit_signal], signal);
	good &= same_text(life->group, "core_dumped", row[R_core_dumped], WCOREDUMP(life->status) ? "true" : "false");
	return good & same_text(life->group, "oom_killed", row[R_oom_killed], life->is_oom ? "true" : "false");
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int check_costs(const struct life *life, char **row)
{
	uint64_t cpu_ns = storm_cpu_ns(&life->usage), switches = life->threads > 1 ? (uint64_t)life->threads : 1;
	const char *group = life->group;
	int good;

	/* wait4() may return before the process has left its CPU for the last time. */
	good = near(group, "cpu_ns", number(row[R_cpu_ns]), cpu_ns,
		    at_least(50000 * (uint64_t)emulation_factor(), cpu_ns / 50));
	good &= near(group, "user_ns + system_ns", number(row[R_user_ns]) + number(row[R_system_ns]),
		     number(row[R_cpu_ns]), 0);
	good &= near(group, "max_rss_bytes", number(row[R_max_rss_bytes]), (uint64_t)life->usage.ru_maxrss * 1024, 0);
	good &= near(group, "minflt", number(row[R_minflt]), (uint64_t)life->usage.ru_minflt, 0);
	good &= near(group, "majflt", number(row[R_majflt]), (uint64_t)life->usage.ru_majflt, 0);
	good &= near(group, "nvcsw", number(row[R_nvcsw]), (uint64_t)life->usage.ru_nvcsw, switches);
	good &= near(group, "nivcsw", number(row[R_nivcsw]), (uint64_t)life->usage.ru_nivcsw, switches);
	good &= check(number(row[R_timeslices]) > 0, group, "it ran in no timeslice");
	good &= check(number(row[R_run_delay_ns]) < number(row[R_wall_ns]) * at_least(1, (uint64_t)life->threads),
		      group, "it waited %s ns in a life of %s ns", row[R_run_delay_ns], row[R_wall_ns]);
	if (life->threads)
		good &= near(group, "threads", number(row[R_threads]), (uint64_t)life->threads, 0);
	return good;
}

static int check_zombie(const struct life *life, char **row)
{
	const struct zombie *truth = &life->zombie;
	const char *group = life->group;
	int good;

	if (!truth->is_read)
		return 1;
	good = near(group, "ppid", number(row[R_ppid]), truth->ppid, 0);
	good &= near(group, "pgid", number(row[R_pgid]), truth->pgid, 0);
	good &= near(group, "sid", number(row[R_sid]), truth->sid, 0);
	good &= near(group, "rchar", number(row[R_rchar]), truth->rchar, 0);
	good &= near(group, "wchar", number(row[R_wchar]), truth->wchar, 0);
	good &= near(group, "syscr", number(row[R_syscr]), truth->syscr, 0);
	good &= near(group, "syscw", number(row[R_syscw]), truth->syscw, 0);
	good &= near(group, "read_bytes", number(row[R_read_bytes]), truth->read_bytes, 0);
	return good & near(group, "write_bytes", number(row[R_write_bytes]), truth->write_bytes, 0);
}

static int check_killer(const struct life *life, char **row)
{
	char pid[16] = "", uid[16] = "";
	const char *comm = "";

	if (!life->has_killer)
		return 1;
	if (life->killer_pid != NO_KILLER) {
		snprintf(pid, sizeof(pid), "%d", life->killer_pid);
		if (life->killer_pid)
			snprintf(uid, sizeof(uid), "%u", life->killer_uid);
		comm = life->killer_comm;
	}
	return same_text(life->group, "killer_pid", row[R_killer_pid], pid) &
	       same_text(life->group, "killer_comm", row[R_killer_comm], comm) &
	       same_text(life->group, "killer_uid", row[R_killer_uid], uid);
}

/* `obit dump --format jsonl` of one process's argv, as text. */
static int check_argv(const struct life *life)
{
	char *line = NULL, command[1200], key[32];
	size_t room = 0;
	int found = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "'%s' dump exits --store '%s' --format jsonl --fields pid,argv --where 'pid = %d'", obit, store,
		 life->pid);
	snprintf(key, sizeof(key), "{\"pid\":%d,\"argv\":", life->pid);
	pipe = popen(command, "r");
	while (pipe && getline(&line, &room, pipe) > 0) {
		size_t len = strlen(line);

		if (len < 2 || strncmp(line, key, strlen(key)) != 0)
			continue;
		line[len - 2] = 0; /* the closing brace */
		found |= strcmp(line + strlen(key), life->argv_json) == 0;
	}
	if (!found)
		check(0, life->group, "argv is not %.200s but %.200s", life->argv_json, line ? line : "missing");
	free(line);
	if (pipe)
		pclose(pipe);
	return found;
}

static int check_identity(const struct life *life, char **row)
{
	const char *group = life->group;
	int good = 1;

	if (life->comm)
		good &= same_text(group, "comm", row[R_comm], life->comm);
	if (life->exe)
		good &= same_text(group, "exe", row[R_exe], life->exe);
	if (life->cgroup)
		good &= same_text(group, "cgroup", row[R_cgroup], life->cgroup);
	if (life->flag)
		good &= check(strstr(row[R_flags], life->flag) != NULL, group, "'%s' is not among the flags '%s'",
			      life->flag, row[R_flags]);
	if (life->sid)
		good &= near(group, "sid", number(row[R_sid]), life->sid, 0);
	if (life->pgid)
		good &= near(group, "pgid", number(row[R_pgid]), life->pgid, 0);
	good &= near(group, "nspid", number(row[R_nspid]), life->nspid ? life->nspid : (unsigned)life->pid, 0);
	good &= near(group, "uid", number(row[R_uid]), life->uid, 0);
	good &= near(group, "gid", number(row[R_gid]), life->gid, 0);
	if (life->argv_json)
		good &= check_argv(life);
	return good;
}

static void check_lives(struct rows *rows)
{
	for (int i = 0; i < n_lifetimes;) {
		const char *group = lives[i].group;
		int good = 1;

		for (; i < n_lifetimes && lives[i].group == group; i++) {
			char **row = record_of(rows, &lives[i]);

			if (!check(row != NULL, group, "pid %d has no record", lives[i].pid)) {
				good = 0;
				continue;
			}
			good &= check_status(&lives[i], row) & check_costs(&lives[i], row) &
				check_zombie(&lives[i], row) & check_killer(&lives[i], row) &
				check_identity(&lives[i], row);
		}
		finish_group(group, good);
	}
}

#endif
