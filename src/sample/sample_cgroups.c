// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of cgroups, walked from its root so that the cost follows activity: the readings of a group include
 * those of the groups below it, and so, where a file of a group has not moved, it is not read of any below.
 *
 *   gates    cpu.stat, io.stat, memory and I/O pressure: each read where it moved in the parent, or the parent
 *            has none
 *   details  CPU pressure, memory and pids: read where a gate moved
 *
 * A detail that moves while no gate does (all tasks waiting for a CPU all the time) is reported when one does.
 *
 * New groups are looked for in those that moved, when the count of their directories (st_nlink) is another,
 * or one of those known there is gone: a group without a trace in its parent has nothing to say. The id of
 * a group is its inode, so that another of the same name is another.
 *
 * When there are more than SAMPLED_CGROUPS, places are shared out: of two children of a group, the one that has
 * more places below it gives one up to the other. Whoever makes thousands of groups takes none from those who have few.
 */
#define _GNU_SOURCE
#include "sample/sample_cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "model/limits.h"
#include "sample/container.h"

#define ROOT	    0
#define NONE	    UINT32_MAX
#define NAME_BYTES  (NAME_MAX + 1)
#define RETRY_EVERY 16	/* passes: files that were not there, which a controller may bring */
#define DEPTH_MAX   32	/* what is deeper shows in the group above alone: to open a file the kernel goes all the way */
#define REFUSED_MAX 512 /* in a pass, for which places are looked for */

enum file {
	CPU_STAT,
	IO_STAT,
	MEMORY_PRESSURE,
	IO_PRESSURE,
	N_GATES,
	CPU_PRESSURE = N_GATES,
	MEMORY_EVENTS,
	MEMORY_STAT,
	MEMORY_CURRENT,
	MEMORY_PEAK,
	PIDS_CURRENT,
	PIDS_MAX,
	N_FILES,
};

#define ALL_GATES ((1u << N_GATES) - 1)

static const char *const file_names[N_FILES] = {
	[CPU_STAT] = "cpu.stat",	 [IO_STAT] = "io.stat",
	[CPU_PRESSURE] = "cpu.pressure", [MEMORY_PRESSURE] = "memory.pressure",
	[IO_PRESSURE] = "io.pressure",	 [MEMORY_EVENTS] = "memory.events",
	[MEMORY_STAT] = "memory.stat",	 [MEMORY_CURRENT] = "memory.current",
	[MEMORY_PEAK] = "memory.peak",	 [PIDS_CURRENT] = "pids.current",
	[PIDS_MAX] = "pids.max",
};

#define BIT READING_BIT
/* Readings of each gate. */
static const uint64_t gate_readings[N_GATES] = {
	[CPU_STAT] = BIT(CGROUPS_cpu_ns) | BIT(CGROUPS_user_ns) | BIT(CGROUPS_system_ns) | BIT(CGROUPS_periods) |
		     BIT(CGROUPS_throttled) | BIT(CGROUPS_throttled_ns),
	[IO_STAT] = BIT(CGROUPS_reads) | BIT(CGROUPS_read_bytes) | BIT(CGROUPS_writes) | BIT(CGROUPS_write_bytes),
	[MEMORY_PRESSURE] = BIT(CGROUPS_memory_some_ns) | BIT(CGROUPS_memory_full_ns),
	[IO_PRESSURE] = BIT(CGROUPS_io_some_ns) | BIT(CGROUPS_io_full_ns),
};

_Static_assert((unsigned)N_CGROUPS_FIELDS <= READINGS_MAX, "a reading for each field");

