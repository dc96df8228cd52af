/*
 * savefile_chain.c - files that follow each other, read side by side: of each key the last word counts.
 */
#include <stdlib.h>

#include "base/error.h"
#include "core/key_range.h"
#include "kv/savefile.h"

struct link {
	struct savefile_reader *reader; /* owned */
	struct hf_kv_entry entry;       /* the next; only while it has one */
	bool has, asked;
};

struct savefile_chain {
	size_t count;
	bool loose; /* a file on its own: what it deletes is told */
	bool ended;
	struct kv_sums sums; /* of what was told */
	struct link links[];
};

/* ---- opening ---- */

static enum hf_status chain_new(size_t count, struct savefile_chain **ret_chain, hf_error *err)
{
	struct savefile_chain *chain = calloc(1, sizeof(*chain) + count * sizeof(chain->links[0]));
	if (!chain)
		return error_nomem(err);
	chain->count = count;
	*ret_chain = chain;
	return HF_OK;
}

static enum hf_status check_link(const struct savefile_chain *chain, size_t i, hf_error *err)
{
	const struct savefile_reader *reader = chain->links[i].reader;
	const struct hf_kv_file *about = savefile_about(reader);
	if (i == 0 && about->incremental && !chain->loose) {
		error_set(err, HF_E_INPUT, "%s has only what changed since another checkpoint", savefile_path(reader));
		error_hint(err, "name the file of that one before it");
		return HF_E_INPUT;
	}
	if (i == 0)
		return HF_OK;
	const struct savefile_reader *before = chain->links[i - 1].reader;
	bool follows =
		about->incremental && memcmp(&about->parent, &savefile_about(before)->id, sizeof(about->parent)) == 0;
	if (follows)
		return HF_OK;
	error_set(err, HF_E_INPUT, "%s does not follow %s: it %s", savefile_path(reader), savefile_path(before),
	          about->incremental ? "has what changed since another checkpoint" : "is a base");
	error_hint(err, "a base first, then what follows it, the oldest first");
	return HF_E_INPUT;
}

enum hf_status savefile_chain_open(const char *const *paths, size_t count, bool loose,
                                   struct savefile_chain **ret_chain, hf_error *err)
{
	CLEANUP(savefile_chain_freep) struct savefile_chain *chain = NULL;
	if (count == 0 || count > HF_KV_FILES_MAX)
		return error_set(err, HF_E_USAGE, "%zu files: from 1 to %d", count, HF_KV_FILES_MAX);
	enum hf_status status = chain_new(count, &chain, err);
	if (!chain)
		return status;
	chain->loose = loose && count == 1;
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		status = savefile_open(paths[i], &chain->links[i].reader, err);
		if (status == HF_OK)
			status = check_link(chain, i, err);
	}
	if (status == HF_OK)
		*ret_chain = savefile_chain_take(&chain);
	return status;
}

enum hf_status savefile_chain_of(struct savefile_reader *reader, struct savefile_chain **ret_chain, hf_error *err)
{
	CLEANUP(savefile_reader_freep) struct savefile_reader *taken = reader;
	enum hf_status status = chain_new(1, ret_chain, err);
	if (status == HF_OK)
		(*ret_chain)->links[0].reader = savefile_reader_take(&taken);
	return status;
}

void savefile_chain_free(struct savefile_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->links[i].reader)
			savefile_reader_free(chain->links[i].reader);
	free(chain);
}

const struct hf_kv_file *savefile_chain_about(const struct savefile_chain *chain, size_t index)
{
	return savefile_about(chain->links[index].reader);
}

/* ---- side by side ---- */

/* Entries that were told, or outdone, give way to the next. */
static enum hf_status advance(struct savefile_chain *chain, hf_error *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct link *link = &chain->links[i];
		if (link->asked)
			continue;
		enum hf_status status = savefile_next(link->reader, &link->entry, err);
		if (status != HF_OK && status != HF_STOP)
			return status;
		link->has = status == HF_OK;
		link->asked = true;
	}
	return HF_OK;
}

/* The last word on the first key; NULL = there is no more. */
static struct link *choose(struct savefile_chain *chain)
{
	struct link *best = NULL;
	for (size_t i = 0; i < chain->count; i++) {
		struct link *link = &chain->links[i];
		int by_key = !link->has ? 1 : !best ? -1 : key_compare(link->entry.key, best->entry.key);
		if (by_key <= 0)
			best = link;
	}
	for (size_t i = 0; best && i < chain->count; i++)
		if (chain->links[i].has && key_compare(chain->links[i].entry.key, best->entry.key) == 0)
			chain->links[i].asked = false;
	return best;
}

static enum hf_status check_state(struct savefile_chain *chain, hf_error *err)
{
	const struct savefile_reader *last = chain->links[chain->count - 1].reader;
	const struct hf_kv_file *about = savefile_about(last);
	chain->ended = true;
	if (chain->loose || !about->counted || kv_sums_same(&about->state, &chain->sums))
		return HF_STOP;
	return error_set(err, HF_E_CORRUPT, "%s: what the files come to is not the checkpoint that it is of",
	                 savefile_path(last));
}

static bool is_told(const struct savefile_chain *chain, const struct hf_kv_entry *entry)
{
	int64_t moment_us = savefile_chain_about(chain, chain->count - 1)->created_us;
	if (entry->rev == 0)
		return chain->loose;
	return entry->expires_us == HF_KV_NEVER || entry->expires_us > moment_us;
}

enum hf_status savefile_chain_next(struct savefile_chain *chain, struct hf_kv_entry *ret_entry, hf_error *err)
{
	for (;;) {
		enum hf_status status = chain->ended ? HF_STOP : advance(chain, err);
		if (status != HF_OK)
			return status;
		const struct link *best = choose(chain);
		if (!best)
			return check_state(chain, err);
		if (!is_told(chain, &best->entry))
			continue;
		if (best->entry.rev)
			kv_sums_add(&chain->sums, &best->entry);
		*ret_entry = best->entry;
		return HF_OK;
	}
}
