// SPDX-License-Identifier: BSD-2-Clause
/*
 * Limits and self-knowledge.
 */
#include "agent/host.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/limits.h"

/* Above every service, below what must never be killed (-1000). */
#define OOM_SCORE_ADJ "-900"

/* The inodes of the first namespaces (include/linux/proc_ns.h, enum ..._INIT_INO). */
static const struct {
	const char *path;
	ino_t inode;
	const char *loss;
} namespaces[] = {
	{"/proc/self/ns/pid", 0xeffffffc,
	 "in a pid namespace: of processes outside of it births and exits are seen, but not their lives: `procs` and "
	 "`roster` "
	 "lack them and the ledger does not balance; run it in the host's (--pid=host)"},
	{"/proc/self/ns/cgroup", 0xeffffffb,
	 "in a cgroup namespace: where what is mounted begins below the host's root, cgroups that were there before "
	 "the "
	 "agent "
	 "have ids and no paths, and `cgroups` is empty; run it in the host's (--cgroupns=host)"},
};

const char *host_namespace_loss(unsigned i)
{
	struct stat st;

	for (size_t k = 0; k < ARRAY_SIZE(namespaces); k++)
		if (stat(namespaces[k].path, &st) == 0 && st.st_ino != namespaces[k].inode && i-- == 0)
			return namespaces[k].loss;
	return NULL;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

void host_raise_limits(void)
{
	struct rlimit memlock = {RLIM_INFINITY, RLIM_INFINITY}, files, size;
	/* 20 - DRAIN_NICE: the drain may then be hurried without CAP_SYS_NICE */
	struct rlimit nice = {20 - DRAIN_NICE, 20 - DRAIN_NICE};
	int r;

	/* Before 5.11 BPF maps count against it; locking memory does without CAP_IPC_LOCK. Where it matters
	 * that it may not be raised, the call that needs it says so. */
	setrlimit(RLIMIT_MEMLOCK, &memlock);
	setrlimit(RLIMIT_NICE, &nice);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MIN) {
		files.rlim_cur = files.rlim_max < FILES_MIN ? files.rlim_max : FILES_MIN;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur < FILES_MIN)
			log_line("only %llu open files allowed, %u wanted: raise `ulimit -n` or LimitNOFILE=",
				 (unsigned long long)files.rlim_cur, FILES_MIN);
	}
	if (getrlimit(RLIMIT_FSIZE, &size) == 0 && size.rlim_cur != RLIM_INFINITY)
		log_line("files may have %llu bytes at most (`ulimit -f`, LimitFSIZE=): segments of the store are "
			 "smaller",
			 (unsigned long long)size.rlim_cur);
	r = write_file("/proc/self/oom_score_adj", OOM_SCORE_ADJ);
	if (r < 0)
		log_line("the OOM killer may choose the agent: oom_score_adj: %s; CAP_SYS_RESOURCE or OOMScoreAdjust= "
			 "would spare it",
			 strerror(-r));
}

int host_lock_memory(void)
{
	/* What loading the programs took (the kernel's types, several MB) need not be locked for ever. */
	malloc_trim(0);
	if (mlockall(MCL_CURRENT) == 0 && mlockall(MCL_FUTURE | MCL_ONFAULT) == 0)
		return 1;
	log_line("memory is not locked: %s; give CAP_IPC_LOCK or LimitMEMLOCK=infinity, or under memory pressure the "
		 "agent may be slow",
		 strerror(errno));
	return 0;
}

static void read_word(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, to, size - 1);

	if (fd >= 0)
		close(fd);
	to[n > 0 ? n : 0] = 0;
	to[strcspn(to, "\n")] = 0;
}

void host_describe(struct origin *ret)
{
	struct utsname name;

	memset(ret, 0, sizeof(*ret));
	uname(&name);
	snprintf(ret->host, sizeof(ret->host), "%s", name.nodename);
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", name.release);
	snprintf(ret->agent, sizeof(ret->agent), "%s", OBIT_VERSION);
	read_word("/proc/sys/kernel/random/boot_id", ret->boot_id, sizeof(ret->boot_id));
	ret->run_real_ns = clock_real_ns();
	ret->real_minus_boot_ns = clock_real_minus_boot_ns();
}

uint64_t host_own_cpu_ns(void)
{
	return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t host_own_rss_bytes(void)
{
	unsigned long long size, resident = 0;
	char text[128];

	read_word("/proc/self/statm", text, sizeof(text));
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
