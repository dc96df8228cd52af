/*
 * pool.c - checkout and return, uncontended, against what they cannot do without: one poll(2) on an idle socket and
 * two pairs of an uncontended mutex.
 *
 *     build/bench/bench-pool [CALLS_PER_RUN [RUNS]]
 *
 * Both sides run in one thread of one process, pinned to one core, and take turns (11 runs each by default). The pool
 * is the usual one: with its clock, metrics, maintenance and connecting threads. Prints JSON: medians of nanoseconds
 * per call, and of the ratio of each run to the one next to it; must stay at or under 4.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>

#include "holdfast/holdfast.h"
#include "holdfast/server.h"

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif

enum { CALLS = 50000, RUNS = 11, RUNS_MAX = 101, WARM_UP = 1000 };

struct setup {
	hf_context *ctx;
	hf_server *server;
	hf_settings *settings;
	hf_pool *pool;
	pthread_mutex_t mutex;
	int idle[2]; /* a socket pair on which nothing ever arrives */
};

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench-pool: %s: %s\n", what, why);
	exit(1);
}

static void ours(struct setup *setup)
{
	static hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	if (hf_pool_checkout(setup->pool, HF_DEADLINE_DEFAULT, &connection, &err) != HF_OK)
		give_up("checkout", err.message);
	hf_pool_return(setup->pool, connection);
}

static void the_least(struct setup *setup)
{
	struct pollfd watched = {.fd = setup->idle[0], .events = POLLIN};
	pthread_mutex_lock(&setup->mutex);
	pthread_mutex_unlock(&setup->mutex);
	if (poll(&watched, 1, 0) != 0)
		give_up("poll", "the idle socket is not idle");
	pthread_mutex_lock(&setup->mutex);
	pthread_mutex_unlock(&setup->mutex);
}

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double ns_per_call(struct setup *setup, void (*call)(struct setup *setup), long calls)
{
	double start = now_ns();
	for (long i = 0; i < calls; i++)
		call(setup);
	return (now_ns() - start) / (double)calls;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
	double sorted[RUNS_MAX];
	memcpy(sorted, values, (size_t)count * sizeof(*values));
	qsort(sorted, (size_t)count, sizeof(*sorted), by_size);
	return sorted[count / 2];
}

static void open_all(struct setup *setup)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_context_new(NULL, &setup->ctx, &err) != HF_OK ||
	    hf_server_start(setup->ctx, NULL, HF_DEADLINE_DEFAULT, &setup->server, &err) != HF_OK ||
	    hf_settings_new(setup->ctx, &setup->settings, &err) != HF_OK ||
	    hf_settings_parse(setup->settings, hf_server_url(setup->server), &err) != HF_OK ||
	    hf_pool_open(setup->ctx, setup->settings, NULL, &setup->pool, &err) != HF_OK)
		give_up("private server", err.message);
	pthread_mutex_init(&setup->mutex, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, setup->idle) != 0)
		give_up("socketpair", "failed");
}

static void close_all(struct setup *setup)
{
	hf_pool_close(setup->pool);
	hf_settings_free(setup->settings);
	hf_server_free(setup->server);
	hf_context_free(setup->ctx);
}

static bool pin_here(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

static void print_report(const double *mine, const double *least, int runs, long calls, bool pinned)
{
	double ratios[RUNS_MAX];
	struct utsname machine;
	for (int i = 0; i < runs; i++)
		ratios[i] = mine[i] / least[i];
	uname(&machine);
	printf("{\n  \"bench\": \"pool\",\n  \"commit\": \"%s\",\n", BENCH_COMMIT);
	printf("  \"machine\": {\"system\": \"%s %s\", \"architecture\": \"%s\", \"pinned\": %s},\n", machine.sysname,
	       machine.release, machine.machine, pinned ? "true" : "false");
	printf("  \"runs\": %d, \"calls_per_run\": %ld,\n", runs, calls);
	printf("  \"checkout_and_return_ns\": %.1f,\n", median(mine, runs));
	printf("  \"poll_and_two_mutex_pairs_ns\": %.1f,\n", median(least, runs));
	printf("  \"ratio\": %.3f,\n  \"ratio_at_most\": 4.0\n}\n", median(ratios, runs));
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? strtol(argv[1], NULL, 10) : CALLS;
	long runs = argc > 2 ? strtol(argv[2], NULL, 10) : RUNS;
	if (calls < 1 || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-pool [CALLS_PER_RUN [RUNS]], at most 101 runs");
	struct setup setup = {0};
	double mine[RUNS_MAX], least[RUNS_MAX];
	open_all(&setup);
	bool pinned = pin_here();
	ns_per_call(&setup, ours, WARM_UP);
	ns_per_call(&setup, the_least, WARM_UP);
	for (int i = 0; i < (int)runs; i++) {
		mine[i] = ns_per_call(&setup, ours, calls);
		least[i] = ns_per_call(&setup, the_least, calls);
	}
	print_report(mine, least, (int)runs, calls, pinned);
	close_all(&setup);
	return 0;
}
