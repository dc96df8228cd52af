/*
 * error.c - status and error texts. Pure formatting; never allocates; cuts long texts at the struct's bounds.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hf_status_word(enum hf_status status)
{
	switch ((int)status) {
#define WORD(name, value, exit_code, word, meaning) \
	case value:                                 \
		return word;
		HF_STATUS_TABLE(WORD)
#undef WORD
	default:
		return "unknown";
	}
}

int hf_status_exit_code(enum hf_status status)
{
	switch ((int)status) {
#define EXIT_CODE(name, value, exit_code, word, meaning) \
	case value:                                      \
		return exit_code;
		HF_STATUS_TABLE(EXIT_CODE)
#undef EXIT_CODE
	default:
		return 1;
	}
}

static const char *const category_words[] = {
        [HF_CATEGORY_NONE] = "none",
        [HF_CATEGORY_CONNECTION] = "connection",
        [HF_CATEGORY_AUTHENTICATION] = "authentication",
        [HF_CATEGORY_AUTHORIZATION] = "authorization",
        [HF_CATEGORY_CONFIG] = "config",
        [HF_CATEGORY_POOL] = "pool",
        [HF_CATEGORY_TIMEOUT] = "timeout",
        [HF_CATEGORY_CANCELLED] = "cancelled",
        [HF_CATEGORY_INPUT] = "input",
        [HF_CATEGORY_CONSTRAINT_NOT_NULL] = "constraint-not-null",
        [HF_CATEGORY_CONSTRAINT_FOREIGN_KEY] = "constraint-foreign-key",
        [HF_CATEGORY_CONSTRAINT_UNIQUE] = "constraint-unique",
        [HF_CATEGORY_CONSTRAINT_CHECK] = "constraint-check",
        [HF_CATEGORY_CONSTRAINT_EXCLUSION] = "constraint-exclusion",
        [HF_CATEGORY_CONSTRAINT_OTHER] = "constraint-other",
        [HF_CATEGORY_TRANSACTION_CONFLICT] = "transaction-conflict",
        [HF_CATEGORY_TRANSACTION_STATE] = "transaction-state",
        [HF_CATEGORY_LOCK] = "lock",
        [HF_CATEGORY_RESOURCE] = "resource",
        [HF_CATEGORY_SCHEMA] = "schema",
        [HF_CATEGORY_STATEMENT_CACHE] = "statement-cache",
        [HF_CATEGORY_TYPE] = "type",
        [HF_CATEGORY_MISSING_TYPES] = "missing-types",
        [HF_CATEGORY_UNSUPPORTED] = "unsupported",
        [HF_CATEGORY_APPLICATION] = "application",
        [HF_CATEGORY_REMOTE] = "remote",
        [HF_CATEGORY_SERVER] = "server",
        [HF_CATEGORY_MISUSE] = "misuse",
};

const char *hf_category_word(enum hf_category category)
{
	return (size_t)category < ARRAY_LEN(category_words) ? category_words[category] : "unknown";
}

static const char *const action_words[] = {
        [HF_ACTION_NEVER] = "never",
        [HF_ACTION_RETRY_STATEMENT] = "retry-statement",
        [HF_ACTION_RETRY_TRANSACTION] = "retry-transaction",
        [HF_ACTION_REPREPARE] = "reprepare",
        [HF_ACTION_RECONNECT] = "reconnect",
        [HF_ACTION_UNKNOWN] = "unknown",
        [HF_ACTION_WAIT] = "wait",
        [HF_ACTION_FIX_CONFIG] = "fix-config",
};

const char *hf_action_word(enum hf_action action)
{
	return (size_t)action < ARRAY_LEN(action_words) ? action_words[action] : "unknown";
}

static const char *const category_kinds[] = {
        [HF_CATEGORY_NONE] = "",
        [HF_CATEGORY_CONNECTION] = "Connection",
        [HF_CATEGORY_AUTHENTICATION] = "Connection",
        [HF_CATEGORY_AUTHORIZATION] = "Connection",
        [HF_CATEGORY_CONFIG] = "Connection",
        [HF_CATEGORY_POOL] = "ResourceExhaustion",
        [HF_CATEGORY_TIMEOUT] = "Connection",
        [HF_CATEGORY_CANCELLED] = "Connection",
        [HF_CATEGORY_INPUT] = "Validation",
        [HF_CATEGORY_CONSTRAINT_NOT_NULL] = "ConstraintViolation",
        [HF_CATEGORY_CONSTRAINT_FOREIGN_KEY] = "ConstraintViolation",
        [HF_CATEGORY_CONSTRAINT_UNIQUE] = "ConstraintViolation",
        [HF_CATEGORY_CONSTRAINT_CHECK] = "ConstraintViolation",
        [HF_CATEGORY_CONSTRAINT_EXCLUSION] = "ConstraintViolation",
        [HF_CATEGORY_CONSTRAINT_OTHER] = "ConstraintViolation",
        [HF_CATEGORY_TRANSACTION_CONFLICT] = "Transaction",
        [HF_CATEGORY_TRANSACTION_STATE] = "Transaction",
        [HF_CATEGORY_LOCK] = "Transaction",
        [HF_CATEGORY_RESOURCE] = "ResourceExhaustion",
        [HF_CATEGORY_SCHEMA] = "CustomType",
        [HF_CATEGORY_STATEMENT_CACHE] = "Transaction",
        [HF_CATEGORY_TYPE] = "CustomType",
        [HF_CATEGORY_MISSING_TYPES] = "MissingCustomTypes",
        [HF_CATEGORY_UNSUPPORTED] = "Validation",
        [HF_CATEGORY_APPLICATION] = "Validation",
        [HF_CATEGORY_REMOTE] = "Connection",
        [HF_CATEGORY_SERVER] = "Connection",
        [HF_CATEGORY_MISUSE] = "Validation",
};

const char *hf_error_kind(const hf_error *err)
{
	return err && (size_t)err->category < ARRAY_LEN(category_kinds) ? category_kinds[err->category] : "";
}

bool hf_error_is_retryable(const hf_error *err)
{
	if (!err || err->status == HF_OK)
		return false;
	switch (err->action) {
	case HF_ACTION_RETRY_STATEMENT:
	case HF_ACTION_RETRY_TRANSACTION:
	case HF_ACTION_REPREPARE:
	case HF_ACTION_RECONNECT:
	case HF_ACTION_WAIT:
		return true;
	case HF_ACTION_NEVER:
	case HF_ACTION_UNKNOWN:
	case HF_ACTION_FIX_CONFIG:
	default:
		return false;
	}
}

static void format_into(char *text, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
static void format_into(char *text, size_t size, const char *format, va_list args)
{
	if (vsnprintf(text, size, format, args) < 0)
		text[0] = '\0';
}

static const hf_error no_error = HF_ERROR_INIT;

/* The message is made before the struct is cleared, because it may quote what stands there. `reason` may be NULL. */
static enum hf_status set_message(hf_error *err, enum hf_status status, const char *reason, const char *format,
                                  va_list args) PRINTF_LIKE(4, 0);
