// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE /* memfd_create */
#include "store/tar.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stream.h"

#define BLOCK 512u
#define MAGIC "ustar"
#define MODE  0640

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
		version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

/* Octal, ended by NUL or a space; GNU's base 256, of what is too large for it, is for no file here. */
static bool read_octal(const char *text, size_t size, uint64_t *ret)
{
	size_t i = 0;

	for (*ret = 0; i < size && text[i] >= '0' && text[i] <= '7'; i++)
		*ret = *ret << 3 | (uint64_t)(text[i] - '0');
	return i && (i == size || !text[i] || text[i] == ' ');
}

/* Its own field counts as spaces. */
static unsigned checksum_of(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	const size_t at = offsetof(struct header, checksum);
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= at && i < at + sizeof(header->checksum) ? ' ' : bytes[i];
	return sum;
}

static bool is_header(const struct header *header, uint64_t *ret_bytes)
{
	uint64_t sum;

	return memcmp(header->magic, MAGIC, strlen(MAGIC)) == 0 &&
	       read_octal(header->checksum, sizeof(header->checksum), &sum) && sum == checksum_of(header) &&
	       read_octal(header->size, sizeof(header->size), ret_bytes);
}

static uint64_t padded(uint64_t bytes)
{
	return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

int tar_next(int fd, uint64_t *at, struct tar_member *ret)
{
	struct header header;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	for (;;) {
		uint64_t left = *at < (uint64_t)st.st_size ? (uint64_t)st.st_size - *at : 0, bytes;
		ssize_t n = left ? pread(fd, &header, sizeof(header), (off_t)*at) : 0;
		const char *slash;

		if (n < 0)
			return -errno;
		/* Two empty blocks end it; some writers leave them away. */
		if (*at && (n == 0 || (n == sizeof(header) && !header.name[0])))
			return 0;
		if (n != sizeof(header) || !is_header(&header, &bytes))
			return -EBADMSG;
		*at += BLOCK;
		left -= BLOCK;
		/* Cut off in it: what is there is what there is. */
		ret->bytes = bytes < left ? bytes : left;
		ret->offset = *at;
		*at += padded(bytes) < left ? padded(bytes) : left;
		if (header.type != '0' && header.type)
			continue;
		snprintf(ret->name, sizeof(ret->name), "%.*s", (int)sizeof(header.name), header.name);
		slash = strrchr(ret->name, '/');
		if (slash)
			memmove(ret->name, slash + 1, strlen(slash));
		return 1;
	}
}

static int copy_bytes(int from, off_t offset, uint64_t bytes, int to)
{
	while (bytes) {
		ssize_t n = sendfile(to, from, &offset, bytes < SSIZE_MAX ? bytes : SSIZE_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		bytes -= (uint64_t)n;
	}
	return 0;
}

int tar_open(int fd, const struct tar_member *member)
{
	int to = memfd_create(member->name, MFD_CLOEXEC), r;

	if (to < 0)
		return -errno;
	r = copy_bytes(fd, (off_t)member->offset, member->bytes, to);
	if (r == 0 && lseek(to, 0, SEEK_SET) == 0)
		return to;
	close(to);
	return r < 0 ? r : -EIO;
}

int tar_add(int fd, const char *name, int from_fd)
{
	static const char zeros[BLOCK];
	struct header header = {.type = '0', .magic = MAGIC, .version = {'0', '0'}};
	struct stat st;
	int r;

	if (fstat(from_fd, &st) < 0)
		return -errno;
	if (strlen(name) >= sizeof(header.name) || (uint64_t)st.st_size >> 33)
		return -EFBIG;
	memcpy(header.name, name, strlen(name));
	snprintf(header.mode, sizeof(header.mode), "%07o", MODE);
	snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	snprintf(header.size, sizeof(header.size), "%011llo", (unsigned long long)st.st_size & 077777777777ull);
	snprintf(header.mtime, sizeof(header.mtime), "%011llo", (unsigned long long)st.st_mtime & 077777777777ull);
	snprintf(header.checksum, sizeof(header.checksum), "%06o", checksum_of(&header) & 0777777);
	r = write_all(fd, &header, sizeof(header));
	if (r == 0)
		r = copy_bytes(from_fd, 0, (uint64_t)st.st_size, fd);
	return r == 0 ? write_all(fd, zeros, padded((uint64_t)st.st_size) - (uint64_t)st.st_size) : r;
}

int tar_end(int fd)
{
	static const char zeros[2 * BLOCK];

	return write_all(fd, zeros, sizeof(zeros));
}
