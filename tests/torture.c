/*
 * torture.c - see torture.h. Besides, a whole program can be tortured: HOLDFAST_TORTURE=n in its environment fails the
 * n-th allocation of main(), and HOLDFAST_TORTURE_NOTE names a file that is made when that allocation was reached.
 */
#include "torture.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { RUNS_MAX = 20000 };

static atomic_long left; /* 0 = nothing fails; 1 = the next one does */
static atomic_bool reached, on_hold;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static bool is_denied(void)
{
	if (atomic_load(&on_hold) || atomic_load(&left) <= 0 || atomic_fetch_sub(&left, 1) != 1)
		return false;
	atomic_store(&reached, true);
	const char *note = getenv("HOLDFAST_TORTURE_NOTE");
	if (note)
		close(open(note, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_denied() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return is_denied() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return is_denied() ? NULL : __real_reallocarray(memory, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return is_denied() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
	return is_denied() ? NULL : __real_strdup(text);
}

/* What instruments a build allocates at the end too; that is not the program's. */
static void stop(void)
{
	torture_end();
}

__attribute__((constructor)) static void start(void)
{
	const char *n = getenv("HOLDFAST_TORTURE");
	json_set_alloc_funcs(__wrap_malloc, free);
	atexit(stop);
	if (n)
		torture_begin(strtol(n, NULL, 10));
}

void torture_hold(bool held)
{
	atomic_store(&on_hold, held);
}

void torture_begin(long n)
{
	atomic_store(&reached, false);
	atomic_store(&left, n);
}

bool torture_end(void)
{
	atomic_store(&left, 0);
	return atomic_load(&reached);
}

int torture_or(enum hf_status also, enum hf_status (*scenario)(void *user, hf_error *err), void *user)
{
	int refused = 0;
	for (long n = 1; n < RUNS_MAX; n++) {
		hf_error err = HF_ERROR_INIT;
		torture_begin(n);
		enum hf_status status = scenario(user, &err);
		if (!torture_end()) {
			if (status != HF_OK)
				fail_msg("with all memory: %s: %s (%s)", hf_status_word(status), err.message, err.detail);
			return refused;
		}
		if (status != HF_OK && status != HF_E_NOMEM && status != also)
			fail_msg("allocation %ld: %s: %s (%s)", n, hf_status_word(status), err.message, err.detail);
		if (status != HF_OK && status != err.status)
			fail_msg("allocation %ld: answered %s, told %s", n, hf_status_word(status), hf_status_word(err.status));
		refused += status == HF_E_NOMEM;
	}
	fail_msg("still failing after %d runs", RUNS_MAX);
	return 0;
}

int torture(enum hf_status (*scenario)(void *user, hf_error *err), void *user)
{
	return torture_or(HF_E_NOMEM, scenario, user);
}
