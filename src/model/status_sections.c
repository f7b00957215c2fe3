// SPDX-License-Identifier: BSD-2-Clause
/*
 * The sections, laid out from status_sections.def, and the one that has the ledger's columns from ledger_fields.def
 * too.
 */
#include "model/status_sections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Rows of a section: each program and sampler takes one; there are 8 and 6. */
#define ROWS 32
/* Text of a section: names, a path, and a reason a row. */
#define ARENA_BYTES 16384

#define ROW(name, type, unit, kind, help) {#name, FIELD_##type, UNIT_##unit, KIND_##kind, help},
#define SECTION_NAME			  {"section", FIELD_STRING, UNIT_NONE, KIND_LABEL, "name of the section"},

#define AGENT ROW
static const struct field agent_fields[] = {SECTION_NAME
#include "model/status_sections.def"
};
#undef AGENT

#define TOTALS		  ROW
#define FIELD(table, ...) ROW(__VA_ARGS__)
static const struct field ledger_fields[] = {SECTION_NAME
#include "model/status_sections.def"
#include "model/ledger_fields.def"
};
#undef TOTALS
#undef FIELD

#define TRANSPORT ROW
static const struct field transport_fields[] = {SECTION_NAME
#include "model/status_sections.def"
};
#undef TRANSPORT

#define STORE ROW
static const struct field store_fields[] = {SECTION_NAME
#include "model/status_sections.def"
};
#undef STORE

#define PROGRAM ROW
static const struct field program_fields[] = {SECTION_NAME
#include "model/status_sections.def"
};
#undef PROGRAM

#define SAMPLER ROW
static const struct field sampler_fields[] = {SECTION_NAME
#include "model/status_sections.def"
};
#undef SAMPLER

static const struct table tables[] = {
	[SECTION_AGENT] = {"agent", "the agent itself", 0, N_AGENT_FIELDS, agent_fields},
	[SECTION_LEDGER] = {"ledger", "the ledger so far", 0, N_TOTALS_FIELDS, ledger_fields},
	[SECTION_TRANSPORT] = {"transport", "rings and queue", 0, N_TRANSPORT_FIELDS, transport_fields},
	[SECTION_STORE] = {"store", "the store", 0, N_STORE_FIELDS, store_fields},
	[SECTION_PROGRAM] = {"program", "a program in the kernel", 0, N_PROGRAM_FIELDS, program_fields},
	[SECTION_SAMPLER] = {"sampler", "what is sampled", 0, N_SAMPLER_FIELDS, sampler_fields},
};

_Static_assert(ARRAY_SIZE(ledger_fields) == N_TOTALS_FIELDS, "the columns follow the ledger");

const struct table *status_table(enum status_section section)
{
	return &tables[section];
}

struct status *status_new(void)
{
	struct status *status = calloc(1, sizeof(*status));

	if (!status)
		return NULL;
	for (int i = 0; i < N_SECTIONS; i++) {
		status->sections[i] = block_new(&tables[i], ROWS, ARENA_BYTES);
		if (!status->sections[i]) {
			status_free(status);
			return NULL;
		}
	}
	return status;
}

void status_free(struct status *status)
{
	if (!status)
		return;
	for (int i = 0; i < N_SECTIONS; i++)
		block_free(status->sections[i]);
	free(status);
}

void status_clear(struct status *status)
{
	for (int i = 0; i < N_SECTIONS; i++)
		block_clear(status->sections[i]);
}

int status_add(struct status *status, enum status_section section)
{
	int row = block_add_row(status->sections[section]);

	if (row >= 0)
		status_set_text(status, section, (uint32_t)row, 0, tables[section].name);
	return row;
}

void status_set_text(struct status *status, enum status_section section, uint32_t row, uint32_t field, const char *text)
{
	block_set_text(status->sections[section], row, field, text, strlen(text));
}
