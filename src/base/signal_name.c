// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of signals. An own list: glibc has sigabbrev_np() since 2.32 only, and no way back from a name.
 */
#include "base/signal_name.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define FIRST_RT 34 /* glibc keeps 32 and 33 to itself: what users know as RTMIN is 34 */
#define LAST	 64

static const char *const names[] = {
	"HUP",	"INT",	"QUIT", "ILL",	  "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1", "SEGV",
	"USR2", "PIPE", "ALRM", "TERM",	  "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN", "TTOU",
	"URG",	"XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

#define N_NAMES (ARRAY_SIZE(names))

_Static_assert(N_NAMES == 31 && SIGKILL == 9 && SIGSYS == 31, "the list follows the numbers of x86 and arm");

size_t signal_name(uint64_t number, char *ret)
{
	if (number >= 1 && number <= N_NAMES)
		return (size_t)snprintf(ret, SIGNAL_NAME_BYTES, "%s", names[number - 1]);
	if (number == FIRST_RT)
		return (size_t)snprintf(ret, SIGNAL_NAME_BYTES, "RTMIN");
	if (number > FIRST_RT && number <= LAST)
		return (size_t)snprintf(ret, SIGNAL_NAME_BYTES, "RTMIN+%u", (unsigned)number - FIRST_RT);
	return (size_t)snprintf(ret, SIGNAL_NAME_BYTES, "%llu", (unsigned long long)number);
}

/* One or two digits, all of `text`. */
static int small_number(const char *text, size_t len)
{
	int value = 0;

	if (len < 1 || len > 2)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

int signal_number(const char *name, size_t len)
{
	int number = small_number(name, len);

	if (number >= 1 && number <= LAST)
		return number;
	if (len > 3 && strncasecmp(name, "SIG", 3) == 0) {
		name += 3;
		len -= 3;
	}
	for (size_t i = 0; i < N_NAMES; i++)
		if (strlen(names[i]) == len && strncasecmp(name, names[i], len) == 0)
			return (int)i + 1;
	if (len < 5 || strncasecmp(name, "RTMIN", 5) != 0)
		return -EINVAL;
	if (len == 5)
		return FIRST_RT;
	number = name[5] == '+' ? small_number(name + 6, len - 6) : -EINVAL;
	return number >= 0 && FIRST_RT + number <= LAST ? FIRST_RT + number : -EINVAL;
}

const char *const *signal_names(size_t *ret_n)
{
	*ret_n = N_NAMES;
	return names;
}
