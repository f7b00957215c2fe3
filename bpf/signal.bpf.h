/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who asks for a process's end: signals whose default action ends their receiver, as they are sent.
 *
 *   what the kernel has decided        reported as
 *   the receiver dies of it            SIGNAL_ENDS: exactly one sender is reported for an end
 *   it pends (blocked, or traced)      SIGNAL_MAY_END: the last one of its number is the one that pends, since another
 *                                      is taken only after that has been taken (sigwait, signalfd, a handler)
 *   a handler runs                     SIGNAL_ASKS, of the signals that users send to have something end
 *
 * The sender is the task that runs, if the signal's siginfo lies on that task's stack: there system calls build it.
 * si_code proves nothing: rt_sigqueueinfo(2) takes any below 0 from anybody. Timers send the one in their sigqueue,
 * from the interrupt of whoever happens to run; SEND_SIG_PRIV and SEND_SIG_NOINFO are the kernel's own.
 */
#ifndef OBIT_SIGNAL_H
#define OBIT_SIGNAL_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/record.bpf.h"
#include "bpf/state.bpf.h"

#define SIGHUP	  1
#define SIGINT	  2
#define SIGQUIT	  3
#define SIGKILL	  9
#define SIGPIPE	  13
#define SIGALRM	  14
#define SIGTERM	  15
#define SIGXCPU	  24
#define SIGXFSZ	  25
#define SIGVTALRM 26
#define SIGPROF	  27
#define SIGSYS	  31

#define BIT_OF(number) (1ULL << (number))
/* CHLD CONT STOP TSTP TTIN TTOU URG WINCH do not end a process. */
#define HARMLESS (BIT_OF(17) | BIT_OF(18) | BIT_OF(19) | BIT_OF(20) | BIT_OF(21) | BIT_OF(22) | BIT_OF(23) | BIT_OF(28))
/* ILL TRAP BUS FPE SEGV: the processor finds fault. */
#define FAULTS (BIT_OF(4) | BIT_OF(5) | BIT_OF(7) | BIT_OF(8) | BIT_OF(11))
#define ASKING (BIT_OF(SIGHUP) | BIT_OF(SIGINT) | BIT_OF(SIGQUIT) | BIT_OF(SIGTERM))

#define SEND_SIG_NOINFO 0
#define SEND_SIG_PRIV	1
#define SI_TIMER	(-2)

#define TRACE_SIGNAL_LOSE_INFO 4
#define STACK_BYTES	       (64u << 10) /* at least any kernel's; next to a stack lie unmapped pages */
#define PF_EXITING	       0x4

/* Signals that end nobody, from one CPU in 2^27 ns (134 ms): whoever sends more is not to fill the rings. */
#define SIGNAL_WINDOW_LOG2 27
#define SIGNAL_BUDGET	   256

struct signal_budget {
	__u64 window;
	__u64 sent;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct signal_budget);
} signal_budgets SEC(".maps");

static __always_inline bool may_send_signal(void)
{
	__u64 window = bpf_ktime_get_ns() >> SIGNAL_WINDOW_LOG2;
	__u32 zero = 0;
	struct signal_budget *budget = bpf_map_lookup_elem(&signal_budgets, &zero);

	if (!budget)
		return false;
	if (budget->window != window) {
		budget->window = window;
		budget->sent = 0;
	}
	return budget->sent++ < SIGNAL_BUDGET;
}

static __always_inline __u64 signal_handler(struct sighand_struct *sighand, __u32 number)
{
	const char *first = (const char *)__builtin_preserve_access_index(&sighand->action[0]);
	const char *action = first + (number - 1) * bpf_core_type_size(struct k_sigaction);
	__u64 handler = 0;

	bpf_probe_read_kernel(&handler, sizeof(handler), action + bpf_core_field_offset(struct sigaction, sa_handler));
	return handler;
}

/* sigtimedwait(2) takes what it waits for out of `blocked` for as long, and has what that was in `real_blocked`. */
static __always_inline bool is_blocked(struct task_struct *task, __u32 number)
{
	__u64 blocked = 0, real_blocked = 0;

	bpf_probe_read_kernel(&blocked, sizeof(blocked), &task->blocked);
	bpf_probe_read_kernel(&real_blocked, sizeof(real_blocked), &task->real_blocked);
	return ((blocked | real_blocked) >> (number - 1)) & 1;
}

/* SIGNAL_ENDS ...; 0: it ends nobody. The tracepoint comes after complete_signal(), which begins the end of most. */
static __always_inline __u32 signal_effect(__u32 number, struct task_struct *task)
{
	__u64 handler = number == SIGKILL ? 0 : signal_handler(task->sighand, number);

	if (task->signal->flags & SIGNAL_GROUP_EXIT && task->signal->group_exit_code == (int)number)
		return SIGNAL_ENDS;
	/* What dumps core does so when the receiver runs next. */
	if (!handler && !is_blocked(task, number) && !task->ptrace)
		return SIGNAL_ENDS;
	if (!handler || is_blocked(task, number))
		return SIGNAL_MAY_END | (handler > 1 && (ASKING >> number) & 1 ? SIGNAL_ASKS : 0);
	return handler > 1 && number < 64 && (ASKING >> number) & 1 ? SIGNAL_ASKS : 0;
}

