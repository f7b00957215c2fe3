// SPDX-License-Identifier: BSD-2-Clause
#include "sample/container_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

#define ID_LEN	       64
#define FILE_BYTES_MAX (4u << 20)
#define DEPTH_MAX      32 /* the parser goes down a call a level */

/* The annotations of each that say the same. */
static const char *const name_keys[] = {
	"io.kubernetes.cri.container-name",
	"io.kubernetes.container.name",
	"nerdctl/name",
	"com.amazonaws.ecs.container-name",
};
static const char *const pod_keys[] = {
	"io.kubernetes.cri.sandbox-name",
	"io.kubernetes.pod.name",
};
static const char *const namespace_keys[] = {
	"io.kubernetes.cri.sandbox-namespace",
	"io.kubernetes.pod.namespace",
};
static const char *const image_keys[] = {
	"io.kubernetes.cri.image-name",
	"io.kubernetes.cri-o.ImageName",
	"io.kubernetes.cri-o.Image",
};

void container_files_init(struct container_files *files, const char *root)
{
	snprintf(files->root, sizeof(files->root), "%s", root);
}

/* --- files ------------------------------------------------------------------------------------------------------ */
static bool is_shallow(const char *data, size_t len)
{
	int depth = 0;
	bool is_in_text = false;

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '"')
			is_in_text = !is_in_text;
		else if (is_in_text && data[i] == '\\')
			i++;
		else if (!is_in_text && (data[i] == '{' || data[i] == '['))
			depth++;
		else if (!is_in_text && (data[i] == '}' || data[i] == ']'))
			depth--;
		if (depth > DEPTH_MAX)
			return false;
	}
	return true;
}

/* The whole of a plain file; NULL: there is none. */
static char *read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *data = NULL;
	struct stat st;
	ssize_t n;

	*ret_len = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_BYTES_MAX)
		data = malloc((size_t)st.st_size);
	while (data && *ret_len < (size_t)st.st_size &&
	       (n = read(fd, data + *ret_len, (size_t)st.st_size - *ret_len)) > 0)
		*ret_len += (size_t)n;
	close(fd);
	return data;
}

static json_t *load(const struct container_files *files, const char *directory, const char *id, const char *name)
{
	char path[PATH_MAX];
	json_t *json = NULL;
	char *data;
	size_t len;

	if (snprintf(path, sizeof(path), "%s%s%s%s", files->root, directory, id, name) >= (int)sizeof(path))
		return NULL;
	data = read_file(path, &len);
	if (data && is_shallow(data, len))
		json = json_loadb(data, len, 0, NULL);
	free(data);
	return json;
}

/* --- what is in them -------------------------------------------------------------------------------------------- */
static void set(struct container_files *files, struct text_view *fact, unsigned place, const json_t *text)
{
	size_t len = json_string_length(text);

	/* An empty name is none. */
	if (!json_is_string(text) || !len || fact->data)
		return;
	len = len > CONTAINER_FACT_MAX ? CONTAINER_FACT_MAX : len;
	*fact = (struct text_view){memcpy(files->texts[place], json_string_value(text), len), len};
}

static void set_first(struct container_files *files, struct text_view *fact, unsigned place, const json_t *map,
		      const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		set(files, fact, place, json_object_get(map, keys[i]));
}

static void set_from_map(struct container_files *files, struct container_facts *facts, const json_t *map)
{
	set_first(files, &facts->name, 0, map, name_keys, ARRAY_SIZE(name_keys));
	set_first(files, &facts->pod, 1, map, pod_keys, ARRAY_SIZE(pod_keys));
	set_first(files, &facts->namespace, 2, map, namespace_keys, ARRAY_SIZE(namespace_keys));
	set_first(files, &facts->image, 3, map, image_keys, ARRAY_SIZE(image_keys));
}

static struct text_view text_of(const char *constant)
{
	return (struct text_view){constant, strlen(constant)};
}

static void learnt(struct container_facts *facts, const char *runtime, const char *source)
{
	facts->runtime = text_of(runtime);
	facts->source = text_of(source);
}

