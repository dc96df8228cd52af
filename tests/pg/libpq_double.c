/*
 * libpq_double.c - see libpq_double.h.
 *
 * A fake PGconn is a struct of ours; PGconns of the real library (hf_settings asks it for effective values) are told
 * apart by their absence from the table of sessions and passed on. Results are real ones, built with libpq's public
 * functions; error fields and parameter types, which those cannot set, are kept beside them.
 */
#include "libpq_double.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "base/macros.h"
#include "pg/cancel.h"

enum { SESSIONS_MAX = 64, REPLIES_MAX = 4096, RESULTS_MAX = 8192, LOGINS_MAX = 256 };

enum reply_kind { REPLY_RESULT, REPLY_END, REPLY_SYNC, REPLY_DEATH };

struct reply {
	enum reply_kind kind;
	const struct double_step *step;
	int row; /* -1 = all rows */
	bool aborted;
};

struct session {
	bool used;
	int fds[2];
	bool bad, ready, arrived, pipeline, aborted_segment, single_row, killed;
	enum double_login login;
	const struct double_connect *connect;
	const struct double_step *current; /* last sent */
	const struct double_step *stuck;   /* unanswered until a cancel, with all that was sent behind it */
	struct reply replies[REPLIES_MAX];
	size_t head, tail;
	int flush_turns, copy_turns;
	PGTransactionStatusType transaction;
	PQnoticeReceiver receiver;
	void *receiver_user;
	char error[512];
};

struct known_result {
	const PGresult *result;
	const struct double_step *step;
};

/* Guards all of the following: cancels come from threads. */
static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct session sessions[SESSIONS_MAX];
static struct known_result results[RESULTS_MAX];
static const struct double_step *script;
static size_t script_count, script_next;
static const struct double_connect *connects;
static size_t connect_count, connect_next;
static char logins[LOGINS_MAX][512];
static size_t login_count;
static _Atomic int cancel_mode; /* a thread that cancels may outlive its test */
static int cancels;
static atomic_int cancels_due; /* helper threads that were started, and whose PQcancel() has not come to its end */
static size_t copied;
static struct double_step pending_notice;

static const struct double_step cancelled_step = {.sqlstate = "57014",
                                                  .message = "canceling statement due to user request"};

/* cmocka leaves a test by longjmp(3), and what is torn down then takes the mutex again. */
#define FAIL(...)                             \
	do {                                  \
		pthread_mutex_unlock(&mutex); \
		fail_msg(__VA_ARGS__);        \
	} while (0)

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static struct session *fake(const PGconn *conn)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if ((const void *)conn == (const void *)&sessions[i])
			return &sessions[i];
	return NULL;
}

static struct session *open_fake(const PGconn *conn)
{
	struct session *session = fake(conn);
	if (!session || !session->used)
		fail_msg("libpq was called with a connection that is not open");
	return session;
}

/* ---- script ---- */

/* What is left is forgotten before it fails this test, so that it does not fail the next one. */
void double_done(void)
{
	size_t sent = script_next, steps = script_count, made = connect_next, logins_left = connect_count;
	const char *expected = sent < steps ? script[sent].expect : NULL;
	script_next = script_count = connect_next = connect_count = 0;
	if (sent != steps)
		fail_msg("step %zu of %zu was never sent (expected \"%s\")", sent + 1, steps,
		         expected ? expected : "anything");
	if (made != logins_left)
		fail_msg("%zu of %zu scripted connects were made", made, logins_left);
}

void double_script(const struct double_step *steps, size_t count)
{
	double_done();
	script = steps;
	script_count = count;
	script_next = 0;
	cancels = 0;
	copied = 0;
	cancel_mode = 0;
}

void double_connects(const struct double_connect *steps, size_t count)
{
	connects = steps;
	connect_count = count;
	connect_next = 0;
	login_count = 0;
}

static const struct double_step *next_step(const char *command)
{
	if (script_next == script_count) {
		FAIL("sent \"%s\" beyond the script's %zu steps", command, script_count);
		abort();
	}
	const struct double_step *step = &script[script_next++];
	if (step->expect && !strstr(command, step->expect))
		FAIL("step %zu: sent \"%s\", expected \"%s\"", script_next, command, step->expect);
	return step;
}

