/*
 * fake.h - queries without a server, for unit tests.
 *
 * `holdfast gen --fake --into DIR` writes DIR/GROUP/FILE_fake.h and .c beside the real ones: the same functions, to be
 * linked in place of FILE.c, which answer what the test has put into a variable and note how they were called:
 *
 *     static const struct note_add_row seven = {.id = 7};
 *     note_fakes.note_add.rows = &seven;
 *     note_fakes.note_add.count = 1;
 *     assert(add_note(nowhere, "milk") == HF_OK);      // code under test; `nowhere` may be (hf_where){0}
 *     assert(note_fakes.note_add.calls == 1); // and note_fakes.note_add.in.body is "milk"
 *     note_fakes.note_add.status = HF_TIMEOUT;         // from now on it fails
 *     memset(&note_fakes, 0, sizeof(note_fakes));      // as at the beginning
 *
 * Each member has `calls`, the last input in `in` (its text is the caller's), what to answer in `rows`, `count`,
 * `affected`, `status` and `message`, and `on_call`, which runs first and may set all of these: with it a fake can keep
 * state of its own. More rows than the query's "rows max" are HF_E_LIMIT; "bytes max" is not looked at. One thread at a
 * time. A fake checks no SQL and enforces no constraint; the build has checked the former, and for the latter there are
 * private servers.
 *
 * Below is what generated fakes call.
 */
#ifndef HOLDFAST_FAKE_H
#define HOLDFAST_FAKE_H

#include <stdio.h>
#include <string.h>

#include "holdfast/arena.h"
#include "holdfast/query.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_fake_answer {
	const char *query;
	enum hf_status status;
	const char *message; /* or NULL */
	const void *rows;
	size_t count, row_size;
};

static inline enum hf_status hf_fake_fail(const struct hf_fake_answer *answer, enum hf_status status,
                                          const char *message, hf_error *err)
{
	if (err) {
		memset(err, 0, sizeof(*err));
		err->status = status;
		snprintf(err->message, sizeof(err->message), "%s", message);
		snprintf(err->query, sizeof(err->query), "%s", answer->query);
	}
	return status;
}

/** What the test wants to be answered, with the error filled. */
static inline enum hf_status hf_fake_status(const struct hf_fake_answer *answer, hf_error *err)
{
	if (answer->status == HF_OK)
		return HF_OK;
	const char *message = answer->message ? answer->message : "the fake was told to fail";
	return hf_fake_fail(answer, answer->status, message, err);
}

/** A row more than the query's "rows max". */
static inline enum hf_status hf_fake_over(const struct hf_fake_answer *answer, hf_error *err)
{
	return hf_fake_fail(answer, HF_E_LIMIT, "the fake has more rows than the query's bound", err);
}

/** :opt and, with `required`, :one. */
static inline enum hf_status hf_fake_row(const struct hf_fake_answer *answer, bool required, void *ret_row,
                                         hf_error *err)
{
	enum hf_status status = hf_fake_status(answer, err);
	if (status != HF_OK)
		return status;
	if (answer->count > 1)
		return hf_fake_fail(answer, HF_E_LIMIT, "the fake has several rows where at most one is promised", err);
	if (answer->count == 0 && required)
		return hf_fake_fail(answer, HF_E_PROTOCOL, "the fake has no row where exactly one is promised", err);
	if (answer->count == 0)
		return hf_fake_fail(answer, HF_NOT_FOUND, "the fake has no row", err);
	memcpy(ret_row, answer->rows, answer->row_size);
	return HF_OK;
}

/** :many: a copy in the arena. */
static inline enum hf_status hf_fake_rows(const struct hf_fake_answer *answer, hf_arena *arena, void **ret_rows,
                                          size_t *ret_count, hf_error *err)
{
	enum hf_status status = hf_fake_status(answer, err);
	if (status != HF_OK)
		return status;
	void *rows = hf_arena_calloc(arena, answer->count ? answer->count : 1, answer->row_size);
	if (!rows)
		return hf_fake_fail(answer, HF_E_NOMEM, "out of memory", err);
	if (answer->count)
		memcpy(rows, answer->rows, answer->count * answer->row_size);
	*ret_rows = rows;
	*ret_count = answer->count;
	return HF_OK;
}

/** :batch: all done, or none ran; rows beyond those of the fake are all zero. */
static inline enum hf_status hf_fake_batch(const struct hf_fake_answer *answer, size_t count, void *ret_rows,
                                           struct hf_batch_item *ret_items, hf_error *err)
{
	enum hf_status status = hf_fake_status(answer, err);
	for (size_t i = 0; i < count; i++) {
		char *row = ret_rows && status == HF_OK ? (char *)ret_rows + i * answer->row_size : NULL;
		bool has = row && i < answer->count;
		if (row)
			memset(row, 0, answer->row_size);
		if (has)
			memcpy(row, (const char *)answer->rows + i * answer->row_size, answer->row_size);
		if (!ret_items)
			continue;
		ret_items[i].outcome = status == HF_OK ? HF_BATCH_DONE : HF_BATCH_SKIPPED;
		ret_items[i].status = HF_OK;
		ret_items[i].rows = status == HF_OK && (has || !ret_rows);
	}
	return status;
}

#ifdef __cplusplus
}
#endif
#endif
