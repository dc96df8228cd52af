/*
 * kv_combine.c - gets and durable puts of callers that share statements, against each caller by itself.
 *
 *     build/bench/bench-kv-combine URL ROWS CALLERS WIDTH SECONDS_PER_RUN RUNS [SIDE]
 *
 * Ours is one handle with `combine` WIDTH. Against it stand as many sessions of libpq by hand as there are callers; for
 * a single caller a handle without `combine`, the plain path. With SIDE that one runs alone, and operations a second
 * and callers to a shared statement are printed.
 */
#include <stdlib.h>
#include <string.h>

#include "kv_race.h"

enum { SIDES = 4 };

static double callers_each(const hf_kv *kv)
{
	struct hf_kv_stats stats;
	hf_kv_stats(kv, &stats);
	return stats.shared_count ? (double)stats.combined_count / (double)stats.shared_count : 0;
}

static void print(const struct side *sides, int runs)
{
	printf("{\"callers_per_shared_statement\": %.1f, ", callers_each(sides[0].kv));
	race_print(sides, SIDES, runs);
	printf("}\n");
}

static void run_alone(struct racer *callers, long count, const struct side *sides, const char *name, double seconds)
{
	double spent = 0;
	for (int i = 0; i < SIDES; i++)
		if (strcmp(sides[i].name, name) == 0) {
			race_slice(callers, count, &sides[i], 0.2, &spent);
			spent = 0;
			long done = race_slice(callers, count, &sides[i], seconds, &spent);
			printf("%.0f %.1f\n", (double)done / spent, callers_each(sides[0].kv));
		}
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-combine URL ROWS CALLERS WIDTH SECONDS_PER_RUN RUNS [SIDE]";
	static struct racer callers[RACERS_MAX];
	static struct side sides[SIDES] = {{.name = "get_combined", .one = race_store_get},
	                                   {.name = "get_alone", .one = race_libpq_get},
	                                   {.name = "put_combined", .one = race_store_put},
	                                   {.name = "put_alone", .one = race_libpq_put}};
	struct bench bench;
	double ignored = 0;
	if (argc < 7 || argc > 8)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), count = kv_number(argv[3], usage), width = kv_number(argv[4], usage);
	long runs = kv_number(argv[6], usage);
	double seconds = strtod(argv[5], NULL);
	if (rows < 1 || count < 1 || count > RACERS_MAX || width < 1 || runs < 1 || runs > RUNS_MAX || !(seconds > 0))
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	sides[0].kv = sides[2].kv = kv_open_combined(bench.ctx, argv[1], (uint32_t)width);
	if (count == 1) {
		sides[1].one = race_store_get;
		sides[3].one = race_store_put;
		sides[1].kv = sides[3].kv = kv_open(bench.ctx, argv[1], 1);
	}
	bool needs_libpq = count > 1 && !(argc == 8 && strstr(argv[7], "combined"));
	race_open(callers, count, needs_libpq ? argv[1] : NULL, rows);
	if (argc == 8) {
		run_alone(callers, count, sides, argv[7], seconds);
	} else {
		for (int i = 0; i < SIDES; i++)
			race_slice(callers, count, &sides[i], 0.1, &ignored);
		for (int i = 0; i < (int)runs; i++)
			race_run(callers, count, sides, SIDES, seconds, i);
		print(sides, (int)runs);
	}
	hf_kv_close(sides[0].kv);
	hf_kv_close(sides[1].kv);
	race_close(callers, count);
	bench_close(&bench);
	return 0;
}
