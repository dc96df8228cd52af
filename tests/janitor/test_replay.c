/*
 * Our state, queue, scheduling, runs and reviews against what the Python original answered, call by call, row by row:
 * the recorded cases of tests/data/janitor. Everything is equal but what the first table names; each of its numbers
 * must be met exactly.
 */
#include "recorded.h"

#include <stdio.h>
#include <string.h>

/* The files are played in two programs at once; each counts for itself. */
enum part { SCHEDULING, STORING, PARTS };
static enum part part;

static const struct {
	const char *name;
	const char *reason;
	size_t count[PARTS];
} differences[DIFFERENCES] = {
	[CAMPAIGN_FILTER] = {"next item of a campaign", "a syntax error in the original (D-10), a filter here", {1, 0}},
	[NO_SUCH_ARGUMENT] = {"arguments without a form",
                              "a bucket is an enum and an id 32 bits wide: cannot be asked",
                              {3, 0}},
	[NO_NULL_NAME] = {"codebase or campaign NULL",
                          "\"\" here: refused as unknown (23503, 23514), not as NULL",
                          {2, 0}},
	[NO_NULL_REFRESH] = {"refresh NULL", "a bool here: false", {1, 0}},
	[ALL_OR_NOTHING] = {"failed bulk calls",
                            "one transaction here, the original keeps the items before the failing one",
                            {65, 0}},
	[UNKNOWN_BUCKET] = {"unknown buckets in calls that add nothing",
                            "refused at once here, by the insert there",
                            {5, 0}},
	[TAG_WITHOUT_REVISION] = {"runs with a tag of no revision", "unreadable in the original, read here", {16, 0}},
	[PASSWORD_NO_HASH] = {"passwords stored as no hash", "an error of the server in the original, no here", {9, 0}},
	[PASSWORD_TOO_LONG] = {"passwords of more than 72 bytes",
                               "never let in here, cut by some hashes there",
                               {6, 0}},
	[WORKER_REPORTS] =
		{"reports of workers with members of a wrong type, or a time in another form",
                 "refused here with the member's name; there a false one is none, an unused one is not looked at",
                 {0, 18}},
	[UPLOADS] = {"candidates with a member of a wrong type, or a bucket that is none",
                     "refused here with entry and member; there only what is used is looked at",
                     {0, 7}},
	[REFUSED_EARLY] = {"lists of candidates of which one is refused",
                           "before any id is taken here, after it there",
                           {0, 2}},
	[OTHER_CANDIDATE] = {"what keeps a run whose only candidate is another change set's",
                             "no candidate of its own here; there any of the pair's counts",
                             {0, 34}},
	[NEW_URL] = {"proposals that move to a URL where none stands", "they move here; there nothing happens", {0, 3}},
	[FREQUENCY] = {"policies with a frequency below 0", "refused here", {0, 3}},
	[UNRULED] = {"policies without rules, candidates without a policy", "read here, an error there", {0, 2}},
	[ONE_POLICY] = {"one policy by name", "read here; there a column is asked for that is none", {0, 1}},
	[STRICT_OPERATORS] = {"dependencies with >> or <<",
                              "no operators of SQL, an error there (D-23); what they mean here",
                              {2, 0}},
};

