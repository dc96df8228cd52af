/*
 * visits - a program with checked queries, built with CMake: count a visit of each page that is named, then print the
 * pages that were visited most. The rows of a query of :each pass one by one, whatever their number.
 *
 *     visits [PAGE...]
 */
#include <holdfast/holdfast.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "queries/app/visit.h"

static enum hf_status print(void *user, const struct visits_top_row *row, hf_error *err)
{
	(void)user;
	(void)err;
	printf("%" PRId64 " %.*s\n", row->times, (int)row->page.len, row->page.ptr);
	return HF_OK;
}

static enum hf_status run(int argc, char **argv, hf_where where, hf_arena *arena, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (int i = 1; i < argc && status == HF_OK; i++) {
		struct visit_count_in in = {.page = hf_str_of(argv[i])};
		struct visit_count_row row;
		status = visit_count(where, &in, arena, &row, err);
	}
	struct visits_top_in top = {.limit = 3};
	return status == HF_OK ? visits_top(where, &top, print, NULL, err) : status;
}

int main(int argc, char **argv)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	hf_arena *arena = hf_arena_new(0);
	enum hf_status status = hf_context_new(NULL, &ctx, &err);
	if (status == HF_OK)
		status = hf_settings_new(ctx, &settings, &err);
	if (status == HF_OK && getenv("DATABASE_URL"))
		status = hf_settings_parse(settings, getenv("DATABASE_URL"), &err);
	if (status == HF_OK)
		status = hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err);
	if (status == HF_OK)
		status = run(argc, argv, hf_on_connection(connection), arena, &err);
	if (status == HF_REJECTED)
		fprintf(stderr, "visits: the schema refuses it: %s\n", err.constraint);
	else if (status != HF_OK)
		fprintf(stderr, "visits: %s\n", err.message);
	hf_connection_free(connection);
	hf_settings_free(settings);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return hf_status_exit_code(status);
}
