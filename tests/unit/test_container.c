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
	const char *runtime;   /* NULL: several */
} shapes[] = {
	{"/docker/" H1, H1, "docker"},
	{"/system.slice/docker-" H1 ".scope", H1, "docker"},
	{"/kubepods.slice/kubepods-podb4f3.slice/crio-" H1 ".scope", H1, "cri-o"},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podb4f3.slice/cri-containerd-" H1 ".scope", H1,
	 "containerd"},
	{"/kubepods/besteffort/pod1111/" H1, H1, NULL},
	{"/kubepods-burstable-podb4f3.slice:cri-containerd:" H1, H1, "containerd"},
	{"/machine.slice/libpod-" H1 ".scope/container", H1, "podman"},
	{"/ecs/" T "/" H1, H1, NULL},
	{"/ecs/" T "/" T "-1234567890", T "-1234567890", "ecs"},
	{"/lxc/web", "web", "lxc"},
	{"/lxc.payload.web/init.scope", "web", "lxc"},
	{"/lxc.payload/web/system.slice/cron.service", "web", "lxc"},
	{"/machine.slice/systemd-nspawn@deb.service/payload", "deb", "systemd-nspawn"},
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "qemu\\x2d1\\x2dvm", "machined"},
	{"/mesos/0f3b-11", "0f3b-11", "mesos"},
	{"/garden/4a6b", "4a6b", "garden"},
	{"/slurm/uid_1000/job_42/step_0/task_0", "job_42", "slurm"},
	{"/slurm_node1/uid_0/job_7/step_batch", "job_7", "slurm"},
	{"/system.slice/slurmstepd.scope/job_43/step_0/user/task_0", "job_43", "slurm"},
	{"/system.slice/n1_slurmstepd.scope/job_44/step_extern", "job_44", "slurm"},
	{"/system.slice/job_43", NULL, NULL},
	{"/slurm/uid_1000/job_x", NULL, NULL},
	/* The innermost. */
	{"/docker-" H1 ".scope/kubelet.slice/cri-containerd-" H2 ".scope", H2, "containerd"},
	{"/lxc/outer/docker/" H1, H1, "docker"},
	{"/docker/" H1 "/lxc/inner", "inner", "lxc"},
	/* Not in it. */
	{"/machine.slice/libpod-conmon-" H1 ".scope", NULL, NULL},
	{"/kubepods.slice/crio-conmon-" H1 ".scope", NULL, NULL},
	{"/lxc.monitor.web", NULL, NULL},
	/* None. */
	{"/", NULL, NULL},
	{"", NULL, NULL},
	{"/system.slice/cron.service", NULL, NULL},
	{"/system.slice/run-rdeadbeef.scope", NULL, NULL},
	{"/" H1 "0", NULL, NULL},
	{"/" T "-", NULL, NULL},
	{"/" T "-12x", NULL, NULL},
	{"/machine-.scope", NULL, NULL},
};

static void test_innermost_container_of_each_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct path_container of = container_of_path(shapes[i].path, strlen(shapes[i].path));
		const char *id = of.id;
		size_t len = of.id_len;

		if (!shapes[i].id != !id || (id && (len != strlen(shapes[i].id) || memcmp(id, shapes[i].id, len) != 0)))
			fail_msg("%s: %.*s, not %s", shapes[i].path, (int)len, id ? id : "",
				 shapes[i].id ? shapes[i].id : "none");
		if (!of.runtime != !shapes[i].runtime || (of.runtime && strcmp(of.runtime, shapes[i].runtime) != 0))
			fail_msg("%s: of %s, not %s", shapes[i].path, of.runtime ? of.runtime : "nobody",
				 shapes[i].runtime ? shapes[i].runtime : "nobody");
	}
}

static void test_every_cut_of_a_path_is_read_within_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (size_t cut = 0; cut <= strlen(shapes[i].path); cut++) {
			struct path_container of = container_of_path(shapes[i].path, cut);

			assert_true(!of.id || (of.id >= shapes[i].path && of.id + of.id_len <= shapes[i].path + cut));
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
