/*
 * policy.c - see holdfast/policy.h. Policies go to the server as flat arrays, each rule with the place of its policy.
 */
#include "holdfast/policy.h"

#include <string.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "base/words.h"
#include "janitor/policy_rows.h"
#include "janitor/transaction.h"
#include "janitor/values.h"

enum { POLICIES_MAX = 1000000 };

static enum hf_status no_such_policy(struct hf_str name, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no publish policy %.*s", SHOWN(name));
}

/* ---- checks ---- */

enum hf_status publish_mode_parse(struct hf_str word, enum publish_mode *ret_mode, hf_error *err)
{
	int value;
	enum hf_status status =
		word_parse(word, publish_mode_type.labels, publish_mode_type.count, "publish mode", &value, err);
	if (status == HF_OK)
		*ret_mode = (enum publish_mode)value;
	return status;
}

static bool role_stands_before(const struct hf_policy *policy, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(policy->rules[i].role, policy->rules[at].role))
			return true;
	return false;
}

static enum hf_status check_rule(const struct hf_policy *policy, size_t at, hf_error *err)
{
	const struct hf_policy_rule *rule = &policy->rules[at];
	enum publish_mode mode;
	if (rule->role.len == 0)
		return error_set(err, HF_E_INPUT, "rule %zu has no role", at + 1);
	if (role_stands_before(policy, at))
		return error_set(err, HF_E_INPUT, "role %.*s has two rules", SHOWN(rule->role));
	if (rule->has_frequency_days && rule->frequency_days < 0)
		return error_set(err, HF_E_INPUT, "the frequency of role %.*s is %d days, below 0", SHOWN(rule->role),
		                 rule->frequency_days);
	return rule->mode.ptr ? publish_mode_parse(rule->mode, &mode, err) : HF_OK;
}

static enum hf_status check(const struct hf_policy *policy, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (policy->name.len == 0)
		return error_set(err, HF_E_INPUT, "a publish policy needs a name");
	if (policy->nrules > HF_POLICY_ROLES_MAX)
		return error_set(err, HF_E_LIMIT, "publish policy %.*s has %zu rules, more than %d",
		                 SHOWN(policy->name), policy->nrules, HF_POLICY_ROLES_MAX);
	for (size_t i = 0; i < policy->nrules && status == HF_OK; i++)
		status = check_rule(policy, i, err);
	if (status != HF_OK)
		error_prefix(err, "publish policy %.*s", SHOWN(policy->name));
	return status;
}

static enum hf_status check_all(const struct hf_policy *policies, size_t count, size_t *ret_rules, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *names = intern_new(POLICIES_MAX);
	size_t rules = 0;
	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check(&policies[i], err);
		if (status != HF_OK)
			return status;
		uint32_t number = intern_add(names, policies[i].name);
		if (number == INTERN_NONE)
			return error_nomem(err);
		if (number != i)
			return error_set(err, HF_E_INPUT, "publish policy %.*s stands twice", SHOWN(policies[i].name));
		rules += policies[i].nrules;
	}
	*ret_rules = rules;
	return HF_OK;
}

/* ---- writing ---- */

struct writing {
	size_t count, nrules;
	struct hf_str *names, *buckets, *roles, *modes;
	bool *no_bucket, *bare, *no_mode, *no_days;
	int32_t *owners, *days;
};

static bool reserve(struct writing *writing, hf_arena *arena)
{
	size_t n = writing->count + 1, m = writing->nrules + 1;
	writing->names = hf_arena_calloc(arena, n, sizeof(*writing->names));
	writing->buckets = hf_arena_calloc(arena, n, sizeof(*writing->buckets));
	writing->no_bucket = hf_arena_calloc(arena, n, sizeof(*writing->no_bucket));
	writing->bare = hf_arena_calloc(arena, n, sizeof(*writing->bare));
	writing->owners = hf_arena_calloc(arena, m, sizeof(*writing->owners));
	writing->roles = hf_arena_calloc(arena, m, sizeof(*writing->roles));
	writing->modes = hf_arena_calloc(arena, m, sizeof(*writing->modes));
	writing->no_mode = hf_arena_calloc(arena, m, sizeof(*writing->no_mode));
	writing->days = hf_arena_calloc(arena, m, sizeof(*writing->days));
	writing->no_days = hf_arena_calloc(arena, m, sizeof(*writing->no_days));
	return writing->names && writing->buckets && writing->no_bucket && writing->bare && writing->owners &&
	       writing->roles && writing->modes && writing->no_mode && writing->days && writing->no_days;
}

