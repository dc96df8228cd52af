/*
 * postgres_index.c - see postgres_index.h.
 *
 * A read goes by a member's index with a statement that has the index's own expression in it; whether the index is
 * there still is the server's business: without it the statement finds the same. So what is known of the indexes may be
 * old, and a failure to ask for it is none of the read.
 */
#include "kv/postgres_index.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "kv/metadata.h"
#include "queries/kv/indexes.h"

enum { KNOWN_FOR_US = 60000000, CLEAR_MS = 5000, NAME_BYTES = 63 };

struct postgres_indexes {
	pthread_mutex_t mutex; /* for all of it */
	hf_arena *arena;
	int64_t asked_us;
	bool asked, asking;
	size_t count;
	struct postgres_member *members[HF_KV_INDEX_MEMBERS_MAX];
};

enum hf_status postgres_indexes_new(struct postgres_indexes **ret_indexes, hf_error *err)
{
	struct postgres_indexes *indexes = calloc(1, sizeof(*indexes));
	if (!indexes || !(indexes->arena = hf_arena_new(0))) {
		free(indexes);
		return error_nomem(err);
	}
	pthread_mutex_init(&indexes->mutex, NULL);
	*ret_indexes = indexes;
	return HF_OK;
}

void postgres_indexes_free(struct postgres_indexes *indexes)
{
	if (!indexes)
		return;
	pthread_mutex_destroy(&indexes->mutex);
	hf_arena_free(indexes->arena);
	free(indexes);
}

/* ---- the list ---- */

static enum hf_status list_rows(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
                                struct indexes_list_row **ret_rows, size_t *ret_count, hf_error *err)
{
	const struct indexes_names names = {state->schema, state->table};
	struct indexes_bound bound;
	enum hf_status status = indexes_bind(&names, arena, &bound, err);
	if (status != HF_OK)
		return status;
	return indexes_list(postgres_on(state, deadline), &bound, arena, ret_rows, ret_count, err);
}

