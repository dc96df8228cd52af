/*
 * cases_write.c - conformance: conditions, compare-and-set, counters, append, take and replace.
 */
#include "steps.h"

#define BOTH(flag) (HF_KV_IF_PRESENT | (uint32_t)(flag))

/* What apply says of one write. */
static void outcome(struct kv_test *t, struct hf_kv_write write, enum hf_kv_outcome want, int64_t rev)
{
	struct hf_kv_result result = {.outcome = (enum hf_kv_outcome)99};
	bool refused = want > HF_KV_NO_ENTRY;
	WANT(hf_kv_apply(t->kv, &write, 1, NULL, t->arena, &result, &t->err), refused ? HF_CONFLICT : HF_OK);
	if (result.outcome != want)
		kv_wrong(t, "expected outcome %s, got %s", hf_kv_outcome_word(want),
		         hf_kv_outcome_word(result.outcome));
	if (rev >= 0)
		WANT_INT(result.rev, rev);
}

static void outcomes(struct kv_test *t)
{
	struct hf_kv_write put = {.op = HF_KV_PUT, .key = B("k"), .value = B("v")};
	struct hf_kv_write drop = {.op = HF_KV_DELETE, .key = B("k")};
	outcome(t, drop, HF_KV_NO_ENTRY, 0);
	put.flags = HF_KV_IF_PRESENT;
	outcome(t, put, HF_KV_ABSENT, 0);
	put.flags = HF_KV_IF_REV, put.if_rev = 1;
	outcome(t, put, HF_KV_ABSENT, 0);
	put.flags = HF_KV_IF_VALUE, put.if_value = B("");
	outcome(t, put, HF_KV_ABSENT, 0);
	put.flags = HF_KV_IF_ABSENT;
	outcome(t, put, HF_KV_DONE, -1);
	int64_t rev = kv_look(t, B("k"), B("v"), NULL, 0).rev;
	outcome(t, put, HF_KV_EXISTS, rev);
	put.flags = HF_KV_IF_REV, put.if_rev = rev + 1000;
	outcome(t, put, HF_KV_CHANGED, rev);
	put.flags = HF_KV_IF_VALUE, put.if_value = B("w");
	outcome(t, put, HF_KV_CHANGED, rev);
	drop.flags = HF_KV_IF_VALUE, drop.if_value = B("w");
	outcome(t, drop, HF_KV_CHANGED, rev);
	outcome(t, (struct hf_kv_write){.op = HF_KV_ADD, .key = B("k"), .delta = 1}, HF_KV_NO_NUMBER, rev);
	WANT_INT(kv_look(t, B("k"), B("v"), NULL, 0).rev, rev);
	drop.flags = HF_KV_IF_REV, drop.if_rev = rev;
	outcome(t, drop, HF_KV_DONE, 0);
	kv_look_gone(t, B("k"));
}

/* Conditions go with every operation. */
static void conditions_everywhere(struct kv_test *t)
{
	kv_put(t, B("k"), B("1"), SECONDS(60));
	int64_t rev = kv_look(t, B("k"), B("1"), NULL, SECONDS(60)).rev;
	struct hf_kv_write writes[] = {
		{.op = HF_KV_DELETE},  {.op = HF_KV_PUT, .value = B("2")}, {.op = HF_KV_TOUCH, .ttl_us = SECONDS(5)},
		{.op = HF_KV_PERSIST}, {.op = HF_KV_ADD, .delta = 1},      {.op = HF_KV_APPEND, .value = B("0")},
		{.op = HF_KV_READ}};
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		writes[i].key = B("k");
		writes[i].flags = HF_KV_IF_REV;
		writes[i].if_rev = rev + 1000;
		outcome(t, writes[i], HF_KV_CHANGED, rev);
		writes[i].flags = HF_KV_IF_VALUE;
		writes[i].if_value = B("0");
		outcome(t, writes[i], HF_KV_CHANGED, rev);
		writes[i].flags = HF_KV_IF_ABSENT;
		outcome(t, writes[i], HF_KV_EXISTS, rev);
		writes[i].key = B("none");
		writes[i].flags = HF_KV_IF_PRESENT;
		outcome(t, writes[i], HF_KV_ABSENT, 0);
		WANT_INT(kv_look(t, B("k"), B("1"), NULL, SECONDS(60)).rev, rev);
	}
	for (size_t i = ARRAY_LEN(writes); i-- > 0;) { /* DELETE last */
		writes[i].key = B("k");
		writes[i].flags = HF_KV_IF_PRESENT;
		outcome(t, writes[i], HF_KV_DONE, -1);
	}
}

