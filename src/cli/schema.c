/*
 * schema.c - holdfast schema: what a database consists of. Where it is read from, and the table of verbs.
 */
#include "cli/schema.h"

#include "base/error.h"
#include "cli/commands.h"

static void free_set(hf_migrations **set)
{
	hf_migrations_free(*set);
}

enum hf_status schema_use_source(struct cli *cli, hf_error *err)
{
	const char *directory = cli_text(cli, "migrations");
	CLEANUP(free_set) hf_migrations *set = NULL;
	if (!directory)
		return HF_OK;
	enum hf_status status = hf_migrations_open(cli->ctx, "schema", directory, &set, err);
	return status == HF_OK ? cli_use_migrations(cli, set, err) : status;
}

enum hf_status schema_read(struct cli *cli, bool privileges, struct hf_schema *ret_schema, hf_error *err)
{
	hf_where where;
	const struct hf_schema_options options = {.size = sizeof(options), .privileges = privileges};
	enum hf_status status = schema_use_source(cli, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	return status == HF_OK ? hf_schema_read(where, &options, cli->arena, ret_schema, err) : status;
}

/* ---- the table ---- */

#define PRIVILEGES_OPTION                                                                  \
	{                                                                                  \
		.name = "privileges", .kind = OPTION_FLAG, .help = "owners and grants too" \
	}
#define SQL_OPTION                                                                                            \
	{                                                                                                     \
		.name = "sql", .arg = "DIR", .help = "the tree whose metadata tells what queries touch (sql)" \
	}

static const struct cmd_option show_options[] = {SCHEMA_SOURCE_OPTIONS, SQL_OPTION, PRIVILEGES_OPTION, {0}};
static const struct cmd_option docs_options[] = {
	{.name = "into", .arg = "DIR", .help = "write the files into this folder"},
	{.name = "format",
         .arg = "FORMAT",
         .kind = OPTION_CHOICE,
         .choices = "md|html|json|mermaid|dot",
         .help = "a folder of Markdown (md), one page, data, or a diagram"},
	{.name = "check", .kind = OPTION_FLAG, .help = "only tell whether the files of --into are stale (exit 4)"},
	{.name = "title", .arg = "TEXT", .help = "heading of the whole"},
	SCHEMA_SOURCE_OPTIONS,
	SQL_OPTION,
	PRIVILEGES_OPTION,
	{0},
};
static const struct cmd_option diff_options[] = {SCHEMA_SOURCE_OPTIONS, PRIVILEGES_OPTION, {0}};
static const struct cmd_option dump_options[] = {SCHEMA_SOURCE_OPTIONS, PRIVILEGES_OPTION, {0}};

const struct cmd schema_commands[] = {
	{.noun = "schema",
         .verb = "show",
         .args = "[NAME]",
         .summary = "show a table, view, type, sequence or function; or list them",
         .about =
                 "NAME is the name alone or with its schema before it (public.queue). With --json a named object comes "
                 "with everything that belongs to it, one item each.",
         .options = show_options,
         .columns = schema_show_columns,
         .examples = {"holdfast schema show", "holdfast --demo schema show queue",
                      "holdfast schema show public.queue --json=kind,name,properties",
                      "holdfast schema show person --migrations sql/migrations"},
         .run = schema_show,
         .test_effect = "test_schema_show_tells_all_of_a_table",
         .test_refusal = "test_schema_show_refuses_what_is_not_there",
         .flags = CMD_LIST},
	{.noun = "schema",
         .verb = "docs",
         .summary = "write documents: Markdown, HTML, JSON or a diagram",
         .about = "Comments, columns, keys, indexes, triggers, and which queries read and write each column. Files "
                  "depend on the schema and the queries alone: the same input gives the same bytes, and equal files "
                  "are not touched. Without --into the text goes to standard output. A view stands for itself: what "
                  "queries read through it is told at the view.",
         .options = docs_options,
         .columns = schema_docs_columns,
         .examples = {"holdfast schema docs --into docs/schema", "holdfast schema docs --into docs/schema --check",
                      "holdfast --demo schema docs --format html > schema.html",
                      "holdfast schema docs --format dot | dot -Tsvg > schema.svg"},
         .run = schema_docs,
         .test_effect = "test_schema_docs_writes_a_page_per_table",
         .test_refusal = "test_schema_docs_refuses_flags_that_do_not_fit",
         .flags = CMD_LIST},
	{.noun = "schema",
         .verb = "diff",
         .args = "A [B]",
         .summary = "list what is different in B; exit 4 when something is",
         .about = "A side is a database (URL or key=value), a directory of migrations, or a file of `schema docs "
                  "--format "
                  "json` (- is standard input). B is otherwise what the database flags name. The order of columns does "
                  "not count. Exit code 0: no difference. 4: some.",
         .options = diff_options,
         .columns = schema_diff_columns,
         .examples = {"holdfast schema diff sql/migrations", "holdfast schema diff release.json postgresql:///shop",
                      "holdfast schema diff postgresql:///old postgresql:///new --json"},
         .run = schema_diff,
         .test_effect = "test_schema_diff_tells_what_changed",
         .test_refusal = "test_schema_diff_refuses_what_is_no_schema",
         .flags = CMD_LIST},
	{.noun = "schema",
         .verb = "dump",
         .summary = "print the SQL that makes the schema anew",
         .about =
                 "The text of pg_dump, without what differs from run to run: versions and tokens. The same schema "
                 "gives "
                 "the same bytes; loaded into an empty database (psql -X1qf FILE) and dumped again, it is equal. Rows, "
                 "subscriptions, tablespaces and the ledger of migrations are left out; owners and grants unless "
                 "--privileges asks for them.",
         .options = dump_options,
         .columns = schema_dump_columns,
         .examples = {"holdfast schema dump", "holdfast --demo schema dump > schema.sql",
                      "holdfast schema dump --migrations sql/migrations | diff - schema.sql"},
         .run = schema_dump,
         .test_effect = "test_schema_dump_makes_the_same_again",
         .test_refusal = "test_schema_dump_refuses_what_it_may_not_read"},
	{0},
};
