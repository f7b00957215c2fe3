// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/written_names.h"

#include <stdbool.h>
#include <string.h>

#include "base/fnv.h"
#include "ledger/rows.h"

enum { SLOTS = 2 * NAMES_WRITTEN };
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of two");

void written_names_forget(struct written_names *names)
{
	memset(names, 0, sizeof(*names));
}

/* Of an id, or a hash, of a kind: never 0. */
static uint64_t key_of(enum chunk_block kind, uint64_t id)
{
	return id << 8 | (uint64_t)kind;
}

static uint64_t *slot_for(struct written_names *names, uint64_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (SLOTS - 1);

	while (names->keys[i] && names->keys[i] != key)
		i = (i + 1) & (SLOTS - 1);
	return &names->keys[i];
}

/* Is it to be written now, where there is room? Then it counts as written. */
static bool is_new(struct written_names *names, uint64_t key, const struct block *rows, uint32_t text_bytes)
{
	uint64_t *slot, *last = &names->last[key & 0xff];

	if (*last == key)
		return false;
	slot = slot_for(names, key);
	if (*slot)
		*last = key;
	if (*slot || !block_has_room(rows, text_bytes))
		return false;
	if (names->n == NAMES_WRITTEN) {
		written_names_forget(names);
		slot = slot_for(names, key);
	}
	*slot = key;
	*last = key;
	names->n++;
	return true;
}

/* What a table of accounts is made of. */
struct accounts {
	enum chunk_block which;
	uint32_t time, id, name; /* fields */
};

static void write_account(struct written_names *names, const struct accounts *of, struct chunk *chunk, uint64_t time_ns,
			  uint32_t id, struct text_view (*find)(void *ctx, uint32_t id), void *ctx)
{
	struct block *rows = chunk->blocks[of->which];
	struct text_view name;
	uint32_t row;

	if (!is_new(names, key_of(of->which, id), rows, NAME_ROW_TEXT_MAX))
		return;
	name = find(ctx, id);
	if (!name.data || name.len > ACCOUNT_NAME_MAX)
		return;
	row = row_new(rows);
	block_set_number(rows, row, of->time, time_ns);
	block_set_number(rows, row, of->id, id);
	row_set_text(rows, row, of->name, name);
}

void write_user(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		uint32_t uid)
{
	static const struct accounts users = {CHUNK_USERS, USERS_time, USERS_uid, USERS_name};

	write_account(names, &users, chunk, time_ns, uid, ports->user, ports->ctx);
}

void write_group(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		 uint32_t gid)
{
	static const struct accounts groups = {CHUNK_GROUPS, GROUPS_time, GROUPS_gid, GROUPS_name};

	write_account(names, &groups, chunk, time_ns, gid, ports->group, ports->ctx);
}

static void set_fact(struct block *rows, uint32_t row, uint32_t field, struct text_view fact)
{
	if (fact.len > CONTAINER_FACT_MAX)
		fact.len = CONTAINER_FACT_MAX;
	row_set_text(rows, row, field, fact);
}

/* Without its hash. */
static bool is_last_id(struct written_names *names, struct text_view id)
{
	if (names->last_id_len == id.len && memcmp(names->last_id, id.data, id.len) == 0 &&
	    names->last[CHUNK_CONTAINERS])
		return true;
	names->last_id_len = id.len <= sizeof(names->last_id) ? id.len : 0;
	memcpy(names->last_id, id.data, names->last_id_len);
	names->last[CHUNK_CONTAINERS] = 0;
	return false;
}

void write_container(struct written_names *names, const struct name_ports *ports, struct chunk *chunk, uint64_t time_ns,
		     const struct cgroup_name *of)
{
	struct block *containers = chunk->blocks[CHUNK_CONTAINERS];
	struct container_facts facts;
	uint32_t row;

	if (!of->container.data || is_last_id(names, of->container) ||
	    !is_new(names, key_of(CHUNK_CONTAINERS, fnv_hash(of->container.data, of->container.len)), containers,
		    CONTAINER_ROW_TEXT_MAX))
		return;
	row = row_new(containers);
	block_set_number(containers, row, CONTAINERS_time, time_ns);
	row_set_text(containers, row, CONTAINERS_container_id, of->container);
	facts = ports->container(ports->ctx, of);
	set_fact(containers, row, CONTAINERS_runtime, facts.runtime);
	set_fact(containers, row, CONTAINERS_name, facts.name);
	set_fact(containers, row, CONTAINERS_pod, facts.pod);
	set_fact(containers, row, CONTAINERS_namespace, facts.namespace);
	set_fact(containers, row, CONTAINERS_image, facts.image);
	set_fact(containers, row, CONTAINERS_source, facts.source);
}
