// SPDX-License-Identifier: BSD-2-Clause
/*
 * Network interfaces. One is known by its index, which the file does not have: that is asked for by the name, right
 * after it was read. So one that was renamed goes on where it was, and one made anew under the name of another begins
 * anew. A driver may reset its counters, and some have 32 bits.
 */
#include "sample/sample_nics.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "model/limits.h"

struct nic {
	char name[IF_NAMESIZE]; /* "": free */
	unsigned index;		/* 0: unknown */
	bool is_new;		/* no counters of it have been taken */
	uint64_t seen;		/* pass it was last seen in */
	struct readings before;
};

struct sample_nics {
	struct proc_buffer *buffer; /* not owned */
	struct proc_file file;
	int socket_fd; /* to ask for indexes by */
	struct nic nics[SAMPLED_NICS];
	uint32_t next; /* where the next line's interface was last time */
	uint64_t pass;
	bool is_full_said;
	struct nic_line line; /* one at a time */
};

_Static_assert((unsigned)N_NICS_FIELDS <= READINGS_MAX, "a reading for each field");

struct sample_nics *sample_nics_new(struct proc_buffer *buffer, const char *net_dev)
{
	struct sample_nics *sampler = calloc(1, sizeof(*sampler));

	if (!sampler)
		return NULL;
	sampler->buffer = buffer;
	/* Any kind of socket answers (dev_ioctl()). Without one names must do. */
	sampler->socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sampler->file = (struct proc_file)PROC_FILE(net_dev, "table `nics`");
	return sampler;
}

void sample_nics_free(struct sample_nics *sampler)
{
	if (!sampler)
		return;
	proc_file_close(&sampler->file);
	if (sampler->socket_fd >= 0)
		close(sampler->socket_fd);
	free(sampler);
}

/* "  eth0: bytes packets errs drop fifo frame compressed multicast  bytes packets errs drop ..." */
int nic_read_line(struct proc_text line, struct nic_line *ret)
{
	static const uint32_t columns[] = {
		NICS_rx_bytes, NICS_rx_packets, NICS_rx_errors, NICS_rx_drops, 0, 0, 0, 0,
		NICS_tx_bytes, NICS_tx_packets, NICS_tx_errors, NICS_tx_drops,
	};
	const char *colon;
	uint64_t value;

	if (line.at == line.end)
		return -EBADMSG;
	colon = memchr(line.at, ':', (size_t)(line.end - line.at)); /* no name has one: dev_valid_name() */
	if (!colon)
		return -EBADMSG;
	ret->readings.known = 0;
	ret->name = (struct proc_text){line.at, colon};
	while (ret->name.at < colon && *ret->name.at == ' ')
		ret->name.at++;
	if (ret->name.at == colon)
		return -EBADMSG;
	line.at = colon + 1;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (!proc_take_number(&line, &value))
			return -EBADMSG;
		if (columns[i])
			readings_set(&ret->readings, columns[i], value);
	}
	return 0;
}

/* 0: there is none of this name (any more). */
static unsigned index_of(const struct sample_nics *sampler, const struct proc_text *name)
{
	size_t len = (size_t)(name->end - name->at);
	struct ifreq request = {0};

	if (len >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name->at, len);
	return ioctl(sampler->socket_fd, SIOCGIFINDEX, &request) < 0 ? 0 : (unsigned)request.ifr_ifindex;
}

/* The one with the index; without one (0), of the name. */
static struct nic *find(struct sample_nics *sampler, const struct nic_line *line, unsigned index)
{
	for (uint32_t i = 0; i < SAMPLED_NICS; i++) {
		uint32_t at = (sampler->next + i) % SAMPLED_NICS;
		struct nic *nic = &sampler->nics[at];

		if (*nic->name && (index ? nic->index == index : proc_is(&line->name, nic->name))) {
			sampler->next = (at + 1) % SAMPLED_NICS;
			return nic;
		}
	}
	return NULL;
}

