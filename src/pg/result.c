/*
 * result.c - error mapping: the server's fields are copied, status, category and action follow from SQLSTATE and phase.
 */
#include "pg/result.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/tx.h"

int64_t result_changed(const PGresult *result)
{
	int64_t rows = 0;
	/* PQcmdTuples() reads only, but is declared without const. */
	return str_to_i64(hf_str_of(PQcmdTuples((PGresult *)(uintptr_t)result)), &rows) ? rows : 0;
}

void message_line(const char *message, char *ret_text, size_t size)
{
	const char *start = message ? message : "";
	const char *word = start;
	while (isupper((unsigned char)*word))
		word++;
	if (word > start && *word == ':') /* "FATAL:  reason" */
		for (start = word + 1; *start == ' '; start++)
			;
	size_t len = strcspn(start, "\n");
	snprintf(ret_text, size, "%.*s", (int)len, start);
}

static void copy_field(char *ret_text, size_t size, const PGresult *result, int field)
{
	const char *text = PQresultErrorField(result, field);
	snprintf(ret_text, size, "%s", text ? text : "");
}

static bool is_primary(const hf_connection *connection)
{
	const char *standby = PQparameterStatus(connection->pg, "in_hot_standby"); /* 14 and newer */
	return standby && strcmp(standby, "off") == 0;
}

/* The server's own errors name the routine of its source; those of a relay do not. */
static bool is_of_server(const PGresult *result)
{
	return PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION) != NULL;
}

/* FATAL and PANIC end the session; so does whoever stands between and says that a connection is lost. Relays send one
 * severity, which is not translated. */
static bool goes_on(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (!severity)
		severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
	bool lost = state && (strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0);
	return severity && strcmp(severity, "ERROR") == 0 && (!lost || is_of_server(result));
}

bool result_skips_the_rest(const PGresult *result)
{
	return PQresultErrorField(result, PG_DIAG_SQLSTATE) && (goes_on(result) || is_of_server(result));
}

static struct situation situation_of(const hf_connection *connection, const struct call *call, const char *routine)
{
	return (struct situation){
		.phase = call->phase,
		.in_tx = call->in_transaction,
		.managed = connection->tx != NULL,
		.repeatable = call->repeatable,
		.generated = call->generated,
		.read_only = call->read_only || tx_is_read_only(connection->tx),
		.primary = is_primary(connection),
		.our_deadline = call->cancelled,
		.our_cancel = canceller_was_asked(connection->canceller),
		.routine = routine,
	};
}

static void set_query(const struct call *call, hf_error *err)
{
	if (err)
		snprintf(err->query, sizeof(err->query), "%s", call->query ? call->query : "");
}

/* A failure without SQLSTATE comes from libpq itself: a lost connection, or a result too large for memory. */
static enum hf_status error_from_libpq(const hf_connection *connection, const struct call *call, const PGresult *result,
				       hf_error *err)
{
	char reason[256];
	if (PQstatus(connection->pg) != CONNECTION_OK)
		return error_lost(connection, call, err);
	message_line(PQresultErrorMessage(result), reason, sizeof(reason));
	enum hf_status status = error_set(err, HF_E_PROTOCOL, "could not read the server's answer: %s", reason);
	set_query(call, err);
	return status;
}

static void copy_fields(const PGresult *result, hf_error *err)
{
	copy_field(err->detail, sizeof(err->detail), result, PG_DIAG_MESSAGE_DETAIL);
	copy_field(err->hint, sizeof(err->hint), result, PG_DIAG_MESSAGE_HINT);
	copy_field(err->constraint, sizeof(err->constraint), result, PG_DIAG_CONSTRAINT_NAME);
	copy_field(err->table, sizeof(err->table), result, PG_DIAG_TABLE_NAME);
	copy_field(err->column, sizeof(err->column), result, PG_DIAG_COLUMN_NAME);
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	err->position = position ? (int32_t)strtol(position, NULL, 10) : 0;
}

enum hf_status error_from_result(hf_connection *connection, const struct call *call, const PGresult *result,
				 hf_error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!state)
		return error_from_libpq(connection, call, result, err);
	struct situation situation =
		situation_of(connection, call, PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION));
	situation.survived = goes_on(result);
	if (call->cancelled && strcmp(state, "57014") == 0)
		return error_deadline(connection, call, true, err);
	if (sqlstate_classify(state, &situation).close)
		connection->broken = true;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	error_set(err, HF_E_DB, "%s", message ? message : "the server gave no message");
	if (err)
		copy_fields(result, err);
	if (strcmp(state, "53100") == 0)
		error_hint(err, "free space on the server's disk, then run it again");
	if (strcmp(state, "25006") == 0)
		error_hint(err, "this is a standby, or its sessions may only read: name the server that is written to");
	set_query(call, err);
	return sqlstate_judge(err, state, &situation);
}

enum hf_status error_lost(const hf_connection *connection, const struct call *call, hf_error *err)
{
	char reason[256];
	struct situation situation = situation_of(connection, call, NULL);
	message_line(PQerrorMessage(connection->pg), reason, sizeof(reason));
	error_set(err, HF_E_UNAVAILABLE, "the connection to the server is lost%s%s", reason[0] ? ": " : "", reason);
	set_query(call, err);
	return sqlstate_judge(err, "", &situation);
}

enum hf_status error_deadline(const hf_connection *connection, const struct call *call, bool confirmed, hf_error *err)
{
	struct situation situation = situation_of(connection, call, NULL);
	bool doubt = !confirmed && sqlstate_classify("", &situation).status == HF_E_OUTCOME_UNKNOWN;
	error_set(err, HF_TIMEOUT, "the deadline passed%s",
		  confirmed ? " and the statement was cancelled" : " and the server did not confirm the cancel");
	set_query(call, err);
	if (doubt)
		return sqlstate_judge(err, "", &situation);
	if (hf_context_interrupted(connection->ctx)) {
		error_set(err, HF_E_INTERRUPTED, "interrupted%s",
			  confirmed ? "; the statement was cancelled" : "; the server did not confirm the cancel");
		set_query(call, err);
		return HF_E_INTERRUPTED;
	}
	if (err)
		err->category = HF_CATEGORY_TIMEOUT;
	return HF_TIMEOUT;
}

enum hf_status error_judge_login(const char *sqlstate, hf_error *err)
{
	struct situation situation = {.phase = PHASE_CONNECT};
	return sqlstate_judge(err, sqlstate, &situation);
}
