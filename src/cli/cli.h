/*
 * cli.h - one run of the command: what a verb gets and may call.
 *
 *     static enum hf_status run_add(struct cli *cli, hf_error *err)
 *     {
 *             hf_where where;
 *             enum hf_status status = cli_where(cli, &where, err);      opens the database at first use
 *             if (status != HF_OK)
 *                     return status;
 *             ... cli_arg(cli, 0), cli_text(cli, "bucket"), cli_int(cli, "offset", 0) ...
 *     }
 *
 * A verb returns a status; main prints the error and turns it into the exit code of status.h. Data goes through
 * cli->out, words for people through cli_note() and struct progress (stderr). Everything in `cli` is closed by main.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/child.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/globals.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "holdfast/connection.h"
#include "holdfast/context.h"
#include "holdfast/defects.h"
#include "holdfast/migrate.h"
#include "holdfast/server.h"

struct cli {
	struct parsed parsed;
	struct globals globals;
	struct configuration *config; /* in the arena */
	struct out *out;
	hf_context *ctx;       /* owned */
	hf_arena *arena;       /* for the whole run */
	hf_deadline deadline;  /* --timeout, else HF_DEADLINE_DEFAULT */
	hf_server *server;     /* owned; of --private or --demo */
	hf_settings *settings; /* owned; made at first use */
	const char *database_origin;
	hf_connection *connection; /* owned; made at first use */
	hf_pool *pool;             /* the same */
	int64_t stored;            /* entries of earlier batches that a kv verb has put into the store */
	bool several;              /* transactions: where one of them stands the error says so, with a hint */
	struct progress progress;  /* progress_start(&cli->progress, ...) */
	int exit_code;             /* of a child that ran in our place; used when the verb answers HF_OK */
};

/* ---- arguments and flags (parse.c) ---- */

/** Positional argument `index`, or NULL when it was optional and left out. */
const char *cli_arg(const struct cli *cli, size_t index);
size_t cli_nargs(const struct cli *cli);
/** Was the flag given? Asking for a flag that the command does not have asserts; so below. */
bool cli_given(const struct cli *cli, const char *name);
/** The value as text, or NULL. */
const char *cli_text(const struct cli *cli, const char *name);
/** Number of times a repeatable flag was given, and its values. */
size_t cli_count(const struct cli *cli, const char *name);
const char *cli_text_at(const struct cli *cli, const char *name, size_t index);
/** INT as it is, DURATION in milliseconds, SIZE in bytes, CHOICE as the index of the word. */
int64_t cli_int(const struct cli *cli, const char *name, int64_t otherwise);
double cli_number(const struct cli *cli, const char *name, double otherwise);

/* ---- the database (database.c) ---- */

/** The effective settings, by flags, variables and configuration. HF_E_CONFIG names the ways out when there are none.
 */
enum hf_status cli_settings(struct cli *cli, hf_settings **ret_settings, hf_error *err);
/** A session of its own; one per run, opened at first use. */
enum hf_status cli_connection(struct cli *cli, hf_connection **ret_connection, hf_error *err);
/** Where generated queries run, with the deadline of --timeout. */
enum hf_status cli_where(struct cli *cli, hf_where *ret_where, hf_error *err);
/** The same on a pool of so many sessions, one per run. */
enum hf_status cli_where_of(struct cli *cli, uint32_t connections, hf_where *ret_where, hf_error *err);
/** out_list(), which knows the fields that were asked for, then cli_where(). */
enum hf_status cli_list(struct cli *cli, const struct column *columns, hf_where *ret_where, hf_error *err);
/** "--database", "DATABASE_URL", "PG*", "/etc/holdfast/holdfast.conf:3", ...: what named the database; after
 *  cli_settings(). */
const char *cli_database_origin(const struct cli *cli);
/** postgresql:///NAME?host=...: for another program, without the password. NULL when memory is short. */
const char *cli_url(struct cli *cli, const hf_settings *settings);
/** The same with the password: for what this process opens, never for printing. */
const char *cli_login_url(struct cli *cli, const hf_settings *settings);
/** Start a private server, kept in `folder` (NULL = thrown away), with `set` applied (NULL = nothing). */
enum hf_status cli_private_server(struct cli *cli, const char *folder, const hf_migrations *set,
				  hf_server **ret_server, hf_error *err);
/** From now on the database is a throw-away one with `set` applied, instead of what the flags name. HF_E_USAGE when
 *  they name one. Before the other calls. */
enum hf_status cli_use_migrations(struct cli *cli, const hf_migrations *set, hf_error *err);
/** The folder of this program; also the name of the detached server that `demo` and --demo share, so that two checkouts
 *  never meet. HF_E_FAILED when /proc does not tell it. */
enum hf_status cli_program_folder(char *ret_name, size_t size, hf_error *err);
/** Close what the run opened; main calls it. */
void cli_close(struct cli *cli);

/** The defects of the original that --defects, HOLDFAST_DEFECTS or the configuration keep. HF_E_CONFIG names the word
 *  that is none. */
enum hf_status cli_defects(struct cli *cli, const struct hf_defects **ret_keep, hf_error *err);

/* ---- words for people (ask.c) ---- */

/** A line on stderr; nothing with -q or in JSON modes. */
void cli_note(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/** Ask for a yes before something that cannot be undone: HF_OK with -y or "yes"; HF_E_USAGE without a terminal or with
 *  --no-input; HF_REJECTED on anything else. Under a protected profile the answer must be the profile's name. */
enum hf_status cli_confirm(struct cli *cli, const char *question, hf_error *err);

#endif
