/*
 * verb_describe.c - holdfast-gen describe: what the server says of the statements of any files. No project, no
 * metadata, nothing is written. What matters only for C or by the rules of the house is a warning here; a statement
 * that the server refuses is an error, and the others are printed.
 */
#include <getopt.h>

#include "base/error.h"
#include "gen/describe.h"
#include "gen/describe_print.h"
#include "gen/name_index.h"
#include "gen/server.h"
#include "gen/verb.h"
#include "migrate/set.h"

enum { PLACES_MAX = 100 };

struct asked {
	const char *migrations, *database;
	bool json;
	char **files;
	size_t nfiles;
};

static const char usage[] =
	"usage: holdfast-gen describe FILE... [--migrations DIR | -d URL] [--json]\n"
	"\n"
	"  --migrations DIR  apply these to a private server first\n"
	"  -d URL            describe on this database instead\n"
	"  --json            one array: name, cardinality, params (name, type, nullable), columns (and rule)\n";

static bool read_arguments(struct asked *asked, int argc, char **argv)
{
	static const struct option options[] = {
		{"migrations", required_argument, NULL, 'm'},
		{"database", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, "d:", options, NULL)) != -1;) {
		if (option == 'm')
			asked->migrations = optarg;
		else if (option == 'd')
			asked->database = optarg;
		else if (option == 'j')
			asked->json = true;
		else
			return false;
	}
	asked->files = argv + optind;
	asked->nfiles = (size_t)(argc - optind);
	return asked->nfiles > 0 && !(asked->migrations && asked->database);
}

static const char *stem_of(hf_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct hf_str name = hf_str_of(slash ? slash + 1 : path);
	if (str_ends(name, HF_STR(".sql")) && name.len > 4)
		name.len -= 4;
	return mem_text(arena, name);
}

static enum hf_status read_file(struct group *group, struct diags *diags, const char *path, hf_error *err)
{
	struct source *source = MEM_NEW(group->arena, struct source);
	hf_error error = HF_ERROR_INIT;
	*source = (struct source){.path = path, .group = group->name, .lenient = true};
	source->stem = stem_of(group->arena, path);
	enum hf_status status = file_read(group->arena, path, DESCRIBE_BYTES_MAX, &source->text, &error);
	if (status == HF_E_LIMIT) {
		diag_file(diags, path, "%s", error.message);
		return HF_OK;
	}
	if (status != HF_OK)
		return error_set(err, HF_E_USAGE, "%s", error.message);
	if (str_starts(source->text, HF_STR("\xef\xbb\xbf"))) /* a byte order mark is no SQL */
		source->text = (struct hf_str){source->text.ptr + 3, source->text.len - 3};
	source_read(source, diags);
	group->sources = mem_grow(group->arena, group->sources, group->nsources, sizeof(*group->sources));
	group->sources[group->nsources++] = source;
	return HF_OK;
}

/* Whoever looks a name up in the answer must find one: the first. */
static void check_names(const struct source *source, struct diags *diags)
{
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	struct name_index names = {.arena = scratch};
	size_t counted = 0; /* a place takes reading the file up to there */
	for (size_t i = 0; i < source->nqueries; i++) {
		struct query *query = source->queries[i];
		size_t *first = name_index_at(&names, hf_str_of(query->name));
		if (!*first) {
			*first = i + 1;
			continue;
		}
		struct diag *diag =
			query_wrong(diags, query, query->name_at, "second query with the name \"%s\"", query->name);
		if (counted++ < PLACES_MAX)
			diag->hint = mem_printf(diags->arena, "the first one stands at %s:%u", source->path,
			                        source_place(source, source->queries[*first - 1]->name_at.start).line);
	}
}

static enum hf_status read_all(const struct asked *asked, struct group *group, struct diags *diags, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (asked->migrations)
		status = set_open_bare(group->name, asked->migrations, &group->migrations, err);
	if (status == HF_NOT_FOUND || status == HF_E_FAILED)
		status = HF_E_USAGE; /* no such folder */
	for (size_t i = 0; i < asked->nfiles && status == HF_OK; i++)
		status = read_file(group, diags, asked->files[i], err);
	if (status != HF_OK)
		return status;
	group_read_statements(group, diags);
	for (size_t i = 0; i < group->nsources; i++)
		check_names(group->sources[i], diags);
	return HF_OK;
}

static enum hf_status describe(hf_context *ctx, const struct asked *asked, struct group *group, struct diags *diags,
                               hf_error *err)
{
	struct server server = {0};
	enum hf_status status = read_all(asked, group, diags, err);
	if (status == HF_OK)
		status = server_open(ctx, asked->database, group, &server, err);
	if (status == HF_OK)
		status = describe_group(group, server.connection, diags, err);
	server_close(&server);
	return status;
}

int verb_describe(hf_context *ctx, hf_arena *arena, int argc, char **argv)
{
	struct asked asked = {0};
	struct diags diags;
	hf_error err = HF_ERROR_INIT;
	struct group group = {.arena = arena, .name = "describe", .types = {.arena = arena}};
	if (!read_arguments(&asked, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	diags_init(&diags, arena);
	enum hf_status status = describe(ctx, &asked, &group, &diags, &err);
	diags_print(&diags, stderr);
	group_deinit(&group);
	if (status != HF_OK)
		return verb_failed(status, &err);
	bool printed = asked.json ? describe_print_json(&group, stdout) : describe_print(&group, stdout);
	return diags.errors || !printed;
}