void double_cancel_mode(int mode)
{
	cancel_mode = mode;
}

void double_release_cancel(void)
{
	pthread_mutex_lock(&mutex);
	cancel_mode = 0;
	pthread_cond_broadcast(&released);
	pthread_mutex_unlock(&mutex);
}

int double_cancel_count(void)
{
	pthread_mutex_lock(&mutex);
	int count = cancels;
	pthread_mutex_unlock(&mutex);
	return count;
}

const char *double_login_of(size_t n)
{
	return n < login_count ? logins[n] : "";
}

int double_open_count(void)
{
	int count = 0;
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		count += sessions[i].used;
	pthread_mutex_unlock(&mutex);
	return count;
}

size_t double_copied(void)
{
	return copied;
}

/* ---- the socket ---- */

static void set_ready(struct session *session, bool ready)
{
	char byte = 0;
	if (ready && !session->ready)
		assert_int_equal(write(session->fds[1], &byte, 1), 1);
	if (!ready && session->ready)
		assert_int_equal(read(session->fds[0], &byte, 1), 1);
	session->ready = ready;
}

void double_kill_idle(void)
{
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (!sessions[i].used)
			continue;
		sessions[i].killed = true;
		set_ready(&sessions[i], true);
	}
	pthread_mutex_unlock(&mutex);
}

void double_notice(const char *severity, const char *message)
{
	pending_notice = (struct double_step){.sqlstate = "00000", .tag = severity, .message = message};
}

/* ---- time ---- */

static _Atomic int64_t clock_us = 1000000;

int64_t double_now_us(UNUSED void *user)
{
	return clock_us;
}

/* No time passes while a cancel is on its way: its thread may get its turn late. */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int real_ms = timeout_ms < 0 || timeout_ms > 300 ? 300 : timeout_ms;
	const struct timespec real = {0, real_ms * 1000000L};
	int ready = ppoll(fds, count, &real, NULL);
	for (int i = 0; ready == 0 && i < 200 && atomic_load(&cancels_due) > 0; i++)
		ready = ppoll(fds, count, &real, NULL);
	if (ready == 0)
		clock_us += (timeout_ms < 0 ? 0 : timeout_ms) * INT64_C(1000);
	return ready;
}

/* So that waiting goes by poll(2), which the test's clock knows. */
int epoll_create1(UNUSED int flags)
{
	errno = EMFILE;
	return -1;
}

/* ---- connecting ---- */

static const char *value_of(const char *const *keywords, const char *const *values, const char *keyword)
{
	const char *found = NULL;
	for (size_t i = 0; keywords[i]; i++)
		if (strcmp(keywords[i], keyword) == 0)
			found = values[i];
	return found ? found : "";
}

static void note_login(const char *const *keywords, const char *const *values)
{
	static const char *const noted[] = {"host", "hostaddr", "port", "password", "target_session_attrs"};
	if (login_count == LOGINS_MAX)
		return;
	char *text = logins[login_count++];
	int at = 0;
	for (size_t i = 0; i < ARRAY_LEN(noted); i++)
		at += snprintf(text + at, sizeof(logins[0]) - (size_t)at, "%s%s=%s", i ? " " : "", noted[i],
		               value_of(keywords, values, noted[i]));
}

static bool is_probe(const char *const *values)
{
	for (size_t i = 0; values[i]; i++)
		if (strcmp(values[i], "holdfast-probe") == 0)
			return true;
	return false;
}

PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
	if (is_probe(values))
		return REAL(PQconnectStartParams)(keywords, values, expand_dbname);
	static const struct double_connect accepts;
	pthread_mutex_lock(&mutex);
	const struct double_connect *connect = connect_next < connect_count ? &connects[connect_next++] : &accepts;
	note_login(keywords, values);
	struct session *session = NULL;
	for (size_t i = 0; i < SESSIONS_MAX && connect->login != DOUBLE_NO_MEMORY && !session; i++)
		if (!sessions[i].used)
			session = &sessions[i];
	if (session) {
		memset(session, 0, sizeof(*session));
		session->used = true;
		session->login = connect->login;
		session->connect = connect;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, session->fds), 0);
		set_ready(session, connect->login != DOUBLE_HANGS);
	}
	pthread_mutex_unlock(&mutex);
	return (PGconn *)session;
}

PostgresPollingStatusType PQconnectPoll(PGconn *conn)
{
	struct session *session = open_fake(conn);
	if (session->login == DOUBLE_HANGS)
		return PGRES_POLLING_READING;
	if (session->login == DOUBLE_ACCEPTS) {
		set_ready(session, false);
		return PGRES_POLLING_OK;
	}
	session->bad = true;
	snprintf(session->error, sizeof(session->error), "%s",
	         session->connect->message ? session->connect->message
	                                   : "connection to server failed: Connection refused");
	return PGRES_POLLING_FAILED;
}

void PQfinish(PGconn *conn)
{
	struct session *session = fake(conn);
	if (!session) {
		REAL(PQfinish)(conn);
		return;
	}
	pthread_mutex_lock(&mutex);
	assert_true(session->used);
	session->used = false;
	close(session->fds[0]);
	close(session->fds[1]);
	pthread_mutex_unlock(&mutex);
}

ConnStatusType PQstatus(const PGconn *conn)
{
	struct session *session = fake(conn);
	if (!session)
		return REAL(PQstatus)(conn);
	return session->bad ? CONNECTION_BAD : CONNECTION_OK;
}

char *PQerrorMessage(const PGconn *conn)
{
	struct session *session = fake(conn);
	return session ? session->error : REAL(PQerrorMessage)(conn);
}

int PQsocket(const PGconn *conn)
{
	struct session *session = open_fake(conn);
	return session->bad ? -1 : session->fds[0];
}

int PQconnectionNeedsPassword(const PGconn *conn)
{
	return open_fake(conn)->connect->needs_password;
}

int PQsetnonblocking(PGconn *conn, int arg)
{
	(void)arg;
	open_fake(conn);
	return 0;
}

PGVerbosity PQsetErrorVerbosity(PGconn *conn, PGVerbosity verbosity)
{
	open_fake(conn);
	return verbosity;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *conn, PQnoticeReceiver receiver, void *arg)
{
	struct session *session = open_fake(conn);
	PQnoticeReceiver before = session->receiver;
	session->receiver = receiver;
	session->receiver_user = arg;
	return before;
}

int PQserverVersion(const PGconn *conn)
{
	open_fake(conn);
	return 150020;
}

int PQbackendPID(const PGconn *conn)
{
	return 1000 + (int)(open_fake(conn) - sessions);
}

const char *PQparameterStatus(const PGconn *conn, const char *name)
{
	open_fake(conn);
	return strcmp(name, "server_version") == 0 ? "15.20" : NULL;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *conn)
{
	struct session *session = open_fake(conn);
	if (session->bad)
		return PQTRANS_UNKNOWN;
	return session->head != session->tail ? PQTRANS_ACTIVE : session->transaction;
}

/* ---- results ---- */

static ExecStatusType status_of(const struct double_step *step)
{
	if (step->status)
		return (ExecStatusType)step->status;
	if (step->sqlstate)
		return PGRES_FATAL_ERROR;
	return step->ncolumns && !step->param_types && step->nparams == 0 ? PGRES_TUPLES_OK : PGRES_COMMAND_OK;
}

static void know(const PGresult *result, const struct double_step *step)
{
	for (size_t i = 0; i < RESULTS_MAX; i++) {
		if (results[i].result)
			continue;
		results[i] = (struct known_result){result, step};
		return;
	}
	FAIL("results leak");
}

static const struct double_step *step_of(const PGresult *result)
{
	for (size_t i = 0; i < RESULTS_MAX; i++)
		if (result && results[i].result == result)
			return results[i].step;
	return NULL;
}