enum hf_status postgres_index_list(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
                                   struct hf_kv_index **ret_indexes, size_t *ret_count, hf_error *err)
{
	struct indexes_list_row *rows = NULL;
	size_t count = 0;
	enum hf_status status = list_rows(state, deadline, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	struct hf_kv_index *indexes = hf_arena_calloc(arena, count + 1, sizeof(*indexes));
	for (size_t i = 0; indexes && i < count; i++)
		indexes[i] =
			(struct hf_kv_index){.member = rows[i].has_member ? rows[i].member : (struct hf_str){NULL, 0},
		                             .valid = rows[i].valid,
		                             .bytes = (uint64_t)rows[i].bytes,
		                             .scans = (uint64_t)rows[i].scans};
	*ret_indexes = indexes;
	*ret_count = count;
	return indexes ? HF_OK : error_nomem(err);
}

/* ---- what is known of it ---- */

static struct postgres_member *find_member(struct postgres_indexes *indexes, struct hf_str name)
{
	for (size_t i = 0; i < indexes->count; i++)
		if (str_eq(indexes->members[i]->name, name))
			return indexes->members[i];
	return NULL;
}

static enum hf_status bind_member(hf_kv_backend_state *state, struct hf_str name, hf_arena *arena,
                                  struct members_bound *ret_bound, hf_error *err)
{
	struct hf_str own = arena_printf(arena, "%.*s_by_%.*s", STR_ARG(state->table), STR_ARG(name));
	if (own.len > NAME_BYTES)
		return error_set(err, HF_E_LIMIT, "the index's name, \"%.*s\", has %zu bytes: at most %d", STR_ARG(own),
		                 own.len, NAME_BYTES);
	const struct members_names names = {state->schema, state->table, name, own};
	return own.ptr ? members_bind(&names, arena, ret_bound, err) : error_nomem(err);
}

/* One more than there is room for, or that cannot be bound, is not used. */
static void know_member(hf_kv_backend_state *state, struct hf_str name)
{
	struct postgres_indexes *indexes = state->indexes;
	struct postgres_member *member = find_member(indexes, name);
	if (!member && indexes->count < HF_KV_INDEX_MEMBERS_MAX) {
		member = hf_arena_calloc(indexes->arena, 1, sizeof(*member));
		if (!member)
			return;
		member->name = hf_arena_str(indexes->arena, name);
		if (!member->name.ptr ||
		    bind_member(state, member->name, indexes->arena, &member->bound, NULL) != HF_OK)
			return;
		indexes->members[indexes->count++] = member;
	}
	if (member)
		member->is_there = true;
}

/* Mutex held. */
static void know_rows(hf_kv_backend_state *state, const struct indexes_list_row *rows, size_t count)
{
	struct postgres_indexes *indexes = state->indexes;
	for (size_t i = 0; i < indexes->count; i++)
		indexes->members[i]->is_there = false;
	for (size_t i = 0; i < count; i++)
		if (rows[i].has_member && rows[i].valid)
			know_member(state, rows[i].member);
}

/* Mutex held, but while the server is asked: other threads go by what is known meanwhile. */
static void keep_known(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena)
{
	struct postgres_indexes *indexes = state->indexes;
	struct indexes_list_row *rows = NULL;
	size_t count = 0;
	int64_t now_us = hf_now_monotonic_us(state->ctx);
	if (indexes->asking || (indexes->asked && now_us - indexes->asked_us < KNOWN_FOR_US))
		return;
	indexes->asking = indexes->asked = true;
	indexes->asked_us = now_us;
	pthread_mutex_unlock(&indexes->mutex);
	enum hf_status status = list_rows(state, deadline, arena, &rows, &count, NULL);
	pthread_mutex_lock(&indexes->mutex);
	indexes->asking = false;
	if (status == HF_OK)
		know_rows(state, rows, count);
}

const struct postgres_member *postgres_member_of(hf_kv_backend_state *state, struct hf_str part, hf_deadline deadline,
                                                 hf_arena *arena, struct hf_str *ret_wanted)
{
	struct postgres_indexes *indexes = state->indexes;
	const struct postgres_member *found = NULL;
	pthread_mutex_lock(&indexes->mutex);
	keep_known(state, deadline, arena);
	for (size_t i = 0; i < indexes->count && !found; i++)
		if (indexes->members[i]->is_there &&
		    metadata_scalar(part, indexes->members[i]->name, arena, ret_wanted))
			found = indexes->members[i];
	pthread_mutex_unlock(&indexes->mutex);
	return found;
}

/* ---- making and dropping ---- */

static void forget(hf_kv_backend_state *state)
{
	pthread_mutex_lock(&state->indexes->mutex);
	state->indexes->asked = false;
	pthread_mutex_unlock(&state->indexes->mutex);
}

enum work { MAKE, DROP };

static enum hf_status work_on(hf_kv_backend_state *state, struct hf_str member, enum work work, hf_deadline deadline,
                              hf_arena *arena, hf_error *err)
{
	const struct indexes_names names = {state->schema, state->table};
	hf_where where = postgres_on(state, deadline);
	struct indexes_bound all;
	struct members_bound one;
	enum hf_status status =
		member.ptr ? bind_member(state, member, arena, &one, err) : indexes_bind(&names, arena, &all, err);
	if (status != HF_OK)
		return status;
	if (member.ptr)
		return work == MAKE ? index_member_make(where, &one, err) : index_member_drop(where, &one, err);
	return work == MAKE ? index_all_make(where, &all, err) : index_all_drop(where, &all, err);
}

/* What stands there of it, among how many; NULL = nothing. */
static enum hf_status look(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline, hf_arena *arena,
                           struct hf_kv_index **ret_index, size_t *ret_members, hf_error *err)
{
	struct hf_kv_index *indexes = NULL;
	size_t count = 0;
	enum hf_status status = postgres_index_list(state, deadline, arena, &indexes, &count, err);
	*ret_index = NULL;
	*ret_members = 0;
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		*ret_members += indexes[i].member.ptr != NULL;
		if ((member.ptr != NULL) == (indexes[i].member.ptr != NULL) && str_eq(member, indexes[i].member))
			*ret_index = &indexes[i];
	}
	return status;
}

enum hf_status postgres_index_create(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
                                     hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_index *found;
	size_t members;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = look(state, member, deadline, arena, &found, &members, err);
	if (status != HF_OK || (found && found->valid))
		return status;
	if (!found && member.ptr && members >= HF_KV_INDEX_MEMBERS_MAX)
		return error_set(err, HF_E_LIMIT, "there are indexes on %zu members of metadata: at most %d", members,
		                 HF_KV_INDEX_MEMBERS_MAX);
	if (found)
		status = work_on(state, member, DROP, deadline, arena, err);
	if (status == HF_OK)
		status = work_on(state, member, MAKE, deadline, arena, err);
	if (status == HF_TIMEOUT || status == HF_E_INTERRUPTED) /* what is left is of no use to anybody */
		work_on(state, member, DROP, hf_deadline_in(state->ctx, CLEAR_MS), arena, NULL);
	forget(state);
	return status;
}

enum hf_status postgres_index_drop(hf_kv_backend_state *state, struct hf_str member, hf_deadline deadline,
                                   hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_index *found;
	size_t members;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = look(state, member, deadline, arena, &found, &members, err);
	if (status != HF_OK)
		return status;
	if (!found)
		return error_set(err, HF_NOT_FOUND, "there is no index on %s%.*s",
		                 member.ptr ? "member " : "all metadata", STR_ARG(member));
	status = work_on(state, member, DROP, deadline, arena, err);
	forget(state);
	return status;
}