static void fill(struct writing *writing, const struct hf_policy *policies)
{
	size_t at = 0;
	for (size_t i = 0; i < writing->count; i++) {
		writing->names[i] = policies[i].name;
		writing->buckets[i] = policies[i].rate_limit_bucket;
		writing->no_bucket[i] = !policies[i].rate_limit_bucket.ptr;
		writing->bare[i] = policies[i].unruled;
		for (size_t k = 0; k < policies[i].nrules; k++, at++) {
			const struct hf_policy_rule *rule = &policies[i].rules[k];
			writing->owners[at] = (int32_t)i + 1;
			writing->roles[at] = rule->role;
			writing->modes[at] = rule->mode;
			writing->no_mode[at] = !rule->mode.ptr;
			writing->days[at] = rule->frequency_days;
			writing->no_days[at] = !rule->has_frequency_days;
		}
	}
}

static struct policy_put_in inputs(const struct writing *writing)
{
	uint32_t n = (uint32_t)writing->count, m = (uint32_t)writing->nrules;
	return (struct policy_put_in){
		.names = text_array(n, writing->names, NULL),
		.buckets = text_array(n, writing->buckets, writing->no_bucket),
		.bare = {.count = n, .ndim = n > 0, .values = writing->bare},
		.owners = {.count = m, .ndim = m > 0, .values = writing->owners},
		.roles = text_array(m, writing->roles, NULL),
		.modes = text_array(m, writing->modes, writing->no_mode),
		.days = {.count = m, .ndim = m > 0, .values = writing->days, .nulls = writing->no_days}};
}

enum hf_status hf_policy_put(hf_where where, const struct hf_policy *policies, size_t count, enum hf_policy_put how,
                             struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct writing writing = {.count = count};
	struct policy_put_row row;
	if (!arena)
		return error_nomem(err);
	if (count > POLICIES_MAX)
		return error_set(err, HF_E_LIMIT, "%zu publish policies at once, more than %d", count, POLICIES_MAX);
	enum hf_status status = check_all(policies, count, &writing.nrules, err);
	if (status != HF_OK)
		return status;
	if (!reserve(&writing, arena))
		return error_nomem(err);
	fill(&writing, policies);
	struct policy_put_in in = inputs(&writing);
	in.with_replace = how != HF_POLICY_CREATE;
	in.keep_bucket = how == HF_POLICY_RULES;
	status = policy_put(where, &in, arena, &row, err);
	if (status == HF_CONFLICT)
		error_reword(err, "there is a publish policy of that name");
	if (status == HF_OK && ret_changes)
		*ret_changes =
			(struct hf_changes){row.inserted, row.updated, (int64_t)count - row.inserted - row.updated};
	return status;
}

struct putting_all {
	const struct hf_policy *policies;
	size_t count;
	struct hf_changes changes;
	int64_t removed;
};

/* The names stand in the policies; the array of them is made anew for each attempt. */
static enum hf_status put_all(hf_where tx, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct putting_all *all = user;
	struct hf_str *names = arena ? hf_arena_calloc(arena, all->count + 1, sizeof(*names)) : NULL;
	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < all->count; i++)
		names[i] = all->policies[i].name;
	enum hf_status status = hf_policy_put(tx, all->policies, all->count, HF_POLICY_REPLACE, &all->changes, err);
	struct policy_delete_others_in in = {.names = text_array((uint32_t)all->count, names, NULL)};
	return status == HF_OK ? policy_delete_others(tx, &in, &all->removed, err) : status;
}

/* `name` {NULL, 0}: one of several. */
static enum hf_status refused(enum hf_status status, struct hf_str name, hf_error *err)
{
	if (err && status == HF_REJECTED && strcmp(err->constraint, "candidate_publish_policy_fkey") == 0)
		error_reword(err, "candidates follow %s%.*s",
		             name.ptr ? "publish policy " : "a publish policy that would go",
		             SHOWN(name) ? name.ptr : "");
	return status;
}

enum hf_status hf_policy_put_all(hf_where where, const struct hf_policy *policies, size_t count,
                                 struct hf_changes *ret_changes, int64_t *ret_removed, hf_error *err)
{
	struct putting_all all = {.policies = policies, .count = count};
	enum hf_status status = janitor_transaction(where, put_all, &all, err);
	if (status != HF_OK)
		return refused(status, (struct hf_str){NULL, 0}, err);
	if (ret_changes)
		*ret_changes = all.changes;
	if (ret_removed)
		*ret_removed = all.removed;
	return HF_OK;
}