/* All conditions of one write must hold. */
static void conditions_together(struct kv_test *t)
{
	kv_put(t, B("k"), B("v"), 0);
	int64_t rev = kv_look(t, B("k"), B("v"), NULL, 0).rev;
	struct hf_kv_write put = {.op = HF_KV_PUT,
	                          .key = B("k"),
	                          .value = B("w"),
	                          .flags = BOTH(HF_KV_IF_REV | HF_KV_IF_VALUE)};
	put.if_rev = rev, put.if_value = B("x");
	outcome(t, put, HF_KV_CHANGED, rev);
	put.if_rev = rev + 1000, put.if_value = B("v");
	outcome(t, put, HF_KV_CHANGED, rev);
	put.if_rev = rev;
	outcome(t, put, HF_KV_DONE, -1);
	kv_look(t, B("k"), B("w"), NULL, 0);
}

static void misplaced_flags(struct kv_test *t)
{
	const struct hf_kv_write wrong[] = {
		{.op = (enum hf_kv_op)0, .key = B("k")},
		{.op = (enum hf_kv_op)99, .key = B("k")},
		{.op = HF_KV_PUT, .key = B("k"), .flags = 1u << 20},
		{.op = HF_KV_PUT, .key = B("k"), .flags = HF_KV_IF_ABSENT | HF_KV_IF_PRESENT},
		{.op = HF_KV_PUT, .key = B("k"), .flags = HF_KV_NO_TTL, .ttl_us = SECONDS(5)},
		{.op = HF_KV_PUT, .key = B("k"), .flags = HF_KV_NO_TTL | HF_KV_KEEP_TTL},
		{.op = HF_KV_PUT, .key = B("k"), .flags = HF_KV_KEEP_METADATA, .metadata = HF_STR("1")},
		{.op = HF_KV_DELETE, .key = B("k"), .flags = HF_KV_KEEP_TTL},
		{.op = HF_KV_TOUCH, .key = B("k"), .flags = HF_KV_NO_TTL, .ttl_us = SECONDS(5)},
		{.op = HF_KV_READ, .key = B("k"), .flags = HF_KV_KEEP_METADATA},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (hf_kv_apply(t->kv, &wrong[i], 1, NULL, t->arena, NULL, &t->err) != HF_E_USAGE)
			kv_wrong(t, "operation %d with flags %x was not refused", (int)wrong[i].op, wrong[i].flags);
	kv_look_gone(t, B("k"));
}

/* ---- numbers ---- */

static void no_numbers(struct kv_test *t)
{
	static const struct hf_bytes texts[] = {BYTES("x"),
	                                        BYTES(""),
	                                        BYTES(" 1"),
	                                        BYTES("1 "),
	                                        BYTES("1.5"),
	                                        BYTES("--1"),
	                                        BYTES("0x1"),
	                                        BYTES("1\0"),
	                                        BYTES("9223372036854775808"),
	                                        BYTES("-9223372036854775809"),
	                                        BYTES("-")};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int64_t sum = 77;
		kv_put(t, B("k"), texts[i], 0);
		int64_t rev = kv_look(t, B("k"), texts[i], NULL, 0).rev;
		if (hf_kv_increment(t->kv, B("k"), 1, NULL, &sum, &t->err) != HF_CONFLICT)
			kv_wrong(t, "\"%s\" was taken for a number", kv_show(texts[i]));
		WANT_INT(kv_look(t, B("k"), texts[i], NULL, 0).rev, rev);
		WANT_INT(sum, 77);
	}
}

static void many_increments(struct kv_test *t)
{
	struct hf_kv_write writes[100];
	struct hf_kv_result results[100];
	for (int i = 0; i < 100; i++)
		writes[i] = (struct hf_kv_write){.op = HF_KV_ADD, .key = B("n"), .delta = i};
	WANT_OK(hf_kv_apply(t->kv, writes, 100, NULL, t->arena, results, &t->err));
	for (int i = 0; i < 100; i++)
		WANT_INT(results[i].number, i * (i + 1) / 2);
	kv_look(t, B("n"), B("4950"), NULL, 0);
}

