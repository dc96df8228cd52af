/*
 * sqlstate.c - the table of sqlstate.def, and the rules by which an action follows from the situation.
 */
#include "core/sqlstate.h"

#include <string.h>

#include "base/macros.h"

enum rule {
	RULE_NEVER,
	RULE_CLOSE,     /* never, and the connection is of no use any more */
	RULE_GARBLED,   /* as LOST, unless the server goes on with the session */
	RULE_LOST,      /* the connection broke: what that means depends on what had been sent */
	RULE_RECONNECT, /* nothing happened, another try (or host) may succeed */
	RULE_UNKNOWN,
	RULE_GONE,      /* closed by the server, and a new connection would not help */
	RULE_RETRY_TRANSACTION,
	RULE_EXPIRED,   /* as RETRY_TRANSACTION, but the server closed the session */
	RULE_REPREPARE,
	RULE_PLAN,      /* re-prepare if the routine says that a prepared plan went stale, else never */
	RULE_DRIFT,     /* the schema is not the one that a generated query was built against */
	RULE_CANCEL,    /* by our own record of who asked for it */
	RULE_READ_ONLY, /* the caller's own wish, or a demoted primary */
	RULE_REMOTE,
	RULE_WAIT,
	RULE_FIX_CONFIG
};
enum alert { ALERT_NO, ALERT_YES, ALERT_RATE };

struct state {
	char code[6];
	enum hf_category category;
	enum rule rule;
	enum alert alert;
	enum hf_status status;
	const char *meaning;
};

static const struct state states[] = {
#define X(code, category, rule, alert, status, meaning) \
	{code, HF_CATEGORY_##category, RULE_##rule, ALERT_##alert, HF_##status, meaning},
#include "core/sqlstate.def"
#undef X
};
static const struct state unheard_of = {"", HF_CATEGORY_SERVER, RULE_NEVER, ALERT_YES, HF_E_DB, "unknown error class"};

static const struct state *find(const char *code, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strlen(states[i].code) == len && memcmp(states[i].code, code, len) == 0)
			return &states[i];
	return NULL;
}

static const struct state *lookup(const char *sqlstate)
{
	if (strlen(sqlstate) != 5)
		return &unheard_of;
	const struct state *state = find(sqlstate, 5);
	if (!state)
		state = find(sqlstate, 2);
	return state ? state : &unheard_of;
}

/* Routines of PostgreSQL that only fail this way when a type or a result shape changed under a prepared plan. */
static bool is_stale_plan(const char *sqlstate, const char *routine)
{
	static const struct {
		const char *sqlstate, *routine;
	} stale[] = {
	        {"0A000", "RevalidateCachedQuery"},  {"XX000", "TupleDescInitEntry"},
	        {"XX000", "getTypeInputInfo"},       {"XX000", "getTypeOutputInfo"},
	        {"XX000", "getTypeBinaryInputInfo"}, {"XX000", "getTypeBinaryOutputInfo"},
	        {"XX000", "lookup_type_cache"},      {"XX000", "get_typlenbyvalalign"},
	};
	for (size_t i = 0; routine && i < ARRAY_LEN(stale); i++)
		if (strcmp(sqlstate, stale[i].sqlstate) == 0 && strcmp(routine, stale[i].routine) == 0)
			return true;
	return false;
}

static enum hf_action again(const struct situation *situation)
{
	return situation->in_tx ? HF_ACTION_RETRY_TRANSACTION : HF_ACTION_RETRY_STATEMENT;
}

/* The connection is gone. Whether something was written is known only if nothing, a read, or no COMMIT was sent. */
static void judge_lost(struct verdict *verdict, const struct situation *situation)
{
	verdict->close = true;
	switch (situation->phase) {
	case PHASE_CONNECT:
	case PHASE_ACQUIRE:
	case PHASE_SENT_NOTHING:
		verdict->action = situation->in_tx ? HF_ACTION_RETRY_TRANSACTION : HF_ACTION_RECONNECT;
		return;
	case PHASE_DECODE:
		verdict->action = HF_ACTION_NEVER;
		return;
	case PHASE_COMMIT_SENT:
	case PHASE_SENT:
	default:
		break;
	}
	if (situation->phase != PHASE_COMMIT_SENT && situation->in_tx && situation->managed) {
		verdict->action = HF_ACTION_RETRY_TRANSACTION;
	} else if (situation->repeatable || (situation->phase == PHASE_COMMIT_SENT && situation->read_only)) {
		verdict->action = HF_ACTION_RECONNECT;
	} else {
		verdict->action = HF_ACTION_UNKNOWN;
		verdict->status = HF_E_OUTCOME_UNKNOWN;
	}
}

/* By FATAL or PANIC, behind something that was sent. */
static bool session_ended(const struct situation *situation)
{
	bool sent = situation->phase == 0 || situation->phase == PHASE_SENT || situation->phase == PHASE_COMMIT_SENT;
	return sent && !situation->survived;
}

/* Whether it was idle for too long a server looks before it begins what came then; a relay may look at any time. */
static bool idled_away(const char *sqlstate, const struct situation *situation)
{
	return strcmp(sqlstate, "25P03") == 0 && situation->routine;
}

/* Whatever the code: a disk that is full at COMMIT, or a relay that lost its server, tell as little as no answer. */
static void judge_ended(struct verdict *verdict, const struct situation *situation)
{
	struct verdict lost = *verdict;
	judge_lost(&lost, situation);
	if (lost.action == HF_ACTION_UNKNOWN)
		*verdict = lost;
}

