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
	size_t len;

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
		const char *found = cgroups_path(cgroups, CGROUP_V2, 1000 + (uint64_t)i * 7919, &len);

		path_of_service(i, path, sizeof(path));
		assert_non_null(found);
		assert_int_equal(len, strlen(path));
		assert_memory_equal(found, path, len);
	}
	/* The newest of the crowd are there, as far as paths are kept. */
	assert_non_null(cgroups_path(cgroups, CGROUP_V2, 10000000 + CROWD - 1, &len));
	assert_int_equal(len, CGROUP_PATH_BYTES);
	assert_null(cgroups_path(cgroups, CGROUP_V2, 10000000, &len));
	cgroups_free(cgroups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_crowd_pushes_out_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
