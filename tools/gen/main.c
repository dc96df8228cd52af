/*
 * main.c - holdfast-gen: arguments, and the two ways through the compiler.
 *
 *     holdfast-gen                   describe all groups on a private server, write sql/meta
 *     holdfast-gen -d URL            the same on a database that has the schema
 *     holdfast-gen --check           is sql/meta still right? no server
 *     holdfast-gen --offline -o DIR  write C from sql/meta, no server: what the build runs
 *     holdfast-gen init              a project to begin from (verb_init.c)
 *     holdfast-gen describe FILE...  what a server says of any statements (verb_describe.c)
 *     holdfast-gen --verify DIR      prepare the queries of older metadata on this schema
 *
 * C is always written from the metadata, also behind a description, so that both ways give the same bytes.
 * Exit codes: 0; 1 a query is wrong; 2 usage; 4 stale; 7 no server; 69 no server package.
 */
#include <getopt.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/error.h"
#include "gen/depfile.h"
#include "gen/describe.h"
#include "gen/emit.h"
#include "gen/meta.h"
#include "gen/server.h"
#include "gen/verb.h"
#include "gen/verify.h"

struct gen {
	const char *sql_dir;
	const char *out_dir;
	const char *database;
	const char *verify; /* metadata of an older release */
	const char *depfile, *depfile_target;
	const char **only; /* groups */
	size_t nonly;
	bool offline, check, json, fake;

	hf_context *ctx;
	hf_arena *arena;
	struct diags diags;
	struct depfile deps;
};

static const char usage[] =
	"usage: holdfast-gen [--sql DIR] [--group NAME]... [-d URL] [-o DIR]\n"
	"       holdfast-gen --check [--sql DIR] [--group NAME]...\n"
	"       holdfast-gen init [--build make|cmake|meson] [-o DIR]\n"
	"       holdfast-gen describe FILE... [--migrations DIR | -d URL] [--json]\n"
	"       holdfast-gen --verify DIR [--sql DIR] [--group NAME]... [-d URL]\n"
	"       holdfast-gen --offline [--sql DIR] [--group NAME]... -o DIR [--depfile FILE --target NAME]\n"
	"\n"
	"  --sql DIR      the tree with queries/, migrations/ and meta/ (sql)\n"
	"  --group NAME   only this folder of queries/; may be repeated\n"
	"  -d URL         describe on this database, which has the schema, instead of a private server\n"
	"  -o DIR         write C into DIR/GROUP\n"
	"  --fake         and the same functions for unit tests, without a server: FILE_fake.h, FILE_fake.c\n"
	"  --offline      use the metadata of meta/, no server\n"
	"  --json         findings as a JSON array on stdout\n"
	"  --verify DIR   prepare the queries that this older metadata recorded, and tell what broke (exit 1)\n"
	"  --check        only tell whether the metadata is stale (exit 4)\n";

enum {
	OPTION_SQL = 256,
	OPTION_GROUP,
	OPTION_OFFLINE,
	OPTION_CHECK,
	OPTION_DEPFILE,
	OPTION_TARGET,
	OPTION_JSON, OPTION_FAKE,
	OPTION_VERIFY
};

static const struct option options[] = {
	{"sql", required_argument, NULL, OPTION_SQL},
	{"group", required_argument, NULL, OPTION_GROUP},
	{"offline", no_argument, NULL, OPTION_OFFLINE},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"depfile", required_argument, NULL, OPTION_DEPFILE},
	{"target", required_argument, NULL, OPTION_TARGET},
	{"database", required_argument, NULL, 'd'},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"fake", no_argument, NULL, OPTION_FAKE},
	{"verify", required_argument, NULL, OPTION_VERIFY},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool take_option(struct gen *gen, int option)
{
	switch (option) {
	case OPTION_SQL:
		gen->sql_dir = optarg;
		return true;
	case OPTION_GROUP:
		gen->only = mem_grow(gen->arena, gen->only, gen->nonly, sizeof(*gen->only));
		gen->only[gen->nonly++] = optarg;
		return true;
	case OPTION_OFFLINE:
		return gen->offline = true;
	case OPTION_CHECK:
		return gen->check = gen->offline = true;
	case OPTION_JSON:
		return gen->json = true;
	case OPTION_VERIFY:
		gen->verify = optarg;
		return true;
	case OPTION_FAKE:
		return gen->fake = true;
	case OPTION_DEPFILE:
		gen->depfile = optarg;
		return true;
	case OPTION_TARGET:
		gen->depfile_target = optarg;
		return true;
	case 'd':
		gen->database = optarg;
		return true;
	case 'o':
		gen->out_dir = optarg;
		return true;
	default:
		return false;
	}
}

