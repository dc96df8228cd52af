/*
 * worker.c - see holdfast/worker.h. The hash is made and compared by the server; a password is looked at here only to
 * refuse what the hash would not see, before a message of the server could quote it.
 */
#include "holdfast/worker.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "janitor/columns.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/worker.h"

enum { WORKERS_MAX = 100000, BATCH = 200 };

struct sink {
	hf_worker_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct worker_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_worker worker = {row->name, GET_TEXT(row, link)};
	return sink->fn(sink->user, &worker, err);
}

enum hf_status hf_worker_list(hf_where where, struct hf_str after, int64_t limit, hf_worker_fn *fn, void *user,
                              hf_error *err)
{
	struct sink sink = {fn, user};
	struct worker_list_in in = {WITH_TEXT(after, after), WITH_LIMIT(limit)};
	return worker_list(where, &in, list_row, &sink, err);
}

static enum hf_status no_such_worker(struct hf_str name, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no worker %.*s", SHOWN(name));
}

enum hf_status hf_worker_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_worker_record *ret_record,
                             hf_error *err)
{
	struct worker_by_name_row row;
	enum hf_status status = worker_by_name(where, &(struct worker_by_name_in){.name = name}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_worker(name, err);
	if (status == HF_OK)
		*ret_record = (struct hf_worker_record){.worker = {row.name, GET_TEXT(&row, link)},
		                                        .runs = row.runs,
		                                        .successes = row.successes,
		                                        .has_newest = row.has_newest,
		                                        .newest = row.newest};
	return status;
}

/* ---- writing ---- */

static enum hf_status check_name(struct hf_str name, hf_error *err)
{
	if (name.len == 0 || name.len > HF_WORKER_NAME_MAX)
		return error_set(err, HF_E_INPUT, "the name of a worker has 1 to %d bytes, not %zu", HF_WORKER_NAME_MAX,
		                 name.len);
	if (!str_is_utf8(name, NULL))
		return error_set(err, HF_E_INPUT, "the name of the worker is not UTF-8");
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == ':' || (unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 127)
			return error_set(err, HF_E_INPUT,
			                 "the name of a worker has no colon and no control characters");
	return HF_OK;
}

static enum hf_status check_password(struct hf_str password, hf_error *err)
{
	if (password.len == 0 || password.len > HF_WORKER_PASSWORD_MAX)
		return error_set(err, HF_E_INPUT, "the password of a worker has 1 to %d bytes, not %zu",
		                 HF_WORKER_PASSWORD_MAX, password.len);
	if (!str_is_utf8(password, NULL))
		return error_set(err, HF_E_INPUT, "the password of the worker is not UTF-8");
	return HF_OK;
}

struct putting {
	struct intern *stored; /* names that the server answered */
	int64_t created;
};

static enum hf_status put_row(void *user, const struct worker_put_row *row, hf_error *err)
{
	struct putting *putting = user;
	putting->created += row->inserted;
	return intern_add(putting->stored, row->name) == INTERN_NONE ? error_nomem(err) : HF_OK;
}

static enum hf_status put(hf_where where, const struct hf_worker_account *accounts, size_t count, bool replace,
                          int64_t *created, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	CLEANUP(intern_freep) struct intern *stored = intern_new(BATCH);
	struct columns columns = {.arena = arena,
	                          .rows = accounts,
	                          .row_size = sizeof(*accounts),
	                          .count = (uint32_t)count};
	struct putting putting = {.stored = stored};
	if (!arena || !stored)
		return error_nomem(err);
	struct worker_put_in in = {.names = columns_text(&columns, offsetof(struct hf_worker_account, worker.name)),
	                           .passwords = columns_text(&columns, offsetof(struct hf_worker_account, password)),
	                           .links = columns_text(&columns, offsetof(struct hf_worker_account, worker.link)),
	                           .replace = replace};
	if (columns.starved)
		return error_nomem(err);
	enum hf_status status = worker_put(where, &in, put_row, &putting, err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		if (intern_find(stored, accounts[i].worker.name) == INTERN_NONE)
			status = error_set(err, HF_CONFLICT, "there is a worker %.*s", SHOWN(accounts[i].worker.name));
	if (status == HF_OK)
		*created += putting.created;
	return status;
}

enum hf_status hf_worker_put(hf_where where, const struct hf_worker *worker, struct hf_str password, bool replace,
                             bool *ret_created, hf_error *err)
{
	const struct hf_worker_account account = {*worker, password};
	int64_t created = 0;
	enum hf_status status = check_name(worker->name, err);
	if (status == HF_OK)
		status = check_password(password, err);
	if (status == HF_OK)
		status = put(where, &account, 1, replace, &created, err);
	if (status == HF_OK && ret_created)
		*ret_created = created > 0;
	return status;
}

/* ---- many ---- */

struct importing {
	const struct hf_worker_account *accounts;
	size_t count;
	bool replace;
	int64_t created;
};

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	struct importing *importing = user;
	enum hf_status status = HF_OK;
	importing->created = 0;
	for (size_t at = 0; at < importing->count && status == HF_OK; at += BATCH) {
		const size_t n = importing->count - at < BATCH ? importing->count - at : BATCH;
		status = put(tx, importing->accounts + at, n, importing->replace, &importing->created, err);
	}
	return status;
}

static enum hf_status check_all(const struct hf_worker_account *accounts, size_t count, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *names = intern_new(WORKERS_MAX);
	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check_name(accounts[i].worker.name, err);
		if (status == HF_OK)
			status = check_password(accounts[i].password, err);
		const uint32_t number = status == HF_OK ? intern_add(names, accounts[i].worker.name) : INTERN_NONE;
		if (status == HF_OK && number == INTERN_NONE)
			return error_nomem(err);
		if (status == HF_OK && number != i)
			status = error_set(err, HF_E_INPUT, "the same name came before");
		if (status != HF_OK) {
			error_prefix(err, "worker %zu", i + 1);
			return status;
		}
	}
	return HF_OK;
}

