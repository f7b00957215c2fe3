/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing what a writer left when it died: complete chunks are kept, the torn tail is cut off.
 */
#ifndef OBIT_STORE_RECOVER_H
#define OBIT_STORE_RECOVER_H

#include "store/directory.h"
#include "store/frame_writer.h"

/*
 * Seals the segment if it is not sealed, by way of a temporary file that takes its name when it is whole.
 * A segment whose writer died before its header was whole holds nothing and is removed; one whose header
 * cannot be read for another reason is left as it is. To be called with the writer's lock held.
 */
int recover_segment(int dir_fd, const struct segment_name *name, const struct file_calls *calls, int level);

#endif
