// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names from files: of users, of groups, and of each runtime's containers. The trees are as the runtimes write them,
 * cut to what is looked at and what stands beside it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "sample/account_names.h"
#include "sample/container_files.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[] = "/tmp/obit-names-XXXXXX";

static void write_file(const char *name, const char *data, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void remove_tree(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a path of this test */
}

static int set_up(void **state)
{
	(void)state;
	memcpy(strrchr(root, '-') + 1, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	remove_tree();
	return 0;
}

static void assert_text(struct text_view is, const char *should_be)
{
	if (!should_be) {
		assert_null(is.data);
		return;
	}
	assert_non_null(is.data);
	if (is.len != strlen(should_be) || memcmp(is.data, should_be, is.len) != 0)
		fail_msg("\"%.*s\", not \"%s\"", (int)is.len, is.data, should_be);
}

static void test_names_of_users_and_groups(void **state)
{
	static struct account_names names;
	char line[6000], path[PATH_MAX];

	(void)state;
	account_names_init(&names, root);
	assert_text(account_names_user(&names, 0), NULL); /* no file */
	memset(line, 'x', sizeof(line));
	memcpy(line, "long:", 5);
	memcpy(line + 4090, ":7:x:77:", 8);
	snprintf(line + 4200, sizeof(line) - 4200,
		 "\nroot:x:0:0::/root:/bin/sh\n+nis\n:x:5:5:\nbad:x:-1:\nalice:x:1000:100:"
		 ":/home/alice:/bin/sh\nsecond:x:1000:100:::\nlast:x:4294967294:1::/:");
	write_text("/etc/passwd", line);
	write_text("/etc/group", "root:x:0:\nusers:x:100:alice,bob\nwheel:x:x:\n");
	assert_text(account_names_user(&names, 0), "root");
	assert_text(account_names_user(&names, 1000), "alice");
	assert_text(account_names_user(&names, 4294967294u), "last");
	assert_text(account_names_user(&names, 5), NULL);
	assert_text(account_names_user(&names, 7), NULL);
	assert_text(account_names_user(&names, 77), NULL);
	assert_text(account_names_user(&names, 4294967295u), NULL);
	assert_text(account_names_group(&names, 100), "users");
	assert_text(account_names_group(&names, 1000), NULL);

	snprintf(path, sizeof(path), "%s/run/systemd/dynamic-uid/x", root);
	write_text("/run/systemd/dynamic-uid/x", "");
	snprintf(path, sizeof(path), "%s/run/systemd/dynamic-uid/direct:64000", root);
	assert_int_equal(symlink("mydaemon", path), 0);
	assert_text(account_names_user(&names, 64000), "mydaemon");
}

static struct container_facts find(const char *id, const char *runtime)
{
	static struct container_files files;
	struct cgroup_name of = {.container = {id, strlen(id)}, .runtime = runtime};

	container_files_init(&files, root);
	return container_files_find(&files, &of);
}

struct wanted {
	const char *runtime, *name, *pod, *namespace, *image, *source;
};

static void assert_facts(struct container_facts is, const struct wanted *wanted)
{
	assert_text(is.runtime, wanted->runtime);
	assert_text(is.name, wanted->name);
	assert_text(is.pod, wanted->pod);
	assert_text(is.namespace, wanted->namespace);
	assert_text(is.image, wanted->image);
	assert_text(is.source, wanted->source);
}

static const struct {
	const char *file, *text;
	struct wanted wanted;
} trees[] = {
	{"/var/lib/docker/containers/" ID "/config.v2.json",
	 "{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Pid\":813},\"ID\":\"" ID
	 "\",\"Config\":{\"Hostname\":\"01\","
	 "\"Image\":\"nginx:1.27\",\"Labels\":{\"maintainer\":\"NGINX\"}},\"Name\":\"/web\",\"Driver\":\"overlay2\"}",
	 {"docker", "web", NULL, NULL, "nginx:1.27", "docker: config.v2.json"}},
	{"/var/lib/docker/containers/" ID "/config.v2.json",
	 "{\"Config\":{\"Image\":\"sha256:77\",\"Labels\":{\"io.kubernetes.container.name\":\"api\","
	 "\"io.kubernetes.pod.name\":\"api-0\",\"io.kubernetes.pod.namespace\":\"prod\"}},"
	 "\"Name\":\"/k8s_api_api-0_prod_1_0\"}",
	 {"docker", "api", "api-0", "prod", "sha256:77", "docker: config.v2.json"}},
	{"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
	 "{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"sh\"]},\"annotations\":{\"io.kubernetes.cri.container-"
	 "name\":"
	 "\"api\",\"io.kubernetes.cri.container-type\":\"container\",\"io.kubernetes.cri.image-name\":\"reg/api:2\","
	 "\"io.kubernetes.cri.sandbox-name\":\"api-7d\",\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}",
	 {"containerd", "api", "api-7d", "prod", "reg/api:2", "containerd: config.json"}},
	{"/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
	 "{\"annotations\":{\"io.container.manager\":\"cri-o\",\"io.kubernetes.container.name\":\"db\","
	 "\"io.kubernetes.pod.name\":\"db-0\",\"io.kubernetes.pod.namespace\":\"prod\","
	 "\"io.kubernetes.cri-o.ImageName\":\"quay.io/pg:15\",\"io.kubernetes.cri-o.Name\":\"k8s_db\"}}",
	 {"cri-o", "db", "db-0", "prod", "quay.io/pg:15", "cri-o: config.json"}},
	{"/var/lib/containers/storage/overlay-containers/" ID "/userdata/config.json",
	 "{\"annotations\":{\"io.container.manager\":\"libpod\"}}",
	 {"podman", NULL, NULL, NULL, NULL, "podman: containers.json"}},
};

static void test_what_each_runtime_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		write_text(trees[i].file, trees[i].text);
		assert_facts(find(ID, NULL), &trees[i].wanted);
		remove_tree();
		assert_int_equal(mkdir(root, 0700), 0);
	}
}

