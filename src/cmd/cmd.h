/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands. Each gets its own arguments, argv[0] being its name, and returns the exit status.
 */
#ifndef OBIT_CMD_CMD_H
#define OBIT_CMD_CMD_H

#define STATUS_OK     0
#define STATUS_FAILED 1
#define STATUS_USAGE  2

int cmd_record(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_extract(int argc, char **argv);
int cmd_schema(int argc, char **argv);

#endif
