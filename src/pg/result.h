/*
 * result.h - from what libpq answers to hf_error. The only place that reads SQLSTATEs.
 */
#ifndef PG_RESULT_H
#define PG_RESULT_H

#include "pg/conn.h"

/** Fill `err` from a failed result. Marks the connection broken when the error says that it is of no more use. */
enum hf_status error_from_result(hf_connection *connection, const struct call *call, const PGresult *result,
				 hf_error *err);
/** The server itself failed what stands here, and does nothing of the pipeline behind it. False: a relay (pgbouncer
 *  and the like) may say so of a server that went on to the end; its errors come in the place of whatever answer is
 *  next and have no routine. */
bool result_skips_the_rest(const PGresult *result);
/** The connection is gone, or nothing could be sent: the status follows from the phase. */
enum hf_status error_lost(const hf_connection *connection, const struct call *call, hf_error *err);
/** The deadline passed and the cancel was confirmed (or was not, then the outcome may be unknown). */
enum hf_status error_deadline(const hf_connection *connection, const struct call *call, bool confirmed, hf_error *err);
/** Judge a refused login by its SQLSTATE; `err` has its message. */
enum hf_status error_judge_login(const char *sqlstate, hf_error *err);
/** The first line of a libpq message without "FATAL:  " and the like, into `ret_text`. */
void message_line(const char *message, char *ret_text, size_t size);

#endif