/* The running task; it may be read by probing alone. */
struct sender {
	struct task_struct *task;
	__u32 tgid;
	__u32 flags;
	__u64 stack;
};

static __always_inline void read_sender(struct sender *ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	ret->task = task;
	ret->tgid = BPF_CORE_READ(task, tgid);
	ret->flags = BPF_CORE_READ(task, flags);
	ret->stack = (__u64)BPF_CORE_READ(task, stack);
}

static __always_inline bool is_traced_by(struct task_struct *to, const struct sender *sender)
{
	return to->ptrace && (__u32)BPF_CORE_READ(to, parent, tgid) == sender->tgid;
}

/*
 * Of a process that the OOM killer has chosen: was it for a limit of a memory cgroup? Then a charge has just failed
 * there: what is left under the limit is less than a few CPUs' stocks of charges.
 */
#define MEMCG_LEVELS 16
#define MEMCG_STOCKS 1024 /* pages */

static __always_inline bool is_memcg_full(struct task_struct *task)
{
	struct page_counter *counter;
	struct mem_cgroup *memcg;

	if (!bpf_core_type_exists(struct mem_cgroup) ||
	    !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return false;
	memcg = subsys_state(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!memcg)
		return false;
	/* The cgroup's part comes first in the struct. */
	counter = (void *)memcg + bpf_core_field_offset(struct mem_cgroup, memory);
	for (int i = 0; i < MEMCG_LEVELS && counter; i++) {
		__u64 usage = BPF_CORE_READ(counter, usage.counter), max = BPF_CORE_READ(counter, max);

		if (max - usage < MEMCG_STOCKS || usage > max)
			return true;
		counter = BPF_CORE_READ(counter, parent);
	}
	return false;
}

static __always_inline __u32 reason_of_fault(__u32 number)
{
	if (number == SIGSYS)
		return KILL_SECCOMP;
	return number < 64 && (FAULTS >> number) & 1 ? KILL_FAULT : 0;
}

/* SEND_SIG_PRIV: from within the kernel, in whose context ever. */
static __always_inline __u32 reason_of_kernel(__u32 number, const struct sender *sender, struct task_struct *to)
{
	switch (number) {
	case SIGHUP:
		return KILL_HANGUP;
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF:
		return KILL_TIMER;
	case SIGXCPU:
		return KILL_RLIMIT_CPU;
	case SIGKILL:
		/* check_process_timers(); the OOM killer may choose who runs too: then the exit says so. */
		if (sender->tgid == (__u32)to->tgid)
			return KILL_RLIMIT_CPU;
		/* exit_ptrace(), zap_pid_ns_processes() */
		if (sender->flags & PF_EXITING)
			return is_traced_by(to, sender) ? KILL_PTRACE : KILL_PID_NAMESPACE;
	}
	return 0;
}

/* SEND_SIG_NOINFO: for what the running task does, which may be the sender. */
static __always_inline __u32 reason_of_noinfo(__u32 number, const struct sender *sender, struct task_struct *to,
					      bool *ret_by_kernel)
{
	*ret_by_kernel = true;
	if (number == SIGPIPE && sender->tgid == (__u32)to->tgid)
		return KILL_PIPE;
	if (number == SIGXFSZ && sender->tgid == (__u32)to->tgid)
		return KILL_RLIMIT_FSIZE;
	if (sender->flags & PF_EXITING && to->pdeath_signal == (int)number)
		return KILL_PDEATHSIG;
	*ret_by_kernel = false;
	if (number != SIGKILL)
		return 0;
	/* PTRACE_KILL; cgroup.kill */
	return is_traced_by(to, sender) ? KILL_PTRACE : KILL_CGROUP_KILL;
}

/* `info`: an address or one of the constants; as a pointer of the kernel's it could not be calculated with. */
static __always_inline void fill_sender(struct event_signal *event, __u64 info, struct task_struct *to)
{
	struct kernel_siginfo *known = (struct kernel_siginfo *)info;
	struct sender sender = {};
	struct task_struct *task;
	bool by_kernel = false;
	int code;

	read_sender(&sender);
	code = info > SEND_SIG_PRIV ? BPF_CORE_READ(known, si_code) : 0;
	if (info == SEND_SIG_PRIV) {
		by_kernel = true;
		if (event->signal == SIGKILL && is_memcg_full(to))
			event->flags |= SIGNAL_MEMCG_FULL;
		event->reason = reason_of_kernel(event->signal, &sender, to);
	} else if (info == SEND_SIG_NOINFO) {
		event->reason = reason_of_noinfo(event->signal, &sender, to, &by_kernel);
	} else if (code > 0) {
		by_kernel = true;
		event->reason = reason_of_fault(event->signal);
	} else if (info - sender.stack >= STACK_BYTES) {
		by_kernel = true;
		event->reason = code == SI_TIMER ? KILL_TIMER : 0;
	}
	if (by_kernel) {
		event->flags |= SIGNAL_BY_KERNEL;
		return;
	}
	task = sender.task;
	event->sender_pid = sender.tgid;
	event->sender_uid = BPF_CORE_READ(task, cred, uid.val);
	event->sender_euid = BPF_CORE_READ(task, cred, euid.val);
	BPF_CORE_READ_INTO(&event->sender_comm, task, group_leader, comm);
}

#endif