/* What the original's exceptions are here. An SQLSTATE and a constraint of the server must be equal. */
static const struct {
	const char *fn; /* NULL: any */
	const char *class;
	enum hf_status status;
	bool by_server;
	const char *constraint; /* NULL: any */
} errors[] = {
	{NULL, "ForeignKeyViolationError", HF_REJECTED, true, NULL},
	{NULL, "CheckViolationError", HF_REJECTED, true, NULL},
	{NULL, "NumericValueOutOfRangeError", HF_REJECTED, true, NULL},
	{NULL, "InvalidRowCountInLimitClauseError", HF_REJECTED, true, NULL},
	{NULL, "DivisionByZeroError", HF_REJECTED, true, NULL},
	{NULL, "InvalidTextRepresentationError", HF_E_INPUT, false, NULL}, /* of a bucket */
	{NULL, "DataError", HF_E_INPUT, false, NULL},                      /* of an offset */
	{NULL, "CandidateUnavailable", HF_NOT_FOUND, false, NULL},
	{"queue_add_vanishing", "AssertionError", HF_CONFLICT, false, NULL},
	{NULL, "AssertionError", HF_REJECTED, false, NULL},
	{NULL, "AttributeError", HF_REJECTED, false, NULL},
	{NULL, "TypeError", HF_REJECTED, false, NULL},
	{NULL, "KeyError", HF_REJECTED, false, NULL},
	{NULL, "ZeroDivisionError", HF_REJECTED, false, NULL},
	{NULL, "UndefinedTableError", HF_E_DRIFT, false, NULL},
	{"candidate_delete", "TypeError", HF_NOT_FOUND, false, NULL}, /* there is none */
	{"set_publish_status", "HTTPNotFound", HF_NOT_FOUND, false, NULL},
	{"codebases_upload", "CheckViolationError", HF_E_INPUT, false, NULL},
	{"codebases_upload", "InvalidURL", HF_E_INPUT, false, NULL},
	{"codebases_upload", "AttributeError", HF_E_INPUT, false, NULL},
	{"codebases_upload", "KeyError", HF_E_INPUT, false, NULL},
	{"codebases_upload", "TypeError", HF_E_INPUT, false, NULL},
	{"codebases_upload", "UnboundLocalError", HF_E_INPUT, false, NULL},
	{"candidates_upload", "AttributeError", HF_E_INPUT, false, NULL},
	{"candidates_upload", "CheckViolationError", HF_E_INPUT, false, NULL},
	{"candidates_upload", "ForeignKeyViolationError", HF_E_INPUT, false, NULL},
	{"candidates_upload", "HTTPBadRequest", HF_E_INPUT, false, NULL},
	{"duration", "TypeError", HF_NOT_FOUND, false, NULL},
	{"result_branch", "KeyError", HF_NOT_FOUND, false, NULL},
	{"cotenants", "InvalidURL", HF_E_INPUT, false, NULL},
	{"publish_store", "UndefinedColumnError", HF_REJECTED, false, NULL},
	{"publish_store", "AssertionError", HF_E_INPUT, false, NULL},
	{"publish_details", "HTTPNotFound", HF_NOT_FOUND, false, NULL},
	{"proposal_close", "KeyError", HF_E_INPUT, false, NULL},           /* no status that one can be given */
	{"proposal_close", "TypeError", HF_NOT_FOUND, false, NULL},        /* there is no such proposal */
	{"proposal_close", "TypeError", HF_E_INPUT, false, NULL},          /* nor such a status */
	{"finish", "CheckViolationError", HF_E_INPUT, false, "run_check"}, /* times are compared before they are sent */
	{"finish", "NotNullViolationError", HF_E_INPUT, false, NULL},
	{"finish", "DatetimeFieldOverflowError", HF_E_INPUT, false, NULL},
	{"finish", "NotImplementedError", HF_E_INPUT, false, NULL},
	{"finish", "AssertionError", HF_E_INPUT, false, NULL},
	{"finish", "AttributeError", HF_E_INPUT, false, NULL},
	{"finish", "TypeError", HF_E_INPUT, false, NULL},
	{"finish", "KeyError", HF_E_INPUT, false, NULL},
	{"finish", "ValueError", HF_E_INPUT, false, NULL},
	{"review", "TypeError", HF_NOT_FOUND, false, NULL}, /* there is no such run */
	{"review", "ClientConnectionError", HF_E_UNAVAILABLE, false, NULL},
	{"review", "ClientResponseError", HF_NOT_FOUND, false, NULL},
	{"review", "ClientResponseError", HF_REJECTED, false, NULL},
	{"review", "ClientResponseError", HF_E_UNAVAILABLE, false, NULL},
};

bool same_error(const char *fn, const json_t *error, const hf_error *err)
{
	struct hf_str class = text_of(error, "class"), state = text_of(error, "sqlstate");
	struct hf_str constraint = text_of(error, "constraint");
	if (str_eq(class, HF_STR("RunExists"))) /* the original's own word for what the server said */
		return err->status == HF_CONFLICT && strcmp(err->constraint, "run_pkey") == 0;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		if (!str_eq(class, hf_str_of(errors[i].class)) || err->status != errors[i].status)
			continue;
		if (errors[i].fn && strcmp(errors[i].fn, fn) != 0)
			continue;
		if (errors[i].constraint && !str_eq(constraint, hf_str_of(errors[i].constraint)))
			continue;
		if (!errors[i].by_server)
			return err->sqlstate[0] == '\0' && err->message[0] != '\0';
		return str_eq(state, hf_str_of(err->sqlstate)) && str_eq(constraint, hf_str_of(err->constraint));
	}
	return false;
}

