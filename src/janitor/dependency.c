/*
 * dependency.c - see dependency.h. {"relations": [[{"name": ..., "version": [OPERATOR, VERSION]}, ...alternatives],
 * ...]}: each list must have an alternative that is available.
 */
#include "janitor/dependency.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "core/debversion.h"
#include "janitor/json_text.h"
#include "janitor/values.h"
#include "queries/janitor/schedule.h"

DEFINE_OWNED(json, json_t *, json_decref)

/* ---- collecting ---- */

static bool grow(struct dependency_waits *waits)
{
	if (waits->count < waits->capacity)
		return true;
	size_t capacity = waits->capacity ? 2 * waits->capacity : 16;
	struct dependency_wait *more = hf_arena_calloc(waits->arena, capacity, sizeof(*more));
	if (!more)
		return false;
	if (waits->count > 0)
		memcpy(more, waits->waits, waits->count * sizeof(*more));
	waits->waits = more;
	waits->capacity = capacity;
	return true;
}

static enum hf_status parse(struct hf_str details, json_t **ret_value, hf_error *err)
{
	json_error_t error = {0};
	json_t *value = json_loadb(details.ptr, details.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (!value && (json_error_code(&error) == json_error_out_of_memory || !error.text[0]))
		return error_nomem(err);
	if (!value)
		return error_set(err, HF_E_INPUT, "failure details of a run are no JSON that can be read");
	*ret_value = value;
	return HF_OK;
}

enum hf_status dependency_add(struct dependency_waits *waits, const struct dependency_wait *wait, bool *ret_waits,
                              hf_error *err)
{
	CLEANUP(json_freep) json_t *value = NULL;
	enum hf_status status = parse(wait->details, &value, err);
	*ret_waits = false;
	if (status != HF_OK || !json_text_truthy(value))
		return status;
	if (!json_is_object(value))
		return error_set(err, HF_REJECTED, "failure details of a run are no object");
	const json_t *relations = json_object_get(value, "relations");
	if (!relations || !json_text_truthy(relations))
		return HF_OK;
	if (!json_is_array(relations))
		return error_set(err, HF_REJECTED, "failure details hold relations that are no list");
	struct dependency_wait copy = *wait;
	if (!grow(waits) || !(copy.details = hf_arena_str(waits->arena, wait->details)).ptr)
		return error_nomem(err);
	waits->waits[waits->count++] = copy;
	*ret_waits = true;
	return HF_OK;
}

/* ---- what is available ---- */

struct version {
	struct hf_str source;
	struct hf_str version; /* ptr NULL: unknown */
};

struct search {
	hf_where where;
	hf_arena *arena;
	const struct hf_defects *keep;
	bool has_table;
	struct hf_str *names;
	size_t nnames, names_capacity;
	struct version *versions; /* by source */
	size_t nversions, versions_capacity;
};

/* Room for one more element of an array in the arena. */
static bool room(hf_arena *arena, void **array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return true;
	void *more = hf_arena_calloc(arena, *capacity ? 2 * *capacity : 64, size);
	if (!more)
		return false;
	if (count > 0)
		memcpy(more, *array, count * size);
	*capacity = *capacity ? 2 * *capacity : 64;
	*array = more;
	return true;
}

static enum hf_status note_name(struct search *search, const json_t *name, hf_error *err)
{
	void *names = search->names;
	if (!json_is_string(name))
		return HF_OK;
	if (!room(search->arena, &names, search->nnames, &search->names_capacity, sizeof(*search->names)))
		return error_nomem(err);
	search->names = names;
	struct hf_str copy =
		hf_arena_str(search->arena, (struct hf_str){json_string_value(name), json_string_length(name)});
	if (!copy.ptr)
		return error_nomem(err);
	if (memchr(copy.ptr, '\0', copy.len) == NULL) /* no source of the table has one */
		search->names[search->nnames++] = copy;
	return HF_OK;
}

static enum hf_status note_names(struct search *search, const struct dependency_wait *wait, hf_error *err)
{
	CLEANUP(json_freep) json_t *value = NULL;
	enum hf_status status = parse(wait->details, &value, err);
	size_t i, j;
	json_t *alternatives, *relation;
	json_array_foreach (json_object_get(value, "relations"), i, alternatives)
		json_array_foreach (alternatives, j, relation)
			if (status == HF_OK)
				status = note_name(search, json_object_get(relation, "name"), err);
	return status;
}

static enum hf_status note_version(void *user, const struct schedule_versions_row *row, hf_error *err)
{
	struct search *search = user;
	void *versions = search->versions;
	if (!room(search->arena, &versions, search->nversions, &search->versions_capacity, sizeof(*search->versions)))
		return error_nomem(err);
	search->versions = versions;
	struct version version = {.source = hf_arena_str(search->arena, row->source)};
	if (row->has_version)
		version.version = hf_arena_str(search->arena, row->version);
	if (!version.source.ptr || (row->has_version && !version.version.ptr))
		return error_nomem(err);
	search->versions[search->nversions++] = version;
	return HF_OK;
}

static int by_text(struct hf_str a, struct hf_str b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_source(const void *left, const void *right)
{
	return by_text(((const struct version *)left)->source, ((const struct version *)right)->source);
}

static enum hf_status read_versions(struct search *search, const struct dependency_waits *waits, hf_error *err)
{
	struct schedule_has_versions_row row;
	enum hf_status status = schedule_has_versions(search->where, search->arena, &row, err);
	if (status != HF_OK || !row.present)
		return status;
	search->has_table = true;
	for (size_t i = 0; status == HF_OK && i < waits->count; i++)
		status = note_names(search, &waits->waits[i], err);
	if (status != HF_OK || search->nnames == 0)
		return status;
	struct schedule_versions_in in = {.sources = text_array((uint32_t)search->nnames, search->names, NULL)};
	status = schedule_versions(search->where, &in, note_version, search, err);
	if (status == HF_OK && search->nversions > 1)
		qsort(search->versions, search->nversions, sizeof(*search->versions), by_source);
	return status;
}

/* ---- one relation ---- */

enum order { LESS = 1, EQUAL = 2, GREATER = 4 };

/* 0: no operator of Debian's. */
static int order_of(struct hf_str operator)
{
	static const struct {
		const char *word;
		int allowed;
	} orders[] = {{"=", EQUAL}, {"<=", LESS | EQUAL}, {">=", GREATER | EQUAL}, {"<", LESS},
	              {"<<", LESS}, {">", GREATER},       {">>", GREATER}};
	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		if (str_eq(operator, hf_str_of(orders[i].word)))
			return orders[i].allowed;
	return 0;
}

struct relation {
	struct hf_str name;
	int allowed; /* orders of what is there to `version`; 0: any version */
	struct hf_str version;
};

static struct hf_str text_of(const json_t *value)
{
	return json_is_string(value) ? (struct hf_str){json_string_value(value), json_string_length(value)}
	                             : (struct hf_str){NULL, 0};
}

static bool known_members(const json_t *object)
{
	static const char *const known[] = {"name", "archqual", "arch", "distribution", "version", "restrictions"};
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		count += json_object_get(object, known[i]) != NULL;
	return count == json_object_size(object);
}

static bool read_relation(const json_t *object, struct relation *ret)
{
	const json_t *version = json_object_get(object, "version");
	*ret = (struct relation){.name = text_of(json_object_get(object, "name"))};
	if (!json_is_object(object) || !known_members(object) || !ret->name.ptr)
		return false;
	if (!version || !json_text_truthy(version))
		return true;
	ret->allowed = order_of(text_of(json_array_get(version, 0)));
	ret->version = text_of(json_array_get(version, 1));
	return ret->allowed && ret->version.ptr && json_array_size(version) == 2;
}

static bool fits(const struct version *version, const struct relation *relation)
{
	if (!relation->allowed)
		return true;
	if (!version->version.ptr)
		return false;
	int order = debversion_cmp(version->version, relation->version);
	return relation->allowed & (order < 0 ? LESS : order > 0 ? GREATER : EQUAL);
}

static bool is_available(const struct search *search, const struct relation *relation)
{
	size_t low = 0, high = search->nversions;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_text(search->versions[middle].source, relation->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < search->nversions && str_eq(search->versions[low].source, relation->name); low++)
		if (fits(&search->versions[low], relation))
			return true;
	return false;
}

/* ---- all of a run ---- */

static enum hf_status no_versions(hf_error *err)
{
	error_set(err, HF_E_DRIFT,
	          "a run failed for unsatisfied dependencies, and the table all_debian_versions that "
	          "says what is available is not part of this schema");
	error_hint(err, "schedule this codebase by \"schedule one\" with an offset of its own");
	return HF_E_DRIFT;
}

/* What is malformed is not available; with D-17 it stops the scheduling, as anything else of this kind does. */
static enum hf_status any_available(const struct search *search, const json_t *alternatives, bool *ret_any,
                                    hf_error *err)
{
	size_t i;
	json_t *object;
	struct relation relation;
	*ret_any = false;
	json_array_foreach (alternatives, i, object) {
		const bool readable = read_relation(object, &relation);
		if (!readable && hf_defects_kept(search->keep, 17))
			return error_set(err, HF_REJECTED, "failure details hold a relation that cannot be read");
		if (!search->has_table && hf_defects_kept(search->keep, 17))
			return no_versions(err);
		*ret_any = readable && is_available(search, &relation);
		if (*ret_any)
			break;
	}
	return HF_OK;
}

static enum hf_status is_satisfied(const struct search *search, const struct dependency_wait *wait, bool *ret_satisfied,
                                   hf_error *err)
{
	CLEANUP(json_freep) json_t *value = NULL;
	enum hf_status status = parse(wait->details, &value, err);
	size_t i;
	json_t *alternatives;
	*ret_satisfied = true;
	json_array_foreach (json_object_get(value, "relations"), i, alternatives) {
		if (status != HF_OK || !*ret_satisfied)
			break;
		status = any_available(search, alternatives, ret_satisfied, err);
	}
	return status;
}

enum hf_status dependency_settle(hf_where where, struct dependency_waits *waits, const struct hf_defects *keep,
                                 dependency_settle_fn *fn, void *user, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = waits->count > 0 ? hf_arena_new(0) : NULL;
	struct search search = {.where = where, .arena = arena, .keep = keep};
	if (waits->count == 0)
		return HF_OK;
	enum hf_status status = arena ? read_versions(&search, waits, err) : error_nomem(err);
	for (size_t i = 0; status == HF_OK && i < waits->count; i++) {
		bool satisfied;
		waits->failed = waits->waits[i].place;
		status = is_satisfied(&search, &waits->waits[i], &satisfied, err);
		if (status == HF_OK)
			fn(user, &waits->waits[i], satisfied);
	}
	return status;
}