enum hf_status hf_policy_delete(hf_where where, struct hf_str name, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	int64_t removed;
	enum hf_status status = policy_delete(where, &(struct policy_delete_in){.name = name}, &removed, &local);
	if (status == HF_OK)
		return removed > 0 ? HF_OK : no_such_policy(name, err);
	status = refused(status, name, &local);
	if (err)
		*err = local;
	return status;
}

/* ---- reading ---- */

struct stored {
	struct hf_str name, bucket;
	bool has_rules;
	const struct branch_publish_policy_array *rules;
};

static enum hf_status policy_from(const struct stored *stored, hf_arena *arena, struct hf_policy *ret_policy,
                                  hf_error *err)
{
	uint32_t count = stored->has_rules ? stored->rules->count : 0;
	struct hf_policy_rule *rules = hf_arena_calloc(arena, (size_t)count + 1, sizeof(*rules));
	size_t n = 0;
	if (!rules)
		return error_nomem(err);
	for (uint32_t i = 0; i < count; i++) {
		const struct branch_publish_policy *from = &stored->rules->values[i];
		if (stored->rules->nulls && stored->rules->nulls[i])
			continue; /* no rule at all */
		rules[n++] =
			(struct hf_policy_rule){.role = GET_TEXT(from, role),
		                                .mode = hf_str_of(from->has_mode ? publish_mode_label(from->mode)
		                                                                 : NULL),
		                                .has_frequency_days = from->has_frequency_days,
		                                .frequency_days = from->has_frequency_days ? from->frequency_days : 0};
	}
	*ret_policy = (struct hf_policy){.name = stored->name,
	                                 .rate_limit_bucket = stored->bucket,
	                                 .unruled = !stored->has_rules,
	                                 .rules = rules,
	                                 .nrules = n};
	return HF_OK;
}

#define STORED(row)                                                                                                    \
	(struct stored)                                                                                                \
	{                                                                                                              \
		(row)->name, GET_TEXT(row, rate_limit_bucket), (row)->has_per_branch_policy, &(row)->per_branch_policy \
	}

enum hf_status hf_policy_get(hf_where where, struct hf_str name, hf_arena *arena, struct hf_policy *ret_policy,
                             int64_t *ret_candidates, hf_error *err)
{
	struct policy_by_name_row row;
	enum hf_status status = policy_by_name(where, &(struct policy_by_name_in){.name = name}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_policy(name, err);
	if (status == HF_OK)
		status = policy_from(&STORED(&row), arena, ret_policy, err);
	if (status == HF_OK && ret_candidates)
		*ret_candidates = row.candidates;
	return status;
}

struct sink {
	hf_policy_fn *fn;
	void *user;
	hf_arena *scratch; /* of one row */
};

static enum hf_status list_row(void *user, const struct policy_list_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_policy policy;
	hf_arena_reset(sink->scratch);
	enum hf_status status = policy_from(&STORED(row), sink->scratch, &policy, err);
	return status == HF_OK ? sink->fn(sink->user, &policy, err) : status;
}

enum hf_status hf_policy_list(hf_where where, const struct hf_policy_filter *filter, hf_policy_fn *fn, void *user,
                              hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct sink sink = {fn, user, scratch};
	struct policy_list_in in = {WITH_TEXT(after, filter->after), WITH_LIMIT(filter->limit)};
	if (!scratch)
		return error_nomem(err);
	SET_TEXT(&in, bucket, filter->rate_limit_bucket);
	return policy_list(where, &in, list_row, &sink, err);
}

enum hf_status hf_policy_of(hf_where where, struct hf_str codebase, struct hf_str campaign, struct hf_str change_set,
                            hf_arena *arena, struct hf_policy_asked *ret_asked, hf_error *err)
{
	struct policy_of_in in = {.codebase = codebase, .campaign = campaign};
	struct policy_of_row row;
	struct hf_policy policy;
	SET_TEXT(&in, change_set, change_set);
	enum hf_status status = policy_of(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no candidate %.*s in campaign %.*s", SHOWN(codebase),
		                 SHOWN(campaign));
	if (status == HF_OK)
		status = policy_from(&STORED(&row), arena, &policy, err);
	if (status == HF_OK)
		*ret_asked = (struct hf_policy_asked){.candidate_id = row.id,
		                                      .command = row.command,
		                                      .change_set = GET_TEXT(&row, change_set),
		                                      .has_policy = row.has_name,
		                                      .policy = policy};
	return status;
}
