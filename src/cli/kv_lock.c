/*
 * kv_lock.c - holdfast kv lock: leases with fences from the shell.
 *
 * Whether a lock is held is told by this machine's clock; who gets it, by the store's.
 */
#include "holdfast/kv_lock.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/kv.h"

enum { TTL_MS = 30 * 1000 };

/* ---- what verbs share ---- */

static const struct column lock_columns[] = {
	{"fence", COLUMN_INT, NULL, "greater than that of every owner before"},
	{"name", COLUMN_TEXT, NULL, NULL},
	{"owner", COLUMN_TEXT, NULL, NULL},
	{"held", COLUMN_BOOL, NULL, "false: who is named held it last"},
	{"acquired", COLUMN_TIME, NULL, NULL},
	{"expires", COLUMN_TIME, NULL, "null, or over: nobody holds it"},
	{0},
};
enum { LOCK_COLUMNS = 6 };

static void lock_cells(const struct cli *cli, const struct hf_kv_lock *lock, struct cell *ret_cells)
{
	ret_cells[0] = cell_int(lock->fence);
	ret_cells[1] = cell_text(lock->name);
	ret_cells[2] = cell_text(lock->owner);
	ret_cells[3] = cell_bool(lock->expires_us > hf_now_wall_us(cli->ctx));
	ret_cells[4] = kv_cell_time(lock->acquired_us);
	ret_cells[5] = kv_cell_time(lock->expires_us);
}

static enum hf_status show_lock(struct cli *cli, const struct hf_kv_lock *lock, hf_error *err)
{
	struct cell cells[LOCK_COLUMNS];
	lock_cells(cli, lock, cells);
	return out_object(cli->out, lock_columns, cells, err);
}

static int64_t ttl_us(const struct cli *cli)
{
	return cli_int(cli, "ttl", TTL_MS) * 1000;
}

/* Without --wait there is one try. */
static enum hf_status acquire(struct cli *cli, hf_kv *kv, struct hf_kv_lock *ret_lock, hf_error *err)
{
	const char *name = cli_arg(cli, 0), *owner = cli_text(cli, "owner");
	int64_t wait_ms = cli_int(cli, "wait", 0);
	if (wait_ms == 0)
		return hf_kv_lock_try(kv, name, owner, ttl_us(cli), cli->arena, ret_lock, err);
	return hf_kv_lock_acquire(kv, name, owner, ttl_us(cli), hf_deadline_in(cli->ctx, wait_ms), cli->arena, ret_lock,
	                          err);
}

/* ---- acquire, release ---- */

static enum hf_status run_acquire(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_lock lock;
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = acquire(cli, kv, &lock, err);
	return status == HF_OK ? show_lock(cli, &lock, err) : status;
}

