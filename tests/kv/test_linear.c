/*
 * test_linear.c - what threads see of each other: histories of one key are linearizable, sums stay what they are, no
 * increment is lost. test_kv_linear KIND. The checkers are shown stores that break each promise (broken.h) first: they
 * must notice.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/str.h"
#include "broken.h"
#include "linear.h"
#include "chance.h"
#include "holdfast/kv_cache.h"
#include "holdfast/kv_watch.h"
#include "steps.h"

enum { THREADS = 8, CALLS_EACH = 7, ACCOUNTS = 12, BALANCE = 1000 };

static struct kv_rig rig;
static uint64_t seed_of_all;

struct crew {
	hf_kv *kv;
	hf_kv *reader; /* of what is read */
	pthread_barrier_t barrier;
	atomic_int number; /* of threads that have one */
	atomic_int wrong;  /* what a thread saw that cannot be */
	atomic_bool stop;
	int rounds;
	bool mostly_reads;
	struct call calls[THREADS * CALLS_EACH];
};

static void run_crew(struct crew *crew, void *(*work)(void *))
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&crew->barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, crew), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crew->barrier);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- histories of one key ---- */

static struct hf_bytes number_text(int64_t number, char text[24])
{
	int n = snprintf(text, 24, "%lld", (long long)number);
	return (struct hf_bytes){(const uint8_t *)text, (size_t)n};
}

static int64_t number_of(struct hf_bytes value)
{
	int64_t number = -1;
	return str_to_i64((struct hf_str){(const char *)value.ptr, value.len}, &number) ? number : -1;
}

/* @return 1 done, 0 refused, -1 something else */
static int64_t done(enum hf_status status)
{
	return status == HF_OK ? 1 : status == HF_CONFLICT || status == HF_NOT_FOUND ? 0 : -1;
}

static int64_t make_call(hf_kv *kv, const struct call *call, hf_arena *arena)
{
	char value[24], expected[24];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry entry = {0};
	struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	struct hf_bytes to = number_text(call->value, value), from = number_text(call->expected, expected);
	bool existed = false;
	enum hf_status status;
	switch (call->kind) {
	case CALL_GET:
		status = hf_kv_get(kv, B("k"), NULL, arena, &entry, &err);
		return status == HF_OK ? number_of(entry.value) : done(status);
	case CALL_PUT:
		return done(hf_kv_put(kv, B("k"), to, NULL, &err)) == 1 ? 0 : -1;
	case CALL_SWAP:
		status = hf_kv_get_and_put(kv, B("k"), to, NULL, arena, &entry, &err);
		return status == HF_OK ? number_of(entry.value) : done(status);
	case CALL_CAS:
		return done(hf_kv_compare_and_set(kv, B("k"), from, to, NULL, &err));
	case CALL_ADD_NEW:
		return done(hf_kv_put(kv, B("k"), to, &absent, &err));
	case CALL_DELETE:
		return hf_kv_delete(kv, B("k"), NULL, &existed, &err) == HF_OK ? existed : -1;
	}
	return -1;
}

static void *play(void *user)
{
	struct crew *crew = user;
	static const enum call_kind kinds[] = {CALL_GET, CALL_GET,  CALL_GET,     CALL_PUT,   CALL_CAS,
	                                       CALL_CAS, CALL_SWAP, CALL_ADD_NEW, CALL_DELETE};
	int number = atomic_fetch_add(&crew->number, 1);
	uint64_t seed = seed_of_all + (uint64_t)number * 7919 + (uint64_t)crew->rounds * 104729;
	hf_arena *arena = hf_arena_new(0);
	int64_t seen = 0;
	for (int i = 0; i < CALLS_EACH; i++) {
		struct call *call = &crew->calls[number * CALLS_EACH + i];
		enum call_kind kind = kinds[chance_under(&seed, ARRAY_LEN(kinds))];
		*call = (struct call){.kind = crew->mostly_reads && chance_under(&seed, 10) ? CALL_GET : kind,
		                      .value = 1 + number * CALLS_EACH + i,
		                      .expected = seen};
		pthread_barrier_wait(&crew->barrier);
		call->begin_ns = now_ns();
		call->answer = make_call(call->kind == CALL_GET ? crew->reader : crew->kv, call, arena);
		call->end_ns = now_ns();
		if (call->answer < 0)
			atomic_fetch_add(&crew->wrong, 1);
		if (call->kind == CALL_GET)
			seen = call->answer;
		else if (call->kind != CALL_DELETE)
			seen = call->value;
	}
	hf_arena_free(arena);
	return NULL;
}