struct group {
	uint64_t id;
	uint32_t first_child, next_sibling; /* NONE: no more; next_sibling also links what is free */
	uint32_t parent;		    /* NONE: the root */
	uint32_t n_below;		    /* groups known below it */
	int fds[N_FILES];		    /* -1: not open */
	uint32_t absent;		    /* bits: files that are not there */
	uint64_t retried;		    /* pass in which they were looked for again */
	nlink_t links;			    /* of its directory, when its children were listed */
	uint64_t listed, visited;	    /* passes in which it was found in its parent, and looked at */
	bool is_new;			    /* found after the first pass, not reported yet */
	struct readings before;
	char name[NAME_BYTES]; /* "" for the root */
};

struct sample_cgroups {
	struct proc_buffer *buffer; /* not owned */
	int mount_fd;
	int mount_error;
	struct group groups[SAMPLED_CGROUPS];
	uint32_t free, n_open;
	uint32_t refused[REFUSED_MAX], n_refused; /* parents of groups that found no place in this pass */
	uint32_t depth;				  /* of the group that is visited */
	uint32_t max_open;			  /* files */
	uint64_t pass;
	int looks_at_all; /* in this pass nothing is skipped */
	bool is_behind;	  /* a row found no room: the next pass must look at all */
	int error;	  /* 0 or -errno: the first of this pass */
	bool is_full;	  /* for ever: those that find no place may have counted long when they do */
	struct block *rows;
	uint64_t time_ns;
	struct readings now; /* of one group at a time */
	char path[PATH_MAX]; /* from the mount point, "" or "/a/b" */
	size_t path_len;
};

static void say_missing(struct sample_cgroups *sampler, const char *mount)
{
	static const char *const wanted[] = {"cpu", "io", "memory", "pids"};
	char missing[64] = "", text[512];
	int fd = openat(sampler->mount_fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : proc_read_fd(fd, text, sizeof(text));
	size_t used = 0;

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct proc_text all = proc_text(text, len > 0 ? (size_t)len : 0), line, word;
		int is_there = 0;

		if (proc_take_line(&all, &line))
			while (proc_take_word(&line, &word))
				is_there |= proc_is(&word, wanted[i]);
		if (!is_there)
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? ", " : "",
						 wanted[i]);
	}
	if (used)
		log_line("cgroup v2 at %s is without controllers (%s): `cgroups` has what is there", mount, missing);
}

static uint32_t new_group(struct sample_cgroups *sampler)
{
	uint32_t at = sampler->free;
	struct group *group;

	if (at == NONE) {
		if (!sampler->is_full)
			log_line("more than %d cgroups: `cgroups` has a fair share of each branch", SAMPLED_CGROUPS);
		sampler->is_full = 1;
		return NONE;
	}
	group = &sampler->groups[at];
	sampler->free = group->next_sibling;
	memset(group, 0, offsetof(struct group, name) + 1);
	for (int i = 0; i < N_FILES; i++)
		group->fds[i] = -1;
	group->first_child = group->next_sibling = group->parent = NONE;
	return at;
}

struct sample_cgroups *sample_cgroups_new(struct proc_buffer *buffer, const char *mount)
{
	struct sample_cgroups *sampler = calloc(1, sizeof(*sampler));
	struct rlimit files;
	struct stat st;

	if (!sampler)
		return NULL;
	sampler->buffer = buffer;
	/* Half of the files that the agent may open are the walk's, the store's and its readers'. */
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		files.rlim_cur = 0;
	sampler->max_open = files.rlim_cur / 2 < CGROUP_FILES ? (uint32_t)files.rlim_cur / 2 : CGROUP_FILES;
	sampler->mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sampler->mount_error = sampler->mount_fd < 0 ? -errno : 0;
	for (uint32_t i = 0; i < SAMPLED_CGROUPS; i++)
		sampler->groups[i].next_sibling = i + 1 < SAMPLED_CGROUPS ? i + 1 : NONE;
	new_group(sampler);
	if (sampler->mount_error < 0) {
		log_line("no cgroup v2 hierarchy (%s): `cgroups` stays empty", strerror(-sampler->mount_error));
		return sampler;
	}
	if (fstat(sampler->mount_fd, &st) == 0)
		sampler->groups[ROOT].id = st.st_ino;
	say_missing(sampler, mount);
	return sampler;
}

