/*
 * kv_export.c - a checkpoint into a file, and all entries of LMDB into PostgreSQL, against binary COPY by hand: out of
 * the store's own table into a file, and of the same rows into a table of the same form.
 *
 *     build/bench/bench-kv-export URL ROWS RUNS FOLDER [export|copy]        only ours, that one
 *
 * Alone it tells the greatest RssAnon that a thread saw in /proc/self/status every other millisecond: VmHWM counts the
 * pages of LMDB's map too, which are the kernel's file cache.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holdfast/kv_file.h"
#include "kv_common.h"

#define OUT                                                                                                            \
	"COPY (SELECT key, value, created_at, updated_at, expires_at, metadata FROM state_entries) TO STDOUT (FORMAT " \
	"binary)"
#define IN                                                                                                            \
	"COPY twin (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, key, value, metadata) " \
	"FROM STDIN (FORMAT binary)"

struct exports {
	hf_context *ctx;
	const char *url, *folder;
	hf_kv *kv, *lmdb;
	hf_arena *arena;
	struct hf_uuid point;
	PGconn *pg;
	long rows;
	char *wire; /* all rows, as COPY takes them */
	size_t wire_len;
	char path[200];
};

static void check(enum hf_status status, const char *what, const hf_error *err)
{
	if (status != HF_OK)
		give_up(what, err->message);
}

/* ---- out ---- */

static double export_ours(struct exports *exports)
{
	hf_error err = HF_ERROR_INIT;
	double start = wall_seconds();
	check(hf_kv_checkpoint_export(exports->kv, &exports->point, exports->path, NULL, exports->arena, NULL, &err),
	      "export", &err);
	return wall_seconds() - start;
}

static double export_theirs(struct exports *exports)
{
	char *row;
	int len;
	double start = wall_seconds();
	FILE *file = fopen(exports->path, "we");
	if (!file)
		give_up("export by hand", exports->path);
	setvbuf(file, NULL, _IOFBF, 1 << 20);
	PQclear(kv_expect(exports->pg, PQexec(exports->pg, OUT), PGRES_COPY_OUT));
	while ((len = PQgetCopyData(exports->pg, &row, 0)) > 0) {
		fwrite(row, 1, (size_t)len, file);
		PQfreemem(row);
	}
	PQclear(kv_expect(exports->pg, PQgetResult(exports->pg), PGRES_COMMAND_OK));
	PQclear(PQgetResult(exports->pg));
	if (fflush(file) != 0 || fsync(fileno(file)) != 0 || fclose(file) != 0)
		give_up("export by hand", "the file");
	return wall_seconds() - start;
}

/* ---- in ---- */

static hf_kv *open_target(struct exports *exports)
{
	hf_kv *target = NULL;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .sweep_interval_ms = -1,
	                                      .table = "copied",
	                                      .connections_min = 1,
	                                      .connections_max = 2};
	check(hf_kv_open(exports->ctx, exports->url, &options, &target, &err), "open the target", &err);
	return target;
}

static double copy_ours(struct exports *exports)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_copied copied;
	hf_kv *target = open_target(exports);
	kv_command(exports->pg, "TRUNCATE copied");
	kv_command(exports->pg, "CHECKPOINT");
	double start = wall_seconds();
	check(hf_kv_copy(exports->lmdb, target, NULL, &copied, &err), "copy", &err);
	start = wall_seconds() - start;
	if (copied.sums.row_count != (uint64_t)exports->rows)
		give_up("copy", "another number of entries");
	hf_kv_close(target);
	return start;
}

static double copy_theirs(struct exports *exports)
{
	kv_command(exports->pg, "TRUNCATE twin");
	kv_command(exports->pg, "CHECKPOINT");
	double start = wall_seconds();
	PQclear(kv_expect(exports->pg, PQexec(exports->pg, IN), PGRES_COPY_IN));
	for (size_t at = 0; at < exports->wire_len; at += 1 << 16) {
		size_t left = exports->wire_len - at;
		if (PQputCopyData(exports->pg, exports->wire + at, left < 1 << 16 ? (int)left : 1 << 16) != 1)
			give_up("COPY", PQerrorMessage(exports->pg));
	}
	if (PQputCopyEnd(exports->pg, NULL) != 1)
		give_up("COPY", PQerrorMessage(exports->pg));
	PQclear(kv_expect(exports->pg, PQgetResult(exports->pg), PGRES_COMMAND_OK));
	PQclear(PQgetResult(exports->pg));
	return wall_seconds() - start;
}