static enum hf_status run_release(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *owner = cli_text(cli, "owner");
	struct hf_kv_lock lock;
	if (!owner)
		return error_set(err, HF_E_USAGE, "release needs --owner: who holds it");
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_lock_show(kv, cli_arg(cli, 0), cli->arena, &lock, err);
	if (status != HF_OK)
		return status;
	lock.owner = hf_str_of(owner);
	lock.fence = cli_int(cli, "fence", lock.fence);
	status = hf_kv_lock_release(kv, &lock, err);
	const struct written written = {.what = "locks", .changed = 1};
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

/* ---- status, list ---- */

static enum hf_status run_status(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_lock lock;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_lock_show(kv, cli_arg(cli, 0), cli->arena, &lock, err);
	return status == HF_OK ? show_lock(cli, &lock, err) : status;
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_lock *locks = NULL;
	struct cell cells[LOCK_COLUMNS];
	size_t count = 0;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_lock_list(kv, cli->arena, &locks, &count, err);
	if (status == HF_OK)
		status = out_list(cli->out, lock_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		lock_cells(cli, &locks[i], cells);
		status = out_row(cli->out, cells, err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- run ---- */

static enum hf_status run_child(struct cli *cli, const struct hf_kv_lock *lock, struct child_leash *leash,
                                hf_error *err)
{
	struct hf_str fence = arena_printf(cli->arena, "HOLDFAST_FENCE=%lld", (long long)lock->fence);
	struct hf_str owner = arena_printf(cli->arena, "HOLDFAST_LOCK_OWNER=%.*s", STR_ARG(lock->owner));
	const char **argv = hf_arena_calloc(cli->arena, cli_nargs(cli), sizeof(*argv));
	if (!fence.ptr || !owner.ptr || !argv)
		return error_nomem(err);
	for (size_t i = 1; i < cli_nargs(cli); i++)
		argv[i - 1] = cli_arg(cli, i);
	return child_run_leashed(cli, argv, (const char *const[]){fence.ptr, owner.ptr, NULL}, leash, err);
}

/* Its owner takes the lock again: the fence stays. */
static enum hf_status start_hold(struct cli *cli, hf_kv *kv, struct child_leash *leash, hf_kv_hold **ret_hold,
                                 hf_error *err)
{
	struct hf_kv_lock lock;
	enum hf_status status = acquire(cli, kv, &lock, err);
	if (status != HF_OK)
		return status;
	return hf_kv_hold_start(kv, cli_arg(cli, 0), lock.owner.ptr, ttl_us(cli), cli->deadline, child_cut, leash,
	                        ret_hold, err);
}

/* A loss is said even where CMD ended well: its last writes may have met another holder's. */
static enum hf_status end_hold(const struct cli *cli, hf_kv_hold *hold, hf_error *err)
{
	bool lost = hf_kv_hold_is_lost(hold);
	enum hf_status status = hf_kv_hold_end(hold, err);
	if (lost || status == HF_CONFLICT)
		return error_set(err, HF_CONFLICT, "lock \"%s\" was lost while %s ran", cli_arg(cli, 0),
		                 cli_arg(cli, 1));
	return status;
}

static enum hf_status run_run(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct child_leash leash = {.keeper = pthread_self()};
	hf_kv_hold *hold = NULL;
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = start_hold(cli, kv, &leash, &hold, err);
	if (status != HF_OK)
		return status;
	status = run_child(cli, hf_kv_hold_lock(hold), &leash, err);
	hf_error late = HF_ERROR_INIT;
	enum hf_status ended = end_hold(cli, hold, &late);
	if (status == HF_OK && ended != HF_OK && err)
		*err = late;
	return status == HF_OK ? ended : status;
}

/* ---- the table ---- */

#define LEASE_OPTIONS                                                                              \
	{.name = "owner", .arg = "NAME", .help = "who takes it (default: a random name)"},         \
		{.name = "ttl",                                                                    \
	         .arg = "DUR",                                                                     \
	         .kind = OPTION_DURATION,                                                          \
	         .min = 1,                                                                         \
	         .max = HF_KV_TTL_MAX_US / 1000,                                                   \
	         .help = "it ends after DUR unless renewed (default 30s)"},                        \
	{                                                                                          \
		.name = "wait", .arg = "DUR", .kind = OPTION_DURATION, .min = 1, .max = 604800000, \
		.help = "wait so long while another holds it (default: not at all)"                \
	}

static const struct cmd_option lease_options[] = {KV_STORE_OPTIONS, LEASE_OPTIONS, {0}};
static const struct cmd_option plain_options[] = {KV_STORE_OPTIONS, {0}};
static const struct cmd_option release_options[] = {
	KV_STORE_OPTIONS,
	{.name = "owner", .arg = "NAME", .help = "who holds it"},
	{.name = "fence",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_MAX,
         .help = "only if it is held with this one"},
	{0},
};

const struct cmd kv_lock_commands[] = {
	{.noun = "kv lock",
         .verb = "acquire",
         .args = "NAME",
         .summary = "take a lock, print its fence",
         .about = "At most one owner holds it, until its lease is over or it is released. Each change of owner gives a "
                  "greater fence. An owner that takes its own lock again keeps the fence and prolongs the lease. Held "
                  "by "
                  "another is exit 5, waited for in vain exit 8.",
         .options = lease_options,
         .columns = lock_columns,
         .run = run_acquire,
         .examples = {"holdfast kv lock acquire nightly --owner me --ttl 10m",
                      "fence=$(holdfast kv lock acquire nightly --owner me -o raw)",
                      "holdfast kv lock acquire nightly --wait 30s --json"},
         .test_effect = "test_kv_lock_acquire_gives_growing_fences",
         .test_refusal = "test_kv_lock_acquire_refuses_what_another_holds"},
	{.noun = "kv lock",
         .verb = "release",
         .args = "NAME",
         .summary = "give a lock back",
         .about = "A lock that --owner does not hold, or not with --fence, is exit 5; nothing is released then.",
         .options = release_options,
         .run = run_release,
         .examples = {"holdfast kv lock release nightly --owner me",
                      "holdfast kv lock release nightly --owner me --fence 7",
                      "holdfast kv lock release nightly --owner me --json"},
         .test_effect = "test_kv_lock_release_lets_the_next_one_in",
         .test_refusal = "test_kv_lock_release_refuses_who_does_not_hold_it"},
	{.noun = "kv lock",
         .verb = "status",
         .args = "NAME",
         .summary = "who holds a lock, or held it last",
         .options = plain_options,
         .columns = lock_columns,
         .run = run_status,
         .examples = {"holdfast kv lock status nightly", "holdfast kv lock status nightly --json=held,owner",
                      "holdfast kv lock status nightly -o raw"},
         .test_effect = "test_kv_lock_status_tells_held_from_released",
         .test_refusal = "test_kv_lock_status_refuses_what_nobody_ever_held"},
	{.noun = "kv lock",
         .verb = "list",
         .summary = "list the locks of the namespace by name",
         .options = plain_options,
         .columns = lock_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast kv lock list", "holdfast kv lock list --json=name,owner,held",
                      "holdfast kv lock list --namespace jobs -o csv"},
         .test_effect = "test_kv_lock_list_is_by_name",
         .test_refusal = "test_kv_lock_list_refuses_an_unknown_field"},
	{.noun = "kv lock",
         .verb = "run",
         .args = "NAME -- CMD...",
         .summary = "run a command while holding a lock",
         .about =
                 "The lease is renewed while CMD runs, and given back behind it. CMD finds HOLDFAST_FENCE and "
                 "HOLDFAST_LOCK_OWNER in its environment; its exit code is ours, and signals are passed on to it. When "
                 "the lock is lost CMD gets SIGTERM, and we say so with exit 5. CMD gets it too when we are killed, "
                 "unless it is setuid, as sudo is.",
         .options = lease_options,
         .run = run_run,
         .examples = {"holdfast kv lock run nightly -- make report",
                      "holdfast kv lock run nightly --wait 10m -- ./backup",
                      "holdfast kv lock run deploy --ttl 1m -- sh -c 'echo $HOLDFAST_FENCE'"},
         .test_effect = "test_kv_lock_run_holds_it_while_the_command_runs",
         .test_refusal = "test_kv_lock_run_refuses_what_another_holds"},
	{0},
};