static void add_rows(PGresult *result, const struct double_step *step, int row)
{
	int first = row < 0 ? 0 : row, last = row < 0 ? step->nrows : row + 1;
	for (int i = first; i < last; i++)
		for (int j = 0; j < step->ncolumns; j++) {
			const struct double_value *value = &step->values[i * step->ncolumns + j];
			char *bytes = (char *)(uintptr_t)value->bytes;
			assert_int_equal(PQsetvalue(result, i - first, j, bytes, bytes ? value->len : -1), 1);
		}
}

static PGresult *make_result(const struct double_step *step, ExecStatusType status, int row)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, status);
	assert_non_null(result);
	PGresAttDesc columns[64];
	memset(columns, 0, sizeof(columns));
	assert_true(step->ncolumns <= 64);
	for (int i = 0; i < step->ncolumns; i++) {
		columns[i].name = (char *)(uintptr_t) "column";
		columns[i].format = 1;
		columns[i].typid = step->column_types ? step->column_types[i] : 0;
	}
	if (step->ncolumns)
		assert_int_equal(PQsetResultAttrs(result, step->ncolumns, columns), 1);
	if ((status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE) && row != -2)
		add_rows(result, step, row);
	snprintf(PQcmdStatus(result), 64, "%s", step->tag ? step->tag : "");
	know(result, step);
	return result;
}

void PQclear(PGresult *result)
{
	for (size_t i = 0; result && i < RESULTS_MAX; i++)
		if (results[i].result == result)
			results[i].result = NULL;
	REAL(PQclear)(result);
}

char *PQresultErrorField(const PGresult *result, int field)
{
	const struct double_step *step = step_of(result);
	const char *text = NULL;
	if (!step)
		return REAL(PQresultErrorField)(result, field);
	if (field == PG_DIAG_SQLSTATE)
		text = step->sqlstate;
	else if (field == PG_DIAG_MESSAGE_PRIMARY)
		text = step->message;
	else if (field == PG_DIAG_SOURCE_FUNCTION)
		text = step->routine;
	else if (field == PG_DIAG_CONSTRAINT_NAME)
		text = step->constraint;
	else if (field == PG_DIAG_SEVERITY_NONLOCALIZED)
		text = step->sqlstate && strcmp(step->sqlstate, "00000") == 0 ? step->tag : "ERROR";
	return (char *)(uintptr_t)text;
}

char *PQresultErrorMessage(const PGresult *result)
{
	const struct double_step *step = step_of(result);
	if (!step)
		return REAL(PQresultErrorMessage)(result);
	return (char *)(uintptr_t)(step->message ? step->message : "");
}

int PQnparams(const PGresult *result)
{
	const struct double_step *step = step_of(result);
	return step ? step->nparams : REAL(PQnparams)(result);
}

Oid PQparamtype(const PGresult *result, int n)
{
	const struct double_step *step = step_of(result);
	return step ? step->param_types[n] : REAL(PQparamtype)(result, n);
}

/* ---- sending ---- */

static void push(struct session *session, enum reply_kind kind, const struct double_step *step, int row)
{
	if (session->tail - session->head >= REPLIES_MAX)
		FAIL("more than %d answers wait", REPLIES_MAX);
	session->replies[session->tail++ % REPLIES_MAX] = (struct reply){kind, step, row, session->aborted_segment};
}

static void push_answer(struct session *session, const struct double_step *step)
{
	push(session, REPLY_RESULT, step, -1);
	if (session->pipeline && status_of(step) == PGRES_FATAL_ERROR)
		session->aborted_segment = true;
	push(session, step->event == DOUBLE_DIES ? REPLY_DEATH : REPLY_END, step, 0);
}

