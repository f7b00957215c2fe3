/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes over the agent's socket. A request is one line; so is every line of the reply:
 *
 *   -> status                       the status, and the connection is closed
 *   <- obit status                  the beginning
 *   <- agent pid=12 version=0.1.0 ...      a row: its section, then its fields that are not null
 *   <- end                          complete; without it the reply was cut off
 *   <- error no such request        instead of all that; a human-readable text to the end of the line
 *
 * Numbers are decimal, a bool 0 or 1; in texts all bytes but printable ASCII, and space, % and =, are %XX.
 * A reader leaves out sections and fields that it does not know.
 */
#ifndef OBIT_CONTROL_WIRE_H
#define OBIT_CONTROL_WIRE_H

#include <stddef.h>

#include "base/buffer.h"
#include "model/status_sections.h"

#define WIRE_REQUEST_BYTES 64	       /* longest request, with its newline */
#define WIRE_REPLY_BYTES   (64u << 10) /* longest reply that is read: ten times what there is to say */

#define WIRE_STATUS "status"

/* Where the default store's agent is found. */
#define WIRE_SOCKET_DIR	 "/run/obit"
#define WIRE_SOCKET_PATH WIRE_SOCKET_DIR "/obit.sock"

/* Adds the whole reply. */
void wire_add_status(struct buffer *buffer, const struct status *status);
void wire_add_error(struct buffer *buffer, const char *text);

/*
 * Reads a complete reply: 0 with the status filled; -EPROTO, the bytes are not a reply; -EREMOTEIO, it is
 * an error, and *ret_error its text within `data`, *ret_len bytes, not checked for what a terminal may get.
 */
int wire_read_reply(const char *data, size_t len, struct status *ret, const char **ret_error, size_t *ret_len);

/* Is this a reply to its last line? */
int wire_is_complete(const char *data, size_t len);

#endif
