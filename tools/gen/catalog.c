/*
 * catalog.c - pulling and searching the catalog.
 */
#include "gen/catalog.h"

#include <stdlib.h>

/* ---- pulling ---- */

struct pull {
	hf_arena *arena;
	struct catalog_table *table;
	catalog_fill_fn *fill;
};

static enum hf_status pull_row(void *user, const struct hf_sql_row *row, hf_error *err)
{
	(void)err;
	struct pull *pull = user;
	struct catalog_table *table = pull->table;
	table->items = mem_grow(pull->arena, table->items, table->count, table->size);
	pull->fill(pull->arena, (char *)table->items + table->count++ * table->size, row->values);
	return HF_OK;
}

static uint32_t oid_of(struct hf_value value)
{
	return value.kind == HF_VALUE_INT ? (uint32_t)value.as.i : 0;
}

static const char *text_of(hf_arena *arena, struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT ? mem_text(arena, value.as.s) : "";
}

static char char_of(struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT && value.as.s.len ? value.as.s.ptr[0] : '\0';
}

static bool bool_of(struct hf_value value)
{
	return value.kind == HF_VALUE_BOOL && value.as.b;
}

static void fill_type(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_type *)item =
		(struct catalog_type){oid_of(v[0]),  text_of(arena, v[1]), text_of(arena, v[2]), char_of(v[3]),
	                              bool_of(v[4]), oid_of(v[5]),         oid_of(v[6]),         oid_of(v[7]),
	                              oid_of(v[8]),  text_of(arena, v[9]), text_of(arena, v[10]), bool_of(v[11])};
}

static void fill_column(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_column *)item = (struct catalog_column){oid_of(v[0]), (int32_t)v[1].as.i, text_of(arena, v[2]),
	                                                         oid_of(v[3]), bool_of(v[4]), bool_of(v[5]),
	                                                         {oid_of(v[6]), oid_of(v[7])}};
}

static void fill_relation(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(struct catalog_relation *)item = (struct catalog_relation){oid_of(v[0]), char_of(v[1]), bool_of(v[2])};
}

static void fill_function(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_function *)item = (struct catalog_function){oid_of(v[0]), text_of(arena, v[1]), bool_of(v[2]),
	                                                             char_of(v[3]), text_of(arena, v[4]),
	                                                             text_of(arena, v[5])};
}

static void fill_operator(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_operator *)item =
		(struct catalog_operator){oid_of(v[0]), text_of(arena, v[1]), oid_of(v[2]), oid_of(v[3]), oid_of(v[4]),
	                                    oid_of(v[5])};
}

static void fill_pair(hf_arena *arena, void *item, const struct hf_value *v)
{
	(void)arena;
	*(struct catalog_pair *)item = (struct catalog_pair){oid_of(v[0]), oid_of(v[1])};
}

static void fill_rule(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_rule *)item = (struct catalog_rule){
		oid_of(v[0]), bool_of(v[1]), text_of(arena, v[2]), {oid_of(v[3]), oid_of(v[4])}};
}

static void fill_declaration(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_declaration *)item =
		(struct catalog_declaration){oid_of(v[0]), (int32_t)v[1].as.i, text_of(arena, v[2])};
}

static void fill_label(hf_arena *arena, void *item, const struct hf_value *v)
{
	*(struct catalog_label *)item = (struct catalog_label){oid_of(v[0]), text_of(arena, v[1])};
}

/* clang-format off */
/* "textsend" of the server, "ltree:ltree_send" of a library, a blank and the name of any other function. */
#define CODE_OF(p) "coalesce(CASE " p ".prolang WHEN 12 THEN " p ".prosrc WHEN 13 THEN" \
	" pg_catalog.regexp_replace(" p ".probin, '^.*/', '') || ':' || " p ".prosrc ELSE ' ' || " p ".proname END, '')"
static const char types_sql[] =
	"SELECT t.oid, t.typname::text, quote_ident(n.nspname) || '.' || quote_ident(t.typname), t.typtype::text,"
	" n.nspname = 'pg_catalog', coalesce(e.oid, 0::oid), t.typbasetype, t.typrelid,"
	" coalesce(r.rngsubtype, m.rngtypid, 0::oid), " CODE_OF("s") ", " CODE_OF("v") ", t.typnotnull"
	" FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
	" LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid"
	" LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid"
	" LEFT JOIN (SELECT rngtypid, (pg_catalog.to_jsonb(p)->>'rngmultitypid')::oid AS multi" /* since 14 */
	" FROM pg_catalog.pg_range p) m ON m.multi = t.oid"
	" LEFT JOIN pg_catalog.pg_proc s ON s.oid = t.typsend LEFT JOIN pg_catalog.pg_proc v ON v.oid = t.typreceive"
	" ORDER BY t.oid";
static const char columns_sql[] =
	"SELECT attrelid, attnum, attname::text, atttypid, attnotnull, attgenerated <> '', xmin::text::int8,"
	" cmin::text::int8 FROM pg_catalog.pg_attribute"
	" WHERE attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum";
static const char relations_sql[] =
	"SELECT oid, relkind::text, relhassubclass FROM pg_catalog.pg_class ORDER BY oid";
