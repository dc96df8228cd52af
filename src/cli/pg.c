/*
 * pg.c - holdfast pg: private PostgreSQL servers.
 *
 * start, stop, status and url are about one detached server per build folder and --name (with --demo: the demo's);
 * run has a server of its own that ends with the command it runs.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "holdfast/server.h"

enum { NAME_BYTES_MAX = 4096 };
#define NAME_OPTION                                                             \
	{                                                                       \
		.name = "name", .arg = "WORD", .help = "which one (default pg)" \
	}

DEFINE_OWNED(server, hf_server *, hf_server_free)

/* "/build/folder#word"; the demo's is the folder alone. */
static enum hf_status server_name(const struct cli *cli, char *ret_name, size_t size, hf_error *err)
{
	const char *word = cli_text(cli, "name");
	if (word && (!word[0] || strlen(word) > 64 || strchr(word, '#')))
		return error_set(err, HF_E_USAGE, "--name takes 1 to 64 characters without \"#\": \"%.80s\"", word);
	enum hf_status status = cli_program_folder(ret_name, size, err);
	bool demo = parsed_flag(&cli->parsed, "demo");
	if (status == HF_OK && demo && word)
		return error_set(err, HF_E_USAGE, "--demo and --name name two servers");
	size_t n = status == HF_OK ? strlen(ret_name) : 0;
	if (status == HF_OK && !demo && (size_t)snprintf(ret_name + n, size - n, "#%s", word ? word : "pg") >= size - n)
		return error_set(err, HF_E_LIMIT, "the path of this program is too long");
	return status;
}

static enum hf_status find(struct cli *cli, hf_server **ret_server, hf_error *err)
{
	char name[NAME_BYTES_MAX];
	enum hf_status status = server_name(cli, name, sizeof(name), err);
	if (status == HF_OK)
		status = hf_server_find(cli->ctx, name, ret_server, err);
	if (status != HF_NOT_FOUND)
		return status;
	error_set(err, HF_NOT_FOUND, "there is no such private server");
	error_hint(err,
	           parsed_flag(&cli->parsed, "demo") ? "make one   holdfast demo" : "make one   holdfast pg start");
	return HF_NOT_FOUND;
}

/* ---- status, start, url ---- */

static const struct column status_columns[] = {
	{"running", COLUMN_BOOL, NULL, NULL},
	{"url", COLUMN_TEXT, NULL, NULL},
	{"host", COLUMN_TEXT, NULL, "folder of the socket (PGHOST)"},
	{"data", COLUMN_TEXT, NULL, "folder of the data"},
	{"user", COLUMN_TEXT, "os user", "who it runs as"},
	{"pid", COLUMN_INT, NULL, "of the postmaster; null when it does not run"},
	{"clients", COLUMN_INT, NULL, "connected now; null when it does not run"},
	{0},
};

static enum hf_status show(struct cli *cli, hf_server *server, hf_error *err)
{
	struct hf_server_state state;
	enum hf_status status = hf_server_look(server, &state, err);
	if (status != HF_OK)
		return status;
	return out_object(cli->out, status_columns,
	                  (struct cell[]){cell_bool(state.running), cell_word(hf_server_url(server)),
	                                  cell_word(hf_server_host(server)), cell_word(hf_server_data(server)),
	                                  cell_word(hf_server_user(server)),
	                                  state.running ? cell_int(state.pid) : cell_null(),
	                                  state.clients >= 0 ? cell_int(state.clients) : cell_null()},
	                  err);
}

static enum hf_status run_status(struct cli *cli, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = NULL;
	enum hf_status status = find(cli, &server, err);
	return status == HF_OK ? show(cli, server, err) : status;
}

static enum hf_status run_start(struct cli *cli, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = NULL;
	char name[NAME_BYTES_MAX];
	enum hf_status status = server_name(cli, name, sizeof(name), err);
	if (status != HF_OK)
		return status;
	int64_t idle_ms = cli_int(cli, "idle", 0);
	struct hf_server_options options = {
		.size = sizeof(options),
		.name = name,
		.durable = cli_given(cli, "durable"),
		.max_connections = (uint32_t)cli_int(cli, "max-connections", 0),
		.idle_limit_ms = cli_given(cli, "idle") && idle_ms == 0 ? -1 : idle_ms,
	};
	status = hf_server_start(cli->ctx, &options, cli->deadline, &server, err);
	return status == HF_OK ? show(cli, server, err) : status;
}

static const struct column url_columns[] = {
	{"url", COLUMN_TEXT, NULL, NULL},
	{0},
};

static enum hf_status run_url(struct cli *cli, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = NULL;
	struct hf_server_state state = {0};
	enum hf_status status = find(cli, &server, err);
	if (status == HF_OK)
		status = hf_server_look(server, &state, err);
	if (status != HF_OK)
		return status;
	if (!state.running) {
		error_set(err, HF_E_UNAVAILABLE, "the private server in %s does not run", hf_server_host(server));
		error_hint(err, "start it   holdfast pg start");
		return HF_E_UNAVAILABLE;
	}
	return out_value(cli->out, url_columns, (struct cell[]){cell_word(hf_server_url(server))}, err);
}

