/*
 * gen.c - holdfast gen: runs the query compiler, a program of its own (only it links libpg_query). It stands beside
 * this program, in the build folder's tools/gen, in ../libexec/holdfast, or in PATH. Its exit code is ours.
 */
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/gen.h"

enum { FOLDER_BYTES_MAX = 4096, WORDS_MAX = 80 };

static const struct cmd_option gen_options[] = {
	{.name = "check", .kind = OPTION_FLAG, .help = "only tell whether the metadata is stale (exit 4); no server"},
	{.name = "offline", .kind = OPTION_FLAG, .help = "write C from the metadata (with --into); no server"},
	{.name = "sql", .arg = "DIR", .help = "the tree with queries, migrations and meta (sql)"},
	{.name = "group", .arg = "NAME", .repeatable = true, .help = "only this folder of queries"},
	{.name = "init", .kind = OPTION_FLAG, .help = "write a small project to begin from, here or --into DIR"},
	{.name = "build", .arg = "SYSTEM", .kind = OPTION_CHOICE, .choices = "make|cmake|meson",
	 .help = "with --init: what it is built with (make)"},
	{.name = "into", .arg = "DIR", .help = "write C into DIR/GROUP"},
	{.name = "fake", .kind = OPTION_FLAG, .help = "with --into: also fakes of the queries, for unit tests"},
	{0},
};

static const struct cmd_option verify_options[] = {
	{.name = "against", .arg = "DIR", .help = "metadata of the release that is still running (its sql/meta)"},
	{.name = "sql", .arg = "DIR", .help = "the tree with the migrations of the new release (sql)"},
	{.name = "group", .arg = "NAME", .repeatable = true, .help = "only this folder of queries"},
	{0},
};

enum hf_status gen_compiler(struct cli *cli, const char **ret_program, hf_error *err)
{
	static const char *const places[] = {"holdfast-gen", "tools/gen/holdfast-gen",
	                                     "../libexec/holdfast/holdfast-gen"};
	char folder[FOLDER_BYTES_MAX];
	enum hf_status status = cli_program_folder(folder, sizeof(folder), err);
	if (status != HF_OK)
		return status;
	*ret_program = "holdfast-gen";
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *path = arena_printf(cli->arena, "%s/%s", folder, places[i]).ptr;
		if (!path)
			return error_nomem(err);
		if (access(path, X_OK) == 0) {
			*ret_program = path;
			return HF_OK;
		}
	}
	return HF_OK;
}

/* The compiler's command line; the program itself comes first. */
struct words {
	const char **items;
	size_t count, max;
};

static enum hf_status words_begin(struct cli *cli, struct words *ret_words, hf_error *err)
{
	struct words words = {.count = 1, .max = WORDS_MAX + cli_nargs(cli)};
	words.items = hf_arena_calloc(cli->arena, words.max, sizeof(*words.items));
	if (!words.items)
		return error_nomem(err);
	*ret_words = words;
	return HF_OK;
}

static void add(struct words *words, const char *flag, const char *value)
{
	if (words->count + 3 > words->max)
		return;
	words->items[words->count++] = flag;
	if (value)
		words->items[words->count++] = value;
}

static void add_text(struct words *words, const struct cli *cli, const char *name, const char *flag)
{
	const char *value = cli_text(cli, name);
	if (value)
		add(words, flag, value);
}