/* The rows of the store as COPY gives them, with the twin's columns. */
static void take_rows(struct exports *exports)
{
	char *row;
	int len;
	size_t room = (size_t)exports->rows * 420 + 4096;
	exports->wire = malloc(room);
	if (!exports->wire)
		give_up("rows", "no memory");
	PQclear(kv_expect(
		exports->pg,
		PQexec(exports->pg,
	               "COPY (SELECT rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, key, "
	               "value, metadata FROM state_entries ORDER BY namespace, key) TO STDOUT (FORMAT binary)"),
		PGRES_COPY_OUT));
	while ((len = PQgetCopyData(exports->pg, &row, 0)) > 0) {
		if (exports->wire_len + (size_t)len > room)
			give_up("rows", "longer than thought");
		memcpy(exports->wire + exports->wire_len, row, (size_t)len);
		exports->wire_len += (size_t)len;
		PQfreemem(row);
	}
	PQclear(kv_expect(exports->pg, PQgetResult(exports->pg), PGRES_COMMAND_OK));
	PQclear(PQgetResult(exports->pg));
}

/* ---- memory ---- */

static atomic_bool done;

static void *watch_memory(void *user)
{
	long *peak_kib = user, kib;
	char line[200];
	while (!atomic_load(&done)) {
		FILE *status = fopen("/proc/self/status", "re");
		while (status && fgets(line, sizeof(line), status))
			if (sscanf(line, "RssAnon: %ld", &kib) == 1 && kib > *peak_kib)
				*peak_kib = kib;
		if (status)
			(void)fclose(status);
		usleep(2000);
	}
	return NULL;
}

static double alone(struct exports *exports, const char *only, long *ret_peak_kib)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, watch_memory, ret_peak_kib) != 0)
		give_up("memory", "no thread");
	double seconds = strcmp(only, "copy") == 0 ? copy_ours(exports) : export_ours(exports);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	return seconds;
}

/* ---- */

static void prepare(struct exports *exports, const char *only)
{
	hf_error err = HF_ERROR_INIT;
	char url[220];
	const struct hf_kv_checkpoint_new how = {.uncounted = true};
	struct hf_kv_checkpoint point;
	const struct hf_kv_options relaxed = {.size = sizeof(relaxed),
	                                      .sweep_interval_ms = -1,
	                                      .durability = HF_KV_RELAXED};
	snprintf(url, sizeof(url), "lmdb:%s/lmdb", exports->folder);
	snprintf(exports->path, sizeof(exports->path), "%s/export", exports->folder);
	check(hf_kv_open(exports->ctx, url, &relaxed, &exports->lmdb, &err), "open LMDB", &err);
	check(hf_kv_checkpoint_create(exports->kv, &how, exports->arena, &point, &err), "checkpoint", &err);
	exports->point = point.id;
	exports->pg = kv_session(exports->url);
	if (only)
		return;
	check(hf_kv_copy(exports->kv, exports->lmdb, NULL, NULL, &err), "fill LMDB", &err);
	hf_kv_close(open_target(exports)); /* makes its tables */
	kv_command(exports->pg, "DROP TABLE IF EXISTS twin; CREATE TABLE twin (LIKE state_entries INCLUDING ALL) WITH "
	                        "(fillfactor = 80)");
	take_rows(exports);
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-export URL ROWS RUNS FOLDER [export|copy]";
	static const char *const names[] = {"holdfast_export_s", "copy_out_s", "holdfast_copy_s", "copy_in_s"};
	static double (*const sides[])(struct exports * exports) = {export_ours, export_theirs, copy_ours, copy_theirs};
	static double seconds[4][RUNS_MAX];
	struct bench bench;
	if (argc < 5 || argc > 6)
		give_up("usage", usage);
	const char *only = argc == 6 ? argv[5] : NULL;
	long runs = kv_number(argv[3], usage);
	if (runs > RUNS_MAX)
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	struct exports exports = {.ctx = bench.ctx,
	                          .url = argv[1],
	                          .folder = argv[4],
	                          .kv = kv_open(bench.ctx, argv[1], 2),
	                          .arena = hf_arena_new(0),
	                          .rows = kv_number(argv[2], usage)};
	prepare(&exports, only);
	long peak_kib = 0;
	if (only)
		seconds[0][0] = alone(&exports, only, &peak_kib);
	for (int run = 0; !only && run < (int)runs; run++)
		for (int side = 0; side < 4; side++)
			seconds[side][run] = sides[side](&exports);
	printf("{\"samples\": {");
	for (int side = 0; side < 4; side++) {
		printf("%s", side ? ", " : "");
		print_samples(names[side], seconds[side], only ? 1 : (int)runs, 4);
	}
	printf("}, \"anon_kib\": %ld}\n", peak_kib);
	PQfinish(exports.pg);
	hf_kv_close(exports.lmdb);
	hf_kv_close(exports.kv);
	hf_arena_free(exports.arena);
	free(exports.wire);
	bench_close(&bench);
	return 0;
}
