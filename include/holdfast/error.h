/*
 * error.h - the one error struct: caller-owned, filled once where the failure was seen.
 *
 *     hf_error err = HF_ERROR_INIT;
 *     if (hf_pool_open(ctx, settings, NULL, &pool, &err) != HF_OK)
 *             fprintf(stderr, "%s\n", err.message);
 *
 * Every fallible call takes an optional `hf_error *err` as its last argument; NULL is allowed everywhere.
 * On success the struct is not touched. Messages are lower case, end without a full stop and carry no secret;
 * `detail` may quote data of the user (a key value of a unique violation), so programs that log should leave it out.
 *
 * Categories and actions: docs/errors.md, made from the SQLSTATE table of src/core/sqlstate.def.
 */
#ifndef HOLDFAST_ERROR_H
#define HOLDFAST_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "holdfast/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What kind of failure it is. HF_CATEGORY_NONE where no server or connection was involved. */
enum hf_category {
	HF_CATEGORY_NONE = 0,
	HF_CATEGORY_CONNECTION,    /* connect, lost connection, host failing */
	HF_CATEGORY_AUTHENTICATION,
	HF_CATEGORY_AUTHORIZATION,
	HF_CATEGORY_CONFIG,
	HF_CATEGORY_POOL,          /* checkout refused: see the message for why */
	HF_CATEGORY_TIMEOUT,
	HF_CATEGORY_CANCELLED,
	HF_CATEGORY_INPUT,         /* data exceptions: bad value for the type */
	HF_CATEGORY_CONSTRAINT_NOT_NULL,
	HF_CATEGORY_CONSTRAINT_FOREIGN_KEY,
	HF_CATEGORY_CONSTRAINT_UNIQUE,
	HF_CATEGORY_CONSTRAINT_CHECK,
	HF_CATEGORY_CONSTRAINT_EXCLUSION,
	HF_CATEGORY_CONSTRAINT_OTHER,
	HF_CATEGORY_TRANSACTION_CONFLICT, /* serialization failure, deadlock */
	HF_CATEGORY_TRANSACTION_STATE,
	HF_CATEGORY_LOCK,
	HF_CATEGORY_RESOURCE,
	HF_CATEGORY_SCHEMA,        /* missing table, column, function, type: the database drifted */
	HF_CATEGORY_STATEMENT_CACHE,
	HF_CATEGORY_TYPE,          /* a value could not be encoded or decoded */
	HF_CATEGORY_MISSING_TYPES, /* required custom types are absent */
	HF_CATEGORY_UNSUPPORTED,
	HF_CATEGORY_APPLICATION,   /* raised by a function in the database */
	HF_CATEGORY_REMOTE,        /* foreign data wrapper */
	HF_CATEGORY_SERVER,        /* system error or internal error of the server */
	HF_CATEGORY_MISUSE
};

/* Who may do what about it. Depends on SQLSTATE and on how far the call had come, never on SQLSTATE alone. */
enum hf_action {
	HF_ACTION_NEVER = 0,       /* the same call will fail again */
	HF_ACTION_RETRY_STATEMENT, /* nothing happened, the connection is fine */
	HF_ACTION_RETRY_TRANSACTION,
	HF_ACTION_REPREPARE,
	HF_ACTION_RECONNECT,       /* nothing reached the server, or only a read did */
	HF_ACTION_UNKNOWN,         /* a write may have happened: never repeat blindly */
	HF_ACTION_WAIT,            /* shortage: back off, bounded */
	HF_ACTION_FIX_CONFIG       /* will not heal by itself: tell an operator */
};

typedef struct hf_error {
	enum hf_status status;
	enum hf_category category;
	enum hf_action action;
	bool alert;            /* an operator should know */
	char sqlstate[6];      /* "" without a server answer */
	int32_t position;      /* 1-based character position in the statement, 0 = none */
	char message[512];
	char detail[512];
	char hint[512];
	char constraint[64];
	char table[64];
	char column[64];
	char query[64];        /* name of the generated query, "" otherwise */
} hf_error;

#define HF_ERROR_INIT {HF_OK, HF_CATEGORY_NONE, HF_ACTION_NEVER, false, {0}, 0, {0}, {0}, {0}, {0}, {0}, {0}, {0}}

/** Words for logs and JSON, never NULL: "connection", "retry-transaction", ... */
const char *hf_category_word(enum hf_category category);
const char *hf_action_word(enum hf_action action);
/** The coarse kind that the Janitor's plan names, from the category: "Connection" (also what is none of the others),
 *  "Validation", "CustomType", "MissingCustomTypes", "Transaction", "ConstraintViolation", "ResourceExhaustion";
 *  "" when no server was involved. Never NULL. */
const char *hf_error_kind(const hf_error *err);
/** True when repeating can help and cannot do harm; `err->action` says what to repeat. A write that may have happened
 *  is never retryable. Shortages (HF_ACTION_WAIT) are, with a pause. */
bool hf_error_is_retryable(const hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