static void close_file(struct sample_cgroups *sampler, struct group *group, int file)
{
	if (group->fds[file] < 0)
		return;
	close(group->fds[file]);
	group->fds[file] = -1;
	sampler->n_open--;
}

static void drop_all(struct sample_cgroups *sampler, uint32_t at)
{
	struct group *group = &sampler->groups[at];

	while (group->first_child != NONE) {
		uint32_t child = group->first_child;

		group->first_child = sampler->groups[child].next_sibling;
		drop_all(sampler, child);
	}
	for (int i = 0; i < N_FILES; i++)
		close_file(sampler, group, i);
	group->id = 0;
	group->next_sibling = sampler->free;
	sampler->free = at;
}

/* Forgets a group that is in no list any more, and all below it. */
static void drop(struct sample_cgroups *sampler, uint32_t at)
{
	uint32_t n = sampler->groups[at].n_below + 1;

	for (uint32_t above = sampler->groups[at].parent; above != NONE; above = sampler->groups[above].parent)
		sampler->groups[above].n_below -= n;
	drop_all(sampler, at);
}

/* The child of `above` with most groups in its branch; NONE: it has no child. */
static uint32_t heaviest(const struct sample_cgroups *sampler, uint32_t above)
{
	uint32_t most = NONE;

	for (uint32_t at = sampler->groups[above].first_child; at != NONE; at = sampler->groups[at].next_sibling)
		if (most == NONE || sampler->groups[at].n_below > sampler->groups[most].n_below)
			most = at;
	return most;
}

/* The child of `above` in whose branch a new child of `parent` would be; NONE: that is a new one of its own. */
static uint32_t branch_of(const struct sample_cgroups *sampler, uint32_t parent, uint32_t above)
{
	uint32_t branch = NONE;

	for (uint32_t at = parent; at != above; at = sampler->groups[at].parent)
		branch = at;
	return branch;
}

static void unlink_child(struct sample_cgroups *sampler, uint32_t at)
{
	uint32_t *link = &sampler->groups[sampler->groups[at].parent].first_child;

	while (*link != at)
		link = &sampler->groups[*link].next_sibling;
	*link = sampler->groups[at].next_sibling;
}

/* Takes a place from a branch that has more than the one which a new child of `parent` belongs to. */
static void make_place(struct sample_cgroups *sampler, uint32_t parent)
{
	uint32_t above = ROOT, most, own = NONE;

	while ((most = heaviest(sampler, above)) != NONE && most == (own = branch_of(sampler, parent, above)))
		above = most;
	if (most == NONE ||
	    sampler->groups[most].n_below + 1 <= (own == NONE ? 0 : sampler->groups[own].n_below + 1) + 1)
		return;
	for (above = most; sampler->groups[above].first_child != NONE;)
		above = heaviest(sampler, above);
	unlink_child(sampler, above);
	drop(sampler, above);
	/* It is listed anew when it moves. */
	sampler->groups[parent].links = 0;
}

/* Not while groups are visited: their lists change. */
static void share_places(struct sample_cgroups *sampler)
{
	for (uint32_t i = 0; i < sampler->n_refused; i++)
		if (sampler->refused[i] == ROOT || sampler->groups[sampler->refused[i]].id)
			make_place(sampler, sampler->refused[i]);
	sampler->n_refused = 0;
}

void sample_cgroups_free(struct sample_cgroups *sampler)
{
	if (!sampler)
		return;
	drop(sampler, ROOT);
	if (sampler->mount_fd >= 0)
		close(sampler->mount_fd);
	free(sampler);
}

/* The group's directory, or a file in it, from the mount point. The path has room for a name behind it. */
static const char *path_of(struct sample_cgroups *sampler, const char *file)
{
	if (!*file)
		return sampler->path_len ? sampler->path + 1 : ".";
	sampler->path[sampler->path_len] = '/';
	strcpy(sampler->path + sampler->path_len + 1, file);
	return sampler->path + 1;
}

