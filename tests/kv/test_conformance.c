/*
 * test_conformance.c - one suite for every kind of store: test_kv_conformance KIND. What kv.h promises, through kv.h
 * alone; the cases stand in cases_*.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "steps.h"

static struct kv_rig rig;

static int set_up(void **state)
{
	const struct kv_case *wanted = *state;
	struct kv_test *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	*t = (struct kv_test){.rig = &rig, .name = wanted->name, .of = wanted, .err = HF_ERROR_INIT};
	t->arena = hf_arena_new(0);
	assert_non_null(t->arena);
	t->kv = rig.root;
	t->kv = kv_other(t, wanted->name);
	WANT_INT(kv_live(t), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct kv_test *t = *state;
	hf_kv_close(t->kv);
	hf_arena_free(t->arena);
	free(t);
	return 0;
}

static void run_case(void **state)
{
	struct kv_test *t = *state;
	if (t->of->steps)
		kv_steps_run(t, t->of->steps);
	else
		t->of->run(t);
}

enum { CASES_MAX = 256 };

int main(int argc, char *argv[])
{
	static const struct kv_case *const parts[] = {kv_cases_entry, kv_cases_expiry,     kv_cases_write,
	                                              kv_cases_batch, kv_cases_range,      kv_cases_care,
	                                              kv_cases_lock,  kv_cases_checkpoint, kv_cases_past,
	                                              kv_cases_value, kv_cases_blob,       kv_cases_watch};
	static struct CMUnitTest tests[CASES_MAX];
	size_t n = 0;
	if (argc < 2)
		return 2;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct kv_case *one = parts[i]; one->name && n < CASES_MAX; one++)
			if (argc < 3 || strstr(one->name, argv[2]))
				tests[n++] = (struct CMUnitTest){one->name, run_case, set_up, tear_down,
				                                 (void *)(uintptr_t)one};
	kv_rig_open(&rig, argv[1]);
	int failed = kv_rig_run(&rig, tests, n);
	kv_rig_close(&rig);
	return failed;
}