static void the_queue_answers_as_recorded(void **state)
{
	replay_file(*state, "queue.jsonl.gz", (const struct call *const[]){queue_calls, NULL}, 100);
}

static void scheduling_one_answers_as_recorded(void **state)
{
	replay_file(*state, "schedule.jsonl.gz", (const struct call *const[]){schedule_calls, NULL}, 100);
}

static void scheduling_many_answers_as_recorded(void **state)
{
	replay_file(*state, "bulk.jsonl.gz", (const struct call *const[]){bulk_calls, NULL}, 100);
}

static void the_state_answers_as_recorded(void **state)
{
	replay_file(*state, "state.jsonl.gz", (const struct call *const[]){state_calls, NULL}, 40);
}

static void runs_are_stored_as_recorded(void **state)
{
	replay_file(*state, "runs.jsonl.gz", (const struct call *const[]){run_calls, NULL}, 40);
}

static void reviews_are_stored_as_recorded(void **state)
{
	replay_file(*state, "reviews.jsonl.gz", (const struct call *const[]){review_calls, NULL}, 40);
}

static void uploads_are_stored_as_recorded(void **state)
{
	replay_file(*state, "uploads.jsonl.gz", (const struct call *const[]){upload_calls, NULL}, 40);
}

static void publishing_answers_as_recorded(void **state)
{
	replay_file(*state, "publish.jsonl.gz",
	            (const struct call *const[]){publish_calls, site_calls, state_calls, NULL}, 40);
}

static void pages_answer_as_recorded(void **state)
{
	replay_file(*state, "site.jsonl.gz", (const struct call *const[]){site_calls, state_calls, NULL}, 40);
}

/* The defects that code can keep, and how many of the recorded cases hang on each (of a sample; of all). */
static const struct {
	int number;
	const char *name;
	size_t count[PARTS], in_all[PARTS];
} switches[] = {
	{4, "last_run does not see the branches of a new run", {0, 3}, {0, 102}},
	{7, "last_run hears of some branches alone", {0, 1}, {0, 14}},
	{9, "proposals that are open have arrived", {0, 1}, {0, 15}},
	{11, "a branch URL without host is left out with any host", {1, 0}, {1, 0}},
	{13, "a newer request of a worse priority replaces a better one", {3, 5}, {217, 181}},
	{14, "priorities count from the smallest, and drift", {16, 26}, {1475, 799}},
	{15, "offsets are cut, not rounded", {11, 4}, {839, 288}},
	{16, "push-derived stops scheduling", {1, 0}, {13, 0}},
	{17, "dependencies that nobody knows stop scheduling", {1, 0}, {29, 0}},
	{18, "fractions of a second count twice", {6, 19}, {576, 653}},
	{19, "a chance of success counts for nothing, beyond 1 too", {14, 13}, {1157, 418}},
	{20, "values of 0 stop scheduling", {1, 0}, {56, 0}},
	{21, "a command is any change set's", {1, 0}, {15, 0}},
	{22, "a control run's duration is ignored", {2, 0}, {12, 0}},
	{24, "an unknown value is the greatest, or 0", {5, 3}, {279, 58}},
	{25, "many items know no change set", {1, 0}, {12, 0}},
	{26, "the runner is told before a review is checked and stored", {0, 7}, {0, 235}},
	{27, "a code of null means success", {0, 2}, {0, 12}},
	{28, "what cannot run is asked for again", {0, 1}, {0, 2}},
	{30, "no try to publish is stored", {0, 2}, {0, 25}},
	{33, "the last codebase of a list alone is stored", {0, 1}, {0, 7}},
	{34, "a deleted candidate's entries of all change sets go", {0, 1}, {0, 3}},
	{35, "what follows up on a run cannot be stored", {0, 1}, {0, 4}},
	{52, "a branch with slashes is no segment parameter", {1, 1}, {9, 6}},
	{66, "a run that last_run names cannot go", {0, 4}, {0, 120}},
	{67, "a run waits once for each candidate", {0, 3}, {0, 67}},
	{75, "a vanished entry fails the request", {1, 0}, {1, 0}},
};

