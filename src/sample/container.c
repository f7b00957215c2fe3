// SPDX-License-Identifier: BSD-2-Clause
/*
 * A path is looked through from its end, a component at a time: the first that names a container is the innermost.
 */
#define _GNU_SOURCE /* memmem */
#include "sample/container.h"

#include <stdbool.h>
#include <string.h>

#include "base/array.h"

#define ID_LEN	 64
#define TASK_LEN 32

struct part {
	const char *data;
	size_t len;
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool equals(struct part part, const char *text)
{
	return part.len == strlen(text) && memcmp(part.data, text, part.len) == 0;
}

static bool has_prefix(struct part part, const char *prefix)
{
	return part.len > strlen(prefix) && memcmp(part.data, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(struct part part, const char *suffix)
{
	size_t len = strlen(suffix);

	return part.len > len && memcmp(part.data + part.len - len, suffix, len) == 0;
}

static struct part without(struct part part, size_t from_front, size_t from_end)
{
	return (struct part){part.data + from_front, part.len - from_front - from_end};
}

/* A run of exactly so many hexadecimal digits, the last one in it. */
static struct part hex_run(struct part part, size_t len)
{
	size_t run = 0;

	for (size_t i = part.len; i-- > 0;) {
		run = is_hex(part.data[i]) ? run + 1 : 0;
		if (run == len && (i == 0 || !is_hex(part.data[i - 1])))
			return (struct part){part.data + i, len};
	}
	return (struct part){NULL, 0};
}

/* TASK-N */
static bool is_fargate(struct part part)
{
	if (part.len < TASK_LEN + 2 || part.data[TASK_LEN] != '-')
		return false;
	for (size_t i = 0; i < TASK_LEN; i++)
		if (!is_hex(part.data[i]))
			return false;
	for (size_t i = TASK_LEN + 1; i < part.len; i++)
		if (!is_digit(part.data[i]))
			return false;
	return true;
}

/* The name, where the component or the one above it says whose names these are. */
static struct part named(struct part part, struct part above, const char **ret_runtime)
{
	static const struct {
		const char *above, *prefix, *suffix, *runtime;
	} shapes[] = {
		{"lxc", "", "", "lxc"},
		{"lxc.payload", "", "", "lxc"},
		{NULL, "lxc.payload.", "", "lxc"},
		{NULL, "systemd-nspawn@", ".service", "systemd-nspawn"},
		{NULL, "machine-", ".scope", "machined"},
		{"mesos", "", "", "mesos"},
		{"garden", "", "", "garden"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		size_t ends = strlen(shapes[i].prefix) + strlen(shapes[i].suffix);

		if (shapes[i].above && !equals(above, shapes[i].above))
			continue;
		if (part.len <= ends || (*shapes[i].prefix && !has_prefix(part, shapes[i].prefix)) ||
		    (*shapes[i].suffix && !has_suffix(part, shapes[i].suffix)))
			continue;
		*ret_runtime = shapes[i].runtime;
		return without(part, strlen(shapes[i].prefix), strlen(shapes[i].suffix));
	}
	return (struct part){NULL, 0};
}

/* job_N, below what Slurm makes for its steps (slurmstepd.scope, NODE_slurmstepd.scope) or for a user (uid_N). */
static bool is_slurm_job(struct part part, struct part above)
{
	if (!has_prefix(part, "job_") || !(equals(above, "slurmstepd.scope") || equals(above, "slurm") ||
					   has_suffix(above, "_slurmstepd.scope") || has_prefix(above, "uid_")))
		return false;
	for (size_t i = strlen("job_"); i < part.len; i++)
		if (!is_digit(part.data[i]))
			return false;
	return true;
}

/* Whose way it is to write an id of 64 digits so. */
static const char *runtime_of_id(struct part part, struct part above)
{
	if (has_prefix(part, "docker-") || equals(above, "docker"))
		return "docker";
	if (has_prefix(part, "crio-"))
		return "cri-o";
	if (has_prefix(part, "libpod-") || equals(above, "libpod_parent"))
		return "podman";
	return memmem(part.data, part.len, "cri-containerd", strlen("cri-containerd")) ? "containerd" : NULL;
}

static bool is_monitor(struct part part)
{
	return has_prefix(part, "crio-conmon-") || has_prefix(part, "libpod-conmon-") ||
	       has_prefix(part, "lxc.monitor");
}

/* The last component of the path's first *len bytes, which end before it after that. */
static struct part take_last(const char *path, size_t *len)
{
	size_t begin;
	struct part part;

	while (*len && path[*len - 1] == '/')
		--*len;
	for (begin = *len; begin && path[begin - 1] != '/';)
		begin--;
	part = (struct part){path + begin, *len - begin};
	*len = begin;
	return part;
}

struct path_container container_of_path(const char *path, size_t len)
{
	struct part part, above = take_last(path, &len);
	const char *runtime = NULL;

	while (above.len) {
		struct part found;

		part = above;
		above = take_last(path, &len);
		if (is_monitor(part))
			break;
		found = hex_run(part, ID_LEN);
		if (found.data) {
			runtime = runtime_of_id(part, above);
		} else if (is_fargate(part)) {
			found = part;
			runtime = "ecs";
		} else if (is_slurm_job(part, above)) {
			found = part;
			runtime = "slurm";
		} else {
			found = named(part, above, &runtime);
		}
		if (found.data)
			return (struct path_container){found.data, found.len, runtime};
	}
	return (struct path_container){NULL, 0, NULL};
}
