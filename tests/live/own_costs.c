// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a process did itself: bytes are counted once, where they were written; its program's own peak; its identity.
 *
 * usage: own_costs OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "agent_run.h"

static const char *obit;
static char store[512];

#define WRITTEN (4u << 20)

static pid_t writers[4]; /* [0] wrote, the others waited for it; in shared memory */
static pid_t *reported, threaded, large, small;
static unsigned long long start_ticks;

static void write_much(unsigned bytes)
{
	static char page[65536];
	int fd = memfd_create("causes", 0);

	for (unsigned i = 0; i < bytes / sizeof(page); i++)
		if (write(fd, page, sizeof(page)) < 0)
			_exit(9);
	close(fd);
}

/* The innermost writes, each of the others waits for the next. */
static void nest(void)
{
	for (int depth = 3; depth > 0; depth--) {
		pid_t pid = fork();

		if (pid) {
			reported[depth] = getpid();
			waitpid(pid, NULL, 0);
			_exit(0);
		}
	}
	reported[0] = getpid();
	write_much(WRITTEN);
	_exit(0);
}

static void *write_in_thread(void *unused)
{
	write_much(WRITTEN / 4);
	return unused;
}

static void write_in_threads(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_in_thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static unsigned long long ticks_of(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], line[1024] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file && fgets(line, sizeof(line), file))
		sscanf(strrchr(line, ')') + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks);
	if (file)
		fclose(file);
	return ticks;
}

static void live_own_costs(void)
{
	static char big[96u << 20];

	reported = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork() == 0)
		nest();
	wait(NULL);
	memcpy(writers, reported, sizeof(writers));
	threaded = fork();
	if (threaded == 0)
		write_in_threads();
	waitpid(threaded, NULL, 0);
	large = fork();
	if (large == 0) {
		pid_t pid;

		memset(big, 1, sizeof(big));
		pid = fork();
		if (pid == 0) {
			char *args[] = {(char *)"/bin/true", NULL}, *none[] = {NULL};

			usleep(50000);
			execve(args[0], args, none);
			_exit(9);
		}
		reported[8] = pid;
		start_ticks = ticks_of(pid);
		memcpy(reported + 16, &start_ticks, sizeof(start_ticks));
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	waitpid(large, NULL, 0);
	small = reported[8];
	memcpy(&start_ticks, reported + 16, sizeof(start_ticks));
}

/* As the kernel adds up what a process and the children it waited for have done: /proc/PID/io. */
static const char *const io_names[] = {
	"rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"};
#define N_IO ((int)(sizeof(io_names) / sizeof(io_names[0])))

static pid_t builder;
static long long built[N_IO];

/* By one call of read(). Its length, or -1: this kernel does not say. */
static ssize_t own_io(long long *io)
{
	char text[1024], name[32];
	int fd = open("/proc/self/io", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long long value;
	int used;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = 0;
	for (char *at = text; sscanf(at, " %31[a-z_]: %lld%n", name, &value, &used) == 2; at += used)
		for (int i = 0; i < N_IO; i++)
			if (strcmp(name, io_names[i]) == 0)
				io[i] = value;
	return n;
}

/* What a build does: shells in shells, copies, pipes, files on a disk that are written and taken away again. */
static const char build_script[] =
	"d=$1; mkdir -p $d || exit 1\n"
	"dd if=/dev/zero of=$d/source bs=4096 count=256 2>/dev/null\n"
	"for i in 1 2 3; do\n"
	"	sh -c \"sh -c 'cp $d/source $d/part$i; cat $d/part$i | gzip -c >$d/part$i.gz'; rm $d/part$i\" &\n"
	"done\n"
	"wait\n"
	"cat $d/part1.gz $d/part2.gz $d/part3.gz | sort | uniq -c | wc -l >$d/whole\n"
	"sync; rm -r $d\n";

static void build(void)
{
	long long *before = (long long *)(reported + 32), *after = before + N_IO;
	char dir[600];

	snprintf(dir, sizeof(dir), "%s-build", store);
	builder = fork();
	if (builder == 0) {
		ssize_t own = own_io(before);
		pid_t pid;

		setsid();
		pid = fork();
		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", build_script, "build", dir, NULL);
			_exit(9);
		}
		waitpid(pid, NULL, 0);
		if (own < 0 || own_io(after) < 0)
			_exit(1);
		/* Its first look at the file came after the numbers in it. */
		after[0] -= own;
		after[2] -= 1;
		_exit(0);
	}
	waitpid(builder, NULL, 0);
	for (int i = 0; i < N_IO; i++)
		built[i] = after[i] - before[i];
}

