/*
 * pool.c - checkout and return, uncontended, against what they cannot do without: one poll(2) on an idle socket and
 * two pairs of an uncontended mutex.
 *
 *     build/bench/bench-pool [CALLS_PER_RUN [RUNS]]
 *
 * Both sides run in one thread of one process, pinned to one core, and take turns (11 runs each by default). The pool
 * is the usual one: with its clock, metrics, maintenance and connecting threads.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common.h"

enum { CALLS = 200000, RUNS = 11, WARM_UP = 10000 };

struct setup {
	hf_pool *pool;
	pthread_mutex_t mutex;
	int idle[2]; /* a socket pair on which nothing ever arrives */
};

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

static double ns_per_call(struct setup *setup, void (*call)(struct setup *setup), long calls)
{
	double start = wall_seconds();
	for (long i = 0; i < calls; i++)
		call(setup);
	return (wall_seconds() - start) * 1e9 / (double)calls;
}

static void open_pool(const struct bench *bench, struct setup *setup)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_pool_open(bench->ctx, bench->settings, NULL, &setup->pool, &err) != HF_OK)
		give_up("pool", err.message);
	pthread_mutex_init(&setup->mutex, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, setup->idle) != 0)
		give_up("socketpair", "failed");
}

static void print(const struct bench *bench, const double *mine, const double *least, int runs, long calls, bool pinned)
{
	hf_connection *connection = bench_connect(bench);
	printf("{\"calls_per_run\": %ld, \"pinned\": %s, ", calls, pinned ? "true" : "false");
	print_server(connection);
	printf(", \"samples\": {");
	print_samples("checkout_and_return_ns", mine, runs, 1);
	printf(", ");
	print_samples("poll_and_two_mutex_pairs_ns", least, runs, 1);
	printf("}}\n");
	hf_connection_free(connection);
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? strtol(argv[1], NULL, 10) : CALLS;
	long runs = argc > 2 ? strtol(argv[2], NULL, 10) : RUNS;
	if (calls < 1 || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-pool [CALLS_PER_RUN [RUNS]], at most 101 runs");
	struct bench bench = {0};
	struct setup setup = {0};
	double mine[RUNS_MAX], least[RUNS_MAX];
	bench_open(&bench);
	open_pool(&bench, &setup);
	bool pinned = pin(0, sched_getcpu());
	ns_per_call(&setup, ours, WARM_UP);
	ns_per_call(&setup, the_least, WARM_UP);
	for (int i = 0; i < (int)runs; i++) {
		bool ours_first = i % 2 == 0;
		if (ours_first)
			mine[i] = ns_per_call(&setup, ours, calls);
		least[i] = ns_per_call(&setup, the_least, calls);
		if (!ours_first)
			mine[i] = ns_per_call(&setup, ours, calls);
	}
	print(&bench, mine, least, (int)runs, calls, pinned);
	hf_pool_close(setup.pool);
	bench_close(&bench);
	return 0;
}
