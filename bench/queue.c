/*
 * queue.c - the head of the queue, a place in it, and what a program that asks all day keeps in memory.
 *
 *     build/bench/bench-queue next URL RUNS      the next item with none and with 500 assigned
 *     build/bench/bench-queue position URL RUNS  the place of the first, the middle and the last item
 *     build/bench/bench-queue get URL RUNS       an item by its id, the last one in the table
 *     build/bench/bench-queue memory URL         100,000 questions through a pool, then the peak of memory
 *
 * bench/queueing.py fills the database and judges. Samples are microseconds of one call.
 */
#include <stdlib.h>
#include <string.h>

#include "common.h"

enum { ASSIGNED = 500, CALLS = 200, OPERATIONS = 100000, POOL = 4, PLACES = 3 };

struct head {
	int32_t ids[ASSIGNED];
	uint32_t count;
};

static enum hf_status remember(void *user, const struct hf_queue_item *item, hf_error *err)
{
	struct head *head = user;
	(void)err;
	head->ids[head->count++] = item->id;
	return HF_OK;
}

static struct head first_items(hf_where where)
{
	struct head head = {.count = 0};
	hf_error err = HF_ERROR_INIT;
	if (hf_queue_list(where, &(struct hf_queue_list_filter){.limit = ASSIGNED}, remember, &head, &err) != HF_OK)
		give_up("list", err.message);
	return head;
}

static void peek(hf_where where, const struct hf_queue_filter *filter, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_queue_next next;
	hf_arena_reset(arena);
	if (hf_queue_peek(where, filter, arena, &next, &err) != HF_OK)
		give_up("next", err.message);
}

static void find(hf_where where, const struct hf_queue_item *item)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_queue_position position;
	if (hf_queue_position(where, item->codebase, item->campaign, &position, &err) != HF_OK)
		give_up("position", err.message);
}

/* ---- next ---- */

static double us_of_peeks(hf_where where, const struct hf_queue_filter *filter, hf_arena *arena)
{
	double start = wall_seconds();
	for (int i = 0; i < CALLS; i++)
		peek(where, filter, arena);
	return (wall_seconds() - start) * 1e6 / CALLS;
}

static void measure_next(hf_where where, hf_arena *arena, int runs)
{
	struct head head = first_items(where);
	struct hf_queue_filter filters[2] = {{.codebase = {NULL, 0}},
	                                     {.assigned = {head.count, 1, NULL, NULL, NULL, head.ids}}};
	double samples[2][RUNS_MAX];
	for (int run = -1; run < runs; run++) /* the first run warms up */
		for (int form = 0; form < 2; form++)
			samples[form][run < 0 ? 0 : run] = us_of_peeks(where, &filters[form], arena);
	print_samples("next_us", samples[0], runs, 1);
	printf(", ");
	print_samples("next_500_assigned_us", samples[1], runs, 1);
}

/* ---- position ---- */

struct places {
	int64_t wanted[PLACES];
	int64_t at;
	struct hf_queue_item items[PLACES];
	char texts[PLACES][2][128];
};

static enum hf_status pick(void *user, const struct hf_queue_item *item, hf_error *err)
{
	struct places *places = user;
	(void)err;
	for (size_t i = 0; i < PLACES; i++)
		if (places->wanted[i] == places->at) {
			snprintf(places->texts[i][0], 128, "%.*s", (int)item->codebase.len, item->codebase.ptr);
			snprintf(places->texts[i][1], 128, "%.*s", (int)item->campaign.len, item->campaign.ptr);
			places->items[i].codebase = hf_str_of(places->texts[i][0]);
			places->items[i].campaign = hf_str_of(places->texts[i][1]);
		}
	places->at++;
	return HF_OK;
}

