/*
 * test_sqlstate.c - the whole table of database-layer.md 5.2, written out a second time as expectations.
 */
#include "core/sqlstate.h"

#include "base/macros.h"
#include "../check.h"

enum { N = HF_ACTION_NEVER, RS = HF_ACTION_RETRY_STATEMENT, RT = HF_ACTION_RETRY_TRANSACTION, RP = HF_ACTION_REPREPARE,
       RC = HF_ACTION_RECONNECT, UN = HF_ACTION_UNKNOWN, WA = HF_ACTION_WAIT, FX = HF_ACTION_FIX_CONFIG };

/* A write, sent, outside and inside a transaction; the session goes on where the code lets it. */
static const struct {
	const char *sqlstate, *category, *status;
	int outside, inside;
	bool alert, close;
} expected[] = {
        {"00000", "none", "ok", N, N, false, false},
        {"01000", "none", "ok", N, N, false, false},
        {"01004", "none", "ok", N, N, false, false},
        {"02000", "application", "database", N, N, false, false},
        {"03000", "server", "database", N, N, true, false},
        {"08000", "connection", "outcome-unknown", UN, RT, false, true},
        {"08003", "connection", "outcome-unknown", UN, RT, false, true},
        {"08006", "connection", "outcome-unknown", UN, RT, false, true},
        {"", "connection", "outcome-unknown", UN, RT, false, true},
        {"08001", "connection", "unavailable", RC, RC, false, true},
        {"08004", "connection", "unavailable", RC, RC, false, true},
        {"08007", "connection", "outcome-unknown", UN, UN, false, true},
        {"08P01", "connection", "protocol", N, N, true, false},
        {"09000", "application", "database", N, N, false, false},
        {"0A000", "unsupported", "database", N, N, false, false},
        {"0B000", "transaction-state", "database", N, N, true, false},
        {"0F000", "input", "rejected", N, N, false, false},
        {"0LP01", "authorization", "denied", N, N, true, false},
        {"0P000", "authorization", "config", FX, FX, true, false},
        {"0Z002", "application", "database", N, N, false, false},
        {"20000", "application", "database", N, N, false, false},
        {"21000", "input", "rejected", N, N, false, false},
        {"22000", "input", "rejected", N, N, false, false},
        {"22001", "input", "rejected", N, N, false, false},
        {"22003", "input", "rejected", N, N, false, false},
        {"22012", "input", "rejected", N, N, false, false},
        {"22021", "input", "rejected", N, N, false, false},
        {"22023", "input", "rejected", N, N, false, false},
        {"22P02", "input", "rejected", N, N, false, false},
        {"22P03", "type", "protocol", N, N, true, false},
        {"22P04", "type", "protocol", N, N, true, false},
        {"22P05", "input", "rejected", N, N, false, false},
        {"23000", "constraint-other", "rejected", N, N, false, false},
        {"23001", "constraint-foreign-key", "rejected", N, N, false, false},
        {"23502", "constraint-not-null", "rejected", N, N, false, false},
        {"23503", "constraint-foreign-key", "rejected", N, N, false, false},
        {"23505", "constraint-unique", "conflict", N, N, false, false},
        {"23514", "constraint-check", "rejected", N, N, false, false},
        {"23P01", "constraint-exclusion", "conflict", N, N, false, false},
        {"24000", "transaction-state", "database", N, N, true, false},
        {"25000", "transaction-state", "database", N, N, true, false},
        {"25001", "transaction-state", "database", N, N, true, false},
        {"25006", "transaction-state", "database", RC, RT, true, true},
        {"25P02", "transaction-state", "database", N, N, true, false},
        {"25P03", "transaction-state", "timeout", RT, RT, true, true},
        {"25P04", "transaction-state", "timeout", RT, RT, true, true},
        {"26000", "statement-cache", "database", RP, RT, false, false},
        {"27000", "application", "database", N, N, false, false},
        {"28000", "authentication", "denied", FX, FX, true, false},
        {"28P01", "authentication", "denied", FX, FX, true, false},
        {"2B000", "schema", "database", N, N, false, false},
        {"2BP01", "schema", "database", N, N, false, false},
        {"2D000", "transaction-state", "database", N, N, true, false},
        {"2F000", "application", "database", N, N, false, false},
        {"34000", "transaction-state", "database", N, N, false, false},
        {"38000", "application", "database", N, N, false, false},
        {"39000", "application", "database", N, N, true, false},
        {"3B001", "transaction-state", "database", N, N, true, false},
        {"3D000", "config", "config", FX, FX, true, false},
        {"3F000", "schema", "database", N, N, true, false},
        {"40000", "transaction-conflict", "database", RS, RT, false, false},
        {"40001", "transaction-conflict", "database", RS, RT, false, false},
        {"40P01", "transaction-conflict", "database", RS, RT, false, false},
        {"40002", "transaction-conflict", "database", N, N, false, false},
        {"40003", "transaction-conflict", "outcome-unknown", UN, UN, true, true},
        {"42000", "schema", "database", N, N, true, false},
        {"42601", "schema", "database", N, N, true, false},
        {"42501", "authorization", "denied", N, N, true, false},
        {"42703", "schema", "database", N, N, true, false},
        {"42704", "schema", "database", N, N, true, false},
        {"42883", "schema", "database", N, N, true, false},
        {"42P01", "schema", "database", N, N, true, false},
        {"42P05", "statement-cache", "database", RP, RT, false, false},
        {"42P07", "schema", "conflict", N, N, true, false},
        {"42P18", "schema", "database", N, N, true, false},
        {"44000", "constraint-other", "rejected", N, N, false, false},
        {"53000", "resource", "busy", WA, WA, true, false},
        {"53100", "resource", "limit", N, N, true, false},
        {"53200", "resource", "busy", WA, WA, true, false},
        {"53300", "resource", "busy", WA, WA, true, false},
        {"53400", "resource", "busy", WA, WA, true, false},
        {"54000", "input", "rejected", N, N, false, false},
        {"54001", "input", "rejected", N, N, false, false},
        {"54023", "input", "rejected", N, N, false, false},
        {"55000", "lock", "database", N, N, false, false},
        {"55006", "lock", "busy", WA, WA, false, false},
        {"55P03", "lock", "busy", RS, RT, false, false},
        {"55P04", "lock", "database", N, N, false, false},
        {"57000", "server", "database", N, N, false, false},
        {"57014", "cancelled", "database", N, N, false, false},
        {"57P01", "connection", "outcome-unknown", UN, RT, false, true},
        {"57P02", "connection", "outcome-unknown", UN, RT, true, true},
        {"57P03", "connection", "unavailable", RC, RC, false, true},
        {"57P04", "config", "config", FX, FX, true, true},
        {"57P05", "connection", "outcome-unknown", UN, RT, false, true},
        {"58000", "server", "database", N, N, true, false},
        {"58P01", "server", "database", N, N, true, false},
        {"58030", "server", "outcome-unknown", UN, RT, true, true},
        {"72000", "transaction-conflict", "database", RS, RT, false, false},
        {"F0000", "server", "database", N, N, true, false},
        {"HV000", "remote", "database", N, N, false, false},
        {"HV00N", "remote", "database", N, RT, false, false},
        {"P0000", "application", "database", N, N, false, false},
        {"P0001", "application", "rejected", N, N, false, false},
        {"P0002", "application", "database", N, N, false, false},
        {"P0003", "application", "database", N, N, false, false},
        {"P0004", "application", "database", N, N, true, false},
        {"XX000", "server", "database", N, N, true, false},
        {"XX001", "server", "corrupt", N, N, true, true},
        {"XX002", "server", "corrupt", N, N, true, true},
        {"ZZ999", "server", "database", N, N, true, false},
        {"4000", "server", "database", N, N, true, false},
        {"400011", "server", "database", N, N, true, false},
};

