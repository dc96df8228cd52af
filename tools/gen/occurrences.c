/*
 * occurrences.c - uses are pieces of the rewritten text that say $ and a number, and that a colon or the same number
 * stands for in the source; the tags of dollar quotes never begin with a digit.
 */
#include "gen/occurrences.h"

/* The parameter's number; 0 when the piece is anything else. */
static size_t number_of(const struct query *query, const struct piece *piece)
{
	const char *out = query->sql + piece->out;
	int64_t number = 0;
	size_t digits = out[0] == '$' ? strspn(out + 1, "0123456789") : 0;
	char in = query->source->text.ptr[piece->in];
	if (!digits || (in != ':' && in != '$') || !str_to_i64((struct hf_str){out + 1, digits}, &number) ||
	    number < 1 || (size_t)number > query->nparams)
		return 0;
	return (size_t)number;
}

struct occurrences occurrences_of(const struct query *query, hf_arena *arena)
{
	struct occurrences all = {0};
	for (size_t i = 0; i < query->npieces; i++) {
		const struct piece *piece = &query->pieces[i];
		size_t number = number_of(query, piece);
		if (!number)
			continue;
		all.items = mem_grow(arena, all.items, all.count, sizeof(*all.items));
		all.items[all.count++] = (struct occurrence){number - 1, {piece->in, piece->in + piece->len}};
	}
	return all;
}

const char *occurrences_apart(const struct query *query, hf_arena *arena)
{
	struct buf out;
	size_t from = 0, count = 0;
	buf_init(&out, 4 * DESCRIBE_BYTES_MAX);
	for (size_t i = 0; i < query->npieces; i++) {
		const struct piece *piece = &query->pieces[i];
		if (!number_of(query, piece))
			continue;
		buf_add(&out, (struct hf_str){query->sql + from, piece->out - from});
		buf_printf(&out, "$%zu", ++count);
		from = piece->out + 1 + strspn(query->sql + piece->out + 1, "0123456789");
	}
	buf_add_text(&out, query->sql + from);
	mem_check(&out);
	const char *text = mem_text(arena, buf_str(&out));
	buf_deinit(&out);
	return text;
}
