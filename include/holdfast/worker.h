/*
 * worker.h - workers: who may do the work, and is it who it says (spec/janitor.md 4.3, table worker, and 9.6).
 *
 * Needs the migration set `janitor`. Passwords are hashed on the server by pgcrypto's crypt(), as the original does it.
 * They travel as parameters: a server that logs the parameters of statements logs them, too. No function gives a
 * password or its hash back, in an answer, an error or a log event.
 */
#ifndef HOLDFAST_WORKER_H
#define HOLDFAST_WORKER_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_WORKER_PASSWORD_MAX 72 /* bytes; what stands behind them the hash does not see */
#define HF_WORKER_NAME_MAX 255    /* bytes */

struct hf_worker {
	struct hf_str name;
	struct hf_str link; /* {NULL, 0}: none */
};
typedef enum hf_status hf_worker_fn(void *user, const struct hf_worker *worker, hf_error *err);
/**
 * By name, in constant memory, from behind `after` ({NULL, 0}: from the first); limit 0 = all. HF_STOP from `fn` ends
 * with HF_OK. One round trip.
 */
enum hf_status hf_worker_list(hf_where where, struct hf_str after, int64_t limit, hf_worker_fn *fn, void *user,
                              hf_error *err);
/** How many there are. One round trip. */
enum hf_status hf_worker_count(hf_where where, int64_t *ret_count, hf_error *err);

struct hf_worker_record {
	struct hf_worker worker;
	int64_t runs;
	int64_t successes; /* runs whose result is "success" */
	bool has_newest;
	struct hf_timestamp newest; /* start of its newest run */
};
/** HF_NOT_FOUND without such a worker. One round trip; reads all runs, no index leads to its own. */
enum hf_status hf_worker_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_worker_record *ret_record,
                             hf_error *err);

/**
 * Store a worker with its password. @param replace give one of that name another password, and another link unless
 * that is {NULL, 0}. @param ret_created (may be NULL) there was none. One round trip.
 * @return HF_OK; HF_CONFLICT there is one and `replace` is false; HF_E_INPUT a name that is empty, too long, not UTF-8
 *         or has a ":" or control characters (HTTP could not carry it), a password that is empty, too long, not UTF-8.
 */
enum hf_status hf_worker_put(hf_where where, const struct hf_worker *worker, struct hf_str password, bool replace,
                             bool *ret_created, hf_error *err);
/* A worker with its password. */
struct hf_worker_account {
	struct hf_worker worker;
	struct hf_str password;
};
/**
 * Store many, all or none, each by the rules of hf_worker_put(). @param ret_created (may be NULL) how many there were
 * none of. One transaction, a round trip per 200; each password costs the server some 15 ms.
 * @return as hf_worker_put(), with the number of the worker (the first is 1) before what is wrong with one, and
 *         HF_E_INPUT a name that came before; HF_E_LIMIT more than 100,000.
 */
enum hf_status hf_worker_import(hf_where where, const struct hf_worker_account *accounts, size_t count, bool replace,
                                int64_t *ret_created, hf_error *err);
/** HF_NOT_FOUND without such a worker; HF_REJECTED where a run names it: history keeps its worker. One round trip. */
enum hf_status hf_worker_remove(hf_where where, struct hf_str name, hf_error *err);
/**
 * Is it the password of that worker? Unknown names and wrong passwords give the same answer at the same cost.
 * A stored password that is no hash matches nothing. One round trip.
 * @return HF_OK; HF_E_DENIED it is not. Other failures of the database mean that nobody knows.
 */
enum hf_status hf_worker_authenticate(hf_where where, struct hf_str name, struct hf_str password, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
