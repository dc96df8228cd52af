/*
 * keys.c - pulling and searching unique keys and equality operators.
 */
#include "gen/keys.h"

/* clang-format off */
static const char keys_sql[] =
	"SELECT i.indrelid, array_to_string(i.indkey[0:i.indnkeyatts - 1], ' '),"
	" (SELECT string_agg(c.opcfamily::text, ' ' ORDER BY u.n)"
	" FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS u (oid, n)"
	" JOIN pg_catalog.pg_opclass c ON c.oid = u.oid),"
	" array_to_string(i.indcollation::oid[], ' '), i.indexprs::text, i.indpred::text"
	" FROM pg_catalog.pg_index i WHERE i.indisunique AND i.indimmediate AND i.indisvalid AND i.indislive"
	" ORDER BY i.indrelid, i.indexrelid";
static const char equalities_sql[] =
	"SELECT o.amopopr, o.amopfamily FROM pg_catalog.pg_amop o JOIN pg_catalog.pg_am m ON m.oid = o.amopmethod"
	" WHERE m.amname = 'btree' AND o.amopstrategy = 3 AND o.amoppurpose = 's' ORDER BY o.amopopr, o.amopfamily";
/* BEFORE (2), row (1), INSERT (4) */
static const char triggers_sql[] =
	"SELECT DISTINCT tgrelid FROM pg_catalog.pg_trigger WHERE tgtype & 7 = 7 AND tgenabled <> 'D' ORDER BY tgrelid";
static const char required_sql[] =
	"SELECT attrelid, attnum, attname::text FROM pg_catalog.pg_attribute"
	" WHERE attnum > 0 AND NOT attisdropped AND attnotnull AND attgenerated = '' ORDER BY attrelid, attnum";
/* clang-format on */

static uint32_t oid_of(struct hf_value value)
{
	return value.kind == HF_VALUE_INT ? (uint32_t)value.as.i : 0;
}

static const char *text_of(hf_arena *arena, struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT ? mem_text(arena, value.as.s) : "";
}

/* "1 5 0" */
static size_t numbers(hf_arena *arena, struct hf_value value, uint32_t ret_numbers[KEY_COLUMNS_MAX])
{
	struct hf_str text = hf_str_of(text_of(arena, value)), word;
	size_t count = 0;
	while (count < KEY_COLUMNS_MAX && str_split(&text, ' ', &word)) {
		int64_t number;
		if (str_to_i64(word, &number))
			ret_numbers[count++] = (uint32_t)number;
	}
	return count;
}

static const struct node *tree_of(hf_arena *arena, struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT ? node_read(arena, text_of(arena, value)) : NULL;
}

/* A tree that could not be read must not make the key look simpler: it gets no columns, and so is never used. */
static void fill_key(hf_arena *arena, void *item, const struct hf_value *v)
{
	struct key *key = item;
	uint32_t columns[KEY_COLUMNS_MAX] = {0};
	*key = (struct key){.relation = oid_of(v[0])};
	key->count = numbers(arena, v[1], columns);
	for (size_t i = 0; i < key->count; i++)
		key->columns[i] = (int32_t)columns[i];
	bool whole = numbers(arena, v[2], key->families) >= key->count &&
	             numbers(arena, v[3], key->collations) >= key->count;
	key->exprs = tree_of(arena, v[4]);
	key->condition = tree_of(arena, v[5]);
	if (!whole || (v[4].kind == HF_VALUE_TEXT && !key->exprs) || (v[5].kind == HF_VALUE_TEXT && !key->condition))
		key->count = 0;
}

static void fill_equality(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(struct equality *)item = (struct equality){oid_of(v[0]), oid_of(v[1])};
}

static void fill_oid(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(uint32_t *)item = oid_of(v[0]);
}

static void fill_required(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct required *)item = (struct required){oid_of(v[0]), (int32_t)oid_of(v[1]), text_of(arena, v[2])};
}

enum hf_status keys_load(struct keys *keys, hf_arena *arena, hf_where where, hf_error *err)
{
	*keys = (struct keys){.keys = {.size = sizeof(struct key)},
	                      .equalities = {.size = sizeof(struct equality)},
	                      .triggers = {.size = sizeof(uint32_t)},
	                      .required = {.size = sizeof(struct required)}};
	enum hf_status status = catalog_pull(arena, where, keys_sql, fill_key, &keys->keys, err);
	if (status == HF_OK)
		status = catalog_pull(arena, where, equalities_sql, fill_equality, &keys->equalities, err);
	if (status == HF_OK)
		status = catalog_pull(arena, where, triggers_sql, fill_oid, &keys->triggers, err);
	if (status == HF_OK)
		status = catalog_pull(arena, where, required_sql, fill_required, &keys->required, err);
	return status;
}

const struct key *keys_of(const struct keys *keys, uint32_t relation, size_t *ret_count)
{
	const struct key *items = keys->keys.items;
	size_t first = catalog_first(&keys->keys, relation), end = first;
	while (end < keys->keys.count && items[end].relation == relation)
		end++;
	*ret_count = end - first;
	return end > first ? items + first : NULL;
}

static const struct equality *equality_at(const struct keys *keys, size_t index, uint32_t op)
{
	const struct equality *items = keys->equalities.items;
	return index < keys->equalities.count && items[index].op == op ? &items[index] : NULL;
}

bool keys_is_equality(const struct keys *keys, uint32_t op)
{
	return equality_at(keys, catalog_first(&keys->equalities, op), op) != NULL;
}

bool keys_is_equality_of(const struct keys *keys, uint32_t op, uint32_t family)
{
	const struct equality *found;
	for (size_t i = catalog_first(&keys->equalities, op); (found = equality_at(keys, i, op)) != NULL; i++)
		if (found->family == family)
			return true;
	return false;
}

bool keys_same_equality(const struct keys *keys, uint32_t a, uint32_t b)
{
	const struct equality *found;
	for (size_t i = catalog_first(&keys->equalities, a); (found = equality_at(keys, i, a)) != NULL; i++)
		if (keys_is_equality_of(keys, b, found->family))
			return true;
	return false;
}

const struct required *keys_required(const struct keys *keys, uint32_t relation, int32_t after)
{
	const struct required *items = keys->required.items;
	for (size_t i = catalog_first(&keys->required, relation);
	     i < keys->required.count && items[i].relation == relation; i++)
		if (items[i].column > after)
			return &items[i];
	return NULL;
}

bool keys_has_insert_trigger(const struct keys *keys, uint32_t relation)
{
	const uint32_t *items = keys->triggers.items;
	size_t at = catalog_first(&keys->triggers, relation);
	return at < keys->triggers.count && items[at] == relation;
}