/* ---- stop, gc ---- */

static enum hf_status run_stop(struct cli *cli, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = NULL;
	struct hf_server_state state = {0};
	bool remove = cli_given(cli, "remove");
	enum hf_status status = find(cli, &server, err);
	if (status == HF_OK)
		status = hf_server_look(server, &state, err);
	if (status == HF_OK && !cli->globals.dry_run)
		status = remove ? hf_server_remove(server, cli->deadline, err)
		                : hf_server_stop(server, cli->deadline, err);
	if (status != HF_OK)
		return status;
	bool changed = state.running || remove;
	return out_written(cli->out, &(struct written){.what = "servers",
	                                                .did = remove ? "removed" : "stopped",
	                                                .changed = changed,
	                                                .unchanged = !changed},
	                   err);
}

static const struct column gc_columns[] = {
	{"removed", COLUMN_INT, NULL, "folders of servers that are gone"},
	{"live", COLUMN_INT, NULL, "left alone: they run"},
	{"kept", COLUMN_INT, NULL, "left alone: stopped, can be started again"},
	{"failed", COLUMN_INT, NULL, "could not be ended or removed"},
	{"snapshots", COLUMN_INT, NULL, "cached clusters removed: unused or half built"},
	{0},
};

static enum hf_status run_gc(struct cli *cli, hf_error *err)
{
	struct hf_server_sweep sweep;
	enum hf_status status = hf_server_gc(cli->ctx, &sweep, err);
	if (status != HF_OK)
		return status;
	status = out_object(cli->out, gc_columns,
	                    (struct cell[]){cell_int(sweep.removed), cell_int(sweep.live), cell_int(sweep.kept),
	                                    cell_int(sweep.failed), cell_int(sweep.snapshots)},
	                    err);
	if (status == HF_OK && sweep.failed > 0)
		return error_set(err, HF_PARTIAL, "%d left-over servers could not be removed", sweep.failed);
	return status;
}

/* ---- run ---- */

/* Its URL for everything that reads one, and nothing of the caller's that would lead elsewhere. */
static enum hf_status run_with(struct cli *cli, const hf_server *server, hf_error *err)
{
	struct hf_str url = arena_printf(cli->arena, "DATABASE_URL=%s", hf_server_url(server));
	struct hf_str host = arena_printf(cli->arena, "PGHOST=%s", hf_server_host(server));
	const char **argv = hf_arena_calloc(cli->arena, cli_nargs(cli) + 1, sizeof(*argv));
	if (!url.ptr || !host.ptr || !argv)
		return error_nomem(err);
	for (size_t i = 0; i < cli_nargs(cli); i++)
		argv[i] = cli_arg(cli, i);
	const char *const environment[] = {url.ptr,
	                                   host.ptr,
	                                   "PGPORT=5432",
	                                   "PGDATABASE=postgres",
	                                   "PGUSER=holdfast",
	                                   "PGHOSTADDR",
	                                   "PGSERVICE",
	                                   "PGOPTIONS",
	                                   "PGTARGETSESSIONATTRS",
	                                   "HOLDFAST_DATABASE_URL",
	                                   "HOLDFAST_PRIVATE",
	                                   NULL};
	return child_run(cli, argv, environment, err);
}

/* Those of --set, and NULL behind them. */
static const char *const *settings_of(const struct cli *cli)
{
	size_t count = cli_count(cli, "set");
	const char **settings = hf_arena_calloc(cli->arena, count + 1, sizeof(*settings));
	for (size_t i = 0; settings && i < count; i++)
		settings[i] = cli_text_at(cli, "set", i);
	return settings;
}

static enum hf_status run_run(struct cli *cli, hf_error *err)
{
	CLEANUP(server_freep) hf_server *server = NULL;
	struct hf_server_options options = {
		.size = sizeof(options),
		.folder = cli_text(cli, "keep"),
		.durable = cli_given(cli, "durable"),
		.max_connections = (uint32_t)cli_int(cli, "max-connections", 0),
		.settings = cli_count(cli, "set") ? settings_of(cli) : NULL,
	};
	if (cli_count(cli, "set") && !options.settings)
		return error_nomem(err);
	enum hf_status status = hf_server_start(cli->ctx, &options, cli->deadline, &server, err);
	if (status == HF_OK)
		status = run_with(cli, server, err);
	hf_error late = HF_ERROR_INIT;
	enum hf_status stopped = server ? hf_server_stop(server, HF_DEADLINE_DEFAULT, &late) : HF_OK;
	if (status == HF_OK && stopped != HF_OK && err)
		*err = late;
	return status == HF_OK ? stopped : status;
}

/* ---- the table ---- */

#define CONNECTIONS_OPTION                                                                         \
	{                                                                                          \
		.name = "max-connections", .arg = "N", .kind = OPTION_INT, .min = 1, .max = 10000, \
		.help = "how many clients at once (default 100)"                                   \
	}
