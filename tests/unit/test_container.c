// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whose container a cgroup's path is of, by the names that runtimes give (each shape as its runtime's sources or users
 * have it).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "sample/container.h"

#define H1 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define T  "0123456789abcdef0123456789abcdef"

static const struct {
	const char *path, *id; /* NULL: none */
} shapes[] = {
	{"/docker/" H1, H1},
	{"/system.slice/docker-" H1 ".scope", H1},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podb4f3.slice/cri-containerd-" H1 ".scope", H1},
	{"/kubepods/besteffort/pod1111/" H1, H1},
	{"/kubepods-burstable-podb4f3.slice:cri-containerd:" H1, H1},
	{"/machine.slice/libpod-" H1 ".scope/container", H1},
	{"/ecs/" T "/" H1, H1},
	{"/ecs/" T "/" T "-1234567890", T "-1234567890"},
	{"/lxc/web", "web"},
	{"/lxc.payload.web/init.scope", "web"},
	{"/lxc.payload/web/system.slice/cron.service", "web"},
	{"/machine.slice/systemd-nspawn@deb.service/payload", "deb"},
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "qemu\\x2d1\\x2dvm"},
	{"/mesos/0f3b-11", "0f3b-11"},
	{"/garden/4a6b", "4a6b"},
	/* The innermost. */
	{"/docker-" H1 ".scope/kubelet.slice/cri-containerd-" H2 ".scope", H2},
	{"/lxc/outer/docker/" H1, H1},
	{"/docker/" H1 "/lxc/inner", "inner"},
	/* Not in it. */
	{"/machine.slice/libpod-conmon-" H1 ".scope", NULL},
	{"/kubepods.slice/crio-conmon-" H1 ".scope", NULL},
	{"/lxc.monitor.web", NULL},
	/* None. */
	{"/", NULL},
	{"", NULL},
	{"/system.slice/cron.service", NULL},
	{"/system.slice/run-rdeadbeef.scope", NULL},
	{"/" H1 "0", NULL},
	{"/" T "-", NULL},
	{"/" T "-12x", NULL},
	{"/machine-.scope", NULL},
};

static void test_innermost_container_of_each_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		size_t len = 0;
		const char *id = container_of_path(shapes[i].path, strlen(shapes[i].path), &len);

		if (!shapes[i].id != !id || (id && (len != strlen(shapes[i].id) || memcmp(id, shapes[i].id, len) != 0)))
			fail_msg("%s: %.*s, not %s", shapes[i].path, (int)len, id ? id : "",
				 shapes[i].id ? shapes[i].id : "none");
	}
}

static void test_every_cut_of_a_path_is_read_within_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (size_t cut = 0; cut <= strlen(shapes[i].path); cut++) {
			size_t len = 0;
			const char *id = container_of_path(shapes[i].path, cut, &len);

			assert_true(!id || (id >= shapes[i].path && id + len <= shapes[i].path + cut));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_innermost_container_of_each_shape),
		cmocka_unit_test(test_every_cut_of_a_path_is_read_within_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
