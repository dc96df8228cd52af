/*
 * catalog.c - reading and comparing catalogs.
 *
 * Definitions are written with an empty search_path, so that they are the same whoever asks. Indexes are compared by
 * what they index, not by name; views by their columns, functions by their signature: those may be written otherwise
 * and answer the same.
 */
#include "migrate/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "holdfast/transaction.h"

/* One query per kind. In each: n is the schema, $1 whether members of extensions count. */
#define OURS                                                                                      \
	" n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND n.nspname <> 'holdfast'"
#define NOT_MEMBER(class, oid)                                                                    \
	" AND ($1 OR NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '" class "'::regclass"  \
	" AND d.objid = " oid " AND d.deptype = 'e'))"

static const char *const catalog_sql[] = {
        "SELECT 'schema', n.nspname::text, '' FROM pg_namespace n"
        " WHERE" OURS " AND n.nspname <> 'public'" NOT_MEMBER("pg_namespace", "n.oid"),
        "SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%s.%s', n.nspname, t.typname),"
        " CASE t.typtype WHEN 'e' THEN 'enum: ' || (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)"
        "   FROM pg_enum e WHERE e.enumtypid = t.oid)"
        " WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END"
        "   || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(c.oid), '' ORDER BY c.conname)"
        "   FROM pg_constraint c WHERE c.contypid = t.oid), '')"
        " WHEN 'b' THEN 'base' WHEN 'c' THEN 'composite' ELSE 'range' END"
        " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class k ON k.oid = t.typrelid"
        " WHERE" OURS " AND t.typcategory <> 'A' AND (k.oid IS NULL OR k.relkind = 'c') AND t.typisdefined"
        " AND t.typtype <> 'm'" NOT_MEMBER("pg_type", "t.oid"),
        "SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'"
        " ELSE 'table' END, format('%s.%s', n.nspname, c.relname), ''"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE" OURS " AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')" NOT_MEMBER("pg_class", "c.oid"),
        "SELECT 'column', format('%s.%s.%s', n.nspname, c.relname, a.attname), format_type(a.atttypid, a.atttypmod)"
        " || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END"
        " || CASE WHEN a.attgenerated <> '' THEN ' generated ' WHEN a.attidentity <> '' THEN ' identity'"
        "    WHEN f.oid IS NOT NULL THEN ' default ' ELSE '' END || coalesce(pg_get_expr(f.adbin, f.adrelid), '')"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum"
        " WHERE" OURS " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped"
        NOT_MEMBER("pg_class", "c.oid"),
        "SELECT 'constraint', format('%s.%s.%s', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE" OURS " AND k.contype <> 't'" NOT_MEMBER("pg_class", "c.oid"),
        "SELECT DISTINCT 'index', regexp_replace(pg_get_indexdef(i.indexrelid),"
        " '^CREATE (UNIQUE )?INDEX (\"[^\"]*\"|[^ ]+) ', '\\1'), ''"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE" OURS " AND i.indisvalid" NOT_MEMBER("pg_class", "c.oid"),
        "SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,"
        " format('%s.%s(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)),"
        " coalesce('returns ' || pg_get_function_result(p.oid), '')"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE" OURS NOT_MEMBER("pg_proc", "p.oid"),
        "SELECT 'trigger', format('%s.%s.%s', n.nspname, c.relname, g.tgname), pg_get_triggerdef(g.oid)"
        " FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE" OURS " AND NOT g.tgisinternal" NOT_MEMBER("pg_class", "c.oid"),
};

struct reader {
	hf_arena *arena;
	bool members;
	struct catalog catalog;
	size_t capacity;
};

static bool grow(struct reader *reader)
{
	if (reader->catalog.count < reader->capacity)
		return true;
	size_t capacity = reader->capacity ? 2 * reader->capacity : 512;
	struct catalog_object *objects = hf_arena_calloc(reader->arena, capacity, sizeof(*objects));
	if (!objects || capacity > 2 * (size_t)CATALOG_OBJECTS_MAX)
		return false;
	if (reader->catalog.count)
		memcpy(objects, reader->catalog.objects, reader->catalog.count * sizeof(*objects));
	reader->catalog.objects = objects;
	reader->capacity = capacity;
	return true;
}

static enum hf_status read_object(void *user, const struct hf_sql_row *row, hf_error *err)
{
	struct reader *reader = user;
	struct catalog_object object = {hf_arena_str(reader->arena, row->values[0].as.s),
	                                hf_arena_str(reader->arena, row->values[1].as.s),
	                                hf_arena_str(reader->arena, row->values[2].as.s)};
	if (!object.kind.ptr || !object.name.ptr || !object.definition.ptr || !grow(reader))
		return error_nomem(err);
	reader->catalog.objects[reader->catalog.count++] = object;
	return HF_OK;
}

static enum hf_status read_in_transaction(hf_where tx, void *user, hf_error *err)
{
	struct reader *reader = user;
	struct hf_value members = hf_bool(reader->members);
	reader->catalog.count = 0; /* the transaction may be repeated */
	enum hf_status status = hf_sql_exec(tx, HF_STR("SET LOCAL search_path = ''"), NULL, 0, NULL, err);
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(catalog_sql); i++)
		status = hf_sql_each(tx, hf_str_of(catalog_sql[i]), &members, 1, read_object, reader, err);
	return status;
}

static int order(const struct catalog_object *a, const struct catalog_object *b)
{
	int kind = str_cmp(a->kind, b->kind);
	return kind ? kind : str_cmp(a->name, b->name);
}

static int by_order(const void *left, const void *right)
{
	return order(left, right);
}

enum hf_status catalog_read(hf_connection *connection, bool members, hf_arena *arena, struct catalog *ret_catalog,
                            hf_error *err)
{
	static const struct hf_transaction_options options = {
	        .size = sizeof(options), .isolation = HF_REPEATABLE_READ, .read_only = true};
	struct reader reader = {.arena = arena, .members = members};
	enum hf_status status =
	        hf_transaction(hf_on_connection(connection), &options, read_in_transaction, &reader, err);
	if (status != HF_OK)
		return status;
	if (reader.catalog.count > 1)
		qsort(reader.catalog.objects, reader.catalog.count, sizeof(*reader.catalog.objects), by_order);
	*ret_catalog = reader.catalog;
	return HF_OK;
}

void catalog_compare(const struct catalog *expected, const struct catalog *found, struct findings *findings)
{
	size_t at = 0;
	for (size_t i = 0; i < expected->count; i++) {
		const struct catalog_object *want = &expected->objects[i];
		while (at < found->count && order(&found->objects[at], want) < 0)
			at++;
		if (at == found->count || order(&found->objects[at], want) != 0)
			findings_add(findings, "%.*s %.*s is missing", STR_ARG(want->kind), STR_ARG(want->name));
		else if (!str_eq(found->objects[at].definition, want->definition))
			findings_add(findings, "%.*s %.*s is \"%.*s\" and should be \"%.*s\"", STR_ARG(want->kind),
			             STR_ARG(want->name), STR_ARG(found->objects[at].definition),
			             STR_ARG(want->definition));
	}
}
