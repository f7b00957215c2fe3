/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A human-readable status.
 */
#ifndef OBIT_CMD_STATUS_TEXT_H
#define OBIT_CMD_STATUS_TEXT_H

#include <stdio.h>

#include "model/status_sections.h"

/* What an agent of another version left out is shown as -. */
void status_text_print(FILE *to, const struct status *status);

#endif
