/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes known by identity, live or just exited, by (pid, start), up to a fixed number; used by the ledger's
 * thread only. A pointer to a process is valid until that is removed.
 */
#ifndef OBIT_LEDGER_PROCESSES_H
#define OBIT_LEDGER_PROCESSES_H

#include <stdint.h>

#include "base/texts.h"
#include "ledger/by_thread.h"
#include "ledger/baselines.h"

enum {
	PROCESS_BEFORE_AGENT = 1,
	PROCESS_ARGV_TRUNCATED = 2,
	PROCESS_EXE_TRUNCATED = 4,
	PROCESS_ARGV_LOST = 8,
	PROCESS_IS_WRITTEN = 16, /* its image, as it is now, has a row of `programs` or of the roster */
};

/* The sender of a signal that ends the process, may end it, or asked it to end. */
struct asker {
	uint64_t boot_ns;
	uint8_t signal; /* 0: none */
	uint8_t reason; /* enum kill_reason */
	uint8_t flags;	/* SIGNAL_ENDS ... */
	uint32_t pid, uid, euid;
	char comm[16];
};

/* What a process's exit event does not carry. */
struct process {
	uint64_t start_boot_ns;
	uint64_t start_real_ns; /* as it was when the process was heard of first: the same in all its rows */
	uint32_t pid;		/* 0: a free slot */
	uint32_t flags;
	uint32_t heard_epoch;	    /* of what was reported of it last */
	uint32_t born_epoch_plus_1; /* of its fork event; 0: there was none */
	text_id image;		    /* see ledger.c; 0: unknown */
	uint32_t exit_epoch;	    /* of its exit event; 0: alive */
	uint32_t row;		    /* of `exits`, when it has exited */
	uint32_t last_row_plus_1;   /* of `procs`, beside it; 0: none */
	baseline_id baseline;	    /* 0: no reading yet */
	uint32_t threads;	    /* that ended apart from the record, and what the kernel kept by them alone */
	struct by_thread ended;
	struct asker killers[2]; /* [0]: of the signal that ends it, or pended last; [1]: the last of another number */
	struct asker asker;	 /* the last to ask it to end by a signal that it handles */
};

struct processes;

struct processes *processes_new(uint32_t max);
void processes_free(struct processes *processes);

/* NULL: not known. */
struct process *processes_find(struct processes *processes, uint32_t pid, uint64_t start_boot_ns);

/* A new one, all zero but its identity. NULL: the table is full. */
struct process *processes_add(struct processes *processes, uint32_t pid, uint64_t start_boot_ns);

void processes_remove(struct processes *processes, struct process *process);

/* Removes each that `gone` says yes to; returns how many. `gone` may not add or remove. */
uint32_t processes_sweep(struct processes *processes, bool (*gone)(struct process *process, void *ctx), void *ctx);

uint32_t processes_count(const struct processes *processes);

#endif
