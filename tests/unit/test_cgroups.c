// SPDX-License-Identifier: BSD-2-Clause
/*
 * Paths of cgroups by id, when there are more than there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <linux/types.h>

#include "bpf/event.h"
#include "sample/cgroups.h"
#include "model/limits.h"

#define SERVICES 200
#define CROWD	 50000

static const char *path_of_service(int i, char *path, size_t size)
{
	snprintf(path, size, "/system.slice/service-%d.service", i);
	return path;
}

/* Somebody makes thousands of groups with the longest of paths in a tree of his own. */
static void test_a_crowd_pushes_out_its_own(void **state)
{
	struct cgroups *cgroups = cgroups_new();
	char path[CGROUP_PATH_BYTES + 100];

	(void)state;
	assert_non_null(cgroups);
	for (int i = 0; i < SERVICES; i++) {
		path_of_service(i, path, sizeof(path));
		cgroups_add(cgroups, CGROUP_V2, 1000 + (uint64_t)i * 7919, path, strlen(path));
	}
	for (int i = 0; i < CROWD; i++) {
		int n = snprintf(path, sizeof(path), "/user.slice/user-1000.slice/%d/", i);

		memset(path + n, 'x', sizeof(path) - (size_t)n);
		cgroups_add(cgroups, CGROUP_V2, 10000000 + (uint64_t)i, path, sizeof(path));
	}
	for (int i = 0; i < SERVICES; i++) {
		struct cgroup_name name = cgroups_name(cgroups, CGROUP_V2, 1000 + (uint64_t)i * 7919);

		path_of_service(i, path, sizeof(path));
		assert_int_equal(name.path.len, strlen(path));
		assert_memory_equal(name.path.data, path, name.path.len);
		assert_null(name.container.data);
	}
	/* The newest of the crowd are there, as far as paths are kept. */
	assert_int_equal(cgroups_name(cgroups, CGROUP_V2, 10000000 + CROWD - 1).path.len, CGROUP_PATH_BYTES);
	assert_null(cgroups_name(cgroups, CGROUP_V2, 10000000).path.data);
	cgroups_free(cgroups);
}

static void test_the_container_is_a_part_of_the_path(void **state)
{
	static const char path[] = "/lxc/web";
	struct cgroups *cgroups = cgroups_new();
	struct cgroup_name name;

	(void)state;
	cgroups_add(cgroups, CGROUP_V1_PIDS, 7, path, strlen(path));
	name = cgroups_name(cgroups, CGROUP_V1_PIDS, 7);
	assert_int_equal(name.container.len, 3);
	assert_memory_equal(name.container.data, "web", 3);
	assert_null(cgroups_name(cgroups, CGROUP_V1_MEMORY, 7).path.data);
	cgroups_free(cgroups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_crowd_pushes_out_its_own),
		cmocka_unit_test(test_the_container_is_a_part_of_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