static void follow_transaction(struct session *session, const char *command, const struct double_step *step)
{
	if (status_of(step) == PGRES_FATAL_ERROR) {
		if (session->transaction == PQTRANS_INTRANS)
			session->transaction = PQTRANS_INERROR;
		if (strncmp(command, "COMMIT", 6) == 0)
			session->transaction = PQTRANS_IDLE;
		return;
	}
	if (strncmp(command, "BEGIN", 5) == 0 || strncmp(command, "START", 5) == 0 ||
	    strncmp(command, "ROLLBACK TO", 11) == 0)
		session->transaction = PQTRANS_INTRANS;
	else if (strncmp(command, "COMMIT", 6) == 0 || strncmp(command, "ROLLBACK", 8) == 0)
		session->transaction = PQTRANS_IDLE;
}

static int send_command(PGconn *conn, const char *command)
{
	struct session *session = open_fake(conn);
	pthread_mutex_lock(&mutex);
	if (!session->bad && session->head != session->tail && !session->pipeline)
		FAIL("\"%s\" was sent while another statement runs", command);
	const struct double_step *step = session->bad || session->killed ? NULL : next_step(command);
	if (session->killed && !session->bad) { /* the kernel takes the bytes, nobody reads them */
		push(session, REPLY_DEATH, NULL, 0);
	} else if (!step || step->event == DOUBLE_SEND_FAILS) {
		session->bad = true;
		snprintf(session->error, sizeof(session->error), "could not send data to server: Broken pipe\n");
		pthread_mutex_unlock(&mutex);
		return 0;
	} else if (step->event == DOUBLE_LOST) {
		push(session, REPLY_DEATH, step, 0);
	} else if (step->event == DOUBLE_ANSWERS || step->event == DOUBLE_DIES) {
		const bool skipped = session->aborted_segment;
		push_answer(session, step);
		if (!skipped)
			follow_transaction(session, command, step);
	} else {
		push(session, REPLY_RESULT, step, -1); /* decided by a cancel */
		push(session, REPLY_END, step, 0);
		session->stuck = step;
	}
	session->current = step;
	session->arrived = session->single_row = false;
	session->flush_turns = step ? step->flush_turns : 0;
	session->copy_turns = step ? step->copy_turns : 0;
	set_ready(session, !session->stuck);
	pthread_mutex_unlock(&mutex);
	return 1;
}

int PQsendQuery(PGconn *conn, const char *query)
{
	return send_command(conn, query);
}

int PQsendQueryParams(PGconn *conn, const char *command, UNUSED int nParams, UNUSED const Oid *paramTypes,
                      UNUSED const char *const *paramValues, UNUSED const int *paramLengths,
                      UNUSED const int *paramFormats, UNUSED int resultFormat)
{
	return send_command(conn, command);
}

int PQsendPrepare(PGconn *conn, const char *stmtName, UNUSED const char *query, UNUSED int nParams,
                  UNUSED const Oid *paramTypes)
{
	char command[128];
	snprintf(command, sizeof(command), "prepare %s", stmtName);
	return send_command(conn, command);
}

int PQsendDescribePrepared(PGconn *conn, const char *stmt)
{
	char command[128];
	snprintf(command, sizeof(command), "describe %s", stmt);
	return send_command(conn, command);
}

int PQsendQueryPrepared(PGconn *conn, const char *stmtName, UNUSED int nParams, UNUSED const char *const *paramValues,
                        UNUSED const int *paramLengths, UNUSED const int *paramFormats, UNUSED int resultFormat)
{
	char command[128];
	snprintf(command, sizeof(command), "execute %s", stmtName);
	return send_command(conn, command);
}

int PQsetSingleRowMode(PGconn *conn)
{
	struct session *session = open_fake(conn);
	const struct double_step *step = session->current;
	session->single_row = true;
	if (!step || status_of(step) != PGRES_TUPLES_OK || step->event > DOUBLE_DIES)
		return 1;
	session->head = session->tail = 0;
	for (int i = 0; i < step->nrows; i++)
		push(session, REPLY_RESULT, step, i);
	push(session, REPLY_RESULT, step, -2);
	push(session, step->event == DOUBLE_DIES ? REPLY_DEATH : REPLY_END, step, 0);
	return 1;
}

int PQenterPipelineMode(PGconn *conn)
{
	struct session *session = open_fake(conn);
	session->pipeline = true;
	session->aborted_segment = false;
	return 1;
}

