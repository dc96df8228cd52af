/*
 * change_set.h - change sets: runs that are to land together, and how far they are (spec/janitor.md 4.6, 4.7).
 *
 * Needs the migration set `janitor`. Triggers move a change set on as its runs and publishes are stored; it never goes
 * back.
 */
#ifndef HOLDFAST_CHANGE_SET_H
#define HOLDFAST_CHANGE_SET_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hf_change_set_state {
	HF_CHANGE_SET_CREATED = 0, /* nothing ran */
	HF_CHANGE_SET_WORKING,
	HF_CHANGE_SET_READY, /* something succeeded, and nothing is to be done */
	HF_CHANGE_SET_PUBLISHING,
	HF_CHANGE_SET_DONE /* all of it has landed */
};
#define HF_CHANGE_SET_STATE_COUNT 5
/** "created", ...; "" outside the enum, as a state is that is newer than this program. */
const char *hf_change_set_state_word(enum hf_change_set_state state);
/** HF_E_INPUT with the words as hint. */
enum hf_status hf_change_set_state_parse(struct hf_str word, enum hf_change_set_state *ret_state, hf_error *err);

struct hf_change_set {
	struct hf_str id;
	struct hf_str campaign;
	enum hf_change_set_state state;
	int64_t runs;
};
typedef enum hf_status hf_change_set_fn(void *user, const struct hf_change_set *change_set, hf_error *err);

struct hf_change_set_filter {
	bool has_state;
	enum hf_change_set_state state;
	struct hf_str campaign; /* {NULL, 0}: all */
	struct hf_str after;    /* start behind this id */
	int64_t limit;          /* 0 = all */
};
/** By id, in constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_change_set_list(hf_where where, const struct hf_change_set_filter *filter, hf_change_set_fn *fn,
                                  void *user, hf_error *err);
/** How many a list would show; `after` and `limit` do not count. One round trip. */
enum hf_status hf_change_set_count(hf_where where, const struct hf_change_set_filter *filter, int64_t *ret_count,
                                   hf_error *err);
/** HF_NOT_FOUND without such a change set. One round trip. */
enum hf_status hf_change_set_get(hf_where where, struct hf_str id, hf_arena *arena,
                                 struct hf_change_set *ret_change_set, hf_error *err);

/**
 * Create change sets, all or none: their ids and campaigns count. One statement.
 * @return HF_OK; HF_CONFLICT one stands already, or twice in the list; HF_E_INPUT one without an id, or a campaign that
 *         is no name, with its number (the first is 1); HF_E_LIMIT more than 100,000.
 */
enum hf_status hf_change_set_create(hf_where where, const struct hf_change_set *sets, size_t count, hf_error *err);
/** Remove a change set with its candidates, what follows up on them, and its entries in the queue. HF_NOT_FOUND without
 *  it; HF_REJECTED a run or a publish belongs to it: history keeps its change set. One round trip. */
enum hf_status hf_change_set_delete(hf_where where, struct hf_str id, hf_error *err);

struct hf_change_set_todo {
	int32_t candidate_id;
	struct hf_str codebase;
	struct hf_str campaign;
};
/** Its candidates without a run of it that counts and succeeded, by id; in the arena. HF_E_LIMIT more than 100,000. One
 *  round trip. */
enum hf_status hf_change_set_todo(hf_where where, struct hf_str id, hf_arena *arena,
                                  struct hf_change_set_todo **ret_todo, size_t *ret_count, hf_error *err);
struct hf_change_set_branch {
	struct hf_str run_id;
	struct hf_str role;
};
/** Its branches that have not landed, the main one of each run last; in the arena. HF_E_LIMIT more than 100,000. One
 *  round trip. */
enum hf_status hf_change_set_unpublished(hf_where where, struct hf_str id, hf_arena *arena,
                                         struct hf_change_set_branch **ret_branches, size_t *ret_count, hf_error *err);
/** Move it on as far as its runs and publishes say. HF_NOT_FOUND without such a change set. One round trip. */
enum hf_status hf_change_set_refresh(hf_where where, struct hf_str id, enum hf_change_set_state *ret_state,
                                     hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
