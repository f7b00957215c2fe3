// SPDX-License-Identifier: BSD-2-Clause
/*
 * The main thread's loop, and the stop.
 */
#include "agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/agent_inside.h"
#include "agent/notify.h"
#include "base/array.h"
#include "base/log.h"

/* Takes the signals that have come. Is it to stop? */
static bool is_asked_to_stop(struct agent *agent)
{
	struct signalfd_siginfo info;

	while (read(agent->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return 1;
		log_line("SIGHUP: the segment ends with this interval, a new one begins");
		atomic_store_explicit(&agent->shared.segment_ends, true, memory_order_relaxed);
	}
	return 0;
}

/* Rolls intervals over until a signal or the end of the duration. */
static void run(struct agent *agent)
{
	struct pollfd wait[] = {
		{.fd = agent->signal_fd, .events = POLLIN},   {.fd = agent->end_fd, .events = POLLIN},
		{.fd = agent->tick_fd, .events = POLLIN},     {.fd = agent->hooks_fd, .events = POLLIN},
		{.fd = agent->watchdog_fd, .events = POLLIN},
	};
	const struct agent_hooks *hooks = agent->options->hooks;
	uint64_t count;

	for (;;) {
		if (poll(wait, ARRAY_SIZE(wait), -1) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (wait[1].revents || (wait[0].revents && is_asked_to_stop(agent)))
			return;
		if (wait[4].revents && read(agent->watchdog_fd, &count, sizeof(count)) > 0)
			notify("WATCHDOG=1");
		if (wait[3].revents)
			hooks->serve(hooks->ctx);
		if (!wait[2].revents || read(agent->tick_fd, &count, sizeof(count)) < 0)
			continue;
		/* While an interval waits to be sealed (a slow disk), the running one grows. */
		if (agent_sealed(agent) < agent->rollover.epoch)
			continue;
		agent_roll_over(agent);
	}
}

/* The last interval, to the end. */
static void finish(struct agent *agent)
{
	notify("STOPPING=1");
	atomic_store_explicit(&agent->shared.is_stopping, true, memory_order_relaxed);
	agent_wait_sealed(agent, agent->rollover.epoch);
	if (agent->options->sched == SCHED_OFF)
		agent_await_last_ends(agent);
	agent_roll_over(agent);
	agent_wait_sealed(agent, agent->rollover.epoch);
}

static void stop_threads(struct agent *agent)
{
	uint64_t one = 1;

	if (agent->drain.drain)
		drain_stop(agent->drain.drain);
	atomic_store_explicit(&agent->shared.ledger_stop, true, memory_order_release);
	if (agent->ledger.queue_wake_fd >= 0 && write(agent->ledger.queue_wake_fd, &one, sizeof(one)) < 0)
		log_line("cannot wake the ledger: %s", strerror(errno));
	if (agent->writer.full)
		chunk_line_close(agent->writer.full);
	/* What it is at stays a log, and is sealed when the store is closed. */
	if (agent->writer.store)
		sealer_thread_stop(store_writer_sealer(agent->writer.store));
	while (agent->n_threads)
		pthread_join(agent->threads[--agent->n_threads], NULL);
}

static struct agent *agent_new(const struct agent_options *options)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->options = options;
	agent->signal_fd = agent->end_fd = agent->tick_fd = agent->hooks_fd = agent->watchdog_fd = -1;
	agent->ledger.queue_wake_fd = agent->ledger.sealed_fd = -1;
	agent->ledger.snapshot = &agent->rollover.snapshot;
	agent->writer.store_dir = options->store_dir;
	agent->ledger.shared = agent->writer.shared = &agent->shared;
	return agent;
}

int agent_run(const struct agent_options *options)
{
	struct agent *agent = agent_new(options);
	int r, closed;

	if (!agent)
		return -ENOMEM;
	r = agent_set_up(agent);
	if (r == 0)
		run(agent);
	if (options->hooks)
		options->hooks->close(options->hooks->ctx);
	if (r == 0)
		finish(agent);
	stop_threads(agent);
	if (r == 0 && agent->shared.has_lost)
		r = -EIO;
	closed = agent_tear_down(agent);
	if (closed < 0)
		log_line("closing the store %s: %s", options->store_dir, strerror(-closed));
	free(agent);
	return r < 0 ? r : closed;
}
