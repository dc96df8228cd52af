/*
 * gen.c - holdfast gen: runs the query compiler, a program of its own (only it links libpg_query). It stands beside
 * this program, in the build folder's tools/gen, in ../libexec/holdfast, or in PATH. Its exit code is ours.
 */
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/commands.h"

enum { FOLDER_BYTES_MAX = 4096, WORDS_MAX = 80 };

static const struct cmd_option gen_options[] = {
	{.name = "check", .kind = OPTION_FLAG, .help = "only tell whether the metadata is stale (exit 4); no server"},
	{.name = "offline", .kind = OPTION_FLAG, .help = "write C from the metadata (with --into); no server"},
	{.name = "sql", .arg = "DIR", .help = "the tree with queries, migrations and meta (sql)"},
	{.name = "group", .arg = "NAME", .repeatable = true, .help = "only this folder of queries"},
	{.name = "into", .arg = "DIR", .help = "write C into DIR/GROUP"},
	{0},
};

static const struct cmd_option verify_options[] = {
	{.name = "against", .arg = "DIR", .help = "metadata of the release that is still running (its sql/meta)"},
	{.name = "sql", .arg = "DIR", .help = "the tree with the migrations of the new release (sql)"},
	{.name = "group", .arg = "NAME", .repeatable = true, .help = "only this folder of queries"},
	{0},
};

static enum hf_status find_compiler(struct cli *cli, const char **ret_program, hf_error *err)
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

struct words {
	const char *items[WORDS_MAX];
	size_t count;
};

static void add(struct words *words, const char *flag, const char *value)
{
	if (words->count + 3 > WORDS_MAX)
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
	if (check && (offline || into))
		return error_set(err, HF_E_USAGE, "--check writes nothing, --%s does", offline ? "offline" : "into");
	if (offline && !into)
		return error_set(err, HF_E_USAGE, "--offline needs --into DIR");
	if (database && (check || offline))
		return error_set(err, HF_E_USAGE, "--%s needs no --database", check ? "check" : "offline");
	return HF_OK;
}

/* What all verbs pass on, behind the words that are there; then run it. */
static enum hf_status run_compiler(struct cli *cli, struct words *words, hf_error *err)
{
	const struct given *database = parsed_flag(&cli->parsed, "database");
	if (cli_count(cli, "group") > WORDS_MAX / 4)
		return error_set(err, HF_E_USAGE, "--group may stand at most %d times", WORDS_MAX / 4);
	enum hf_status status = find_compiler(cli, &words->items[0], err);
	if (status != HF_OK)
		return status;
	if (cli->globals.format == OUT_JSON)
		add(words, "--json", NULL);
	if (database)
		add(words, "-d", database->text);
	add_text(words, cli, "sql", "--sql");
	for (size_t i = 0; i < cli_count(cli, "group"); i++)
		add(words, "--group", cli_text_at(cli, "group", i));
	return child_run(cli, words->items, NULL, err);
}

static enum hf_status run_gen(struct cli *cli, hf_error *err)
{
	struct words words = {.count = 1};
	enum hf_status status = check_flags(cli, parsed_flag(&cli->parsed, "database") != NULL, err);
	if (status != HF_OK)
		return status;
	if (cli_given(cli, "check"))
		add(&words, "--check", NULL);
	if (cli_given(cli, "offline"))
		add(&words, "--offline", NULL);
	add_text(&words, cli, "into", "-o");
	return run_compiler(cli, &words, err);
}

static enum hf_status run_verify(struct cli *cli, hf_error *err)
{
	struct words words = {.count = 1};
	if (!cli_given(cli, "against"))
		return error_set(err, HF_E_USAGE,
		                 "gen verify needs --against DIR: the metadata of the running release");
	add_text(&words, cli, "against", "--verify");
	return run_compiler(cli, &words, err);
}

const struct cmd gen_commands[] = {
	{.noun = "gen",
         .summary = "compile the queries of sql/queries to typed C",
         .about =
                 "Describes every query on a private server (or on the database of -d, which must have the schema) and "
                 "writes sql/meta; with --into also C. Builds use --offline. Wrong queries are reported all at once: "
                 "exit 1. Metadata that is older than its queries or migrations: exit 4.",
         .options = gen_options,
         .examples = {"holdfast gen", "holdfast gen --check",
                      "holdfast gen --sql sql --group janitor --into build/queries"},
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
                 "changed, a column that was never NULL and may be NULL now. Exit 1 when something broke.",
         .options = verify_options,
         .examples = {"holdfast gen verify --against /usr/share/janitor-1.4/sql/meta",
                      "holdfast gen verify --against ../release-1.4/sql/meta --group janitor",
                      "holdfast gen verify --against old/meta -d postgresql:///staging"},
         .run = run_verify,
         .test_effect = "test_gen_verify_lists_what_broke",
         .test_refusal = "test_gen_verify_refuses_what_is_no_metadata",
         .flags = CMD_NO_CONFIG},
	{0},
};