static void revisions_of_takes(struct kv_test *t)
{
	struct hf_kv_entry before = {.rev = -1};
	struct hf_kv_put put = {.ttl_us = SECONDS(60), .metadata = HF_STR("[1]")};
	WANT_OK(hf_kv_put(t->kv, B("k"), B("1"), &put, &t->err));
	struct hf_kv_entry first = kv_look(t, B("k"), B("1"), "[1]", SECONDS(60));
	WANT_OK(hf_kv_get_and_put(t->kv, B("k"), B("2"), NULL, t->arena, &before, &t->err));
	WANT_BYTES(before.value, B("1"));
	WANT_INT(before.rev, first.rev);
	WANT_INT(before.expires_us, first.expires_us);
	WANT_INT(before.metadata.len, 3);
	struct hf_kv_entry second = kv_look(t, B("k"), B("2"), NULL, 0);
	WANT_INT(second.created_us, first.created_us);
	WANT_OK(hf_kv_get_and_delete(t->kv, B("k"), NULL, t->arena, &before, &t->err));
	WANT_INT(before.rev, second.rev);
	kv_look_gone(t, B("k"));
}

static void tokens(struct kv_test *t)
{
	static const struct hf_uuid token = {{7, 7, 7}};
	bool repeated = false;
	const struct hf_kv_how how = {.token = &token, .ret_repeated = &repeated};
	const bool can = hf_kv_capabilities(t->kv) & HF_KV_CAN_TOKEN;
	int64_t number = 0;
	enum hf_status status = hf_kv_increment(t->kv, HF_KV_KEY("n"), 1, &how, &number, &t->err);
	WANT(status, can ? HF_OK : HF_E_UNSUPPORTED);
	if (can) {
		WANT_OK(hf_kv_increment(t->kv, HF_KV_KEY("n"), 1, &how, &number, &t->err));
		WANT_TRUE(repeated);
		WANT_INT(number, 1);
	} else {
		WANT_TRUE(strstr(t->err.message, "keeps no tokens of writes") != NULL);
		WANT(hf_kv_increment(t->kv, HF_KV_KEY("n"), 1, NULL, &number, &t->err), HF_OK);
		WANT_INT(number, 1);
	}
}

