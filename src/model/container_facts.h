/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_MODEL_CONTAINER_FACTS_H
#define OBIT_MODEL_CONTAINER_FACTS_H

#include "base/text_view.h"

#define CONTAINER_FACT_MAX 512 /* bytes of each */

/* What is known of a container beside its id; a text without data is not known. */
struct container_facts {
	struct text_view runtime, name, pod, namespace, image;
	struct text_view source; /* how this was learnt */
};

#endif
