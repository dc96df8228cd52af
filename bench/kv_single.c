/*
 * kv_single.c - single gets and durable puts by N threads: the store against libpq by hand on a plain table, which has
 * and gives a value alone. What a get of a whole entry is to that is told beside.
 *
 *     build/bench/bench-kv-single URL ROWS THREADS SECONDS_PER_RUN RUNS [SIDE]
 *
 * The store has as many connections as there are threads; by hand each thread has a session. Beside them stands a store
 * that combines, on two connections for gets and two for puts. A SIDE runs alone, for profilers.
 */
#include <stdlib.h>
#include <string.h>

#include "kv_race.h"

enum { SIDES = 8 };

static void print(const struct bench *bench, const struct side *sides, long threads, int runs)
{
	hf_connection *connection = bench_connect(bench);
	printf("{\"threads\": %ld, ", threads);
	print_server(connection);
	printf(", ");
	race_print(sides, SIDES, runs);
	printf("}\n");
	hf_connection_free(connection);
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-single URL ROWS THREADS SECONDS_PER_RUN RUNS [SIDE]";
	static struct racer racers[RACERS_MAX];
	static struct side sides[SIDES] = {
		{.name = "get_holdfast", .one = race_store_get},     {.name = "get_libpq", .one = race_libpq_get},
		{.name = "entry_holdfast", .one = race_store_entry}, {.name = "entry_libpq", .one = race_libpq_get},
		{.name = "put_holdfast", .one = race_store_put},     {.name = "put_libpq", .one = race_libpq_put},
		{.name = "get_combined", .one = race_store_get},     {.name = "put_combined", .one = race_store_put}};
	struct bench bench;
	double ignored = 0;
	if (argc < 6 || argc > 7)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), threads = kv_number(argv[3], usage), runs = kv_number(argv[5], usage);
	double seconds = strtod(argv[4], NULL);
	if (rows < 1 || threads < 1 || threads > RACERS_MAX || runs < 1 || runs > RUNS_MAX || !(seconds > 0))
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	hf_kv *kv = kv_open(bench.ctx, argv[1], (uint32_t)threads);
	hf_kv *combined = kv_open_combined(bench.ctx, argv[1], 2);
	sides[0].kv = sides[2].kv = sides[4].kv = kv;
	sides[6].kv = sides[7].kv = combined;
	race_open(racers, threads, argv[1], rows);
	for (int i = 0; i < SIDES; i++)
		if (argc == 6)
			race_slice(racers, threads, &sides[i], 0.1, &ignored);
		else if (strcmp(argv[6], sides[i].name) == 0)
			printf("%ld\n", race_slice(racers, threads, &sides[i], seconds, &ignored));
	if (argc == 7)
		return 0;
	for (int i = 0; i < (int)runs; i++)
		race_run(racers, threads, sides, SIDES, seconds, i);
	print(&bench, sides, threads, (int)runs);
	hf_kv_close(combined);
	hf_kv_close(kv);
	race_close(racers, threads);
	bench_close(&bench);
	return 0;
}
