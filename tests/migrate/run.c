/*
 * run.c - see run.h.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/context.h"
#include "migrate/catalog.h"
#include "../check.h"
#include "../fixture.h"

enum { TEXTS = 8, TEXT_SIZE = 4096 };

hf_connection *run_connect(hf_context *ctx, const char *url)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_settings_new(ctx, &settings, &err));
	EXPECT_OK(hf_settings_parse(settings, url, &err));
	EXPECT_OK(hf_connection_open(ctx, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err));
	hf_settings_free(settings);
	return connection;
}

hf_connection *run_database(const char **ret_url)
{
	const char *url = fixture_database(NULL);
	if (ret_url)
		*ret_url = url;
	return run_connect(fixture_context(), url);
}

hf_migrations *run_set(const struct run_file *files)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	struct set_file list[64];
	size_t count = 0;
	for (; files[count].file; count++)
		list[count] = (struct set_file){files[count].file, hf_str_of(files[count].text)};
	EXPECT_OK(set_make("test", list, count, (struct hf_str){NULL, 0}, &set, &err));
	return set;
}

void run_sql(hf_connection *connection, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_sql_exec(hf_on_connection(connection), hf_str_of(sql), NULL, 0, NULL, &err));
}

const char *run_text(hf_connection *connection, const char *sql)
{
	static char texts[TEXTS][TEXT_SIZE];
	static size_t turn;
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	char *text = texts[turn++ % TEXTS];
	char whole[TEXT_SIZE];
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	snprintf(whole, sizeof(whole), "SELECT (%s)::text", sql);
	EXPECT_OK(hf_sql_one(hf_on_connection(connection), hf_str_of(whole), NULL, 0, arena, &row, &err));
	struct hf_str value = row.values[0].kind == HF_VALUE_TEXT ? row.values[0].as.s : HF_STR("");
	snprintf(text, TEXT_SIZE, "%.*s", STR_ARG(value));
	return text;
}

const char *run_states(hf_connection *connection)
{
	return run_text(connection, "SELECT string_agg(version || ':' || state, ' ' ORDER BY version)"
	                            " FROM holdfast.migration WHERE set_name = 'test'");
}

char *run_catalog(hf_connection *connection)
{
	hf_error err = HF_ERROR_INIT;
	struct catalog catalog;
	struct buf text;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_OK(catalog_read(connection, true, arena, &catalog, &err));
	buf_init(&text, 1 << 24);
	for (size_t i = 0; i < catalog.count; i++)
		buf_printf(&text, "%.*s %.*s %.*s\n", STR_ARG(catalog.objects[i].kind), STR_ARG(catalog.objects[i].name),
		           STR_ARG(catalog.objects[i].definition));
	buf_printf(&text, "invalid indexes %s\n",
	           run_text(connection, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"));
	return text.ptr;
}

enum hf_status run_up(hf_connection *connection, const hf_migrations *set, hf_error *err)
{
	return hf_migrate_up(connection, set, NULL, NULL, err);
}

/* ---- children ---- */

struct doomed {
	size_t moment;
	size_t now;
	enum run_death death;
	hf_connection *killer; /* a second session, which ends the first one's process in the server */
	int backend_pid;
};

static void pass_moment(struct doomed *doomed)
{
	if (++doomed->now != doomed->moment)
		return;
	if (doomed->death == RUN_KILLED)
		kill(getpid(), SIGKILL);
	char sql[128];
	snprintf(sql, sizeof(sql), "pg_terminate_backend(%d, 60000)", doomed->backend_pid);
	run_text(doomed->killer, sql);
}

static void see_query(void *user, UNUSED enum hf_log_level level, const char *event,
                      UNUSED const struct hf_log_field *fields, UNUSED size_t nfields)
{
	if (strcmp(event, "query") == 0)
		pass_moment(user);
}

static void see_event(void *user, UNUSED const struct hf_migrate_event *event)
{
	pass_moment(user);
}

/* The killer's own queries must not count: it lives in a context of its own. */
_Noreturn static void child_main(const char *url, const hf_migrations *set, const char *down_to, struct doomed *doomed)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL, *killer_ctx = NULL;
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = doomed,
	                                     .log = see_query,
	                                     .log_level = HF_LOG_DEBUG,
	                                     .log_statements = 1};
	if (hf_context_new(&options, &ctx, &err) != HF_OK || hf_context_new(NULL, &killer_ctx, &err) != HF_OK)
		_exit(99);
	doomed->killer = run_connect(killer_ctx, url);
	hf_connection *connection = run_connect(ctx, url);
	doomed->backend_pid = hf_connection_backend_pid(connection);
	const struct hf_migrate_options migrate = {
	        .size = sizeof(migrate), .progress = see_event, .user = doomed, .to = down_to};
	enum hf_status status = down_to ? hf_migrate_down(connection, set, &migrate, NULL, &err)
	                                : hf_migrate_up(connection, set, &migrate, NULL, &err);
	if (status == HF_OK)
		_exit(0);
	if (doomed->moment == 0)
		fprintf(stderr, "child: %s %s\n", err.message, err.hint);
	_exit(doomed->moment > 0 && doomed->now >= doomed->moment ? 98 : hf_status_exit_code(status));
}

static pid_t begin(const char *url, const hf_migrations *set, const char *down_to, enum run_death death, size_t moment)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	struct doomed doomed = {.moment = moment, .death = death};
	if (pid == 0)
		child_main(url, set, down_to, &doomed);
	return pid;
}

bool run_child(const char *url, const hf_migrations *set, const char *down_to, enum run_death death, size_t moment)
{
	int status = 0;
	pid_t pid = begin(url, set, down_to, death, moment);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 98)
		fail_msg("the child ended with %d at moment %zu", WEXITSTATUS(status), moment);
	return WEXITSTATUS(status) == 98;
}

pid_t run_child_begin(const char *url, const hf_migrations *set)
{
	return begin(url, set, NULL, RUN_KILLED, 0);
}

int run_child_end(pid_t pid)
{
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
