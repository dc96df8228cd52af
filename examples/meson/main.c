/*
 * tasks - a program with checked queries, built with Meson. Adding and taking happen in one transaction, which is tried
 * again by itself when the server asks for that.
 *
 *     tasks WORKER TITLE...      add them, then take the oldest one for WORKER
 */
#include <holdfast/holdfast.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "queries/app/task.h"

struct work {
	const char *worker;
	char **titles;
	hf_arena *arena;
	struct task_take_row taken;
	bool found;
};

static enum hf_status add_and_take(hf_where tx, void *user, hf_error *err)
{
	struct work *work = user;
	enum hf_status status = HF_OK;
	for (char **title = work->titles; *title && status == HF_OK; title++) {
		struct task_add_in in = {.title = hf_str_of(*title)};
		struct task_add_row row;
		status = task_add(tx, &in, work->arena, &row, err);
	}
	if (status != HF_OK)
		return status;
	struct task_take_in in = {.worker = hf_str_of(work->worker)};
	status = task_take(tx, &in, work->arena, &work->taken, err);
	work->found = status == HF_OK;
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static enum hf_status print_open(hf_where where, hf_arena *arena, hf_error *err)
{
	enum task_state states[] = {TASK_STATE_OPEN, TASK_STATE_TAKEN};
	struct tasks_in_in in = {.states = {.values = states, .count = 2}};
	struct tasks_in_row *rows = NULL;
	size_t count = 0;
	enum hf_status status = tasks_in(where, &in, arena, &rows, &count, err);
	for (size_t i = 0; i < count; i++)
		printf("%" PRId64 " %s %.*s\n", rows[i].id, task_state_label(rows[i].state), (int)rows[i].title.len,
		       rows[i].title.ptr);
	return status;
}

int main(int argc, char **argv)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	hf_settings *settings = NULL;
	hf_pool *pool = NULL;
	struct work work = {.worker = argc > 1 ? argv[1] : "nobody", .titles = argv + (argc > 1 ? 2 : 1)};
	work.arena = hf_arena_new(0);
	enum hf_status status = hf_context_new(NULL, &ctx, &err);
	if (status == HF_OK)
		status = hf_settings_new(ctx, &settings, &err);
	if (status == HF_OK && getenv("DATABASE_URL"))
		status = hf_settings_parse(settings, getenv("DATABASE_URL"), &err);
	if (status == HF_OK)
		status = hf_pool_open(ctx, settings, NULL, &pool, &err);
	if (status == HF_OK)
		status = hf_transaction(hf_on_pool(pool), NULL, add_and_take, &work, &err);
	if (status == HF_OK && work.found)
		printf("%.*s takes %.*s\n", (int)work.taken.taken_by.len, work.taken.taken_by.ptr, (int)work.taken.title.len,
		       work.taken.title.ptr);
	if (status == HF_OK)
		status = print_open(hf_on_pool(pool), work.arena, &err);
	if (status != HF_OK)
		fprintf(stderr, "tasks: %s\n", err.message);
	hf_pool_close(pool);
	hf_settings_free(settings);
	hf_arena_free(work.arena);
	hf_context_free(ctx);
	return hf_status_exit_code(status);
}
