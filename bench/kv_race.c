/*
 * kv_race.c - see kv_race.h.
 */
#include "kv_race.h"

#include <string.h>

enum { SLICES = 5 };

#define GET "SELECT value FROM plain WHERE key = $1 AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)"
#define PUT                                                                                                       \
	"INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, " \
	"expires_at = EXCLUDED.expires_at"

/* ---- ours ---- */

static void store_get(struct racer *racer, hf_kv *kv, long number, const struct hf_kv_read *how)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry;
	kv_key(key, number);
	hf_arena_reset(racer->arena);
	if (hf_kv_get(kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN}, how, racer->arena, &entry, &err) != HF_OK ||
	    entry.value.len != KV_VALUE_LEN)
		give_up("get", err.message);
}

void race_store_get(struct racer *racer, hf_kv *kv, long number)
{
	static const struct hf_kv_read how = {.value_only = true};
	store_get(racer, kv, number, &how);
}

void race_store_entry(struct racer *racer, hf_kv *kv, long number)
{
	store_get(racer, kv, number, NULL);
}

void race_store_put(struct racer *racer, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	kv_key(key, number);
	if (hf_kv_put(kv, (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN}, (struct hf_bytes){racer->kept, KV_VALUE_LEN},
	              NULL, &err) != HF_OK)
		give_up("put", err.message);
}

/* ---- theirs ---- */

static const int binary[] = {1, 1};

void race_libpq_get(struct racer *racer, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key};
	const int lengths[] = {KV_KEY_LEN};
	(void)kv;
	kv_key(key, number);
	PGresult *result =
		kv_expect(racer->pg, PQexecPrepared(racer->pg, "g", 1, values, lengths, binary, 1), PGRES_TUPLES_OK);
	if (PQntuples(result) != 1 || PQgetlength(result, 0, 0) != KV_VALUE_LEN)
		give_up("libpq get", "no such key");
	memcpy(racer->kept, PQgetvalue(result, 0, 0), KV_VALUE_LEN);
	PQclear(result);
}

void race_libpq_put(struct racer *racer, hf_kv *kv, long number)
{
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key, (const char *)racer->kept};
	const int lengths[] = {KV_KEY_LEN, KV_VALUE_LEN};
	(void)kv;
	kv_key(key, number);
	PQclear(kv_expect(racer->pg, PQexecPrepared(racer->pg, "p", 2, values, lengths, binary, 1), PGRES_COMMAND_OK));
}

/* ---- measuring ---- */

void race_open(struct racer *racers, long count, const char *url, long rows)
{
	for (long i = 0; i < count; i++) {
		racers[i] = (struct racer){.arena = hf_arena_new(0), .seed = (uint64_t)i * 7919 + 1, .rows = rows};
		kv_value(racers[i].kept, (uint64_t)i);
		if (!url)
			continue;
		racers[i].pg = kv_session(url);
		kv_prepare(racers[i].pg, "g", GET);
		kv_prepare(racers[i].pg, "p", PUT);
	}
}

void race_close(struct racer *racers, long count)
{
	for (long i = 0; i < count; i++) {
		PQfinish(racers[i].pg);
		hf_arena_free(racers[i].arena);
	}
}

static void *work(void *user)
{
	struct racer *racer = user;
	const struct side *side = racer->side;
	while (wall_seconds() < racer->until) {
		side->one(racer, side->kv, (long)(kv_random(&racer->seed) % (uint64_t)racer->rows));
		racer->count++;
	}
	return NULL;
}

long race_slice(struct racer *racers, long count, const struct side *side, double length, double *seconds)
{
	long done = 0;
	double start = wall_seconds();
	for (long i = 0; i < count; i++) {
		racers[i].side = side;
		racers[i].count = 0;
		racers[i].until = start + length;
		if (pthread_create(&racers[i].thread, NULL, work, &racers[i]) != 0)
			give_up("thread", "could not be made");
	}
	for (long i = 0; i < count; i++) {
		pthread_join(racers[i].thread, NULL);
		done += racers[i].count;
	}
	*seconds += wall_seconds() - start;
	return done;
}

void race_run(struct racer *racers, long count, struct side *sides, int nsides, double seconds, int run)
{
	double spent[RACE_SIDES_MAX] = {0};
	long done[RACE_SIDES_MAX] = {0};
	for (int pair = 0; pair < nsides; pair += 2)
		for (int i = 0; i < SLICES; i++)
			for (int turn = 0; turn < 2; turn++) {
				int at = pair + (turn + i + run) % 2;
				done[at] += race_slice(racers, count, &sides[at], seconds / SLICES, &spent[at]);
			}
	for (int i = 0; i < nsides; i++)
		sides[i].ops[run] = (double)done[i] / spent[i];
}

void race_print(const struct side *sides, int nsides, int runs)
{
	printf("\"samples\": {");
	for (int i = 0; i < nsides; i++) {
		printf("%s", i ? ", " : "");
		print_samples(sides[i].name, sides[i].ops, runs, 0);
	}
	printf("}");
}
