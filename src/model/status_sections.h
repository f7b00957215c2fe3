/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status of a running agent: a block of rows for each section, made from status.def. The agent fills
 * it, a socket carries it, `obit status` prints it. All memory is taken at status_new().
 *
 * Field 0 of every section is the section's own name. A column of the ledger's table is the field
 * TOTALS_COLUMN(LEDGER_forks) of SECTION_LEDGER.
 */
#ifndef OBIT_MODEL_STATUS_SECTIONS_H
#define OBIT_MODEL_STATUS_SECTIONS_H

#include "model/block.h"

enum status_section {
	SECTION_AGENT,
	SECTION_LEDGER,
	SECTION_TRANSPORT,
	SECTION_STORE,
	SECTION_PROGRAM, /* one row each */
	SECTION_SAMPLER, /* one row each */
	N_SECTIONS
};

/* Numbers of the fields: AGENT_pid, TOTALS_intervals, TRANSPORT_rings ... and N_AGENT_FIELDS ... */
#define AGENT(name, ...) AGENT_##name,
enum agent_field {
	AGENT_section,
#include "status_sections.def"
	N_AGENT_FIELDS
};
#undef AGENT
#define TOTALS(name, ...) TOTALS_##name,
enum balance_field {
	TOTALS_section,
#include "status_sections.def"
	TOTALS_FIRST_COLUMN
};
#undef TOTALS
#define TOTALS_COLUMN(ledger_field) (TOTALS_FIRST_COLUMN + (ledger_field))
#define N_TOTALS_FIELDS		    TOTALS_COLUMN(N_LEDGER_FIELDS)
#define TRANSPORT(name, ...)	    TRANSPORT_##name,
enum transport_field {
	TRANSPORT_section,
#include "status_sections.def"
	N_TRANSPORT_FIELDS
};
#undef TRANSPORT
#define STORE(name, ...) STORE_##name,
enum store_field {
	STORE_section,
#include "status_sections.def"
	N_STORE_FIELDS
};
#undef STORE
#define PROGRAM(name, ...) PROGRAM_##name,
enum program_field {
	PROGRAM_section,
#include "status_sections.def"
	N_PROGRAM_FIELDS
};
#undef PROGRAM
#define SAMPLER(name, ...) SAMPLER_##name,
enum sampler_field {
	SAMPLER_section,
#include "status_sections.def"
	N_SAMPLER_FIELDS
};
#undef SAMPLER

struct status {
	struct block *sections[N_SECTIONS];
};

/* The table of a section, for ever; its name is what field 0 holds. */
const struct table *status_table(enum status_section section);

/* NULL: out of memory. */
struct status *status_new(void);
void status_free(struct status *status);
void status_clear(struct status *status);

/* Adds a row, null but for the section's name. Its index, or -ENOSPC. */
int status_add(struct status *status, enum status_section section);

/* Sets a text ended by NUL; what finds no room stays null. */
void status_set_text(struct status *status, enum status_section section, uint32_t row, uint32_t field,
		     const char *text);

static inline void status_set_number(struct status *status, enum status_section section, uint32_t row, uint32_t field,
				     uint64_t value)
{
	block_set_number(status->sections[section], row, field, value);
}

#endif