/* What does not fit together, in the words of this command's flags. */
static enum hf_status check_flags(const struct cli *cli, bool database, hf_error *err)
{
	bool check = cli_given(cli, "check"), offline = cli_given(cli, "offline"), into = cli_given(cli, "into");
	if (cli_given(cli, "build") && !cli_given(cli, "init"))
		return error_set(err, HF_E_USAGE, "--build goes with --init");
	bool tree = cli_given(cli, "sql") || cli_given(cli, "group") || cli_given(cli, "fake");
	if (cli_given(cli, "init") && (check || offline || database || tree))
		return error_set(err, HF_E_USAGE, "--init writes a new project: only --build and --into go with it");
	if (cli_given(cli, "fake") && !into)
		return error_set(err, HF_E_USAGE, "--fake needs --into DIR");
	if (check && (offline || into))
		return error_set(err, HF_E_USAGE, "--check writes nothing, --%s does", offline ? "offline" : "into");
	if (offline && !into)
		return error_set(err, HF_E_USAGE, "--offline needs --into DIR");
	if (database && (check || offline))
		return error_set(err, HF_E_USAGE, "--%s needs no --database", check ? "check" : "offline");
	return HF_OK;
}

/* The compiler has two forms of its answers, and no list whose columns could be chosen. */
static enum hf_status check_format(const struct cli *cli, hf_error *err)
{
	if (cli->globals.fields)
		return error_set(err, HF_E_USAGE, "gen has no fields to choose: --json alone, and jq behind it");
	if (cli->globals.format != OUT_TABLE && cli->globals.format != OUT_JSON)
		return error_set(err, HF_E_USAGE, "gen answers in words or in JSON, in no other format");
	return HF_OK;
}

/* What all verbs pass on, behind the words that are there; then run it. */
static enum hf_status run_compiler(struct cli *cli, struct words *words, hf_error *err)
{
	const struct given *database = parsed_flag(&cli->parsed, "database");
	enum hf_status status = check_format(cli, err);
	if (status == HF_OK)
		status = gen_compiler(cli, &words->items[0], err);
	if (status != HF_OK)
		return status;
	if (cli->globals.format == OUT_JSON)
		add(words, "--json", NULL);
	if (database)
		add(words, "-d", database->text);
	for (size_t i = 0; i < cli_nargs(cli); i++)
		add(words, i ? cli_arg(cli, i) : "--", i ? NULL : cli_arg(cli, i));
	return child_run(cli, words->items, NULL, err);
}

/* For the verbs that look at a tree. */
static enum hf_status run_on_tree(struct cli *cli, struct words *words, hf_error *err)
{
	if (cli_count(cli, "group") > WORDS_MAX / 4)
		return error_set(err, HF_E_USAGE, "--group may stand at most %d times", WORDS_MAX / 4);
	add_text(words, cli, "sql", "--sql");
	for (size_t i = 0; i < cli_count(cli, "group"); i++)
		add(words, "--group", cli_text_at(cli, "group", i));
	return run_compiler(cli, words, err);
}

static enum hf_status run_gen(struct cli *cli, hf_error *err)
{
	struct words words = {0};
	enum hf_status status = check_flags(cli, parsed_flag(&cli->parsed, "database") != NULL, err);
	if (status == HF_OK)
		status = words_begin(cli, &words, err);
	if (status != HF_OK)
		return status;
	if (cli_given(cli, "init")) {
		add(&words, "init", NULL);
		add_text(&words, cli, "build", "--build");
		add_text(&words, cli, "into", "-o");
		return run_compiler(cli, &words, err);
	}
	if (cli_given(cli, "check"))
		add(&words, "--check", NULL);
	if (cli_given(cli, "offline"))
		add(&words, "--offline", NULL);
	if (cli_given(cli, "fake"))
		add(&words, "--fake", NULL);
	add_text(&words, cli, "into", "-o");
	return run_on_tree(cli, &words, err);
}

static enum hf_status run_verify(struct cli *cli, hf_error *err)
{
	struct words words = {0};
	if (!cli_given(cli, "against"))
		return error_set(err, HF_E_USAGE,
		                 "gen verify needs --against DIR: the metadata of the running release");
	enum hf_status status = words_begin(cli, &words, err);
	if (status != HF_OK)
		return status;
	add_text(&words, cli, "against", "--verify");
	return run_on_tree(cli, &words, err);
}

static const struct cmd_option describe_options[] = {
	{.name = "migrations", .arg = "DIR", .help = "apply these to a private server first"},
	{0},
};

