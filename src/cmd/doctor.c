// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit doctor`: would recording work here? Tries, and records nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/host.h"
#include "agent/privileges.h"
#include "base/array.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/collect_probe.h"
#include "kernel/switch_cost.h"

enum doctor_option { MEASURE };

static const struct option_spec specs[] = {
	[MEASURE] = {"measure", NULL,
		     "try what each level of --sched costs at a context switch here: takes some seconds"},
};

static const struct usage usage = {
	"obit doctor",
	"",
	"Says what this kernel and these privileges allow, before anything is recorded.",
	specs,
	ARRAY_SIZE(specs),
	"exit status: 0 all is well or degraded; 1 recording cannot work here.\n",
	0,
};

static void print_line(void *ctx, const char *what, enum probe_result result, const char *note)
{
	static const char *const names[] = {"ok", "degraded", "FAILED"};

	(void)ctx;
	printf("%-9s %-32s %s\n", names[result], what, note);
}

/* FAILED where one is missing without which nothing is recorded. */
static enum probe_result print_privileges(void)
{
	enum probe_result worst = PROBE_OK, result;
	struct privilege missing;
	const char *loss;

	for (size_t i = 0; privileges_missing(i, &missing); i++) {
		result = missing.is_vital ? PROBE_FAILED : PROBE_DEGRADED;
		print_line(NULL, missing.name, result, missing.loss);
		worst = result > worst ? result : worst;
	}
	for (unsigned i = 0; (loss = host_namespace_loss(i)); i++) {
		print_line(NULL, "namespace", PROBE_DEGRADED, loss);
		worst = worst > PROBE_DEGRADED ? worst : PROBE_DEGRADED;
	}
	if (worst == PROBE_OK)
		print_line(NULL, "capabilities", PROBE_OK, "all that recording uses");
	return worst;
}

static int print_switch_costs(void)
{
	double ns[SWITCH_COST_LEVELS];
	int r = switch_cost_measure(ns);

	if (r < 0) {
		fprintf(stderr, "%s: --measure: %s\n", usage.command, strerror(-r));
		return r;
	}
	printf("a context switch takes %.0f ns here;", ns[0]);
	for (int level = SCHED_OFF; level <= SCHED_FULL; level++)
		printf(" %+.0f ns with --sched %s%s", ns[1 + level] - ns[0], sched_level_name((enum sched_level)level),
		       level == SCHED_FULL ? "\n" : ",");
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	struct options options;
	struct utsname name;
	int r = options_parse(&usage, argc, argv, &options);
	enum probe_result worst, privileges;

	if (r != 0)
		return r < 0 ? STATUS_USAGE : STATUS_OK;
	uname(&name);
	printf("%s %s, %ld CPUs%s\n", name.sysname, name.release, sysconf(_SC_NPROCESSORS_ONLN),
	       geteuid() == 0 ? "" : ", not root");
	privileges = print_privileges();
	worst = collect_probe(print_line, NULL);
	if (privileges > worst)
		worst = privileges;
	if (options.values[MEASURE] && worst != PROBE_FAILED && print_switch_costs() < 0)
		return STATUS_FAILED;
	printf("%s\n", worst == PROBE_OK	 ? "recording works here"
		       : worst == PROBE_DEGRADED ? "recording works here, with what is degraded above"
						 : "recording cannot work here: mend what FAILED first");
	return worst == PROBE_FAILED ? STATUS_FAILED : STATUS_OK;
}