enum hf_status hf_worker_import(hf_where where, const struct hf_worker_account *accounts, size_t count, bool replace,
                                int64_t *ret_created, hf_error *err)
{
	struct importing importing = {accounts, count, replace, 0};
	if (count > WORKERS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d workers in one import", WORKERS_MAX);
	enum hf_status status = check_all(accounts, count, err);
	if (status == HF_OK && count > 0)
		status = janitor_transaction(where, import_tx, &importing, err);
	if (status == HF_OK && ret_created)
		*ret_created = importing.created;
	return status;
}

enum hf_status hf_worker_remove(hf_where where, struct hf_str name, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	int64_t removed;
	enum hf_status status = worker_delete(where, &(struct worker_delete_in){.name = name}, &removed, &local);
	if (status == HF_OK)
		return removed > 0 ? HF_OK : no_such_worker(name, err);
	if (strcmp(local.constraint, "run_worker_fkey") == 0) {
		error_reword(&local, "worker %.*s did runs, which name it", SHOWN(name));
		error_hint(&local, "give it another password, and it can do no more");
	}
	if (err)
		*err = local;
	return status;
}

/* ---- authentication ---- */

enum hf_status hf_worker_authenticate(hf_where where, struct hf_str name, struct hf_str password, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	/* What cannot be a name or a password costs what a wrong one does. */
	bool possible = name.len <= HF_WORKER_NAME_MAX && str_is_utf8(name, NULL) &&
	                password.len <= HF_WORKER_PASSWORD_MAX && str_is_utf8(password, NULL);
	struct worker_authenticate_in in = {.name = possible ? name : HF_STR(""),
	                                    .password = possible ? password : HF_STR("")};
	struct worker_authenticate_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = worker_authenticate(where, &in, arena, &row, err);
	if (status != HF_OK)
		return status;
	return possible && row.authentic ? HF_OK : error_set(err, HF_E_DENIED, "no worker has that name and password");
}
