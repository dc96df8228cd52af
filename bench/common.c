/*
 * common.c - see common.h.
 */
#include "common.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "holdfast/migrate.h"

_Noreturn void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

hf_connection *bench_connect(const struct bench *bench)
{
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	if (hf_connection_open(bench->ctx, bench->settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err) != HF_OK)
		give_up("connect", err.message);
	return connection;
}

static void migrate(const struct bench *bench)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	hf_connection *connection = bench_connect(bench);
	if (hf_migrations_embedded(bench->ctx, "janitor", &set, &err) != HF_OK ||
	    hf_migrate_up(connection, set, NULL, NULL, &err) != HF_OK)
		give_up("migrate", err.message);
	hf_migrations_free(set);
	hf_connection_free(connection);
}

void bench_open(struct bench *bench)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_context_new(NULL, &bench->ctx, &err) != HF_OK ||
	    hf_server_start(bench->ctx, NULL, HF_DEADLINE_DEFAULT, &bench->server, &err) != HF_OK ||
	    hf_settings_new(bench->ctx, &bench->settings, &err) != HF_OK ||
	    hf_settings_parse(bench->settings, hf_server_url(bench->server), &err) != HF_OK)
		give_up("private server", err.message);
	migrate(bench);
}

void bench_attach(struct bench *bench, const char *url)
{
	hf_error err = HF_ERROR_INIT;
	*bench = (struct bench){.server = NULL};
	if (hf_context_new(NULL, &bench->ctx, &err) != HF_OK ||
	    hf_settings_new(bench->ctx, &bench->settings, &err) != HF_OK ||
	    hf_settings_parse(bench->settings, url, &err) != HF_OK)
		give_up("connect", err.message);
}

void bench_close(struct bench *bench)
{
	hf_settings_free(bench->settings);
	hf_server_free(bench->server);
	hf_context_free(bench->ctx);
}

void bench_sql(hf_connection *connection, const char *text)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_sql_exec(hf_on_connection(connection), hf_str_of(text), NULL, 0, NULL, &err) != HF_OK)
		give_up(text, err.message);
}

double wall_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

bool pin(int pid, int core)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	return sched_setaffinity(pid, sizeof(set), &set) == 0;
}

void print_samples(const char *name, const double *values, int count, int digits)
{
	printf("\"%s\": [", name);
	for (int i = 0; i < count; i++)
		printf("%s%.*f", i ? ", " : "", digits, values[i]);
	printf("]");
}

static enum hf_status print_setting(void *user, const struct hf_sql_row *row, hf_error *err)
{
	(void)err;
	int *count = user;
	printf("%s\"%s\": \"%s\"", (*count)++ ? ", " : "", row->values[0].as.s.ptr, row->values[1].as.s.ptr);
	return HF_OK;
}

void print_server(hf_connection *connection)
{
	static const char sql[] =
		"SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('server_version', 'shared_buffers', "
		"'fsync', 'synchronous_commit', 'full_page_writes', 'jit', 'max_wal_size', 'autovacuum') ORDER BY 1";
	hf_error err = HF_ERROR_INIT;
	int count = 0;
	printf("\"server\": {");
	if (hf_sql_each(hf_on_connection(connection), hf_str_of(sql), NULL, 0, print_setting, &count, &err) != HF_OK)
		give_up("settings", err.message);
	printf("}");
}
