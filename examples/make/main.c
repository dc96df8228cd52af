/*
 * notes - a program with checked queries, built with plain make.
 *
 *     notes add TEXT [TOPIC]
 *     notes list [TOPIC]
 *
 * DATABASE_URL, or the PG* variables, say where the database is.
 */
#include <holdfast/holdfast.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queries/app/note.h"

static enum hf_status add(hf_where where, hf_arena *arena, const char *body, const char *topic, hf_error *err)
{
	struct note_add_in in = {.body = hf_str_of(body)};
	struct note_add_row row;
	if (topic) {
		in.topic = hf_str_of(topic);
		in.has_topic = true;
	}
	enum hf_status status = note_add(where, &in, arena, &row, err);
	if (status == HF_OK)
		printf("note %" PRId64 "\n", row.id);
	return status;
}

static enum hf_status list(hf_where where, hf_arena *arena, const char *topic, hf_error *err)
{
	struct notes_list_in in = {.at_most = 20, .has_at_most = true};
	struct notes_list_row *rows = NULL;
	size_t count = 0;
	if (topic) {
		in.topic = hf_str_of(topic);
		in.has_topic = true;
	}
	enum hf_status status = notes_list(where, &in, arena, &rows, &count, err);
	for (size_t i = 0; i < count; i++) {
		printf("%" PRId64 " %.*s", rows[i].id, (int)rows[i].body.len, rows[i].body.ptr);
		if (rows[i].has_topic)
			printf(" (%.*s)", (int)rows[i].topic.len, rows[i].topic.ptr);
		putchar('\n');
	}
	return status;
}

static enum hf_status run(int argc, char **argv, hf_where where, hf_arena *arena, hf_error *err)
{
	const char *topic = argc > 3 ? argv[3] : NULL;
	if (argc > 2 && strcmp(argv[1], "add") == 0)
		return add(where, arena, argv[2], topic, err);
	return list(where, arena, argc > 2 ? argv[2] : NULL, err);
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
	if (status != HF_OK)
		fprintf(stderr, "notes: %s\n", err.message);
	hf_connection_free(connection);
	hf_settings_free(settings);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return hf_status_exit_code(status);
}