static void every_code_means_what_the_table_says(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct situation situation = {.phase = PHASE_SENT, .survived = true};
		struct verdict outside = sqlstate_classify(expected[i].sqlstate, &situation);
		situation.in_tx = situation.managed = true;
		struct verdict inside = sqlstate_classify(expected[i].sqlstate, &situation);
		if (strcmp(hf_category_word(outside.category), expected[i].category) != 0 ||
		    strcmp(hf_status_word(outside.status), expected[i].status) != 0 ||
		    (int)outside.action != expected[i].outside || (int)inside.action != expected[i].inside ||
		    outside.alert != expected[i].alert || outside.close != expected[i].close)
			fail_msg("%s: %s, %s, %s, in a transaction %s, alert %d, close %d", expected[i].sqlstate,
			         hf_category_word(outside.category), hf_status_word(outside.status),
			         hf_action_word(outside.action), hf_action_word(inside.action), outside.alert, outside.close);
	}
}

static void a_session_that_goes_on_is_kept(UNUSED void **state)
{
	struct situation situation = {.phase = PHASE_SENT, .survived = true};
	assert_false(sqlstate_classify("08P01", &situation).close);
	assert_true(sqlstate_classify("XX001", &situation).close);
	assert_true(sqlstate_classify("08006", &situation).close);
}

