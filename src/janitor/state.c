/*
 * state.c - see holdfast/state.h. A repository is asked by its own list, of which one row is read and forgotten.
 */
#include "holdfast/state.h"

#include <assert.h>

#include "base/error.h"
#include "holdfast/candidate.h"
#include "holdfast/change_set.h"
#include "holdfast/claim.h"
#include "holdfast/codebase.h"
#include "holdfast/policy.h"
#include "holdfast/proposal.h"
#include "holdfast/publish.h"
#include "holdfast/queue.h"
#include "holdfast/review.h"
#include "holdfast/run.h"
#include "holdfast/worker.h"

enum { TIMEOUT_MS = 2000 };

/* ask_NAME(): the first row of hf_NAME_list(), as a question to a repository. */
#define ASK(name, row)                                                                                              \
	static enum hf_status forget_##name(UNUSED void *user, UNUSED const struct row *one, UNUSED hf_error *err)  \
	{                                                                                                           \
		return HF_OK;                                                                                       \
	}                                                                                                           \
	static enum hf_status ask_##name(hf_where where, hf_error *err)                                             \
	{                                                                                                           \
		return hf_##name##_list(where, &(struct hf_##name##_filter){.limit = 1}, forget_##name, NULL, err); \
	}
ASK(candidate, hf_candidate)
ASK(change_set, hf_change_set)
ASK(claim, hf_claim_record)
ASK(codebase, hf_codebase)
ASK(policy, hf_policy)
ASK(proposal, hf_proposal)
ASK(publish, hf_publish)
ASK(review, hf_review)
ASK(run, hf_run)

static enum hf_status forget_item(UNUSED void *user, UNUSED const struct hf_queue_item *item, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status ask_queue(hf_where where, hf_error *err)
{
	return hf_queue_list(where, &(struct hf_queue_list_filter){.limit = 1}, forget_item, NULL, err);
}

static enum hf_status forget_worker(UNUSED void *user, UNUSED const struct hf_worker *worker, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status ask_worker(hf_where where, hf_error *err)
{
	return hf_worker_list(where, HF_STR(""), 1, forget_worker, NULL, err);
}

static const struct {
	const char *name;
	enum hf_status (*ask)(hf_where where, hf_error *err);
} repositories[] = {
	{"runs", ask_run},        {"codebases", ask_codebase}, {"candidates", ask_candidate},
	{"queue", ask_queue},     {"claims", ask_claim},       {"change-sets", ask_change_set},
	{"reviews", ask_review},  {"publishes", ask_publish},  {"merge-proposals", ask_proposal},
	{"policies", ask_policy}, {"workers", ask_worker},
};

static_assert(ARRAY_LEN(repositories) == HF_REPOSITORY_COUNT, "all repositories have their place");

static void look(hf_where where, size_t i, struct hf_repository_health *health)
{
	hf_context *ctx = hf_where_context(where);
	hf_error err = HF_ERROR_INIT;
	int64_t start = hf_now_monotonic_us(ctx);
	if (repositories[i].ask(where, &err) == HF_OK) {
		health->latency_us = hf_now_monotonic_us(ctx) - start;
	} else {
		health->state = HF_UNHEALTHY;
		health->error = err;
	}
}

void hf_state_health(hf_pool *pool, const struct hf_health_options *options, struct hf_state_health *ret_health)
{
	hf_where where = hf_on_pool(pool);
	hf_health(pool, options, &ret_health->database);
	ret_health->state = ret_health->database.state;
	int64_t timeout_ms = options && options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
	where = hf_until(where, hf_deadline_in(hf_where_context(where), timeout_ms));
	for (size_t i = 0; i < HF_REPOSITORY_COUNT; i++) {
		struct hf_repository_health *one = &ret_health->repositories[i];
		*one = (struct hf_repository_health){.name = repositories[i].name, .latency_us = -1};
		if (ret_health->database.state == HF_UNHEALTHY) {
			one->state = HF_UNHEALTHY;
			error_set(&one->error, HF_E_UNAVAILABLE, "not asked: the database is unhealthy");
			continue;
		}
		look(where, i, one);
		if (one->state != HF_HEALTHY)
			ret_health->state = HF_DEGRADED;
	}
}
