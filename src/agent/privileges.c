// SPDX-License-Identifier: BSD-2-Clause
/*
 * Capabilities by capget(2) and capset(2) themselves: libcap would be a dependency for two calls.
 *
 * Kept while it records:
 *   CAP_BPF               maps are read and iterators made by bpf(2), which Debian closes to all others
 *   CAP_DAC_READ_SEARCH   cgroups and processes of others
 *   CAP_CHOWN             each new segment is given to the group; where the agent is of that group, not needed
 *   CAP_IPC_LOCK          only where RLIMIT_MEMLOCK could not be raised: memory yet to come is locked too
 *   CAP_DAC_OVERRIDE      only where the store's directory is another user's
 */
#include "agent/privileges.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

/* Linux 5.8; Debian 12's libc knows them, older headers do not. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

#define BIT(cap) (UINT64_C(1) << (cap))

static const struct {
	unsigned cap;
	struct privilege privilege;
} used[] = {
	{CAP_BPF, {"CAP_BPF", "the programs cannot be loaded", 1, 1}},
	{CAP_PERFMON, {"CAP_PERFMON", "the programs may not read the kernel, nor the rings be opened", 1, 0}},
	{CAP_SYS_RESOURCE,
	 {"CAP_SYS_RESOURCE", "limits stay as they are, and the OOM killer may choose the agent", 0, 0}},
	{CAP_IPC_LOCK, {"CAP_IPC_LOCK", "memory is locked only as far as RLIMIT_MEMLOCK allows", 0, 0}},
	{CAP_DAC_READ_SEARCH, {"CAP_DAC_READ_SEARCH", "what others may not read is not seen: cgroups, /proc", 0, 1}},
};

static int read_caps(struct __user_cap_header_struct *head, uint64_t *ret_effective)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	*head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
	if (syscall(SYS_capget, head, data) < 0)
		return -errno;
	*ret_effective = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}

int privileges_missing(size_t i, struct privilege *ret)
{
	struct __user_cap_header_struct head;
	uint64_t effective = 0;

	if (read_caps(&head, &effective) < 0)
		return 0;
	/* It stands for these two, as it did before they were made of it. */
	if (effective & BIT(CAP_SYS_ADMIN))
		effective |= BIT(CAP_BPF) | BIT(CAP_PERFMON);
	for (size_t k = 0; k < ARRAY_SIZE(used); k++)
		if (!(effective & BIT(used[k].cap)) && i-- == 0) {
			*ret = used[k].privilege;
			return 1;
		}
	return 0;
}

static uint64_t caps_to_keep(uint64_t effective, const char *store_dir)
{
	uint64_t keep = BIT(CAP_BPF) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN);
	struct rlimit memlock;
	struct stat st;

	if (getrlimit(RLIMIT_MEMLOCK, &memlock) < 0 || memlock.rlim_cur != RLIM_INFINITY)
		keep |= BIT(CAP_IPC_LOCK);
	if (stat(store_dir, &st) < 0 || st.st_uid != geteuid())
		keep |= BIT(CAP_DAC_OVERRIDE);
	if (!(effective & BIT(CAP_BPF)))
		keep |= BIT(CAP_SYS_ADMIN);
	return keep & effective;
}

/* Calls that recording never makes, refused with EPERM. */
static const int refused[] = {
	SYS_execve,	  SYS_execveat,	     SYS_ptrace,	SYS_process_vm_readv, SYS_process_vm_writev,
	SYS_init_module,  SYS_finit_module,  SYS_delete_module, SYS_kexec_load,	      SYS_kexec_file_load,
	SYS_reboot,	  SYS_mount,	     SYS_umount2,	SYS_pivot_root,	      SYS_chroot,
	SYS_unshare,	  SYS_setns,	     SYS_keyctl,	SYS_add_key,	      SYS_request_key,
	SYS_swapon,	  SYS_swapoff,	     SYS_acct,		SYS_quotactl,	      SYS_sethostname,
	SYS_settimeofday, SYS_clock_settime, SYS_userfaultfd,	SYS_personality,
};

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

static int refuse_calls(void)
{
#ifdef NATIVE_ARCH
	enum { N = ARRAY_SIZE(refused) };
	struct sock_filter code[4 + 2 * N + 1] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	for (size_t i = 0; i < N; i++) {
		code[4 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refused[i], 0, 1);
		code[5 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	code[4 + 2 * N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
#endif
	return 0;
}

int privileges_drop(const char *store_dir)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_header_struct head;
	uint64_t keep, effective = 0;
	int r = read_caps(&head, &effective);

	if (r < 0)
		return r;
	keep = caps_to_keep(effective, store_dir);
	data[0].effective = data[0].permitted = (uint32_t)keep;
	data[1].effective = data[1].permitted = (uint32_t)(keep >> 32);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	r = refuse_calls();
	if (syscall(SYS_capset, &head, data) < 0)
		return -errno;
	return r;
}