#define DURABLE_OPTION                                                                                        \
	{                                                                                                     \
		.name = "durable", .kind = OPTION_FLAG, .help = "with fsync: survives a crash of the machine" \
	}

static const struct cmd_option name_options[] = {NAME_OPTION, {0}};
static const struct cmd_option start_options[] = {
	NAME_OPTION,
	{.name = "idle",
         .arg = "DUR",
         .kind = OPTION_DURATION,
         .min = 0,
         .max = 604800000,
         .help = "stop after DUR without a client, 0 = never (default 15m)"},
	DURABLE_OPTION,
	CONNECTIONS_OPTION,
	{0},
};
static const struct cmd_option stop_options[] = {
	NAME_OPTION,
	{.name = "remove", .kind = OPTION_FLAG, .help = "remove its data too"},
	{0},
};
static const struct cmd_option run_options[] = {
	{.name = "keep", .arg = "DIR", .help = "keep the data in DIR, and find it there the next time"},
	DURABLE_OPTION,
	CONNECTIONS_OPTION,
	{.name = "set", .arg = "NAME=VALUE", .repeatable = true, .help = "a setting of the server"},
	{0},
};

#define ABOUT                                                                                                         \
	"A private server listens on a socket in a folder of mode 0700 below /tmp, nowhere else. As root it runs as " \
	"user postgres, else nobody, else the one that HOLDFAST_PG_USER names. HOLDFAST_PG_BIN names the folder of "  \
	"the server's programs, HOLDFAST_CACHE_DIR where prepared clusters are kept."

const struct cmd pg_commands[] = {
	{.noun = "pg",
         .verb = "start",
         .summary = "start a private server that stays, or find it running",
         .about = ABOUT,
         .options = start_options,
         .columns = status_columns,
         .examples = {"holdfast pg start", "holdfast pg start --name scratch --idle 2h",
                      "holdfast pg start --json=url --durable"},
         .run = run_start,
         .test_effect = "test_pg_start_gives_a_server_that_stays",
         .test_refusal = "test_pg_start_refuses_a_bad_name",
         .flags = CMD_NO_DATABASE},
	{.noun = "pg",
         .verb = "stop",
         .summary = "stop it; its data stay for the next start",
         .options = stop_options,
         .examples = {"holdfast pg stop", "holdfast pg stop --name scratch --remove", "holdfast --demo pg stop"},
         .run = run_stop,
         .test_effect = "test_pg_stop_keeps_the_data_unless_told",
         .test_refusal = "test_pg_stop_refuses_what_is_not_there",
         .flags = CMD_WRITES | CMD_NO_DATABASE},
	{.noun = "pg",
         .verb = "status",
         .summary = "say whether it runs, and where",
         .options = name_options,
         .columns = status_columns,
         .examples = {"holdfast pg status", "holdfast pg status --json=running,clients", "holdfast --demo pg status"},
         .run = run_status,
         .test_effect = "test_pg_status_tells_running_from_stopped",
         .test_refusal = "test_pg_status_refuses_what_is_not_there",
         .flags = CMD_NO_DATABASE},
	{.noun = "pg",
         .verb = "url",
         .summary = "print the URL of the running server",
         .options = name_options,
         .columns = url_columns,
         .examples = {"psql \"$(holdfast pg url)\"", "holdfast pg url --name scratch", "holdfast --demo pg url --json"},
         .run = run_url,
         .test_effect = "test_pg_url_can_be_given_to_psql",
         .test_refusal = "test_pg_url_refuses_a_stopped_server",
         .flags = CMD_NO_DATABASE},
	{.noun = "pg",
         .verb = "run",
         .args = "-- CMD...",
         .summary = "run a command with a private server of its own",
         .about = "Sets DATABASE_URL, PGHOST, PGPORT, PGDATABASE and PGUSER. The command's exit code is ours; signals "
                  "are passed on to it. The server ends with the command, and also when holdfast is killed.",
         .options = run_options,
         .examples = {"holdfast pg run -- make test", "holdfast pg run -- psql -c 'SELECT version()'",
                      "holdfast pg run --keep ./db -- ./app"},
         .run = run_run,
         .test_effect = "test_pg_run_gives_the_command_a_server",
         .test_refusal = "test_pg_run_refuses_an_unknown_program",
         .flags = CMD_NO_DATABASE},
	{.noun = "pg",
         .verb = "gc",
         .summary = "remove what killed servers of this user left",
         .about = "Servers that run are left alone, and so are stopped ones whose build folder still exists.",
         .columns = gc_columns,
         .examples = {"holdfast pg gc", "holdfast pg gc --json", "holdfast pg gc -o csv"},
         .run = run_gc,
         .test_effect = "test_pg_gc_removes_the_dead_only",
         .test_refusal = "test_pg_gc_refuses_a_cache_of_somebody_else",
         .flags = CMD_NO_DATABASE},
	{0},
};
