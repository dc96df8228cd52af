/*
 * status.h - what every call of the library answers, and the exit code that the command makes of it.
 *
 * Two classes. Positive values are expected outcomes: each function names the ones it can return and the caller
 * handles them. Negative values are failures: the caller forwards them, usually unchanged. The table below is the
 * only list; text, exit codes and documentation are made from it.
 */
#ifndef HOLDFAST_STATUS_H
#define HOLDFAST_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, exit code, "word used in JSON and logs", "meaning") */
#define HF_STATUS_TABLE(X)                                                                          \
	X(HF_OK, 0, 0, "ok", "done")                                                                \
	X(HF_NOT_FOUND, 1, 3, "not-found", "the named thing does not exist")                        \
	X(HF_CONFLICT, 2, 5, "conflict", "something else holds it, or a unique key exists")         \
	X(HF_REJECTED, 3, 1, "rejected", "a rule of the schema or of the domain refuses the value") \
	X(HF_TIMEOUT, 4, 8, "timeout", "the deadline passed")                                       \
	X(HF_BUSY, 5, 8, "busy", "a bounded resource is exhausted")                                 \
	X(HF_DIFFERS, 6, 4, "differs", "a check found a difference")                                \
	X(HF_PARTIAL, 7, 10, "partial", "some items of a bulk operation failed")                    \
	X(HF_STOP, 8, 0, "stop", "a callback asks to end early")                                    \
	X(HF_E_FAILED, -1, 1, "failed", "an operation failed")                                      \
	X(HF_E_NOMEM, -2, 1, "no-memory", "memory could not be allocated")                          \
	X(HF_E_USAGE, -3, 2, "usage", "the caller passed something wrong")                          \
	X(HF_E_CONFIG, -4, 2, "config", "a setting is missing or wrong")                            \
	X(HF_E_DENIED, -5, 6, "denied", "authentication or permission")                             \
	X(HF_E_UNAVAILABLE, -6, 7, "unavailable", "a server cannot be reached")                     \
	X(HF_E_OUTCOME_UNKNOWN, -7, 1, "outcome-unknown", "the write may or may not have happened") \
	X(HF_E_CORRUPT, -8, 9, "corrupt", "a checksum, signature or invariant is broken")           \
	X(HF_E_DB, -9, 1, "database", "the server reported an error")                               \
	X(HF_E_PROTOCOL, -10, 1, "protocol", "the server answered in an unexpected way")            \
	X(HF_E_LIMIT, -11, 1, "limit", "a bound of the library was exceeded")                       \
	X(HF_E_INTERRUPTED, -12, 130, "interrupted", "stopped by the user; rolled back, unless it says otherwise") \
	X(HF_E_NO_PACKAGE, -13, 69, "no-package", "a needed package is not installed")              \
	X(HF_E_INPUT, -14, 1, "input", "input data is malformed")                                   \
	X(HF_E_DRIFT, -15, 1, "schema-drift", "the database does not have the compiled shape") \
	X(HF_E_UNSUPPORTED, -16, 2, "unsupported", "the backend or server cannot do that") \
	X(HF_E_COMPACTED, -17, 1, "compacted", "the changes asked for are not kept any more: read all, go on from now")

#define HF_STATUS_ENUM(name, value, exit_code, word, meaning) name = value,
enum hf_status { HF_STATUS_TABLE(HF_STATUS_ENUM) };
#undef HF_STATUS_ENUM

/** The word of a status ("not-found"); "unknown" for a value outside the table. Never NULL. */
const char *hf_status_word(enum hf_status status);
/** The process exit code that goes with a status; 1 for a value outside the table. */
int hf_status_exit_code(enum hf_status status);

#ifdef __cplusplus
}
#endif
#endif