int PQexitPipelineMode(PGconn *conn)
{
	struct session *session = open_fake(conn);
	if (session->head != session->tail)
		return 0;
	session->pipeline = false;
	return 1;
}

PGpipelineStatus PQpipelineStatus(const PGconn *conn)
{
	return open_fake(conn)->pipeline ? PQ_PIPELINE_ON : PQ_PIPELINE_OFF;
}

int PQpipelineSync(PGconn *conn)
{
	struct session *session = open_fake(conn);
	const struct double_step *step = session->current ? session->current->at_sync : NULL;
	if (step && step->event == DOUBLE_SEND_FAILS) {
		session->bad = true;
		return 0;
	}
	if (step && step->event == DOUBLE_LOST)
		push(session, REPLY_DEATH, step, 0);
	else if (step)
		push_answer(session, step);
	session->aborted_segment = false;
	push(session, REPLY_SYNC, NULL, 0);
	return 1;
}

int PQsendFlushRequest(PGconn *conn)
{
	return !open_fake(conn)->bad;
}

/* ---- reading ---- */

int PQflush(PGconn *conn)
{
	struct session *session = open_fake(conn);
	if (session->flush_turns > 0) {
		session->flush_turns--;
		return 1;
	}
	return session->bad ? -1 : 0;
}

static void deliver_notice(struct session *session)
{
	if (!pending_notice.message || !session->receiver)
		return;
	struct double_step notice = pending_notice;
	pending_notice.message = NULL;
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_NONFATAL_ERROR);
	know(result, &notice);
	session->receiver(session->receiver_user, result);
	PQclear(result);
}

static void die(struct session *session)
{
	session->bad = true;
	session->head = session->tail = 0;
	snprintf(session->error, sizeof(session->error),
	         "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n");
}

int PQconsumeInput(PGconn *conn)
{
	struct session *session = open_fake(conn);
	pthread_mutex_lock(&mutex);
	bool next_is_death =
		session->head != session->tail && session->replies[session->head % REPLIES_MAX].kind == REPLY_DEATH;
	if (session->bad || next_is_death || (session->killed && session->head == session->tail)) {
		if (!session->bad)
			die(session);
		session->arrived = true;
		pthread_mutex_unlock(&mutex);
		return 0;
	}
	if (session->ready)
		session->arrived = true;
	pthread_mutex_unlock(&mutex);
	deliver_notice(session);
	return 1;
}

int PQisBusy(PGconn *conn)
{
	struct session *session = open_fake(conn);
	pthread_mutex_lock(&mutex);
	bool copying =
		session->head != session->tail && session->replies[session->head % REPLIES_MAX].kind == REPLY_END;
	int busy = !session->bad && !session->arrived && session->head != session->tail && !copying;
	pthread_mutex_unlock(&mutex);
	return busy;
}

static const struct double_step lost_step = {.message = "server closed the connection unexpectedly\n\tThis means"};

/* What libpq makes of a connection that broke while an answer was due. */
static PGresult *lost_result(void)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
	know(result, &lost_step);
	return result;
}

static PGresult *result_of(struct session *session, const struct reply *reply)
{
	const struct double_step *step = reply->step;
	ExecStatusType status = status_of(step);
	if (reply->aborted)
		return make_result(step, PGRES_PIPELINE_ABORTED, -2);
	if (status == PGRES_TUPLES_OK && reply->row >= 0)
		return make_result(step, PGRES_SINGLE_TUPLE, reply->row);
	if (status == PGRES_COPY_IN) { /* stays until PQputCopyEnd */
		session->head--;
		return make_result(step, status, -2);
	}
	return make_result(step, status, reply->row);
}