static void test_the_name_of_a_container_of_podman(void **state)
{
	static const struct wanted wanted = {
		"podman", "web", NULL, NULL, "docker.io/library/nginx:latest", "podman: containers.json"};

	(void)state;
	write_text("/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
		   "{\"annotations\":{\"io.container.manager\":\"libpod\",\"org.opencontainers.image.stopSignal\":"
		   "\"15\"}}");
	write_text("/var/lib/containers/storage/overlay-containers/containers.json",
		   "[{\"id\":\"77\",\"names\":[\"other\"]},{\"id\":\"" ID "\",\"names\":[\"web\"],\"image\":\"4f\","
		   "\"metadata\":\"{\\\"image-name\\\":\\\"docker.io/library/"
		   "nginx:latest\\\",\\\"name\\\":\\\"web\\\"}\"}]");
	assert_facts(find(ID, "podman"), &wanted);
}

static void test_what_only_the_cgroup_says(void **state)
{
	static const struct wanted job = {"slurm", "job_42", NULL, NULL, NULL, "cgroup"};
	static const struct wanted unknown = {"docker", NULL, NULL, NULL, NULL, "cgroup"};

	(void)state;
	assert_facts(find("job_42", "slurm"), &job);
	assert_facts(find(ID, "docker"), &unknown);
	/* What looks like a path is not one. */
	write_text("/var/lib/docker/config.v2.json", "{\"Name\":\"/not\"}");
	assert_text(find("../", "lxc").name, "../");
}

static void test_files_that_are_not_what_they_should_be(void **state)
{
	static const char file[] = "/var/lib/docker/containers/" ID "/config.v2.json";
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{\"Name\":7,\"Config\":{\"Image\":[]}}",
		"{\"Name\":\"\",\"Config\":3}",
		"{\"Name\":\"/\\ud800\"}",
	};
	static char deep[200000], wide[5 << 20];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_text(file, texts[i]);
		assert_text(find(ID, "docker").name, NULL);
	}
	memset(deep, '[', sizeof(deep));
	write_file(file, deep, sizeof(deep));
	assert_text(find(ID, "docker").name, NULL);
	memset(wide, ' ', sizeof(wide));
	memcpy(wide, "{\"Name\":\"/web\"}", 15);
	write_file(file, wide, sizeof(wide));
	assert_text(find(ID, "docker").name, NULL);
	write_file(file, wide, 4096);
	assert_text(find(ID, "docker").name, "web");
	/* A name of any length, and with a zero in it. */
	memset(wide + 9, 'n', 3000);
	memcpy(wide + 3009, "\"}", 2);
	write_file(file, wide, 3011);
	assert_int_equal(find(ID, "docker").name.len, CONTAINER_FACT_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_of_users_and_groups),
		TEST(test_what_each_runtime_writes),
		TEST(test_the_name_of_a_container_of_podman),
		TEST(test_what_only_the_cgroup_says),
		TEST(test_files_that_are_not_what_they_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
