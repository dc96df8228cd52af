/*
 * identifier.c - see identifier.h.
 */
#include "gen/identifier.h"

#include "base/identifier.h"

struct identifier *identifier_declared(const struct source *source, struct hf_str name)
{
	for (size_t i = 0; i < source->nidentifiers; i++)
		if (str_eq(name, hf_str_of(source->identifiers[i].name)))
			return &source->identifiers[i];
	return NULL;
}

/* The longest declared name that this is, or that it goes on behind. */
static struct identifier *find(const struct source *source, struct hf_str name)
{
	struct identifier *found = NULL;
	for (size_t i = 0; i < source->nidentifiers; i++) {
		struct identifier *one = &source->identifiers[i];
		struct hf_str head = hf_str_of(one->name);
		if (identifier_fits(name, head) && (!found || head.len > strlen(found->name)))
			found = one;
	}
	return found;
}

static void slot_add(struct slots *slots, struct slot slot, hf_arena *arena)
{
	slots->items = mem_grow(arena, slots->items, slots->count, sizeof(slot));
	slots->items[slots->count++] = slot;
}

static bool write_name(struct query *query, struct hf_str name, struct span at, bool in_constant, struct buf *out,
                       struct diags *diags)
{
	const struct source *source = query->source;
	struct identifier *found = find(source, name);
	if (!found) {
		query_wrong(diags, query, at, "no identifier \"%.*s\" is declared", STR_ARG(name))->hint =
			"at the head of the file: -- identifier: entries = state_entries";
		return false;
	}
	size_t head = strlen(found->name);
	struct slot slot = {out->len, 0, (size_t)(found - source->identifiers), NULL, in_constant};
	slot.behind = mem_text(diags->arena, (struct hf_str){name.ptr + head, name.len - head});
	if (strlen(found->by_default) + strlen(slot.behind) > IDENTIFIER_BYTES_MAX || !name_is_plain(name)) {
		query_wrong(diags, query, at, "\"%.*s\" cannot stand for a name of the server", STR_ARG(name))->hint =
			"at most 63 of a-z, 0-9 and _, by default too";
		return false;
	}
	found->used = true;
	identifier_add(out, hf_str_of(found->by_default), slot.behind, in_constant);
	slot.len = out->len - slot.at;
	slot_add(&query->slots, slot, diags->arena);
	return true;
}

bool identifier_write(struct query *query, struct token token, struct span at, struct buf *out, struct diags *diags)
{
	bool constant = token.kind == TOKEN_STRING, first = true, fine = true;
	struct hf_str rest = {query->source->text.ptr + token.start + 1, token.end - token.start - 2}, name;
	if (!constant)
		return write_name(query, rest, at, false, out, diags);
	buf_add_text(out, "E'");
	while (fine && str_split(&rest, '.', &name)) {
		buf_add_text(out, first ? "" : ".");
		fine = write_name(query, name, at, true, out, diags);
		first = false;
	}
	buf_add_text(out, "'");
	return fine;
}

void identifier_add_range(struct query *query, size_t from, size_t to, struct buf *out, hf_arena *arena)
{
	for (size_t i = 0; i < query->slots.count; i++) {
		struct slot slot = query->slots.items[i];
		if (slot.at < from || slot.at >= to)
			continue;
		slot.at = slot.at - from + out->len;
		slot_add(&query->run_slots, slot, arena);
	}
	buf_add(out, (struct hf_str){query->sql + from, to - from});
}

void identifier_check_used(const struct source *source, struct diags *diags)
{
	for (size_t i = 0; i < source->nqueries; i++)
		if (source->queries[i]->broken)
			return; /* it may be what uses them */
	for (size_t i = 0; i < source->nidentifiers; i++) {
		const struct identifier *one = &source->identifiers[i];
		if (!one->used)
			diag_at(diags, source, one->where.start, one->where.end, "the identifier \"%s\" stands nowhere",
			        one->name)
				->hint = "take the line out";
	}
}