/* FATAL and PANIC of any code, where COMMIT may have happened; where it cannot have the code says what to do. */
static void a_session_that_ends_leaves_in_doubt_what_was_sent(UNUSED void **state)
{
	static const struct situation doubtful[] = {{.phase = PHASE_SENT},
	                                            {.phase = 0},
	                                            {.phase = PHASE_SENT, .in_tx = true},
	                                            {.phase = PHASE_COMMIT_SENT, .in_tx = true, .managed = true}};
	static const struct situation sure[] = {{.phase = PHASE_CONNECT},
	                                        {.phase = PHASE_SENT_NOTHING},
	                                        {.phase = PHASE_SENT, .repeatable = true},
	                                        {.phase = PHASE_SENT, .in_tx = true, .managed = true},
	                                        {.phase = PHASE_COMMIT_SENT, .read_only = true},
	                                        {.phase = PHASE_SENT, .survived = true}};
	static const char *const codes[] = {"08P01", "08001", "53100", "53200", "57P03", "58000", "XX000", "28000"};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		for (size_t j = 0; j < ARRAY_LEN(doubtful); j++) {
			struct verdict verdict = sqlstate_classify(codes[i], &doubtful[j]);
			if (verdict.status != HF_E_OUTCOME_UNKNOWN || verdict.action != HF_ACTION_UNKNOWN || !verdict.close)
				fail_msg("%s, case %zu: %s", codes[i], j, hf_status_word(verdict.status));
		}
		for (size_t j = 0; j < ARRAY_LEN(sure); j++)
			if (sqlstate_classify(codes[i], &sure[j]).status == HF_E_OUTCOME_UNKNOWN)
				fail_msg("%s, case %zu", codes[i], j);
	}
	assert_int_equal(sqlstate_classify("08P01", &sure[1]).action, RC); /* of a pipeline that is not at its end */
	assert_int_equal(sqlstate_classify("08P01", &sure[1]).status, HF_E_UNAVAILABLE);
	assert_int_equal(sqlstate_classify("08P01", &sure[2]).action, RC);
	assert_int_equal(sqlstate_classify("08P01", &sure[3]).action, RT);
	assert_int_equal(sqlstate_classify("08P01", &sure[3]).status, HF_E_UNAVAILABLE);
	assert_int_equal(sqlstate_classify("08P01", &sure[0]).status, HF_E_PROTOCOL);
}

/* A server looks whether it waited too long before it begins what came then, be it COMMIT: that is no doubt, but in the
 * words of a relay. */
static void a_session_that_was_idle_for_too_long_has_not_committed(UNUSED void **state)
{
	struct situation situation = {.phase = PHASE_COMMIT_SENT, .in_tx = true, .managed = true};
	assert_int_equal(sqlstate_classify("25P03", &situation).status, HF_E_OUTCOME_UNKNOWN);
	situation.routine = "ProcessInterrupts";
	struct verdict verdict = sqlstate_classify("25P03", &situation);
	assert_int_equal(verdict.status, HF_TIMEOUT);
	assert_int_equal(verdict.action, RT);
	assert_true(verdict.close);
	assert_int_equal(sqlstate_classify("25P04", &situation).status, HF_E_OUTCOME_UNKNOWN);
}

static void every_class_of_the_server_is_in_the_table(UNUSED void **state)
{
	static const char classes[][3] = {"00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P",
	                                  "0Z", "20", "21", "22", "23", "24", "25", "26", "27", "28", "2B",
	                                  "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44",
	                                  "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX"};
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		char code[] = "xx~~~";
		memcpy(code, classes[i], 2);
		struct verdict verdict = sqlstate_classify(code, &(struct situation){.phase = PHASE_SENT});
		if (strcmp(verdict.meaning, "unknown error class") == 0)
			fail_msg("class %s is missing", classes[i]);
		size_t tested = 0;
		while (tested < ARRAY_LEN(expected) && strncmp(expected[tested].sqlstate, classes[i], 2) != 0)
			tested++;
		assert_in_range(tested, 0, ARRAY_LEN(expected) - 1);
	}
}