/* 0 to go on, else the exit code plus one. */
static int read_arguments(struct gen *gen, int argc, char **argv)
{
	for (;;) {
		int option = getopt_long(argc, argv, "d:o:h", options, NULL);
		if (option == -1)
			break;
		if (option == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (!take_option(gen, option)) {
			fputs(usage, stderr);
			return 3;
		}
	}
	bool fits = optind == argc && !(gen->offline && gen->database) && (gen->offline || !gen->depfile) &&
	            !(gen->check && gen->out_dir) && (!gen->fake || gen->out_dir) &&
	            (!gen->offline || gen->check || gen->out_dir) &&
	            !gen->depfile == !gen->depfile_target && !(gen->verify && (gen->offline || gen->out_dir));
	if (!fits)
		fputs(usage, stderr);
	return fits ? 0 : 3;
}

/* The sources are wrong; metadata and C are not made from them. */
static bool failed(const struct gen *gen)
{
	return gen->diags.errors + gen->diags.stale > 0;
}

static enum hf_status emit_from_meta(struct gen *gen, struct group *group, hf_error *err)
{
	enum hf_status status = meta_read(group, &gen->diags, err);
	if (status == HF_OK)
		group_check(group, &gen->diags);
	if (status == HF_OK && gen->depfile)
		depfile_add_group(&gen->deps, group);
	if (status != HF_OK || failed(gen) || !gen->out_dir)
		return status;
	status = emit_group(group, gen->out_dir, err);
	return status == HF_OK && gen->fake ? emit_fakes(group, gen->out_dir, err) : status;
}

static enum hf_status describe_and_write(struct gen *gen, struct group *group, hf_error *err)
{
	struct server server;
	enum hf_status status = server_open(gen->ctx, gen->database, group, &server, err);
	if (status == HF_OK)
		status = describe_group(group, server.connection, &gen->diags, err);
	server_close(&server);
	if (status == HF_OK)
		group_check(group, &gen->diags);
	return status == HF_OK && !failed(gen) ? meta_write(group, err) : status;
}

static enum hf_status run_group(struct gen *gen, const char *name, hf_error *err)
{
	struct group group = {0};
	enum hf_status status = group_read(gen->ctx, gen->arena, gen->sql_dir, name, &gen->diags, &group, err);
	if (status == HF_OK && gen->offline)
		status = emit_from_meta(gen, &group, err);
	else if (status == HF_OK)
		status = describe_and_write(gen, &group, err);
	group_deinit(&group);
	if (status != HF_OK || gen->offline || failed(gen) || !gen->out_dir)
		return status;
	status = group_read(gen->ctx, gen->arena, gen->sql_dir, name, &gen->diags, &group, err);
	if (status == HF_OK)
		status = emit_from_meta(gen, &group, err);
	group_deinit(&group);
	return status;
}

static enum hf_status run(struct gen *gen, hf_error *err)
{
	if (gen->verify) {
		struct verify_options verify = {gen->sql_dir, gen->verify, gen->database, gen->only, gen->nonly};
		return verify_run(gen->ctx, gen->arena, &verify, &gen->diags, err);
	}
	const char **names = gen->only;
	size_t count = gen->nonly;
	enum hf_status status = HF_OK;
	if (!count)
		status = groups_list(gen->arena, gen->sql_dir, &names, &count, err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		status = run_group(gen, names[i], err);
	if (status == HF_OK && gen->depfile && !failed(gen))
		status = depfile_write(&gen->deps, gen->depfile, gen->depfile_target, err);
	return status;
}

int verb_failed(enum hf_status status, const hf_error *err)
{
	fprintf(stderr, "holdfast-gen: %s\n", err->message);
	if (err->hint[0])
		fprintf(stderr, "  %s\n", err->hint);
	return hf_status_exit_code(status);
}

static int finish(struct gen *gen, enum hf_status status, const hf_error *err)
{
	if (!gen->json)
		diags_print(&gen->diags, stderr);
	else if (status == HF_OK && !diags_print_json(&gen->diags, stdout))
		return 1;
	if (status != HF_OK)
		return verb_failed(status, err);
	if (gen->diags.errors)
		return 1;
	return gen->diags.stale ? 4 : 0;
}

static const struct {
	const char *name;
	verb_fn *run;
} verbs[] = {{"describe", verb_describe}, {"init", verb_init}};

int main(int argc, char **argv)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(context_freep) hf_context *ctx = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)1 << 30);
	struct gen gen = {.sql_dir = "sql", .arena = arena};
	if (!arena || hf_context_new(NULL, &ctx, &err) != HF_OK) {
		fputs("holdfast-gen: out of memory\n", stderr);
		return 1;
	}
	gen.ctx = ctx;
	for (size_t i = 0; i < ARRAY_LEN(verbs) && argc > 1; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(ctx, arena, argc - 1, argv + 1);
	diags_init(&gen.diags, arena);
	depfile_init(&gen.deps, arena);
	int over = read_arguments(&gen, argc, argv);
	if (over)
		return over - 1;
	enum hf_status status = run(&gen, &err);
	return finish(&gen, status, &err);
}