static int open_file(struct sample_cgroups *sampler, const char *file)
{
	int fd = openat(sampler->mount_fd, path_of(sampler, file), O_RDONLY | O_CLOEXEC), error = errno;

	sampler->path[sampler->path_len] = 0;
	return fd < 0 ? -error : fd;
}

static int give_up(struct sample_cgroups *sampler, struct group *group, int file, int error)
{
	if (proc_is_absence(error))
		group->absent |= 1u << file;
	else if (error != -ENODEV && !sampler->error)
		sampler->error = error;
	return error;
}

/* 0; -ENOENT: there is no such file; -ENODEV: the group is gone. */
static int read_file(struct sample_cgroups *sampler, struct group *group, int file, struct proc_text *ret)
{
	ssize_t n;

	if (group->absent & 1u << file)
		return -ENOENT;
	if (group->fds[file] < 0) {
		int fd = open_file(sampler, file_names[file]);

		if (fd < 0) {
			/* Every group has a cpu.stat: without it, there is no group. */
			if (file == CPU_STAT && fd == -ENOENT)
				return -ENODEV;
			return give_up(sampler, group, file, fd);
		}
		group->fds[file] = fd;
		sampler->n_open++;
	}
	/* One read gives such a file whole: kernfs makes its text at once. */
	n = pread(group->fds[file], sampler->buffer->data, sampler->buffer->size, 0);
	n = n < 0 ? -errno : n;
	/* Half of the room is for the file that is read most. */
	if (n < 0 || sampler->n_open > (file == CPU_STAT ? sampler->max_open : sampler->max_open / 2))
		close_file(sampler, group, file);
	if (n < 0)
		return give_up(sampler, group, file, (int)n);
	*ret = proc_text(sampler->buffer->data, (size_t)n);
	return 0;
}

static int read_readings(struct sample_cgroups *sampler, struct group *group, int file)
{
	struct readings *now = &sampler->now;
	struct proc_text text;
	int r = read_file(sampler, group, file, &text);

	if (r < 0)
		return r;
	switch (file) {
	case CPU_STAT:
		cgroup_read_cpu_stat(text, now);
		break;
	case IO_STAT:
		cgroup_read_io_stat(text, now);
		break;
	case CPU_PRESSURE:
		readings_read_pressure(text, CGROUPS_cpu_some_ns, CGROUPS_cpu_full_ns, now);
		break;
	case MEMORY_PRESSURE:
		readings_read_pressure(text, CGROUPS_memory_some_ns, CGROUPS_memory_full_ns, now);
		break;
	case IO_PRESSURE:
		readings_read_pressure(text, CGROUPS_io_some_ns, CGROUPS_io_full_ns, now);
		break;
	case MEMORY_EVENTS:
		cgroup_read_memory_events(text, now);
		break;
	case MEMORY_STAT:
		cgroup_read_memory_stat(text, now);
		break;
	case MEMORY_CURRENT:
		cgroup_read_number(text, CGROUPS_memory_bytes, now);
		break;
	case MEMORY_PEAK:
		cgroup_read_number(text, CGROUPS_memory_peak_bytes, now);
		break;
	case PIDS_CURRENT:
		cgroup_read_number(text, CGROUPS_pids, now);
		break;
	case PIDS_MAX:
		cgroup_read_number(text, CGROUPS_pids_max, now);
		break;
	}
	return 0;
}

/* Has one of these readings another value, or one at last? */
static bool has_moved(const struct readings *now, const struct readings *before, uint64_t readings)
{
	if ((now->known & ~before->known) & readings)
		return 1;
	for (uint64_t left = now->known & before->known & readings; left; left &= left - 1) {
		int i = __builtin_ctzll(left);

		if (now->values[i] != before->values[i])
			return 1;
	}
	return 0;
}

