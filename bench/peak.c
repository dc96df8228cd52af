/*
 * peak.c - run a command and note what it took: a line "PEAK_KIB WALL_US CPU_US" in OUT, the command's exit code.
 *
 *     build/bench/bench-peak OUT CMD...
 *
 * The peak is the VmHWM of the command (or of a child of its own, if that is larger), as the kernel accounts it at its
 * end. A small program starts it, because a process takes the peak of the one that forked it along into exec(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval time)
{
	return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

static long long now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct rusage usage = {0};
	int status = 0;
	if (argc < 3)
		return 2;
	FILE *out = fopen(argv[1], "we");
	long long start = now_us();
	pid_t child = out ? fork() : -1;
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		return 1;
	fprintf(out, "%ld %lld %lld\n", usage.ru_maxrss, now_us() - start,
		microseconds(usage.ru_utime) + microseconds(usage.ru_stime));
	return fclose(out) == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
