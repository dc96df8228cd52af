/*
 * campaign.c - see holdfast/campaign.h.
 */
#include "holdfast/campaign.h"

#include "base/arena.h"
#include "base/str.h"
#include "janitor/values.h"
#include "queries/janitor/campaign.h"

static struct hf_campaign campaign_of(const struct campaign_row *row)
{
	return (struct hf_campaign){.name = row->name,
	                            .candidates = row->candidates,
	                            .queued = row->queued,
	                            .runs = row->runs,
	                            .successes = row->successes,
	                            .codebases = row->codebases,
	                            .has_newest = row->has_newest,
	                            .newest = row->newest};
}

struct sink {
	hf_campaign_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct campaign_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_campaign campaign = campaign_of(row);
	return sink->fn(sink->user, &campaign, err);
}

enum hf_status hf_campaign_list(hf_where where, hf_campaign_fn *fn, void *user, hf_error *err)
{
	struct sink sink = {fn, user};
	return campaign_list(where, &(struct campaign_list_in){.with_campaign = false}, list_row, &sink, err);
}

/* ---- one ---- */

struct finding {
	hf_arena *arena;
	struct hf_campaign campaign;
	bool found;
};

static enum hf_status found_row(void *user, const struct campaign_row *row, hf_error *err)
{
	struct finding *finding = user;
	finding->campaign = campaign_of(row);
	finding->campaign.name = hf_arena_str(finding->arena, row->name);
	finding->found = true;
	return finding->campaign.name.ptr ? HF_OK : error_nomem(err);
}

enum hf_status hf_campaign_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_campaign *ret_campaign,
                               hf_error *err)
{
	struct finding finding = {.arena = arena};
	struct campaign_list_in in = {.campaign = name, .with_campaign = true};
	enum hf_status status = campaign_list(where, &in, found_row, &finding, err);
	if (status == HF_OK && !finding.found)
		return error_set(err, HF_NOT_FOUND, "no run, candidate or queue entry names a campaign %.*s",
		                 (int)(name.len > 100 ? 100 : name.len), name.ptr);
	if (status == HF_OK)
		*ret_campaign = finding.campaign;
	return status;
}

/* ---- what can be published ---- */

enum hf_status hf_publishable_campaigns(hf_where where, struct hf_str codebase, hf_arena *arena,
                                        struct hf_str_array *ret_names, hf_error *err)
{
	struct campaign_publishable_in in = {.codebase = codebase};
	struct campaign_publishable_row *rows;
	size_t count;
	enum hf_status status = campaign_publishable(where, &in, arena, &rows, &count, err);
	if (status != HF_OK)
		return status;
	struct hf_str *names = hf_arena_calloc(arena, count + 1, sizeof(*names));
	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		names[i] = rows[i].name;
	*ret_names = text_array((uint32_t)count, names, NULL);
	return HF_OK;
}
