/*
 * The server dies in the middle of what is one transaction: afterwards the database says what it said before. The death
 * is an immediate shutdown (SIGQUIT: no checkpoint, recovery at the next start) after a statement of the call.
 */
#include "rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../fixture.h"

struct victim {
	struct rig rig;
	hf_server *server;
	char folder[64];
	const char *after; /* the statement that is the last one */
	bool died;
};

static void kill_server(void *user, const char *name, UNUSED int64_t rows)
{
	struct victim *victim = user;
	if (victim->died || strcmp(name, victim->after) != 0)
		return;
	victim->died = true;
	pid_t pid = hf_server_pid(victim->server);
	kill(pid, SIGQUIT);
	for (int left = 12000; left > 0 && (kill(pid, 0) == 0 || errno != ESRCH); left--)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void start(struct victim *victim)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_server_options options = {.size = sizeof(options), .folder = victim->folder, .durable = true};
	EXPECT_OK(hf_server_start(fixture_context(), &options, HF_DEADLINE_DEFAULT, &victim->server, &err));
	rig_open(&victim->rig, hf_server_url(victim->server));
	victim->rig.on_query_user = victim;
}

static void stop(struct victim *victim)
{
	rig_close(&victim->rig);
	hf_server_free(victim->server);
}

/* Every row of the tables that scheduling and imports write. */
static int64_t digest(struct victim *victim)
{
	return rig_number(&victim->rig,
	                  "SELECT hashtextextended(string_agg(line, chr(10) ORDER BY line), 0) FROM ("
	                  "SELECT 'queue' || q::text FROM queue AS q UNION ALL SELECT 'codebase' || c::text FROM codebase AS "
	                  "c "
	                  "UNION ALL SELECT 'candidate' || c::text FROM candidate AS c) AS rows (line)");
}

static void fill(struct victim *victim)
{
	rig_load_text(&victim->rig, "{}");
	rig_run(&victim->rig, "INSERT INTO codebase (name, value) SELECT 'pkg' || i, i FROM generate_series(1, 100) AS i");
	rig_run(&victim->rig, "INSERT INTO named_publish_policy (name, per_branch_policy) VALUES ('p', ARRAY[ROW('main', "
	                      "'push', NULL)::branch_publish_policy])");
	rig_run(&victim->rig, "INSERT INTO candidate (codebase, suite, command, value, publish_policy) SELECT 'pkg' || i, "
	                      "'fixes', 'fix-it', i, 'p' FROM generate_series(1, 100) AS i");
	rig_run(&victim->rig, "INSERT INTO queue (codebase, suite, command, bucket, priority) SELECT 'pkg' || i, 'fixes', "
	                      "'old', 'default', i FROM generate_series(1, 50) AS i");
}

/* With candidates of two campaigns all histories are read at once, by COPY. */
static void add_campaign(struct victim *victim)
{
	rig_run(&victim->rig, "INSERT INTO candidate (codebase, suite, command, value, publish_policy) SELECT 'pkg' || i, "
	                      "'others', 'mend-it', i, 'p' FROM generate_series(1, 100) AS i");
}

static enum hf_status schedule(struct victim *victim, hf_error *err)
{
	struct hf_schedule_options options = {.size = sizeof(options)};
	struct hf_schedule_report report;
	return hf_schedule_run(victim->rig.where, &options, &report, err);
}

static enum hf_status import_archive(struct victim *victim, hf_error *err)
{
	struct hf_import_options options = {.size = sizeof(options), .path = test_variable("HOLDFAST_SOURCES_SAMPLE")};
	struct hf_import_report report;
	return hf_codebase_import_debian(victim->rig.where, &options, &report, err);
}

static enum hf_status import_candidates(struct victim *victim, hf_error *err)
{
	struct hf_candidate candidates[] = {
		{.codebase = HF_STR("pkg1"), .campaign = HF_STR("fixes"), .command = HF_STR("new")},
		{.codebase = HF_STR("pkg1"), .campaign = HF_STR("others"), .command = HF_STR("new")}};
	struct hf_changes changes;
	return hf_candidate_import(victim->rig.where, candidates, 2, &changes, err);
}

typedef enum hf_status work_fn(struct victim *victim, hf_error *err);

static void dies_after(struct victim *victim, work_fn *work, const char *statement)
{
	hf_error err = HF_ERROR_INIT;
	int64_t before = digest(victim);
	victim->after = statement;
	victim->died = false;
	victim->rig.on_query = kill_server;
	enum hf_status status = work(victim, &err);
	if (!victim->died)
		fail_msg("no statement %s", statement);
	if (status == HF_OK)
		fail_msg("the work was done although the server had died after %s", statement);
	assert_true(err.message[0] != '\0');
	stop(victim);
	start(victim);
	if (digest(victim) != before)
		fail_msg("died after %s: something was kept", statement);
}

static void a_death_in_the_middle_leaves_nothing(UNUSED void **state)
{
	static const struct {
		work_fn *work;
		const char *after;
	} deaths[] = {
		{schedule, "candidate_all_to_schedule"}, {schedule, "schedule_histories"},
		{schedule, "queue_new_ids"},         {schedule, "queue_overwrite"},
		{schedule, "queue_append"},          {import_archive, "codebase_release_locations"},
		{import_archive, "codebase_upsert"}, {import_candidates, "candidate_upsert"},
	};
	struct victim victim = {.after = ""};
	hf_error err = HF_ERROR_INIT;
	char command[128];
	snprintf(victim.folder, sizeof(victim.folder), "/tmp/hf-test-killed-%d", (int)getpid());
	start(&victim);
	fill(&victim);
	for (size_t i = 0; i < ARRAY_LEN(deaths); i++)
		dies_after(&victim, deaths[i].work, deaths[i].after);
	add_campaign(&victim);
	dies_after(&victim, schedule, "schedule_all_histories");
	int64_t before = digest(&victim);
	EXPECT_OK(schedule(&victim, &err));
	EXPECT_OK(import_archive(&victim, &err));
	EXPECT_OK(import_candidates(&victim, &err));
	assert_true(digest(&victim) != before);
	assert_int_equal(rig_number(&victim.rig, "SELECT count(*) FROM queue"), 200);
	stop(&victim);
	snprintf(command, sizeof(command), "rm -rf %s", victim.folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_in_the_middle_leaves_nothing),
	};
	return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
