// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as the end of a segment, as they are and as an index with the right magics, lengths and checksum.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "store/segment_format.h"
#include "store/index.h"
#include "input.h"

static void read_index(int fd, const void *data, size_t len)
{
	static struct sink sink;
	struct index index = {0};

	MUST(pwrite(fd, data, len, 0) == (ssize_t)len);
	if (index_read(&index, fd, len) < 0)
		return;
	/* What is understood is what this would write. */
	sink.len = 0;
	index_put(&sink, &index);
	MUST(sink.len == index_bytes(&index) && sink.len <= len);
	MUST(memcmp(sink.data, (const char *)data + len - sink.len, sink.len) == 0);
	index_done(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink sink;
	static int fd = -1;
	uint32_t n = (uint32_t)(size / 40);

	if (fd < 0)
		fd = memfd_create("segment", MFD_CLOEXEC);
	read_index(fd, data, size);
	sink.len = 0;
	put_u32(&sink, MAGIC_INDEX_FRAME);
	put_u32(&sink, (uint32_t)size + 16);
	put_bytes(&sink, INDEX_MAGIC, 4);
	put_u32(&sink, n);
	put_bytes(&sink, data, size);
	put_u32(&sink, (uint32_t)crc32(0, sink.data + 8, (unsigned)(sink.len - 8)));
	put_u32(&sink, (uint32_t)size + 24);
	read_index(fd, sink.data, sink.len);
	return 0;
}
