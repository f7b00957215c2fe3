// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a tar archive of a store: its segments are listed, and each is read.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input.h"
#include "store/directory.h"
#include "store/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment_name *names = NULL;
	struct tar_member member;
	static int fd = -1;
	uint64_t at = 0;
	size_t n = 0;

	if (fd < 0)
		fd = memfd_create("archive", MFD_CLOEXEC);
	MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	while (tar_next(fd, &at, &member) > 0)
		MUST(member.offset + member.bytes <= size && at <= size);
	if (directory_list(fd, &names, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int from = directory_open_file(fd, names[i].text);

		MUST(from >= 0);
		close(from);
	}
	free(names);
	return 0;
}
