/*
 * query_bind.c - putting names that are chosen at run time into the texts of queries. Each text is its compiled pieces
 * with quoted names between them; everything else of the table stays as it was proven.
 */
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/identifier.h"
#include "holdfast/query.h"
#include "pg/query_run.h"
#include "pg/statements.h"

static enum hf_status check_slots(const struct hf_query_binding *binding, const struct hf_query_name *names,
                                  hf_error *err)
{
	for (uint32_t i = 0; i < binding->nslots; i++) {
		const struct hf_query_name *name = &names[binding->slots[i].name];
		enum hf_status status = identifier_check(name->name, name->value, binding->slots[i].behind, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static enum hf_status check(const struct hf_query_binding *bindings, size_t count, const struct hf_query_name *names,
                            size_t nnames, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < nnames && status == HF_OK; i++)
		status = identifier_check(names[i].name, names[i].value, "", err);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		if (bindings[i].query->abi != HF_QUERY_ABI)
			return query_check_abi(bindings[i].query, err);
		status = check_slots(&bindings[i], names, err);
	}
	return status;
}

static void put_together(struct buf *text, const struct hf_query_binding *binding, const struct hf_query_name *names)
{
	const struct hf_query *query = binding->query;
	size_t at = 0;
	for (uint32_t i = 0; i < binding->nslots; i++) {
		const struct hf_query_slot *slot = &binding->slots[i];
		buf_add(text, (struct hf_str){query->sql + at, slot->at - at});
		identifier_add(text, names[slot->name].value, slot->behind, slot->in_constant);
		at = slot->at + slot->len;
	}
	buf_add(text, (struct hf_str){query->sql + at, query->sql_len - at});
}

/* The same name for the same text, as the compiler gives it. */
static bool name_statement(struct hf_query *query)
{
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	struct hf_str sql = {query->sql, query->sql_len};
	if (!digest_of(&sql, 1, digest))
		return false;
	digest_hex(digest, hex);
	memcpy(query->statement, "hf_", 3);
	memcpy(query->statement + 3, hex, sizeof(query->statement) - 4);
	query->statement[sizeof(query->statement) - 1] = '\0';
	return true;
}

static enum hf_status bind_one(const struct hf_query_binding *binding, const struct hf_query_name *names,
                               hf_arena *arena, struct hf_query *ret_query, hf_error *err)
{
	struct buf text;
	buf_init(&text, STATEMENTS_SQL_BYTES_MAX);
	put_together(&text, binding, names);
	struct hf_query query = *binding->query;
	struct hf_str copy = buf_ok(&text) ? hf_arena_str(arena, buf_str(&text)) : (struct hf_str){NULL, 0};
	bool too_long = !buf_ok(&text) && !buf_starved(&text);
	buf_deinit(&text);
	query.sql = copy.ptr;
	query.sql_len = copy.len;
	if (too_long)
		return error_set(err, HF_E_LIMIT, "query \"%s\" is longer than %d bytes with these names", query.name,
		                 STATEMENTS_SQL_BYTES_MAX);
	if (!copy.ptr || !name_statement(&query))
		return error_nomem(err);
	*ret_query = query;
	return HF_OK;
}

enum hf_status hf_query_bind(const struct hf_query_binding *bindings, size_t count, const struct hf_query_name *names,
                             size_t nnames, hf_arena *arena, void *ret_bound, hf_error *err)
{
	struct hf_query *bound = hf_arena_calloc(arena, count, sizeof(*bound));
	enum hf_status status = bound ? check(bindings, count, names, nnames, err) : error_nomem(err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		status = bind_one(&bindings[i], names, arena, &bound[i], err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		memcpy((char *)ret_bound + bindings[i].offset, &bound[i], sizeof(bound[i]));
	return status;
}