static void print_history(const struct crew *crew)
{
	static const char *const names[] = {"get", "put", "swap", "cas", "add new", "delete"};
	for (int i = 0; i < THREADS * CALLS_EACH; i++) {
		const struct call *call = &crew->calls[i];
		fprintf(stderr, "# thread %d: %lld..%lld %s %lld expected %lld: %lld\n", i / CALLS_EACH,
		        (long long)(call->begin_ns - crew->calls[0].begin_ns),
		        (long long)(call->end_ns - crew->calls[0].begin_ns), names[call->kind], (long long)call->value,
		        (long long)call->expected, (long long)call->answer);
	}
}

/* @return rounds whose history cannot be ordered; ends at the first. */
static int wrong_histories_of(hf_kv *kv, hf_kv *reader, int rounds, bool mostly_reads, bool show)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int wrong = 0;
	assert_non_null(crew);
	for (int i = 0; i < rounds && wrong == 0; i++) {
		hf_error err = HF_ERROR_INIT;
		*crew = (struct crew){.kv = kv, .reader = reader, .rounds = i, .mostly_reads = mostly_reads};
		EXPECT_OK(hf_kv_delete(kv, B("k"), NULL, NULL, &err));
		run_crew(crew, play);
		assert_int_equal(crew->wrong, 0);
		wrong += !linear_check(crew->calls, THREADS * CALLS_EACH, 0);
		if (wrong && show)
			print_history(crew);
	}
	free(crew);
	return wrong;
}

static int wrong_histories(hf_kv *kv, int rounds, bool show)
{
	return wrong_histories_of(kv, kv, rounds, false, show);
}

/* ---- transfers ---- */

static const struct hf_bytes *accounts(void)
{
	static struct hf_bytes keys[ACCOUNTS];
	static char names[ACCOUNTS][16];
	for (int i = 0; i < ACCOUNTS && !keys[i].ptr; i++) {
		snprintf(names[i], sizeof(names[i]), "account %02d", i);
		keys[i] = hf_kv_text(names[i]);
	}
	return keys;
}

/* The sum of all accounts at one moment; INT64_MIN when it cannot be read. */
static int64_t sum_of(hf_kv *kv, hf_arena *arena)
{
	struct hf_kv_entry entries[ACCOUNTS];
	hf_error err = HF_ERROR_INIT;
	int64_t sum = 0;
	if (hf_kv_get_many(kv, accounts(), ACCOUNTS, NULL, arena, entries, &err) != HF_OK)
		return INT64_MIN;
	for (int i = 0; i < ACCOUNTS; i++)
		sum += number_of(entries[i].value);
	return sum;
}

/* By relative amounts: always done. */
static enum hf_status move_by_adding(hf_kv *kv, size_t from, size_t to, int64_t amount)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_write writes[2] = {{.op = HF_KV_ADD, .key = accounts()[from], .delta = -amount},
	                                      {.op = HF_KV_ADD, .key = accounts()[to], .delta = amount}};
	return hf_kv_apply(kv, writes, 2, NULL, NULL, NULL, &err);
}

/* By what was read, if it still is so; a conflict is what it is. */
static enum hf_status move_by_revision(hf_kv *kv, size_t from, size_t to, int64_t amount, hf_arena *arena,
                                       bool transact)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_bytes keys[2] = {accounts()[from], accounts()[to]};
	struct hf_kv_entry entries[2];
	struct hf_kv_write compare[2], puts[2];
	char texts[2][24];
	bool held = true;
	enum hf_status status = hf_kv_get_many(kv, keys, 2, NULL, arena, entries, &err);
	for (int i = 0; status == HF_OK && i < 2; i++) {
		int64_t balance = number_of(entries[i].value) + (i ? amount : -amount);
		puts[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                               .key = keys[i],
		                               .value = number_text(balance, texts[i]),
		                               .if_rev = entries[i].rev};
		puts[i].flags = transact ? 0 : HF_KV_IF_REV;
		compare[i] = (struct hf_kv_write){.op = HF_KV_READ,
		                                  .key = keys[i],
		                                  .flags = HF_KV_IF_REV,
		                                  .if_rev = entries[i].rev};
	}
	const struct hf_kv_txn txn = {.compare = compare, .ncompare = 2, .then = puts, .nthen = 2};
	if (status == HF_OK)
		status = transact ? hf_kv_transact(kv, &txn, NULL, arena, &held, NULL, &err)
		                  : hf_kv_apply(kv, puts, 2, NULL, arena, NULL, &err);
	return status == HF_CONFLICT ? HF_OK : status;
}