/*
 * Reads the gates among `wanted`; the others stand as before. *ret_below: those to be read of the groups
 * below. 1: something moved; 0; -ENODEV: the group is gone.
 */
static int read_gates(struct sample_cgroups *sampler, struct group *group, unsigned wanted, unsigned *ret_below)
{
	struct readings *now = &sampler->now;
	unsigned moved = 0, unreadable = 0;

	/* What a group has is found out when it comes up. */
	if (group->is_new)
		wanted = ALL_GATES;
	*now = group->before;
	now->known = 0;
	for (int i = 0; i < N_GATES; i++) {
		if (wanted & 1u << i) {
			int r = read_readings(sampler, group, i);

			if (r == -ENODEV)
				return r;
			unreadable |= (unsigned)(r < 0) << i;
			moved |= (unsigned)has_moved(now, &group->before, gate_readings[i]) << i;
		} else {
			now->known |= group->before.known & gate_readings[i];
		}
	}
	*ret_below = sampler->looks_at_all ? ALL_GATES : moved | unreadable;
	return moved != 0;
}

static int set_container(const struct sample_cgroups *sampler, struct block *rows, uint32_t row)
{
	struct path_container of = container_of_path(sampler->path, sampler->path_len);

	return of.id ? block_set_text(rows, row, CGROUPS_container_id, of.id, of.id_len) : 0;
}

/* 0, or -ENOSPC. */
static int add_row(struct sample_cgroups *sampler, struct group *group)
{
	const struct delta_rule rule = {.table = sampler->rows->table, .resets = CGROUPS_resets};
	struct block *rows = sampler->rows;
	int row = block_add_row(rows), r;

	if (row < 0)
		return row;
	r = set_container(sampler, rows, (uint32_t)row);
	if (r == 0)
		r = block_set_text(rows, (uint32_t)row, CGROUPS_cgroup, sampler->path_len ? sampler->path : "/",
				   sampler->path_len ? sampler->path_len : 1);
	if (r < 0) {
		rows->rows--;
		return r;
	}
	block_set_number(rows, (uint32_t)row, CGROUPS_time, sampler->time_ns);
	block_set_number(rows, (uint32_t)row, CGROUPS_cgroup_id, group->id);
	block_set_number(rows, (uint32_t)row, CGROUPS_appeared, (uint64_t)group->is_new);
	delta_write(&rule, &sampler->now, &group->before, rows, (uint32_t)row);
	return 0;
}

static void add_child(struct sample_cgroups *sampler, struct group *parent, uint64_t id, const char *name)
{
	static const struct readings zero = {.known = UINT64_MAX};
	struct group *group;
	uint32_t at;

	for (at = parent->first_child; at != NONE; at = sampler->groups[at].next_sibling)
		if (sampler->groups[at].id == id) {
			sampler->groups[at].listed = sampler->pass;
			return;
		}
	at = new_group(sampler);
	if (at == NONE) {
		if (sampler->n_refused < REFUSED_MAX)
			sampler->refused[sampler->n_refused++] = (uint32_t)(parent - sampler->groups);
		return;
	}
	group = &sampler->groups[at];
	group->id = id;
	group->parent = (uint32_t)(parent - sampler->groups);
	for (uint32_t above = group->parent; above != NONE; above = sampler->groups[above].parent)
		sampler->groups[above].n_below++;
	group->listed = sampler->pass;
	group->is_new = sampler->pass > 1 && !sampler->is_full;
	if (group->is_new)
		group->before = zero;
	snprintf(group->name, sizeof(group->name), "%s", name);
	group->next_sibling = parent->first_child;
	parent->first_child = at;
}

