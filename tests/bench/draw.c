// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chance, and rows from what was drawn.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "day.h"

static uint64_t state;

void draw_seed(uint64_t seed)
{
	state = seed * 0x9E3779B97F4A7C15ULL + 1;
}

uint64_t draw(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545F4914F6CDD1DULL;
}

double draw_share(void)
{
	return (double)(draw() >> 11) / 9007199254740992.0;
}

uint64_t draw_below(uint64_t n)
{
	return (uint64_t)(draw_share() * (double)n);
}

/* Box and Muller. */
double draw_normal(void)
{
	return sqrt(-2 * log(1 - draw_share())) * cos(2 * M_PI * draw_share());
}

uint64_t draw_around(double median, double sigma)
{
	return (uint64_t)(median * exp(sigma * draw_normal()));
}

uint64_t draw_count(double mean)
{
	return (uint64_t)(-mean * log(1 - draw_share()) + 0.3);
}

void identity_argv(struct identity *identity, const char *words)
{
	size_t len = strlen(words);

	if (len >= sizeof(identity->argv))
		len = sizeof(identity->argv) - 1;
	memcpy(identity->argv, words, len);
	identity->argv[len] = ' ';
	identity->argv_len = len + 1;
	for (size_t i = 0; i <= len; i++)
		if (identity->argv[i] == ' ')
			identity->argv[i] = '\0';
}

/* Blocks are made large enough for the most that an interval can bring: more is a mistake here. */
static void must(int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "make_day: an interval with more rows or text than there is room for\n");
	exit(1);
}

void set_text(struct block *block, uint32_t row, uint32_t field, const char *text)
{
	must(block_set_text(block, row, field, text, strlen(text)));
}

void put_procs_row(struct block *procs, const struct instant *instant, const struct identity *identity,
		   char process_state, const struct doings *doings, uint64_t threads, uint64_t rss_pages,
		   uint64_t last_cpu)
{
	const struct {
		uint32_t field;
		uint64_t value;
	} sums[] = {
		{PROCS_time, instant->end_real_ns},
		{PROCS_pid, identity->pid},
		{PROCS_start_time, identity->start_time},
		{PROCS_ppid, identity->ppid},
		{PROCS_uid, identity->uid},
		{PROCS_cpu_ns, doings->cpu_ns},
		{PROCS_user_ns, doings->user_ns},
		{PROCS_system_ns, doings->cpu_ns - doings->user_ns},
		{PROCS_run_delay_ns, doings->run_delay_ns},
		{PROCS_timeslices, doings->timeslices},
		{PROCS_nvcsw, doings->nvcsw},
		{PROCS_nivcsw, doings->nivcsw},
		{PROCS_migrations, doings->migrations},
		{PROCS_minflt, doings->minflt},
		{PROCS_majflt, doings->majflt},
		{PROCS_read_bytes, doings->read_bytes},
		{PROCS_write_bytes, doings->write_bytes},
		{PROCS_cancelled_write_bytes, 0},
		{PROCS_rchar, doings->rchar},
		{PROCS_wchar, doings->wchar},
		{PROCS_syscr, doings->syscr},
		{PROCS_syscw, doings->syscw},
		{PROCS_delays_1ms, doings->delays_1ms},
		{PROCS_delays_10ms, 0},
		{PROCS_delays_100ms, 0},
	};
	const char state_text[] = {process_state, '\0'};
	uint32_t row;

	must(block_add_row(procs));
	row = procs->rows - 1;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		block_set_number(procs, row, sums[i].field, sums[i].value);
	set_text(procs, row, PROCS_comm, identity->comm);
	set_text(procs, row, PROCS_cgroup, identity->cgroup);
	set_text(procs, row, PROCS_state, state_text);
	if (doings->max_delay_ns)
		block_set_number(procs, row, PROCS_max_delay_ns, doings->max_delay_ns);
	if (process_state == 'X')
		return;
	block_set_number(procs, row, PROCS_threads, threads);
	block_set_number(procs, row, PROCS_rss_bytes, rss_pages * 4096);
	block_set_number(procs, row, PROCS_swap_bytes, 0);
	block_set_number(procs, row, PROCS_last_cpu, last_cpu);
}

void put_roster_row(struct block *roster, const struct instant *instant, const struct identity *identity,
		    uint64_t threads, uint64_t rss_pages, uint64_t cpu_ns, uint64_t last_cpu)
{
	uint32_t row;

	must(block_add_row(roster));
	row = roster->rows - 1;
	block_set_number(roster, row, ROSTER_time, instant->end_real_ns);
	block_set_number(roster, row, ROSTER_pid, identity->pid);
	block_set_number(roster, row, ROSTER_start_time, identity->start_time);
	block_set_number(roster, row, ROSTER_ppid, identity->ppid);
	set_text(roster, row, ROSTER_comm, identity->comm);
	set_text(roster, row, ROSTER_exe, identity->exe);
	must(block_set_text(roster, row, ROSTER_argv, identity->argv, identity->argv_len));
	set_text(roster, row, ROSTER_cgroup, identity->cgroup);
	block_set_number(roster, row, ROSTER_uid, identity->uid);
	set_text(roster, row, ROSTER_state, "S");
	block_set_number(roster, row, ROSTER_threads, threads);
	block_set_number(roster, row, ROSTER_rss_bytes, rss_pages * 4096);
	block_set_number(roster, row, ROSTER_swap_bytes, 0);
	block_set_number(roster, row, ROSTER_cpu_ns, cpu_ns);
	block_set_number(roster, row, ROSTER_last_cpu, last_cpu);
}
