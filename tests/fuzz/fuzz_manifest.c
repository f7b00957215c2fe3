// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as the manifest of a dataset: what is read is found again, and is the same when it is read once more.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/manifest.h"
#include "input.h"

static int make_directory(void)
{
	static char path[] = "/tmp/obit-fuzz-manifest-XXXXXX";

	MUST(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int dir_fd = -1;
	struct manifest manifest, again;
	size_t line = 0;
	int fd;

	if (dir_fd < 0)
		dir_fd = make_directory();
	fd = openat(dir_fd, MANIFEST_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	if (manifest_read(&manifest, dir_fd, &line) == 0) {
		for (size_t i = 0; i < manifest.n_segments; i++)
			MUST(manifest_find(&manifest, &manifest.segments[i]));
		MUST(manifest_read(&again, dir_fd, &line) == 0);
		MUST(again.n_segments == manifest.n_segments && again.bytes == manifest.bytes);
		manifest_done(&again);
	}
	manifest_done(&manifest);
	return 0;
}