static bool find_docker(struct container_files *files, const char *id, struct container_facts *facts)
{
	json_t *json = load(files, "/var/lib/docker/containers/", id, "/config.v2.json");
	const json_t *config = json_object_get(json, "Config");

	if (!json)
		return false;
	learnt(facts, "docker", "docker: config.v2.json");
	/* Of a pod's container Docker's name is made of all these. */
	set_from_map(files, facts, json_object_get(config, "Labels"));
	set(files, &facts->image, 3, json_object_get(config, "Image"));
	set(files, &facts->name, 0, json_object_get(json, "Name"));
	if (facts->name.data && facts->name.len > 1 && *facts->name.data == '/') {
		facts->name.data++;
		facts->name.len--;
	}
	json_decref(json);
	return true;
}

#define CONTAINERD_TASKS "/run/containerd/io.containerd.runtime.v2.task/"

static bool find_containerd(struct container_files *files, const char *id, struct container_facts *facts)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	json_t *json = NULL;
	DIR *tasks;

	snprintf(path, sizeof(path), "%s" CONTAINERD_TASKS, files->root);
	tasks = opendir(path);
	while (tasks && !json && (entry = readdir(tasks))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), CONTAINERD_TASKS "%s/", entry->d_name);
		json = load(files, path, id, "/config.json");
	}
	if (tasks)
		closedir(tasks);
	if (!json)
		return false;
	learnt(facts, "containerd", "containerd: config.json");
	set_from_map(files, facts, json_object_get(json, "annotations"));
	json_decref(json);
	return true;
}

/* Of podman's containers the name is in a list of all: in `metadata`, which is JSON in a text. */
static void find_in_list(struct container_files *files, const char *id, struct container_facts *facts)
{
	json_t *list = load(files, "/var/lib/containers/storage/overlay-containers/", "containers", ".json"), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *is = json_string_value(json_object_get(entry, "id"));
		const char *text = json_string_value(json_object_get(entry, "metadata"));
		json_t *metadata;

		if (!is || strcmp(is, id) != 0)
			continue;
		set(files, &facts->name, 0, json_array_get(json_object_get(entry, "names"), 0));
		metadata = text && is_shallow(text, strlen(text)) ? json_loads(text, 0, NULL) : NULL;
		set(files, &facts->image, 3, json_object_get(metadata, "image-name"));
		json_decref(metadata);
	}
	json_decref(list);
}

static bool find_in_storage(struct container_files *files, const char *id, struct container_facts *facts)
{
	static const char *const directories[] = {"/run/containers/storage/overlay-containers/",
						  "/var/lib/containers/storage/overlay-containers/"};
	const json_t *annotations;
	const char *manager;
	json_t *json = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(directories) && !json; i++)
		json = load(files, directories[i], id, "/userdata/config.json");
	if (!json)
		return false;
	annotations = json_object_get(json, "annotations");
	manager = json_string_value(json_object_get(annotations, "io.container.manager"));
	if (manager && strcmp(manager, "libpod") == 0)
		learnt(facts, "podman", "podman: containers.json");
	else
		learnt(facts, "cri-o", "cri-o: config.json");
	set_from_map(files, facts, annotations);
	if (!facts->name.data || !facts->image.data)
		find_in_list(files, id, facts);
	json_decref(json);
	return true;
}

static bool has_files(const struct text_view *id)
{
	if (id->len != ID_LEN)
		return false;
	for (size_t i = 0; i < id->len; i++)
		if (!strchr("0123456789abcdef", id->data[i]) || !id->data[i])
			return false;
	return true;
}

struct container_facts container_files_find(struct container_files *files, const struct cgroup_name *of)
{
	struct container_facts facts = {0};
	char id[ID_LEN + 1];

	if (of->runtime)
		facts.runtime = text_of(of->runtime);
	facts.source = text_of("cgroup");
	if (!has_files(&of->container)) {
		facts.name = of->container;
		return facts;
	}
	memcpy(id, of->container.data, ID_LEN);
	id[ID_LEN] = '\0';
	if (!find_docker(files, id, &facts) && !find_containerd(files, id, &facts))
		find_in_storage(files, id, &facts);
	return facts;
}