static void a_lost_connection_means_what_was_sent(UNUSED void **state)
{
	static const struct {
		struct situation situation;
		int action;
		const char *status;
	} cases[] = {
	        {{.phase = PHASE_CONNECT}, RC, "unavailable"},
	        {{.phase = PHASE_ACQUIRE}, RC, "unavailable"},
	        {{.phase = PHASE_SENT_NOTHING}, RC, "unavailable"},
	        {{.phase = PHASE_SENT_NOTHING, .in_tx = true}, RT, "unavailable"},
	        {{.phase = PHASE_SENT}, UN, "outcome-unknown"},
	        {{.phase = 0}, UN, "outcome-unknown"},
	        {{.phase = PHASE_SENT, .repeatable = true}, RC, "unavailable"},
	        {{.phase = PHASE_SENT, .in_tx = true}, UN, "outcome-unknown"}, /* it may be the program's own COMMIT */
	        {{.phase = PHASE_SENT, .in_tx = true, .managed = true}, RT, "unavailable"},
	        {{.phase = PHASE_SENT, .in_tx = true, .managed = true, .repeatable = true}, RT, "unavailable"},
	        {{.phase = PHASE_COMMIT_SENT, .in_tx = true}, UN, "outcome-unknown"},
	        {{.phase = PHASE_COMMIT_SENT, .in_tx = true, .read_only = true}, RC, "unavailable"},
	        {{.phase = PHASE_DECODE}, N, "unavailable"},
	};
	static const char *const codes[] = {"08006", "57P01", "57P02", "57P05", ""};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t j = 0; j < ARRAY_LEN(codes); j++) {
			struct verdict verdict = sqlstate_classify(codes[j], &cases[i].situation);
			if ((int)verdict.action != cases[i].action || !verdict.close)
				fail_msg("case %zu, %s: %s", i, codes[j], hf_action_word(verdict.action));
			assert_string_equal(hf_status_word(verdict.status), cases[i].status);
		}
}

static void a_cancel_is_told_by_our_own_record(UNUSED void **state)
{
	struct verdict deadline = sqlstate_classify("57014", &(struct situation){.survived = true, .our_deadline = true});
	assert_int_equal(deadline.status, HF_TIMEOUT);
	assert_int_equal(deadline.category, HF_CATEGORY_TIMEOUT);
	struct verdict user = sqlstate_classify("57014", &(struct situation){.survived = true, .our_cancel = true});
	assert_int_equal(user.status, HF_E_INTERRUPTED);
	assert_int_equal(user.category, HF_CATEGORY_CANCELLED);
	struct verdict other = sqlstate_classify("57014", &(struct situation){.survived = true});
	assert_int_equal(other.status, HF_E_DB);
	assert_int_equal(other.category, HF_CATEGORY_CANCELLED);
}

static void a_stale_plan_is_told_by_the_routine(UNUSED void **state)
{
	struct situation situation = {.survived = true, .routine = "RevalidateCachedQuery"};
	struct verdict plan = sqlstate_classify("0A000", &situation);
	assert_int_equal(plan.action, RP);
	assert_int_equal(plan.category, HF_CATEGORY_STATEMENT_CACHE);
	situation.in_tx = true;
	assert_int_equal(sqlstate_classify("0A000", &situation).action, RT);
	assert_int_equal(sqlstate_classify("XX000", &situation).action, N);
	situation = (struct situation){.survived = true, .routine = "getTypeInputInfo"};
	struct verdict type = sqlstate_classify("XX000", &situation);
	assert_int_equal(type.action, RP);
	assert_false(type.alert);
	assert_int_equal(sqlstate_classify("0A000", &situation).action, N);
}

static void other_circumstances_count(UNUSED void **state)
{
	struct situation generated = {.survived = true, .generated = true};
	assert_int_equal(sqlstate_classify("42P01", &generated).status, HF_E_DRIFT);
	assert_int_equal(sqlstate_classify("3F000", &generated).status, HF_E_DRIFT);
	assert_int_equal(sqlstate_classify("42601", &generated).status, HF_E_DB);
	struct verdict wish = sqlstate_classify("25006", &(struct situation){.survived = true, .read_only = true, .in_tx = true});
	assert_int_equal(wish.action, N);
	assert_false(wish.alert);
	assert_false(wish.close);
	struct verdict session = sqlstate_classify("25006", &(struct situation){.survived = true, .primary = true});
	assert_int_equal(session.action, N);
	assert_true(session.alert);
	assert_false(session.close);
	struct verdict lost = sqlstate_classify("", &(struct situation){.phase = PHASE_COMMIT_SENT, .primary = true});
	assert_int_equal(lost.action, UN);
	struct verdict full = sqlstate_classify("53300", &(struct situation){.phase = PHASE_CONNECT});
	assert_int_equal(full.status, HF_E_UNAVAILABLE);
	assert_int_equal(full.action, WA);
	assert_int_equal(sqlstate_classify("HV00N", &(struct situation){.survived = true, .repeatable = true}).action, RS);
}