/* Lists the directory: new children come to the front, those that are gone are forgotten. */
static void list_children(struct sample_cgroups *sampler, struct group *parent)
{
	int fd = open_file(sampler, "");
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = getdents64(fd, sampler->buffer->data, sampler->buffer->size)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(sampler->buffer->data + at);

			if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0)
				add_child(sampler, parent, entry->d_ino, entry->d_name);
			at += entry->d_reclen;
		}
	close(fd);
	for (uint32_t *link = &parent->first_child; *link != NONE && n == 0;) {
		uint32_t at = *link;

		if (sampler->groups[at].listed == sampler->pass) {
			link = &sampler->groups[at].next_sibling;
			continue;
		}
		*link = sampler->groups[at].next_sibling;
		drop(sampler, at);
	}
}

static int visit(struct sample_cgroups *sampler, uint32_t at, unsigned wanted);

/* Visits the children that were not in this pass. 1: one of them is gone. */
static int visit_each(struct sample_cgroups *sampler, struct group *parent, unsigned wanted)
{
	size_t path_len = sampler->path_len;
	int is_stale = 0;

	for (uint32_t *link = &parent->first_child; *link != NONE;) {
		uint32_t at = *link;
		struct group *child = &sampler->groups[at];
		size_t len = strlen(child->name);

		/* Room for a file's name behind it; what is deeper than that shows in the group above alone. */
		if (child->visited == sampler->pass || path_len + 1 + len + NAME_BYTES + 1 > sizeof(sampler->path)) {
			link = &child->next_sibling;
			continue;
		}
		child->visited = sampler->pass;
		path_of(sampler, child->name);
		sampler->path_len = path_len + 1 + len;
		sampler->depth++;
		if (visit(sampler, at, wanted) == -ENODEV) {
			*link = child->next_sibling;
			drop(sampler, at);
			is_stale = 1;
		} else {
			link = &child->next_sibling;
		}
		sampler->depth--;
		sampler->path_len = path_len;
		sampler->path[path_len] = 0;
	}
	return is_stale;
}

static void visit_children(struct sample_cgroups *sampler, struct group *parent, unsigned wanted)
{
	struct stat st;

	if (sampler->depth == DEPTH_MAX)
		return;
	if (fstatat(sampler->mount_fd, path_of(sampler, ""), &st, 0) == 0 && st.st_nlink != parent->links) {
		parent->links = st.st_nlink;
		list_children(sampler, parent);
	}
	if (!visit_each(sampler, parent, wanted))
		return;
	/* In the place of the one that is gone there may be another. */
	list_children(sampler, parent);
	visit_each(sampler, parent, wanted);
}

/* 0, or -ENODEV: it is gone. */
static int visit(struct sample_cgroups *sampler, uint32_t at, unsigned wanted)
{
	struct group *group = &sampler->groups[at];
	unsigned below;
	int moved;

	moved = read_gates(sampler, group, wanted, &below);
	if (moved < 0)
		return moved;
	if (!moved && !sampler->looks_at_all)
		return 0;
	if (sampler->pass >= group->retried + RETRY_EVERY) {
		group->retried = sampler->pass;
		group->absent = 0;
	}
	for (int i = N_GATES; i < N_FILES; i++)
		if (read_readings(sampler, group, i) == -ENODEV)
			return -ENODEV;
	if (!moved || sampler->pass == 1 || !group->before.known || add_row(sampler, group) == 0) {
		group->before = sampler->now;
		group->is_new = 0;
	} else {
		sampler->is_behind = 1;
	}
	visit_children(sampler, group, below);
	return 0;
}

int sample_cgroups_take(struct sample_cgroups *sampler, uint64_t time_ns, struct block *rows)
{
	int r;

	if (sampler->mount_error < 0)
		return sampler->mount_error;
	sampler->rows = rows;
	sampler->time_ns = time_ns;
	sampler->pass++;
	sampler->looks_at_all = sampler->is_behind || sampler->pass == 1;
	sampler->is_behind = 0;
	sampler->error = 0;
	r = visit(sampler, ROOT, ALL_GATES);
	share_places(sampler);
	return r < 0 ? r : sampler->error;
}