static void judge_garbled(struct verdict *verdict, const struct situation *situation)
{
	/* Of a pipeline that is not at its end. */
	const bool nothing_sent = situation->phase == PHASE_SENT_NOTHING && !situation->survived;
	verdict->close = !situation->survived;
	if (!session_ended(situation) && !nothing_sent)
		return;
	verdict->status = HF_E_UNAVAILABLE; /* so a relay calls it that its server is gone */
	judge_lost(verdict, situation);
}

static void judge_cancel(struct verdict *verdict, const struct situation *situation)
{
	if (situation->our_deadline) {
		verdict->status = HF_TIMEOUT;
		verdict->category = HF_CATEGORY_TIMEOUT;
	} else if (!situation->our_cancel) {
		verdict->status = HF_E_DB; /* statement_timeout, or somebody else's pg_cancel_backend() */
	}
}

static void judge_plan(struct verdict *verdict, const char *sqlstate, const struct situation *situation)
{
	if (!is_stale_plan(sqlstate, situation->routine))
		return;
	verdict->category = HF_CATEGORY_STATEMENT_CACHE;
	verdict->alert = false;
	verdict->action = situation->in_tx ? HF_ACTION_RETRY_TRANSACTION : HF_ACTION_REPREPARE;
}

static void judge_read_only(struct verdict *verdict, const struct situation *situation)
{
	if (situation->read_only || situation->primary) {
		verdict->alert = !situation->read_only;
		return;
	}
	verdict->action = situation->in_tx ? HF_ACTION_RETRY_TRANSACTION : HF_ACTION_RECONNECT;
	verdict->close = true;
}

static void judge_by_rule(struct verdict *verdict, enum rule rule, const char *sqlstate,
                          const struct situation *situation)
{
	switch (rule) {
	case RULE_NEVER:
		break;
	case RULE_CLOSE:
		verdict->close = true;
		break;
	case RULE_GARBLED:
		judge_garbled(verdict, situation);
		break;
	case RULE_LOST:
		judge_lost(verdict, situation);
		break;
	case RULE_RECONNECT:
		verdict->action = HF_ACTION_RECONNECT;
		verdict->close = true;
		break;
	case RULE_UNKNOWN:
		verdict->action = HF_ACTION_UNKNOWN;
		verdict->close = true;
		break;
	case RULE_GONE:
		verdict->action = HF_ACTION_FIX_CONFIG;
		verdict->close = true;
		break;
	case RULE_RETRY_TRANSACTION:
		verdict->action = again(situation);
		break;
	case RULE_EXPIRED:
		verdict->action = HF_ACTION_RETRY_TRANSACTION;
		verdict->close = true;
		break;
	case RULE_REPREPARE:
		verdict->action = situation->in_tx ? HF_ACTION_RETRY_TRANSACTION : HF_ACTION_REPREPARE;
		break;
	case RULE_PLAN:
		judge_plan(verdict, sqlstate, situation);
		break;
	case RULE_DRIFT:
		if (situation->generated)
			verdict->status = HF_E_DRIFT;
		break;
	case RULE_CANCEL:
		judge_cancel(verdict, situation);
		break;
	case RULE_READ_ONLY:
		judge_read_only(verdict, situation);
		break;
	case RULE_REMOTE:
		verdict->action = situation->repeatable || situation->in_tx ? again(situation) : HF_ACTION_NEVER;
		break;
	case RULE_WAIT:
		verdict->action = HF_ACTION_WAIT;
		if (situation->phase == PHASE_CONNECT)
			verdict->status = HF_E_UNAVAILABLE;
		break;
	case RULE_FIX_CONFIG:
		verdict->action = HF_ACTION_FIX_CONFIG;
		break;
	}
}

struct verdict sqlstate_classify(const char *sqlstate, const struct situation *situation)
{
	if (sqlstate[0] == '\0')
		sqlstate = "08006";
	const struct state *state = lookup(sqlstate);
	struct verdict verdict = {
	        .status = state->status,
	        .category = state->category,
	        .action = HF_ACTION_NEVER,
	        .alert = state->alert == ALERT_YES,
	        .meaning = state->meaning,
	};
	judge_by_rule(&verdict, state->rule, sqlstate, situation);
	if (state->status != HF_OK && session_ended(situation) && !idled_away(sqlstate, situation))
		judge_ended(&verdict, situation);
	return verdict;
}

enum hf_status sqlstate_judge(hf_error *err, const char *sqlstate, const struct situation *situation)
{
	struct verdict verdict = sqlstate_classify(sqlstate, situation);
	if (!err)
		return verdict.status;
	err->status = verdict.status;
	err->category = verdict.category;
	err->action = verdict.action;
	err->alert = verdict.alert;
	memset(err->sqlstate, 0, sizeof(err->sqlstate));
	memcpy(err->sqlstate, sqlstate, strnlen(sqlstate, sizeof(err->sqlstate) - 1));
	return verdict.status;
}

enum hf_log_level error_log_level(const hf_error *err)
{
	if (!err || err->status == HF_OK)
		return HF_LOG_DEBUG;
	if (err->alert)
		return HF_LOG_ERROR;
	return hf_error_is_retryable(err) ? HF_LOG_WARN : HF_LOG_INFO;
}