static void a_verdict_fills_the_error_and_keeps_its_message(UNUSED void **state)
{
	hf_error err = {.message = "could not run x: duplicate key"};
	assert_int_equal(sqlstate_judge(&err, "23505", &(struct situation){.survived = true}), HF_CONFLICT);
	assert_string_equal(err.sqlstate, "23505");
	assert_string_equal(err.message, "could not run x: duplicate key");
	assert_int_equal(err.status, HF_CONFLICT);
	assert_int_equal(err.category, HF_CATEGORY_CONSTRAINT_UNIQUE);
	assert_string_equal(hf_error_kind(&err), "ConstraintViolation");
	assert_int_equal(sqlstate_judge(&err, "", &(struct situation){.phase = PHASE_CONNECT}), HF_E_UNAVAILABLE);
	assert_string_equal(err.sqlstate, "");
	assert_int_equal(sqlstate_judge(NULL, "40001", &(struct situation){.survived = true}), HF_E_DB);
}

static void kinds_are_those_of_the_plan(UNUSED void **state)
{
	static const struct {
		const char *sqlstate, *kind;
		bool retryable;
		enum hf_log_level level;
	} cases[] = {
	        {"08001", "Connection", true, HF_LOG_WARN},
	        {"08006", "Connection", false, HF_LOG_INFO}, /* a write: unknown, never retried */
	        {"28P01", "Connection", false, HF_LOG_ERROR},
	        {"23503", "ConstraintViolation", false, HF_LOG_INFO},
	        {"53200", "ResourceExhaustion", true, HF_LOG_ERROR},
	        {"53100", "ResourceExhaustion", false, HF_LOG_ERROR},
	        {"40001", "Transaction", true, HF_LOG_WARN},
	        {"25P02", "Transaction", false, HF_LOG_ERROR},
	        {"22P02", "Validation", false, HF_LOG_INFO},
	        {"42704", "CustomType", false, HF_LOG_ERROR},
	        {"26000", "Transaction", true, HF_LOG_WARN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		sqlstate_judge(&err, cases[i].sqlstate, &(struct situation){.phase = PHASE_SENT, .survived = true});
		assert_string_equal(hf_error_kind(&err), cases[i].kind);
		assert_int_equal(hf_error_is_retryable(&err), cases[i].retryable);
		assert_int_equal(error_log_level(&err), cases[i].level);
	}
	hf_error missing = {.status = HF_E_DB, .category = HF_CATEGORY_MISSING_TYPES};
	assert_string_equal(hf_error_kind(&missing), "MissingCustomTypes");
	hf_error none = HF_ERROR_INIT;
	assert_string_equal(hf_error_kind(&none), "");
	assert_string_equal(hf_error_kind(NULL), "");
	assert_false(hf_error_is_retryable(&none));
	assert_int_equal(error_log_level(&none), HF_LOG_DEBUG);
	for (int category = HF_CATEGORY_CONNECTION; category <= HF_CATEGORY_MISUSE; category++) {
		hf_error err = {.category = (enum hf_category)category};
		assert_string_not_equal(hf_error_kind(&err), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_code_means_what_the_table_says),
	        cmocka_unit_test(every_class_of_the_server_is_in_the_table),
	        cmocka_unit_test(a_session_that_goes_on_is_kept),
	        cmocka_unit_test(a_session_that_ends_leaves_in_doubt_what_was_sent),
	        cmocka_unit_test(a_session_that_was_idle_for_too_long_has_not_committed),
	        cmocka_unit_test(a_lost_connection_means_what_was_sent),
	        cmocka_unit_test(a_cancel_is_told_by_our_own_record),
	        cmocka_unit_test(a_stale_plan_is_told_by_the_routine),
	        cmocka_unit_test(other_circumstances_count),
	        cmocka_unit_test(a_verdict_fills_the_error_and_keeps_its_message),
	        cmocka_unit_test(kinds_are_those_of_the_plan),
	};
	return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