static enum hf_status run_describe(struct cli *cli, hf_error *err)
{
	struct words words = {0};
	if (parsed_flag(&cli->parsed, "database") && cli_given(cli, "migrations"))
		return error_set(err, HF_E_USAGE, "--migrations is for a private server, --database names another");
	enum hf_status status = words_begin(cli, &words, err);
	if (status != HF_OK)
		return status;
	add(&words, "describe", NULL);
	add_text(&words, cli, "migrations", "--migrations");
	return run_compiler(cli, &words, err);
}

static const char about_describe[] =
	"Any statements with :name or $n parameters, from any files; no project and no metadata are needed, and "
	"nothing is written. They are prepared, never run, on a private server (with --migrations: after those, "
	"whose files need no more than a line \"-- up\", or not even that) or on the database of -d.\n"
	"A statement is called by its line \"-- name: x :one\", else by its file (report, report_2). With --json: "
	"one array over all files of {name, cardinality, params: [{name, type, nullable}], columns: [{name, type, "
	"nullable, rule}]}. The cardinality is the written one without its colon; without one it is many, or exec "
	"when there are no columns. A second column id becomes id_2, a third one without a name column3. The rule "
	"says what proved that a column is never null. Of a statement with parts to leave out and orders to choose "
	"from, all variants count: a column is null when it may be in any, and the parameters are those of all.\n"
	"A statement that is wrong is reported with its place, the others are described: exit 1. What the "
	"compiler would refuse for other reasons is a warning.";

const struct cmd gen_commands[] = {
	{.noun = "gen",
         .summary = "compile the queries of sql/queries to typed C",
         .about =
                 "Describes every query on a private server (or on the database of -d, which must have the schema) and "
                 "writes sql/meta; with --into also C. Builds use --offline. Wrong queries are reported all at once: "
                 "exit 1. Metadata that is older than its queries or migrations: exit 4.",
         .options = gen_options,
         .examples = {"holdfast gen", "holdfast gen --check",
                      "holdfast gen --sql sql --group janitor --into build/queries",
                      "holdfast gen --init --build meson"},
         .run = run_gen,
         .test_effect = "test_gen_renews_the_metadata",
         .test_refusal = "test_gen_refuses_flags_that_do_not_fit",
         .flags = CMD_NO_CONFIG},
	{.noun = "gen",
         .verb = "verify",
         .summary = "would the running release survive the new schema",
         .about =
                 "While a new release is rolled out, the old program meets the new schema. This prepares the queries "
                 "that the old metadata recorded on a private server with the migrations of --sql (or on the database "
                 "of -d) and lists what broke: a query that is refused, a parameter or column whose type or name "
                 "changed, a column that was never NULL and may be NULL now, a new label of an enum that a column "
                 "cannot take. Exit 1 when something broke.",
         .options = verify_options,
         .examples = {"holdfast gen verify --against /usr/share/janitor-1.4/sql/meta",
                      "holdfast gen verify --against ../release-1.4/sql/meta --group janitor",
                      "holdfast gen verify --against old/meta -d postgresql:///staging"},
         .run = run_verify,
         .test_effect = "test_gen_verify_lists_what_broke",
         .test_refusal = "test_gen_verify_refuses_what_is_no_metadata",
         .flags = CMD_NO_CONFIG},
	{.noun = "gen",
         .verb = "describe",
         .args = "FILE...",
         .summary = "show types and nullability of any statements",
         .about = about_describe,
         .options = describe_options,
         .examples = {"holdfast gen describe queries.sql --migrations migrations",
                      "holdfast gen describe *.sql -d postgres:///app --json",
                      "holdfast gen describe report.sql --migrations db --json | jq '.[].columns'"},
         .run = run_describe,
         .test_effect = "test_gen_describe_answers_in_order",
         .test_refusal = "test_gen_describe_refuses_two_places",
         .flags = CMD_NO_CONFIG},
	{0},
};