static const char functions_sql[] =
	"SELECT oid, proname::text, proisstrict, provolatile::text, proargtypes::text,"
	" CASE WHEN proargnames IS NOT NULL THEN (SELECT string_agg(a.n, ' ' ORDER BY a.i)"
	" FROM unnest(proargnames, proargmodes) WITH ORDINALITY AS a(n, m, i)"
	" WHERE a.m IS NULL OR a.m IN ('i', 'b', 'v')) END"
	" FROM pg_catalog.pg_proc ORDER BY oid";
static const char operators_sql[] =
	"SELECT oid, oprname::text, oprleft, oprright, oprcode::oid, oprnegate"
	" FROM pg_catalog.pg_operator ORDER BY oid";
static const char inherits_sql[] =
	"SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits ORDER BY inhparent, inhrelid";
static const char rules_sql[] =
	"SELECT c.oid, c.relkind = 'm', r.ev_action::text, r.xmin::text::int8, r.cmin::text::int8"
	" FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class"
	" WHERE r.ev_type = '1' AND c.relkind IN ('v', 'm') AND c.oid >= 16384 ORDER BY c.oid";
/* Rules have the numbers of the tree, triggers bits of their own: they come as 100 and the number. */
static const char instead_sql[] =
	"SELECT ev_class, ev_type::text::int4::oid FROM pg_catalog.pg_rewrite WHERE ev_type <> '1' AND is_instead"
	" UNION SELECT t.tgrelid, (100 + e.event)::oid"
	" FROM pg_catalog.pg_trigger t, (VALUES (3, 4), (4, 8), (2, 16)) e (event, bit)"
	" WHERE t.tgtype & 64 <> 0 AND t.tgtype & e.bit <> 0 ORDER BY 1, 2";
static const char triggers_sql[] = /* FOR EACH ROW and BEFORE */
	"SELECT tgrelid, bit_or(tgtype & 20)::oid FROM pg_catalog.pg_trigger"
	" WHERE tgtype & 3 = 3 GROUP BY 1 ORDER BY 1";
static const char declarations_sql[] =
	"SELECT d.adrelid, d.adnum, d.adbin::text FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a"
	" ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated = 's'"
	" UNION ALL SELECT conrelid, 0::int2, conbin::text FROM pg_catalog.pg_constraint"
	" WHERE contype = 'c' AND convalidated AND conrelid >= 16384 ORDER BY 1, 2, 3";
static const char labels_sql[] =
	"SELECT enumtypid, enumlabel::text FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder";
/* clang-format on */

enum hf_status catalog_pull(hf_arena *arena, hf_where where, const char *sql, catalog_fill_fn *fill,
                            struct catalog_table *table, hf_error *err)
{
	struct pull pull = {arena, table, fill};
	return hf_sql_each(where, hf_str_of(sql), NULL, 0, pull_row, &pull, err);
}

enum hf_status catalog_load(struct catalog *catalog, hf_arena *arena, hf_where where, hf_error *err)
{
	*catalog = (struct catalog){.arena = arena};
	const struct {
		struct catalog_table *table;
		size_t size;
		catalog_fill_fn *fill;
		const char *sql;
	} pulls[] = {
		{&catalog->types, sizeof(struct catalog_type), fill_type, types_sql},
		{&catalog->columns, sizeof(struct catalog_column), fill_column, columns_sql},
		{&catalog->relations, sizeof(struct catalog_relation), fill_relation, relations_sql},
		{&catalog->functions, sizeof(struct catalog_function), fill_function, functions_sql},
		{&catalog->operators, sizeof(struct catalog_operator), fill_operator, operators_sql},
		{&catalog->inherits, sizeof(struct catalog_pair), fill_pair, inherits_sql},
		{&catalog->labels, sizeof(struct catalog_label), fill_label, labels_sql},
		{&catalog->rules, sizeof(struct catalog_rule), fill_rule, rules_sql},
		{&catalog->instead, sizeof(struct catalog_pair), fill_pair, instead_sql},
		{&catalog->triggers, sizeof(struct catalog_pair), fill_pair, triggers_sql},
		{&catalog->declarations, sizeof(struct catalog_declaration), fill_declaration, declarations_sql},
	};
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < ARRAY_LEN(pulls) && status == HF_OK; i++) {
		*pulls[i].table = (struct catalog_table){.size = pulls[i].size};
		status = catalog_pull(arena, where, pulls[i].sql, pulls[i].fill, pulls[i].table, err);
	}
	return status;
}

/* ---- searching ---- */

static uint32_t key_at(const struct catalog_table *table, size_t index)
{
	uint32_t key;
	memcpy(&key, (const char *)table->items + index * table->size, sizeof(key));
	return key;
}

/* Index of the first item whose key is not below `oid`. */
size_t catalog_first(const struct catalog_table *table, uint32_t oid)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (key_at(table, middle) < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const void *catalog_find(const struct catalog_table *table, uint32_t oid)
{
	size_t at = catalog_first(table, oid);
	if (at >= table->count || key_at(table, at) != oid)
		return NULL;
	return (const char *)table->items + at * table->size;
}

const struct catalog_function *catalog_function(const struct catalog *catalog, uint32_t oid)
{
	return catalog_find(&catalog->functions, oid);
}

const struct catalog_operator *catalog_operator(const struct catalog *catalog, uint32_t oid)
{
	return catalog_find(&catalog->operators, oid);
}