static void measure_position(hf_where where, int runs)
{
	static const char *const names[PLACES] = {"first_us", "middle_us", "last_us"};
	hf_error err = HF_ERROR_INIT;
	struct places places = {.wanted = {-1, -1, -1}};
	if (hf_queue_list(where, &(struct hf_queue_list_filter){.limit = 0}, pick, &places, &err) != HF_OK)
		give_up("list", err.message);
	places.wanted[1] = places.at / 2;
	places.wanted[2] = places.at - 1;
	places.wanted[0] = places.at = 0;
	if (hf_queue_list(where, &(struct hf_queue_list_filter){.limit = 0}, pick, &places, &err) != HF_OK)
		give_up("list", err.message);
	for (size_t i = 0; i < PLACES; i++) {
		double samples[RUNS_MAX];
		find(where, &places.items[i]);
		for (int run = 0; run < runs; run++) {
			double start = wall_seconds();
			find(where, &places.items[i]);
			samples[run] = (wall_seconds() - start) * 1e6;
		}
		print_samples(names[i], samples, runs, 1);
		printf("%s", i + 1 < PLACES ? ", " : "");
	}
}

/* ---- get ---- */

static enum hf_status last_id(void *user, const struct hf_queue_item *item, hf_error *err)
{
	int32_t *id = user;
	(void)err;
	*id = item->id > *id ? item->id : *id;
	return HF_OK;
}

static void measure_get(hf_where where, hf_arena *arena, int runs)
{
	double samples[RUNS_MAX];
	int32_t id = 0;
	hf_error err = HF_ERROR_INIT;
	struct hf_queue_item item;
	if (hf_queue_list(where, &(struct hf_queue_list_filter){.limit = 0}, last_id, &id, &err) != HF_OK)
		give_up("list", err.message);
	for (int run = -1; run < runs; run++) {
		double start = wall_seconds();
		hf_arena_reset(arena);
		if (hf_queue_get(where, id, arena, &item, &err) != HF_OK)
			give_up("get", err.message);
		samples[run < 0 ? 0 : run] = (wall_seconds() - start) * 1e6;
	}
	print_samples("get_us", samples, runs, 1);
}

/* ---- memory ---- */

static long vm_hwm_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

static void measure_memory(const struct bench *bench, hf_arena *arena)
{
	hf_error err = HF_ERROR_INIT;
	hf_pool *pool = NULL;
	struct hf_pool_options options = {.size = sizeof(options), .connections_min = POOL, .connections_max = POOL};
	if (hf_pool_open(bench->ctx, bench->settings, &options, &pool, &err) != HF_OK)
		give_up("pool", err.message);
	hf_where where = hf_on_pool(pool);
	struct head head = first_items(where);
	struct hf_queue_filter filter = {.assigned = {head.count, 1, NULL, NULL, NULL, head.ids}};
	struct hf_queue_item item;
	for (int i = 0; i < OPERATIONS; i++) {
		hf_arena_reset(arena);
		if (i % 2)
			peek(where, &filter, arena);
		else if (hf_queue_get(where, head.ids[(uint32_t)i % head.count], arena, &item, &err) != HF_OK)
			give_up("get", err.message);
	}
	printf("\"operations\": %d, \"connections\": %d, \"vm_hwm_kib\": %ld", OPERATIONS, POOL, vm_hwm_kib());
	hf_pool_close(pool);
}

int main(int argc, char **argv)
{
	int runs = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
	struct bench bench;
	if (argc < 3 || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-queue next|position|get|memory URL [RUNS]");
	bench_attach(&bench, argv[2]);
	hf_connection *connection = bench_connect(&bench);
	hf_arena *arena = hf_arena_new(0);
	printf("{");
	if (strcmp(argv[1], "next") == 0)
		measure_next(hf_on_connection(connection), arena, runs);
	else if (strcmp(argv[1], "position") == 0)
		measure_position(hf_on_connection(connection), runs);
	else if (strcmp(argv[1], "get") == 0)
		measure_get(hf_on_connection(connection), arena, runs);
	else
		measure_memory(&bench, arena);
	printf("}\n");
	hf_arena_free(arena);
	hf_connection_free(connection);
	bench_close(&bench);
	return 0;
}