static void *move(void *user)
{
	struct crew *crew = user;
	int number = atomic_fetch_add(&crew->number, 1);
	bool transacts = hf_kv_capabilities(crew->kv) != 0; /* the broken ones do not */
	uint64_t seed = seed_of_all + (uint64_t)number * 15485863;
	hf_arena *arena = hf_arena_new(0);
	pthread_barrier_wait(&crew->barrier);
	for (int i = 0; i < crew->rounds && !crew->wrong; i++) {
		size_t from = chance_under(&seed, ACCOUNTS),
		       to = (from + 1 + chance_under(&seed, ACCOUNTS - 1)) % ACCOUNTS;
		int64_t amount = (int64_t)chance_under(&seed, 100);
		uint64_t how = chance_under(&seed, transacts ? 4 : 3);
		enum hf_status status = HF_OK;
		hf_arena_reset(arena);
		if (how == 0 || number == 0) /* the first only looks */
			crew->wrong += sum_of(crew->kv, arena) != ACCOUNTS * BALANCE;
		else if (how == 1)
			status = move_by_adding(crew->kv, from, to, amount);
		else
			status = move_by_revision(crew->kv, from, to, amount, arena, how == 3);
		crew->wrong += status != HF_OK;
	}
	hf_arena_free(arena);
	return NULL;
}

/* @return how often a thread saw another sum, or none. */
static int wrong_sums(hf_kv *kv, int rounds)
{
	hf_error err = HF_ERROR_INIT;
	struct crew *crew = calloc(1, sizeof(*crew));
	struct hf_bytes balances[ACCOUNTS];
	assert_non_null(crew);
	for (int i = 0; i < ACCOUNTS; i++)
		balances[i] = B("1000");
	EXPECT_OK(hf_kv_put_many(kv, accounts(), balances, ACCOUNTS, NULL, &err));
	crew->kv = kv;
	crew->rounds = rounds;
	run_crew(crew, move);
	int wrong = crew->wrong;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	wrong += sum_of(kv, arena) != ACCOUNTS * BALANCE;
	free(crew);
	return wrong;
}

/* ---- counting ---- */

static void *increment(void *user)
{
	struct crew *crew = user;
	hf_error err = HF_ERROR_INIT;
	int64_t before = 0, number;
	pthread_barrier_wait(&crew->barrier);
	for (int i = 0; i < crew->rounds; i++) {
		enum hf_status status = hf_kv_increment(crew->kv, B("counter"), 1, NULL, &number, &err);
		if (status != HF_OK || number <= before)
			atomic_fetch_add(&crew->wrong, 1);
		before = number;
	}
	return NULL;
}

static void no_increment_is_lost(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct crew crew = {.kv = rig.root, .rounds = kv_rounds(&rig, 600)};
	int64_t number = 0;
	(void)state;
	run_crew(&crew, increment);
	assert_int_equal(crew.wrong, 0);
	EXPECT_OK(hf_kv_increment(rig.root, B("counter"), 0, NULL, &number, &err));
	assert_int_equal(number, THREADS * crew.rounds);
}

/* ---- the promises ---- */

static void histories_are_linearizable(void **state)
{
	(void)state;
	assert_int_equal(wrong_histories(rig.root, kv_rounds(&rig, 300), true), 0);
}

static void sums_stay_constant(void **state)
{
	(void)state;
	assert_int_equal(wrong_sums(rig.root, kv_rounds(&rig, 3000)), 0);
}

/* Of a namespace with a feed, which may be late by a minute: it is used whenever it may be. */
static hf_kv *cached_handle(void)
{
	const struct hf_kv_cache_options options = {.size = sizeof(options), .stale_ms_max = 60000};
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_kv_namespace(rig.root, "cached", &kv, &err));
	EXPECT_OK(hf_kv_feed_on(kv, NULL, &err));
	EXPECT_OK(hf_kv_cache_start(kv, &options, &err));
	return kv;
}

