/*
 * candidate_read.c - candidates from a file, as hf_candidate_import() takes them: hf_candidate_read().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/candidate.h"
#include "janitor/upload.h"

struct reading {
	FILE *file;
	const char *path;
	hf_arena *arena;
	struct hf_candidate *candidates; /* owned: grows */
	size_t count, capacity;
};

static void reading_deinit(struct reading *reading)
{
	free(reading->candidates);
	if (reading->file && reading->file != stdin)
		fclose(reading->file);
}

static enum hf_status read_some(void *user, char *buffer, size_t size, size_t *ret_read, hf_error *err)
{
	const struct reading *reading = user;
	*ret_read = fread(buffer, 1, size, reading->file);
	if (*ret_read < size && ferror(reading->file))
		return error_errno(err, HF_E_FAILED, "could not read %s", reading->path);
	return HF_OK;
}

/* The parsed entry ends with its call: its texts are kept. */
static enum hf_status keep_text(const struct upload_entry *entry, const char *member, hf_arena *arena,
                                struct hf_str *ret_text)
{
	struct hf_str text;
	enum hf_status status = upload_text(entry, member, &text);
	if (status == HF_OK)
		*ret_text = text.ptr ? hf_arena_str(arena, text) : text;
	return status == HF_OK && text.ptr && !ret_text->ptr ? error_nomem(entry->err) : status;
}

static enum hf_status read_entry(const struct upload_entry *entry, hf_arena *arena, struct hf_candidate *candidate)
{
	static const char *const known[] = {"codebase",       "campaign",   "command", "context",
	                                    "publish_policy", "change_set", "value",   "success_chance"};
	struct hf_str *const texts[] = {&candidate->codebase, &candidate->campaign,       &candidate->command,
	                                &candidate->context,  &candidate->publish_policy, &candidate->change_set};
	enum hf_status status = upload_only(entry, known, ARRAY_LEN(known));
	for (size_t i = 0; i < ARRAY_LEN(texts) && status == HF_OK; i++)
		status = keep_text(entry, known[i], arena, texts[i]);
	if (status == HF_OK)
		status = upload_int(entry, "value", &candidate->has_value, &candidate->value);
	if (status == HF_OK)
		status = upload_number(entry, "success_chance", &candidate->has_success_chance,
		                       &candidate->success_chance);
	return status;
}

static enum hf_status add_entry(void *user, const struct upload_entry *entry)
{
	struct reading *reading = user;
	if (reading->count == reading->capacity) {
		size_t capacity = reading->capacity ? 2 * reading->capacity : 1024;
		void *grown = reallocarray(reading->candidates, capacity, sizeof(*reading->candidates));
		if (!grown)
			return error_nomem(entry->err);
		reading->candidates = grown;
		reading->capacity = capacity;
	}
	struct hf_candidate *candidate = &reading->candidates[reading->count];
	*candidate = (struct hf_candidate){.id = 0};
	enum hf_status status = read_entry(entry, reading->arena, candidate);
	reading->count += status == HF_OK;
	return status;
}

enum hf_status hf_candidate_read(const char *path, hf_arena *arena, struct hf_candidate **ret_candidates,
                                 size_t *ret_count, hf_error *err)
{
	CLEANUP(reading_deinit) struct reading reading = {.path = path, .arena = arena};
	reading.file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!reading.file)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not read %s", path);
	enum hf_status status = upload_stream(read_some, &reading, path, add_entry, &reading, err);
	if (status != HF_OK)
		return status;
	struct hf_candidate *candidates = hf_arena_calloc(arena, reading.count + 1, sizeof(*candidates));
	if (!candidates)
		return error_nomem(err);
	if (reading.count > 0)
		memcpy(candidates, reading.candidates, reading.count * sizeof(*candidates));
	*ret_candidates = candidates;
	*ret_count = reading.count;
	return HF_OK;
}