static enum hf_status set_message(hf_error *err, enum hf_status status, const char *reason, const char *format,
                                  va_list args)
{
	char message[sizeof(err->message)];
	if (!err)
		return status;
	format_into(message, sizeof(message), format, args);
	*err = no_error;
	err->status = status;
	snprintf(err->message, sizeof(err->message), "%s", message);
	size_t n = strlen(err->message);
	if (reason)
		snprintf(err->message + n, sizeof(err->message) - n, ": %s", reason);
	return status;
}

enum hf_status error_set(hf_error *err, enum hf_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set_message(err, status, NULL, format, args);
	va_end(args);
	return status;
}

enum hf_status error_errno(hf_error *err, enum hf_status status, const char *format, ...)
{
	char reason[128];
	const char *text = strerror_r(errno, reason, sizeof(reason));
	va_list args;
	va_start(args, format);
	set_message(err, status, text, format, args);
	va_end(args);
	return status;
}

void error_reword(hf_error *err, const char *format, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, format);
	char message[sizeof(err->message)];
	format_into(message, sizeof(message), format, args);
	va_end(args);
	memcpy(err->message, message, sizeof(message));
	err->detail[0] = '\0';
}

void error_hint(hf_error *err, const char *format, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, format);
	format_into(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

void error_detail(hf_error *err, const char *format, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, format);
	format_into(err->detail, sizeof(err->detail), format, args);
	va_end(args);
}

void error_prefix(hf_error *err, const char *format, ...)
{
	if (!err)
		return;
	va_list args;
	va_start(args, format);
	char prefix[sizeof(err->message)];
	format_into(prefix, sizeof(prefix), format, args);
	va_end(args);
	char whole[2 * sizeof(err->message) + 3];
	snprintf(whole, sizeof(whole), "%s: %s", prefix, err->message);
	memcpy(err->message, whole, sizeof(err->message));
	err->message[sizeof(err->message) - 1] = '\0';
}

enum hf_status options_check(const char *name, size_t size, size_t expected, hf_error *err)
{
	if (size == expected)
		return HF_OK;
	return error_set(err, HF_E_USAGE, "%s.size is %zu, this library expects %zu", name, size, expected);
}

enum hf_status error_nomem(hf_error *err)
{
	return error_set(err, HF_E_NOMEM, "out of memory, or past the bound of an arena or buffer");
}

void base_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "holdfast: assertion failed: %s (%s:%d)\n", condition, file, line);
	abort();
}
