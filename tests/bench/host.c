// SPDX-License-Identifier: BSD-2-Clause
/*
 * The balance, the host's own values and waits for a CPU.
 */
#include <math.h>
#include <stdlib.h>

#include "day.h"

#define SLICE_BITS 3 /* of a power of two: 8 buckets each, as runq has them */

static uint32_t add_row(struct block *block)
{
	int row = block_add_row(block);

	if (row < 0)
		exit(1);
	return (uint32_t)row;
}

static void put_ledger(const struct instant *instant, uint64_t births, uint64_t ends, uint64_t alive,
		       struct block *ledger)
{
	static uint64_t store_bytes;
	uint32_t row = add_row(ledger);
	const struct {
		uint32_t field;
		uint64_t value;
	} values[] = {
		{LEDGER_time, instant->end_real_ns},
		{LEDGER_duration_ns, instant->end_real_ns - instant->begin_real_ns},
		{LEDGER_opening, alive + ends - births},
		{LEDGER_forks, births},
		{LEDGER_execs, births},
		{LEDGER_exits_seen, ends},
		{LEDGER_exits_recorded, ends},
		{LEDGER_closing, alive},
		{LEDGER_queue_high_water_bytes, ends ? 4096 + draw_below(9000) / 8 * 8 : 0},
		{LEDGER_ring_high_water_bytes, ends ? 2048 + draw_below(5000) / 8 * 8 : 0},
		{LEDGER_snapshot_ns, draw_around(400e3, 0.2)},
		{LEDGER_agent_cpu_ns, draw_around(2.4e6, 0.2)},
		{LEDGER_agent_rss_bytes, 46059520},
		{LEDGER_store_bytes, store_bytes += draw_around(2000, 0.3)},
	};

	for (uint32_t field = LEDGER_exits_rolled_up; field < LEDGER_unobserved; field++)
		block_set_number(ledger, row, field, 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		block_set_number(ledger, row, values[i].field, values[i].value);
}

static void put_system(const struct instant *instant, uint64_t births, struct block *host)
{
	static double load = 40, memory = 9e9;
	uint64_t total = (instant->end_real_ns - instant->begin_real_ns) / 10000000 * DAY_CPUS * 10000000, busy, user,
		 i;
	uint32_t row = add_row(host);

	for (uint32_t field = 0; field < N_SYSTEM_FIELDS; field++)
		block_set_number(host, row, field, 0);
	load = fabs(load + 3 * draw_normal());
	memory += 3e6 * draw_normal();
	busy = (uint64_t)((double)total * (0.2 + 0.2 * draw_share())) / 10000000 * 10000000;
	user = (uint64_t)((double)busy * (0.6 + 0.2 * draw_share())) / 10000000 * 10000000;
	block_set_number(host, row, SYSTEM_time, instant->end_real_ns);
	block_set_number(host, row, SYSTEM_duration_ns,
			 instant->end_real_ns - instant->begin_real_ns + draw_below(200000));
	block_set_number(host, row, SYSTEM_cpus, DAY_CPUS);
	block_set_number(host, row, SYSTEM_user_ns, user);
	block_set_number(host, row, SYSTEM_system_ns, busy - user);
	block_set_number(host, row, SYSTEM_idle_ns, total - busy);
	block_set_number(host, row, SYSTEM_iowait_ns, draw_below(5) * 10000000);
	block_set_number(host, row, SYSTEM_softirq_ns, draw_below(3) * 10000000);
	block_set_number(host, row, SYSTEM_context_switches, draw_around(6000, 0.3));
	block_set_number(host, row, SYSTEM_forks, births + draw_below(3));
	block_set_number(host, row, SYSTEM_running, 1 + draw_count(2));
	block_set_number(host, row, SYSTEM_load1_hundredths, (uint64_t)load);
	block_set_number(host, row, SYSTEM_load5_hundredths, (uint64_t)(load * 0.9));
	block_set_number(host, row, SYSTEM_load15_hundredths, (uint64_t)(load * 0.8));
	block_set_number(host, row, SYSTEM_memory_total_bytes, 25276514304);
	for (i = SYSTEM_memory_free_bytes; i <= SYSTEM_slab_bytes; i++)
		block_set_number(host, row, (uint32_t)i,
				 ((uint64_t)(memory / (double)(i - 15)) + draw_below(1 << 20)) / 4096 * 4096);
	block_set_number(host, row, SYSTEM_dirty_bytes, draw_below(4000) * 4096);
	block_set_number(host, row, SYSTEM_pgpgout_bytes, draw_below(500) * 4096);
	block_set_number(host, row, SYSTEM_pgfault, draw_around(30000, 0.5));
	block_set_number(host, row, SYSTEM_cpu_some_ns, draw_around(30e6, 0.6) / 1000 * 1000);
	block_set_number(host, row, SYSTEM_io_some_ns, draw_around(3e6, 1) / 1000 * 1000);
	block_set_number(host, row, SYSTEM_io_full_ns, draw_around(2e6, 1) / 1000 * 1000);
}

/* The middle of the bucket of a delay. */
static uint64_t middle_of(uint64_t index)
{
	uint64_t slices = 1 << SLICE_BITS, power = index / slices, width = 1ull << power >> SLICE_BITS;

	return (1ull << power) + index % slices * width + width / 2;
}

static void put_runq(const struct instant *instant, struct block *runq)
{
	for (uint64_t cpu = 0; cpu < DAY_CPUS; cpu++)
		/* From 512 ns to 32 ms; most waits are of some µs. */
		for (uint64_t index = 9 << SLICE_BITS; index < 25 << SLICE_BITS; index++) {
			double distance = (double)index / (1 << SLICE_BITS) - 12.2;
			uint64_t switches = draw_count(60 * exp(-distance * distance / 3) + 0.12);
			uint32_t row;

			if (!switches)
				continue;
			row = add_row(runq);
			block_set_number(runq, row, RUNQ_time, instant->end_real_ns);
			block_set_number(runq, row, RUNQ_cpu, cpu);
			block_set_number(runq, row, RUNQ_delay_ns, middle_of(index));
			block_set_number(runq, row, RUNQ_switches, switches);
		}
}

void host_interval(const struct instant *instant, uint64_t births, uint64_t ends, uint64_t alive, struct block *ledger,
		   struct block *host, struct block *runq)
{
	put_ledger(instant, births, ends, alive, ledger);
	put_system(instant, births, host);
	put_runq(instant, runq);
}