bool replay_has_switch(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		if (switches[i].number == number)
			return true;
	return false;
}

static void each_defect_is_mended(void **state)
{
	const struct replay *replay = *state;
	const bool all = replay->every == 1;
	size_t wrong = 0;
	print_message("# %zu cases differ where no defect is kept\n", replay->mended);
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		const int number = switches[i].number;
		const size_t wanted = all ? switches[i].in_all[part] : switches[i].count[part];
		const char *first = replay->first[number];
		print_message("# D-%02d %s: %zu%s%s\n", number, switches[i].name, replay->defects[number],
		              *first ? ", first by " : "", first);
		if (replay->defects[number] != wanted && ++wrong)
			print_message("# D-%02d: not %zu\n", number, wanted);
	}
	assert_int_equal(wrong, 0);
}

static void nothing_else_differs(void **state)
{
	const struct replay *replay = *state;
	size_t left_out = 0;
	for (size_t i = 0; i < DIFFERENCES; i++) {
		print_message("# %zu %s: %s\n", replay->differences[i], differences[i].name, differences[i].reason);
		left_out += replay->differences[i];
	}
	print_message(
		"# %zu cases (%zu of them ended early): %zu calls and %zu rows compared, %zu listed differences\n",
		replay->cases, replay->ended, replay->calls, replay->rows, left_out);
	for (size_t i = 0; i < DIFFERENCES; i++)
		if (replay->differences[i] != differences[i].count[part])
			fail_msg("%s: %zu, not %zu", differences[i].name, replay->differences[i],
			         differences[i].count[part]);
	assert_int_equal(replay->cases, ((const size_t[PARTS]){2653, 2909})[part]);
}

/* Cases that show what few do: they are of every sample. */
static const char *const rare[] = {"Q6",
                                   "C11/derived/5",
                                   "C4/details/8/True",
                                   "C4/details/8/False",
                                   "C7/normal/0/None",
                                   "C7/normal/None/None",
                                   "C/random/41",
                                   "C9/0/estimated_duration_us",
                                   "C11/sets/None/False/propose",
                                   "T1/https://h/solo",
                                   "Q11/vanishing/default",
                                   "R1/branches/2",
                                   "R1/code/0",
                                   "R1/code/6",
                                   "P/known/None/False",
                                   "A/4",
                                   "V/approved/True/403/none",
                                   "P/store/False/push/success/None",
                                   "R5/list/0",
                                   "delete/0",
                                   "R6/followup_for/1/aa",
                                   "R6/codebase/2/aa",
                                   "R5/place/4/new",
                                   "D/0",
                                   "P/waiting/0",
                                   NULL};

static int up(void **state)
{
	int rc = replay_up(state);
	((struct replay *)*state)->rare = rare;
	return rc;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest scheduling[] = {
		cmocka_unit_test(the_queue_answers_as_recorded),
		cmocka_unit_test(scheduling_one_answers_as_recorded),
		cmocka_unit_test(scheduling_many_answers_as_recorded),
		cmocka_unit_test(the_state_answers_as_recorded),
		cmocka_unit_test(each_defect_is_mended),
		cmocka_unit_test(nothing_else_differs),
	};
	const struct CMUnitTest storing[] = {
		cmocka_unit_test(runs_are_stored_as_recorded),    cmocka_unit_test(reviews_are_stored_as_recorded),
		cmocka_unit_test(uploads_are_stored_as_recorded), cmocka_unit_test(publishing_answers_as_recorded),
		cmocka_unit_test(pages_answer_as_recorded),       cmocka_unit_test(each_defect_is_mended),
		cmocka_unit_test(nothing_else_differs),
	};
	if (argc != 2 || (strcmp(argv[1], "scheduling") != 0 && strcmp(argv[1], "storing") != 0)) {
		fprintf(stderr, "usage: test_janitor_replay scheduling|storing\n");
		return 2;
	}
	part = strcmp(argv[1], "storing") == 0 ? STORING : SCHEDULING;
	return part == STORING ? cmocka_run_group_tests_name("replay_storing", storing, up, replay_down)
	                       : cmocka_run_group_tests_name("replay", scheduling, up, replay_down);
}
