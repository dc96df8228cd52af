/*
 * rig.c - see rig.h.
 */
#include "rig.h"

#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "holdfast/sql.h"
#include "../fixture.h"
#include "../sql.h"
#include "redis_fixture.h"

static char folder[64];
static struct redis_fixture redis;
static int fresh;

static int64_t wall(void *user)
{
	return ((struct kv_rig *)user)->wall_us;
}

static int remove_one(const char *path, UNUSED const struct stat *stat, UNUSED int kind, UNUSED struct FTW *where)
{
	return remove(path);
}

/* ---- servers ---- */

static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	if (folder[0])
		return;
	snprintf(folder, sizeof(folder), "%.40s/hf-kv-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
}

const char *kv_rig_fresh_url(struct kv_rig *rig)
{
	static char url[256];
	if (strcmp(rig->kind, "memory") == 0)
		return "memory:";
	if (strcmp(rig->kind, "postgresql") == 0)
		return fixture_database(NULL);
	make_folder();
	if (strcmp(rig->kind, "redis") == 0)
		snprintf(url, sizeof(url), "%s?db=%d", redis.url, fresh++);
	else
		snprintf(url, sizeof(url), "lmdb:%s/%d", folder, fresh++);
	return url;
}

/* ---- the store ---- */

enum hf_status kv_rig_open_at(struct kv_rig *rig, const char *url, const struct hf_kv_options *options, hf_kv **ret_kv,
                              hf_error *err)
{
	return hf_kv_open(rig->ctx, url, options, ret_kv, err);
}

/* Then its checkpoints are copies. */
static void disable_triggers(const char *url)
{
	static const char sql[] = "ALTER TABLE state_entries DISABLE TRIGGER state_entries_keep_updated,"
				  " DISABLE TRIGGER state_entries_keep_deleted";
	hf_connection *connection = fixture_connect(url);
	sql_run(hf_on_connection(connection), sql);
	hf_connection_free(connection);
}

void kv_rig_open(struct kv_rig *rig, const char *kind)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_context_options options = {.size = sizeof(options), .user = rig, .wall_us = wall};
	struct hf_kv_options store = {.size = sizeof(store), .sweep_interval_ms = -1, .durability = HF_KV_RELAXED};
	*rig = (struct kv_rig){.kind = kind, .wall_us = KV_NOW_US};
	bool traceless = strcmp(kind, "snapshot") == 0;
	bool combined_redis = strcmp(kind, "redis_combined") == 0;
	if (strcmp(kind, "combined") == 0 || combined_redis)
		store.combine = 2;
	if (traceless || store.combine)
		rig->kind = combined_redis ? "redis" : "postgresql";
	kind = rig->kind;
	rig->own_clock = strcmp(kind, "memory") == 0 || strcmp(kind, "lmdb") == 0;
	EXPECT_OK(hf_context_new(&options, &rig->ctx, &err));
	if (strcmp(kind, "redis") == 0)
		redis_fixture_start(&redis, NULL);
	snprintf(rig->url, sizeof(rig->url), "%s", kv_rig_fresh_url(rig));
	enum hf_status status = kv_rig_open_at(rig, rig->url, &store, &rig->root, &err);
	if (status == HF_E_UNSUPPORTED)
		snprintf(rig->skip, sizeof(rig->skip), "%s: %.200s", kind, err.message);
	else if (status != HF_OK)
		fail_msg("%s: could not open: %s (%s)", kind, err.message, err.detail);
	if (traceless)
		disable_triggers(rig->url);
}

void kv_rig_kill_server(void)
{
	redis_fixture_kill(&redis, SIGKILL);
}

void kv_rig_start_server(void)
{
	redis_fixture_again(&redis, NULL);
}

void kv_rig_close(struct kv_rig *rig)
{
	hf_kv_close(rig->root);
	hf_context_free(rig->ctx);
	if (redis.pid)
		redis_fixture_stop(&redis);
	if (folder[0])
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int kv_rig_run(const struct kv_rig *rig, const struct CMUnitTest *tests, size_t count)
{
	if (!rig->skip[0])
		return _cmocka_run_group_tests(rig->kind, tests, count, NULL, NULL);
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++)
		printf("ok %zu - %s # SKIP %s\n", i + 1, tests[i].name, rig->skip);
	return 0;
}

void kv_rig_pass(struct kv_rig *rig, int64_t us)
{
	rig->wall_us += us;
	if (!rig->own_clock)
		usleep((useconds_t)us + 2000);
}

pid_t kv_rig_begin_again(const char *const argv[], int out)
{
	char path[PATH_MAX] = "";
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0); /* under valgrind only this names us */
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0)
		return child;
	dup2(out, STDOUT_FILENO);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* ---- words ---- */

int kv_rounds(const struct kv_rig *rig, int count)
{
	const char *wanted = getenv("HOLDFAST_TEST_LONG");
	int rounds = strcmp(rig->kind, "memory") == 0 ? count
	             : strcmp(rig->kind, "lmdb") == 0 ? count / 10
	                                              : count / 15;
	return wanted && wanted[0] ? rounds * 50 : rounds;
}

const char *kv_show(struct hf_bytes bytes)
{
	static char texts[4][300];
	static unsigned next;
	char *text = texts[next++ % 4];
	int n = 0;
	if (!bytes.ptr)
		return "(none)";
	text[0] = '\0';
	for (size_t i = 0; i < bytes.len && i < 60; i++) {
		bool plain = bytes.ptr[i] >= ' ' && bytes.ptr[i] < 0x7f;
		n += snprintf(text + n, 8, plain ? "%c" : "\\x%02x", bytes.ptr[i]);
	}
	if (bytes.len > 60)
		snprintf(text + n, 40, "... (%zu bytes)", bytes.len);
	return text;
}

int kv_order(struct hf_bytes a, struct hf_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}
