/*
 * libpq_double.h - a libpq that answers by a script, for failures that a real server does not give on demand.
 *
 * A test binary that links libpq_double.c defines the connection half of libpq itself; results, parsing of settings
 * and everything else are the real library's. Each statement that is sent takes the next step of the script, each
 * connect the next connect step; sending more than was scripted, or something else than `expect`, fails the test.
 * In pipeline mode each command takes a step; a Sync and a flush request take none.
 *
 *     static const struct double_step steps[] = {
 *             {.expect = "BEGIN"}, {.expect = "hf_x", .tag = "UPDATE 1"}, {.expect = "COMMIT", .event = DOUBLE_LOST}};
 *     double_script(steps, ARRAY_LEN(steps));
 *
 * The transaction status follows from what is sent: BEGIN, COMMIT, ROLLBACK [TO], errors.
 */
#ifndef TESTS_PG_LIBPQ_DOUBLE_H
#define TESTS_PG_LIBPQ_DOUBLE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum double_event {
	DOUBLE_ANSWERS = 0,
	DOUBLE_SEND_FAILS, /* PQsend* answers 0 and the connection is bad */
	DOUBLE_LOST,	   /* sent, then the socket dies without an answer */
	DOUBLE_DIES,	   /* answers, then the socket dies (57P01 comes this way) */
	DOUBLE_SILENT,	   /* answers nothing; a cancel makes it answer 57014 */
	DOUBLE_RACES,	   /* answers nothing; a cancel comes too late and it answers as scripted */
	DOUBLE_DEAF,	   /* answers nothing, and a cancel changes nothing */
};

struct double_value {
	const char *bytes; /* NULL = SQL NULL */
	int len;
};

struct double_step {
	const char *expect; /* must be part of the SQL or the statement's name; NULL = anything */
	enum double_event event;
	int status; /* ExecStatusType; 0 = by the other fields: an error, rows or a command */
	const char *sqlstate;
	const char *message;
	const char *routine;
	const char *constraint;
	const char *tag; /* "UPDATE 3" */
	int nparams;	 /* of a description */
	const Oid *param_types;
	int ncolumns;
	const Oid *column_types; /* NULL = 0 */
	int nrows;
	const struct double_value *values; /* row by row */
	int flush_turns;		   /* PQflush says 1 this often */
	int copy_turns;			   /* PQputCopyData and PQputCopyEnd say 0 this often */
	bool copy_fails;		   /* PQputCopyData says -1 and the connection is bad */
	const struct double_step *at_sync; /* what the Sync behind this command answers first: an error, or
	                                      DOUBLE_LOST; DOUBLE_SEND_FAILS: it is not sent */
};

enum double_login { DOUBLE_ACCEPTS = 0, DOUBLE_REFUSES, DOUBLE_HANGS, DOUBLE_NO_MEMORY };

struct double_connect {
	enum double_login login;
	const char *message; /* as libpq words it: "FATAL:  28P01: password authentication failed" */
	bool needs_password;
};

/** Take a script; whatever is left of the last one fails the test. Resets all that follows. */
void double_script(const struct double_step *steps, size_t count);
void double_connects(const struct double_connect *steps, size_t count);
/** Fails the test unless everything scripted was used. */
void double_done(void);
/** PQcancel: 0 = works, 1 = says that it failed, 2 = hangs until double_release_cancel(). */
void double_cancel_mode(int mode);
void double_release_cancel(void);
int double_cancel_count(void);
/** "host=.. hostaddr=.. port=.. password=.. target_session_attrs=.." of the n-th connect (0 = the first), or "". */
const char *double_login_of(size_t n);
/** A clock for hf_context_options.monotonic_us that stands still but in poll(2), which the double replaces as well: a
 *  wait that nothing ends takes at most 0.3 s and moves the clock by all of its timeout. */
int64_t double_now_us(void *user);
/** Sessions that were opened and not finished. */
int double_open_count(void);
/** Kill all open sessions while idle: their sockets become readable and the next read fails. */
void double_kill_idle(void);
/** Hand a notice to the sessions' receivers at their next read. */
void double_notice(const char *severity, const char *message);
/** Bytes that PQputCopyData took since the script began. */
size_t double_copied(void);

#endif