const struct kv_case kv_cases_write[] = {
	SCRIPT("put if absent", {PUT, K("k"), V("1"), .flags = HF_KV_IF_ABSENT}, {IS, K("k"), V("1")},
               {PUT, K("k"), V("2"), .flags = HF_KV_IF_ABSENT, .want = HF_CONFLICT}, {IS, K("k"), V("1")},
               {DEL, K("k"), .number = 1}, {PUT, K("k"), V("3"), .flags = HF_KV_IF_ABSENT}, {IS, K("k"), V("3")}),
	SCRIPT("put if present", {PUT, K("k"), V("1"), .flags = HF_KV_IF_PRESENT, .want = HF_CONFLICT}, {GONE, K("k")},
               {PUT, K("k"), V("1")}, {PUT, K("k"), V("2"), .flags = HF_KV_IF_PRESENT}, {IS, K("k"), V("2")}),
	SCRIPT("put by revision", {PUT, K("k"), V("1"), .save = 1},
               {PUT, K("k"), V("2"), .if_slot = 1, .above = 1, .save = 2},
               {PUT, K("k"), V("3"), .if_slot = 1, .want = HF_CONFLICT, .same = 2}, {IS, K("k"), V("2")}),
	SCRIPT("a revision is not fooled by a value that came back", {PUT, K("k"), V("1"), .save = 1},
               {DEL, K("k"), .number = 1}, {PUT, K("k"), V("1"), .save = 2},
               {PUT, K("k"), V("2"), .if_slot = 1, .want = HF_CONFLICT, .same = 2},
               {PUT, K("k"), V("2"), .if_slot = 2}),
	SCRIPT("put by value", {PUT, K("k"), V("1")},
               {PUT, K("k"), V("2"), WAS("0"), .flags = HF_KV_IF_VALUE, .want = HF_CONFLICT},
               {PUT, K("k"), V("2"), WAS("1"), .flags = HF_KV_IF_VALUE}, {IS, K("k"), V("2")}),
	SCRIPT("an empty value is compared as any",
               {PUT, K("k"), V("2"), WAS(""), .flags = HF_KV_IF_VALUE, .want = HF_CONFLICT}, {GONE, K("k")},
               {PUT, K("k"), V("")}, {PUT, K("k"), V("2"), WAS(""), .flags = HF_KV_IF_VALUE}, {IS, K("k"), V("2")}),
	{.name = "each refusal says which condition and the present revision", .run = outcomes},
	{.name = "conditions go with every operation", .run = conditions_everywhere},
	{.name = "all conditions of a write must hold", .run = conditions_together},
	{.name = "flags that do not go with the operation are refused", .run = misplaced_flags},
	SCRIPT("compare-and-set replaces the value and leaves the rest",
               {PUT, K("k"), V("1"), .ttl = SECONDS(60), .metadata = "{\"a\":1}", .save = 1},
               {CAS, K("k"), WAS("1"), V("2"), .above = 1},
               {IS, K("k"), V("2"), .ttl = SECONDS(60), .metadata = "{\"a\":1}"}),
	SCRIPT("compare-and-set refuses another value", {PUT, K("k"), V("1"), .save = 1},
               {CAS, K("k"), WAS("0"), V("2"), .want = HF_CONFLICT, .same = 1},
               {CAS, K("k"), WAS(""), V("2"), .want = HF_CONFLICT},
               {CAS, K("k"), WAS("11"), V("2"), .want = HF_CONFLICT}, {IS, K("k"), V("1")}),
	SCRIPT("compare-and-set does not make an entry", {CAS, K("k"), WAS(""), V("2"), .want = HF_NOT_FOUND},
               {GONE, K("k")}),
	SCRIPT("an increment begins at nothing", {ADD, K("n"), .number = 5, .sum = 5}, {IS, K("n"), V("5")},
               {ADD, K("n"), .number = -7, .sum = -2}, {IS, K("n"), V("-2")}, {ADD, K("n"), .sum = -2},
               {IS, K("n"), V("-2")}),
	SCRIPT("zeros in front of a number do not count", {PUT, K("n"), V("-007")},
               {ADD, K("n"), .number = 1, .sum = -6}, {IS, K("n"), V("-6")},
               {PUT, K("n"), V("00000000000000000000000000000042")}, {ADD, K("n"), .sum = 42}, {IS, K("n"), V("42")}),
	SCRIPT("an increment by nothing makes a zero", {ADD, K("n")}, {IS, K("n"), V("0")}),
	SCRIPT("an increment leaves expiry and metadata",
               {PUT, K("n"), V("40"), .ttl = SECONDS(60), .metadata = "1", .save = 1},
               {ADD, K("n"), .number = 2, .sum = 42, .above = 1},
               {IS, K("n"), V("42"), .ttl = SECONDS(60), .metadata = "1"}),
	SCRIPT("an increment stays within 64 bits", {PUT, K("n"), V("9223372036854775806"), .save = 1},
               {ADD, K("n"), .number = 2, .want = HF_CONFLICT, .same = 1}, {ADD, K("n"), .number = 1, .sum = INT64_MAX},
               {ADD, K("n"), .number = 1, .want = HF_CONFLICT}, {IS, K("n"), V("9223372036854775807")},
               {PUT, K("n"), V("-9223372036854775808")}, {ADD, K("n"), .number = -1, .want = HF_CONFLICT},
               {IS, K("n"), V("-9223372036854775808")}, {ADD, K("n"), .number = INT64_MAX, .sum = -1},
               {ADD, K("n"), .number = INT64_MIN, .want = HF_CONFLICT}, {IS, K("n"), V("-1")}),
	{.name = "an increment of what is no number is refused", .run = no_numbers},
	{.name = "increments of one call build on each other", .run = many_increments},
	SCRIPT("an append begins at nothing", {APPEND, K("k"), V("ab")}, {IS, K("k"), V("ab")},
               {APPEND, K("k"), V("\0c")}, {IS, K("k"), V("ab\0c")}, {APPEND, K("k"), V("")}, {IS, K("k"), V("ab\0c")}),
	SCRIPT("an append of nothing makes an entry", {APPEND, K("k"), V("")}, {IS, K("k")}),
	SCRIPT("an append leaves expiry and metadata",
               {PUT, K("k"), V("a"), .ttl = SECONDS(60), .metadata = "1", .save = 1},
               {APPEND, K("k"), V("b"), .above = 1}, {IS, K("k"), V("ab"), .ttl = SECONDS(60), .metadata = "1"}),
	SCRIPT("get-and-delete", {PUT, K("k"), V("1")}, {GETDEL, K("k"), WAS("1")}, {GONE, K("k")},
               {GETDEL, K("k"), .want = HF_NOT_FOUND}),
	SCRIPT("get-and-put", {GETPUT, K("k"), V("1"), .want = HF_NOT_FOUND}, {IS, K("k"), V("1")},
               {GETPUT, K("k"), V("2"), WAS("1")}, {IS, K("k"), V("2")}),
	{.name = "what is taken comes with every field", .run = revisions_of_takes},
	{.name = "a token is kept, or refused by name", .run = tokens},
	{0},
};