static void set_name(struct nic *nic, const struct nic_line *line)
{
	size_t len = (size_t)(line->name.end - line->name.at);

	memcpy(nic->name, line->name.at, len);
	nic->name[len] = 0;
}

static struct nic *add(struct sample_nics *sampler, const struct nic_line *line, unsigned index)
{
	size_t len = (size_t)(line->name.end - line->name.at);

	for (uint32_t i = 0; i < SAMPLED_NICS && len < IF_NAMESIZE; i++) {
		struct nic *nic = &sampler->nics[i];

		if (*nic->name)
			continue;
		*nic = (struct nic){.index = index, .is_new = 1, .before.known = UINT64_MAX};
		set_name(nic, line);
		return nic;
	}
	if (len < IF_NAMESIZE && !sampler->is_full_said) {
		log_line("more than %d network interfaces: the others are not in `nics`", SAMPLED_NICS);
		sampler->is_full_said = 1;
	}
	return NULL;
}

/*
 * The interface of the line, and in *ret_is_sure whether its counters are the line's: of a name that has gone from one
 * interface to another since the last time, nobody knows whether it did so before the line was read or after.
 */
static struct nic *nic_of(struct sample_nics *sampler, const struct nic_line *line, int *ret_is_sure)
{
	unsigned index = index_of(sampler, &line->name);
	struct nic *nic = find(sampler, line, index), *namesake = index ? find(sampler, line, 0) : NULL;

	*ret_is_sure = !namesake || namesake->index == index || namesake->index == 0;
	if (nic && !proc_is(&line->name, nic->name)) {
		*ret_is_sure = 0;
		set_name(nic, line);
	}
	if (!nic && namesake && !namesake->index) {
		nic = namesake;
		nic->index = index;
	}
	return nic ? nic : add(sampler, line, index);
}

/* 0 or -ENOSPC. */
static int take_line(struct sample_nics *sampler, uint64_t time_ns, struct block *rows)
{
	const struct delta_rule rule = {.table = rows->table, .resets = NICS_resets, .restarts = 1};
	const struct readings *now = &sampler->line.readings;
	int is_sure, row;
	struct nic *nic = nic_of(sampler, &sampler->line, &is_sure);

	if (!nic)
		return -ENOSPC;
	nic->seen = sampler->pass;
	/* Next time it is, with all that it has counted since. */
	if (!is_sure)
		return 0;
	if (sampler->pass > 1 && readings_moved(&rule, now, &nic->before)) {
		row = block_add_row(rows);
		/* Without room it is reported next time: its readings stay those of before. */
		if (row < 0)
			return row;
		block_set_number(rows, (uint32_t)row, NICS_time, time_ns);
		block_set_text(rows, (uint32_t)row, NICS_nic, nic->name, strlen(nic->name));
		delta_write(&rule, now, &nic->before, rows, (uint32_t)row);
		block_set_number(rows, (uint32_t)row, NICS_appeared, (uint64_t)nic->is_new);
	}
	nic->before = *now;
	nic->is_new = 0;
	return 0;
}

int sample_nics_take(struct sample_nics *sampler, uint64_t time_ns, struct block *rows)
{
	struct proc_text text, line;
	int r = proc_file_read(&sampler->file, sampler->buffer, &text), result = r;

	if (r < 0 && r != -EFBIG)
		return r;
	sampler->pass++;
	sampler->next = 0;
	while (proc_take_line(&text, &line)) {
		if (nic_read_line(line, &sampler->line) < 0)
			continue;
		r = take_line(sampler, time_ns, rows);
		if (r < 0 && result == 0)
			result = r;
	}
	/* Those that are gone; when the text's end is missing, nobody knows. */
	for (uint32_t i = 0; i < SAMPLED_NICS && result != -EFBIG; i++)
		if (*sampler->nics[i].name && sampler->nics[i].seen != sampler->pass)
			*sampler->nics[i].name = 0;
	return result;
}
