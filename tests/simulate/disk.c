// SPDX-License-Identifier: BSD-2-Clause
/*
 * The disk: the calls by which the store writes, on real files of a directory in memory. They write short,
 * are interrupted, fail, and stop for good in the middle of a write when the agent is killed. What was synced
 * survives a power cut; what was not may be cut off anywhere, with zeros or rubbish in its place.
 *
 * The names of files are taken to be durable: that is the file system's affair, not modelled here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "simulate.h"
#include "store/directory.h"
#include "store/seal.h"
#include "store/segment_format.h"

#define HEADER_BYTES 32000 /* more than any header has */

static struct disk *disk;

void disk_use(struct disk *to_use)
{
	disk = to_use;
}

void disk_done(struct disk *done)
{
	free(done->files);
	done->files = NULL;
	done->n_files = done->capacity = 0;
}

static struct disk_file *file_of(struct disk *of, uint64_t inode)
{
	for (size_t i = of->n_files; i-- > 0;)
		if (of->files[i].inode == inode)
			return &of->files[i];
	if (of->n_files == of->capacity) {
		of->capacity = of->capacity * 2 + 16;
		of->files = realloc(of->files, of->capacity * sizeof(*of->files));
		if (!of->files)
			abort();
	}
	of->files[of->n_files] = (struct disk_file){.inode = inode};
	return &of->files[of->n_files++];
}

/* The file as it is; one of length 0 is a new one, whatever its inode was before. */
static struct disk_file *look_at(int fd)
{
	struct stat st = {0};
	struct disk_file *file;

	if (fstat(fd, &st) < 0)
		abort();
	file = file_of(disk, st.st_ino);
	if (!st.st_size && file->size) {
		file->generation++;
		file->synced = 0;
	}
	file->size = (uint64_t)st.st_size;
	return file;
}

static int fails(void)
{
	static const int errors[] = {ENOSPC, EIO, EDQUOT, ENOSPC};

	if (disk->has_exited) {
		errno = EIO;
		return 1;
	}
	if (!chance_is(&disk->chance, disk->errors))
		return 0;
	errno = errors[chance_below(&disk->chance, 4)];
	return 1;
}

static ssize_t disk_write(int fd, const void *data, size_t len)
{
	struct disk_file *file = look_at(fd);
	ssize_t n;

	if (!disk->has_exited && chance_is(&disk->chance, disk->errors)) {
		errno = EINTR;
		return -1;
	}
	if (fails())
		return chance_is(&disk->chance, 50) && !disk->has_exited ? 0 : -1;
	if (chance_is(&disk->chance, disk->errors * 2))
		len = 1 + chance_below(&disk->chance, len);
	if (disk->dies_after_bytes >= 0 && (uint64_t)disk->dies_after_bytes < len) {
		disk->has_exited = 1;
		len = (size_t)disk->dies_after_bytes;
	}
	n = len ? write(fd, data, len) : 0;
	if (disk->is_rotten && !disk->is_sealing && n > 100 && file->size > 20000) {
		disk->is_rotten = 0;
		if (pwrite(fd, &(char){(char)(((const char *)data)[n / 2] ^ 4)}, 1, (off_t)file->size + n / 2) != 1)
			abort();
	}
	if (n < 0)
		abort();
	file->size += (uint64_t)n;
	if (disk->dies_after_bytes >= 0)
		disk->dies_after_bytes -= n;
	if (disk->has_exited && !n) {
		errno = EIO;
		return -1;
	}
	return n;
}

static int disk_truncate(int fd, off_t len)
{
	struct disk_file *file = look_at(fd);

	if (fails() || ftruncate(fd, len) < 0)
		return -1;
	file->size = (uint64_t)len;
	if (file->synced > file->size)
		file->synced = file->size;
	return 0;
}

static int disk_sync(int fd)
{
	struct disk_file *file = look_at(fd);

	if (fails())
		return -1;
	file->synced = file->size;
	return 0;
}

const struct file_calls disk_calls = {disk_write, disk_truncate, disk_sync};

/* The file that was written last: the last segment by name. */
void disk_locate(const struct disk *of, const char *dir, struct written *ret)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct segment_name *names = NULL;
	struct stat st = {0};
	size_t n = 0;

	if (fd < 0 || directory_list(fd, &names, &n) < 0 || !n || fstatat(fd, names[n - 1].text, &st, 0) < 0)
		abort();
	ret->inode = st.st_ino;
	ret->end = (uint64_t)st.st_size;
	ret->generation = 0;
	for (size_t i = 0; i < of->n_files; i++)
		if (of->files[i].inode == ret->inode)
			ret->generation = of->files[i].generation;
	free(names);
	close(fd);
}

/* A segment that was sealed since then has been copied to another file, and that was synced. */
int disk_is_kept(const struct disk *of, const struct written *written)
{
	for (size_t i = 0; i < of->n_files; i++)
		if (of->files[i].inode == written->inode && of->files[i].generation == written->generation)
			return written->end <= of->files[i].size;
	return 1;
}

static int tear(struct disk *of, int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC), r = 0;
	struct stat st;
	struct disk_file *file;
	uint64_t keep, rubbish;
	char bytes[64];

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	file = file_of(of, st.st_ino);
	file->size = (uint64_t)st.st_size;
	if (file->synced >= file->size)
		goto out;
	keep = file->synced + chance_below(&of->chance, file->size - file->synced + 1);
	rubbish = chance_is(&of->chance, 500) ? file->size - keep : 0;
	file->size = file->synced = keep;
	of->n_headless += keep < HEADER_BYTES;
	r = ftruncate(fd, (off_t)keep) < 0 ? -errno : 0;
	memset(bytes, 0, sizeof(bytes));
	for (uint64_t at = keep; rubbish && r == 0;) {
		size_t part = rubbish < sizeof(bytes) ? (size_t)rubbish : sizeof(bytes);

		/* Half of the time zeros, as file systems leave them that know the length and not the bytes. */
		if (keep & 1)
			for (size_t i = 0; i < part; i++)
				bytes[i] = (char)chance_next(&of->chance);
		r = pwrite(fd, bytes, part, (off_t)at) < 0 ? -errno : 0;
		at += part;
		rubbish -= part;
	}
out:
	close(fd);
	return r;
}

int disk_cut_power(struct disk *of, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = fd < 0 ? -errno : 0;
	struct segment_name *names = NULL;
	size_t n = 0;

	if (r == 0)
		r = directory_list(fd, &names, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = tear(of, fd, names[i].text);
	free(names);
	if (fd >= 0)
		close(fd);
	return r;
}

int disk_remove_all(const char *dir)
{
	static const char *const others[] = {LOCK_NAME, SEALING_NAME};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct segment_name *names = NULL;
	size_t n = 0;

	if (fd < 0)
		return -errno;
	if (directory_list(fd, &names, &n) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		unlinkat(fd, names[i].text, 0);
	for (size_t i = 0; i < 2; i++)
		unlinkat(fd, others[i], 0);
	free(names);
	close(fd);
	return 0;
}