static unsigned long long number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static void check_own_costs(void)
{
	struct rows rows =
		dump_rows(obit, store, "exits", "pid,wchar,syscw,max_rss_bytes,own_max_rss_bytes,start_boot_ns");
	const char *once = "bytes are counted once, where they were written", *own = "own peak of a program";
	const char *start = "start_boot_ns is field 22 of /proc/PID/stat";
	unsigned long long sum = 0, tick_ns = 1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK);
	char **row;
	int good = 1;

	for (int i = 0; i < 4; i++) {
		row = rows_find(&rows, writers[i]);
		good &= check(row && number(row[1]) == (i ? 0 : WRITTEN), once, "process %d of the nest wrote %s", i,
			      row ? row[1] : "nothing that is known");
		sum += row ? number(row[1]) : 0;
	}
	good &= check(sum == WRITTEN, once, "the tree wrote %llu", sum);
	row = rows_find(&rows, threaded);
	good &= check(row && number(row[1]) == WRITTEN, once, "4 threads wrote %s", row ? row[1] : "?");
	finish_group(once, good);
	row = rows_find(&rows, small);
	good = check(row && number(row[3]) >= 90u << 20, own, "max_rss_bytes %s of a fork of 96 MiB",
		     row ? row[3] : "?");
	if (row && !*row[4])
		skip_group(own, "this kernel does not say (before 6.16)");
	else
		finish_group(own, good & check(row && number(row[4]) > 0 && number(row[4]) < 16u << 20, own, "%s bytes",
					       row ? row[4] : "?"));
	good = check(row && number(row[5]) / tick_ns == start_ticks, start, "%s ns, %llu ticks", row ? row[5] : "?",
		     start_ticks);
	finish_group(start, good);
	rows_free(&rows);
}

/* All processes of the session but the one that waited for the others. */
static void check_build(void)
{
	const char *name = "the I/O of a build is the sum of its processes'";
	struct rows rows = dump_rows(obit, store, "exits",
				     "pid,sid,rchar,wchar,syscr,syscw,read_bytes,write_bytes,cancelled_write_bytes");
	long long sum[N_IO] = {0};
	int good, n = 0;

	for (int i = 0; i < rows.n; i++) {
		if ((pid_t)number(rows.row[i][1]) != builder || (pid_t)number(rows.row[i][0]) == builder)
			continue;
		n++;
		for (int k = 0; k < N_IO; k++)
			sum[k] += (long long)number(rows.row[i][2 + k]);
	}
	rows_free(&rows);
	good = check(n >= 10, name, "%d processes", n);
	good &= check(built[1] > 7 << 20, name, "it wrote %lld bytes: it did not run as it should", built[1]);
	for (int k = 0; k < N_IO; k++)
		good &= check(sum[k] == built[k], name, "%s: %lld, /proc/PID/io of who waited says %lld", io_names[k],
			      sum[k], built[k]);
	finish_group(name, good);
}

int main(int argc, char **argv)
{
	const char *args[] = {"--interval", "1s", "--socket", "none", "--config", "none", NULL};
	pid_t agent;

	if (argc != 3) {
		fprintf(stderr, "usage: own_costs OBIT STORE_DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	snprintf(store, sizeof(store), "%s-store", argv[2]);
	/* Whatever does not come to its end is a failure. */
	alarm(200);
	agent = agent_start(obit, store, args);
	live_own_costs();
	build();
	finish_group("the agent ends with status 0", check(agent_stop(agent), "the agent", "it did not"));
	check_own_costs();
	check_build();
	return end_of_tests();
}
