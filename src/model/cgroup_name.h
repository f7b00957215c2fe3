/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_MODEL_CGROUP_NAME_H
#define OBIT_MODEL_CGROUP_NAME_H

#include "base/text_view.h"

/* What is known of a cgroup by its id. */
struct cgroup_name {
	struct text_view path;	    /* at most CGROUP_PATH_BYTES */
	struct text_view container; /* the id or name of the container whose it is; a part of `path`, but on v1 */
	const char *runtime;	    /* whose way of naming cgroups that is; NULL: it could be of several */
};

#endif