static void histories_through_a_cache_are_linearizable(void **state)
{
	(void)state;
	struct hf_kv_cache_stats stats;
	hf_kv *kv = cached_handle();
	assert_int_equal(wrong_histories_of(kv, kv, kv_rounds(&rig, 300), true, true), 0);
	assert_int_equal(wrong_histories(kv, kv_rounds(&rig, 100), true), 0);
	hf_kv_cache_stats(kv, &stats);
	print_message("# %llu reads from memory, %llu misses, %llu while a write ran\n", (unsigned long long)stats.hits,
	              (unsigned long long)stats.misses, (unsigned long long)stats.bypassed);
	assert_true(stats.hits > 0);
	hf_kv_close(kv);
}

/* What others write is seen later: such histories are not promised, and the checker tells them apart. */
static void writes_of_others_are_seen_later(void **state)
{
	(void)state;
	hf_error err = HF_ERROR_INIT;
	hf_kv *reader = cached_handle(), *writer = NULL;
	EXPECT_OK(hf_kv_namespace(rig.root, "cached", &writer, &err));
	assert_true(wrong_histories_of(writer, reader, 20000, false, false) > 0);
	hf_kv_close(writer);
	hf_kv_close(reader);
}

/* ---- the checkers themselves ---- */

static void the_checker_knows_orders(void **state)
{
	(void)state;
	/* overlapping: the get may come before or after */
	struct call calls[3] = {{.kind = CALL_PUT, .value = 1, .begin_ns = 0, .end_ns = 10},
	                        {.kind = CALL_GET, .answer = 0, .begin_ns = 5, .end_ns = 15},
	                        {.kind = CALL_GET, .answer = 1, .begin_ns = 6, .end_ns = 16}};
	assert_true(linear_check(calls, 3, 0));
	calls[2].begin_ns = 0, calls[2].end_ns = 4; /* saw the new value before another saw the old one */
	assert_false(linear_check(calls, 3, 0));
	struct call both[2] = {{.kind = CALL_CAS, .expected = 1, .value = 2, .answer = 1, .begin_ns = 0, .end_ns = 10},
	                       {.kind = CALL_CAS, .expected = 1, .value = 3, .answer = 1, .begin_ns = 0, .end_ns = 10}};
	assert_false(linear_check(both, 2, 1));
	both[1].answer = 0;
	assert_true(linear_check(both, 2, 1));
}

static int wrong_of_broken(enum broken_how how, bool histories)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(broken_open(rig.ctx, how, &kv, &err));
	int wrong = histories ? wrong_histories(kv, how == BROKEN_NOT ? 100 : 20000, false)
	                      : wrong_sums(kv, how == BROKEN_NOT ? 1000 : 200000);
	hf_kv_close(kv);
	return wrong;
}

static void the_checkers_notice_a_broken_store(void **state)
{
	(void)state;
	assert_int_equal(wrong_of_broken(BROKEN_NOT, true), 0);
	assert_int_equal(wrong_of_broken(BROKEN_NOT, false), 0);
	assert_true(wrong_of_broken(BROKEN_STALE_READ, true) > 0);
	assert_true(wrong_of_broken(BROKEN_LOST_WRITE, true) > 0);
	assert_true(wrong_of_broken(BROKEN_CONDITION, true) > 0);
	assert_true(wrong_of_broken(BROKEN_TORN_WRITE, false) > 0);
	assert_true(wrong_of_broken(BROKEN_TORN_READ, false) > 0);
}

int main(int argc, char *argv[])
{
	enum { CHECKERS = 3, TESTS = 7 };
	const struct CMUnitTest tests[TESTS] = {
		cmocka_unit_test(the_checker_knows_orders),
		cmocka_unit_test(the_checkers_notice_a_broken_store),
		cmocka_unit_test(writes_of_others_are_seen_later),
		cmocka_unit_test(histories_through_a_cache_are_linearizable),
		cmocka_unit_test(histories_are_linearizable),
		cmocka_unit_test(sums_stay_constant),
		cmocka_unit_test(no_increment_is_lost),
	};
	if (argc < 2)
		return 2;
	kv_rig_open(&rig, argv[1]);
	seed_of_all = chance_seed();
	size_t from = strcmp(argv[1], "memory") == 0 ? 0 : CHECKERS; /* the broken ones stand on memory */
	int failed = kv_rig_run(&rig, tests + from, TESTS - from);
	kv_rig_close(&rig);
	return failed;
}