PGresult *PQgetResult(PGconn *conn)
{
	struct session *session = open_fake(conn);
	PGresult *result = NULL;
	pthread_mutex_lock(&mutex);
	bool owed = session->current != NULL;
	if (session->bad) {
		result = owed ? lost_result() : NULL;
		session->current = NULL;
	} else if (session->head != session->tail) {
		const struct reply reply = session->replies[session->head++ % REPLIES_MAX];
		if (reply.kind == REPLY_RESULT)
			result = result_of(session, &reply);
		else if (reply.kind == REPLY_SYNC)
			result = make_result(&lost_step, PGRES_PIPELINE_SYNC, -2);
		else if (reply.kind == REPLY_DEATH) {
			die(session);
			result = lost_result();
			session->current = NULL;
		}
	}
	if (!session->bad && session->head == session->tail && !session->killed)
		set_ready(session, false);
	pthread_mutex_unlock(&mutex);
	return result;
}

/* ---- COPY ---- */

int PQputCopyData(PGconn *conn, UNUSED const char *buffer, int nbytes)
{
	struct session *session = open_fake(conn);
	if (session->current && session->current->copy_fails) {
		session->bad = true;
		snprintf(session->error, sizeof(session->error), "could not send data to server: Broken pipe\n");
		return -1;
	}
	if (session->copy_turns > 0) {
		session->copy_turns--;
		return 0;
	}
	copied += (size_t)nbytes;
	return 1;
}

int PQputCopyEnd(PGconn *conn, UNUSED const char *errormsg)
{
	struct session *session = open_fake(conn);
	if (session->bad)
		return -1;
	if (session->copy_turns > 0) {
		session->copy_turns--;
		return 0;
	}
	session->head = session->tail = 0;
	return send_command(conn, errormsg ? "copy fail" : "copy done");
}

/* ---- cancelling ---- */

PGcancel *PQgetCancel(PGconn *conn)
{
	return (PGcancel *)open_fake(conn);
}

void PQfreeCancel(UNUSED PGcancel *cancel)
{
}

/* The statement that waits gets its answer. */
static void answer_cancel(struct session *session)
{
	const struct double_step *step = session->stuck;
	if (!session->used || !step || step->event == DOUBLE_DEAF)
		return;
	bool failed = false;
	for (size_t i = session->head; i < session->tail; i++) {
		struct reply *reply = &session->replies[i % REPLIES_MAX];
		bool is_it = reply->step == step && reply->kind == REPLY_RESULT;
		if (is_it && step->event == DOUBLE_SILENT) {
			reply->step = &cancelled_step;
			failed = session->pipeline;
		} else {
			reply->aborted = reply->aborted || (failed && reply->kind == REPLY_RESULT);
		}
		failed = failed && reply->kind != REPLY_SYNC;
	}
	follow_transaction(session, step->expect ? step->expect : "",
	                   step->event == DOUBLE_SILENT ? &cancelled_step : step);
	session->stuck = NULL;
	set_ready(session, true);
}

/* The linker leads the library here (meson.build), so that a thread that gets its turn late is awaited. */
void __real_canceller_start(struct canceller *canceller);
void __wrap_canceller_start(struct canceller *canceller);
bool __real_canceller_leave(struct canceller *canceller, int64_t budget_us);
bool __wrap_canceller_leave(struct canceller *canceller, int64_t budget_us);

void __wrap_canceller_start(struct canceller *canceller)
{
	atomic_fetch_add(&cancels_due, 1);
	__real_canceller_start(canceller);
}

bool __wrap_canceller_leave(struct canceller *canceller, int64_t budget_us)
{
	return __real_canceller_leave(canceller, cancel_mode == 2 ? budget_us : 60 * budget_us);
}

int PQcancel(PGcancel *cancel, char *errbuf, int errbufsize)
{
	struct session *session = (struct session *)(void *)cancel;
	pthread_mutex_lock(&mutex);
	cancels++;
	int sent = cancel_mode != 1;
	if (sent)
		answer_cancel(session);
	else
		snprintf(errbuf, (size_t)errbufsize, "PQcancel() -- connect() failed: Connection refused\n");
	if (atomic_load(&cancels_due) > 0) /* else another thread asked */
		atomic_fetch_sub(&cancels_due, 1);
	while (cancel_mode == 2)
		pthread_cond_wait(&released, &mutex);
	pthread_mutex_unlock(&mutex);
	return sent;
}
