/*
 * todo.h - what there is to schedule: candidates with a publish policy, the policy's worth added to their value.
 */
#ifndef JANITOR_TODO_H
#define JANITOR_TODO_H

#include "base/intern.h"
#include "holdfast/schedule.h"

struct todo {
	bool strict; /* one whose worth or chance cannot be told is an error; with D-16 it is, whatever the caller says
	              */
	hf_context *ctx;
	const struct hf_defects *keep;
	struct intern *texts;           /* campaigns, contexts and commands repeat: kept once */
	struct hf_schedule_item *items; /* their texts live in `texts` */
	struct todo_key *keys;          /* while reading: where each belongs */
	size_t count, capacity;
	int64_t refused; /* left out; the first of them are logged */
};

/**
 * Read them, those of the most valuable codebases first, then by id. @param campaign {NULL, 0} = all, @param codebases
 * count 0 = all, @param keep D-16, D-19 and D-25, @param ret_todo zeroed by the caller but for `strict`, who ends it
 * with todo_deinit() whatever the answer.
 * @return HF_OK; HF_REJECTED the worth of one cannot be told, and `strict` (message names it). One round trip.
 */
enum hf_status todo_read(hf_where where, struct hf_str campaign, struct hf_str_array codebases,
                         const struct hf_defects *keep, struct todo *ret_todo, hf_error *err);
void todo_deinit(struct todo *todo);
/** Count one that is left out and log it, unless many were already. */
void todo_leave_out(hf_context *ctx, struct hf_str campaign, struct hf_str codebase, const char *why, int64_t *count);

#endif
