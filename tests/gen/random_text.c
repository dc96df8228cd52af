/* Random text and what is text in disguise, and the types whose C form is their wire form. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "pg/wire.h"
#include "random_value.h"

static const char *const letters[] = {"a",   "b",    "z",    "A",  "Z", "0", "9",
                                      " ",   "\"",   "'",    "\\", "{", "}", ",",
                                      ";",   "(",    ")",    "[",  "]", ".", "\n",
                                      "\t",  "\x01", "\x7f", "é",  "ß", "€", "\xf0\x9f\x90\x98",
                                      "NULL"};

/* Between `least` and `most` of the first `kinds` letters. */
static void add_letters(struct chance *chance, struct buf *literal, uint64_t least, uint64_t most, size_t kinds)
{
	for (uint64_t i = least + chance_below(chance, most - least + 1); i > 0; i--)
		buf_add_text(literal, letters[chance_below(chance, kinds)]);
}

void keep_text(struct chance *chance, struct buf *literal, size_t start, void *out)
{
	struct hf_str text = {literal->ptr ? literal->ptr + start : "", literal->len - start};
	*(struct hf_str *)out = hf_arena_str(chance->arena, text);
}

void make_text(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	const size_t start = literal->len;
	const bool name = type == &hf_type_name;
	add_letters(chance, literal, 0, name ? 12 : chance_once_in(chance, 100) ? 2000 : 12, ARRAY_LEN(letters));
	keep_text(chance, literal, start, out);
}

void make_word(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	const size_t start = literal->len;
	add_letters(chance, literal, 1, 8, 3);
	keep_text(chance, literal, start, out);
}

void make_char(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	*(char *)out = (char)chance_below(chance, 128);
	if (*(char *)out)
		buf_add_char(literal, *(char *)out);
}

static void add_json(struct chance *chance, struct buf *literal, int depth)
{
	static const char *const plain[] = {"null",   "true", "false", "0", "-1.50", "1e10", "\"\"", "\"a\\n\\\"\\\\\"",
	                                    "\"é€\"", "[]",   "{}"};
	const uint64_t kind = depth > 3 ? 0 : chance_below(chance, 4);
	if (kind < 2) {
		buf_add_text(literal, plain[chance_below(chance, ARRAY_LEN(plain))]);
		return;
	}
	buf_add_char(literal, kind == 2 ? '[' : '{');
	for (uint64_t i = chance_below(chance, 4), more = 0; i > 0; i--, more = 1) {
		buf_add_text(literal, more ? ", " : "");
		if (kind == 3)
			buf_printf(literal, "\"k%u\" : ", (unsigned)chance_below(chance, 5));
		add_json(chance, literal, depth + 1);
	}
	buf_add_char(literal, kind == 2 ? ']' : '}');
}

void make_json(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	const size_t start = literal->len;
	add_json(chance, literal, 0);
	keep_text(chance, literal, start, out);
}

void make_xml(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	const size_t start = literal->len;
	const unsigned tag = (unsigned)chance_below(chance, 100);
	buf_printf(literal, "<t%u a=\"%u\">", tag, (unsigned)chance_below(chance, 100));
	add_letters(chance, literal, 0, 5, 8);
	buf_printf(literal, "&lt;é<b/></t%u>", tag);
	keep_text(chance, literal, start, out);
}

/* One of `forms`, which take a number. */
static void make_form(struct chance *chance, const char *const *forms, size_t count, void *out, struct buf *literal)
{
	const size_t start = literal->len;
	const char *form = forms[chance_below(chance, count)];
	const size_t split = strcspn(form, "#");
	buf_add(literal, (struct hf_str){form, split});
	if (form[split])
		buf_printf(literal, "%u%s", (unsigned)chance_below(chance, 10000), form + split + 1);
	keep_text(chance, literal, start, out);
}

void make_jsonpath(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	static const char *const forms[] = {"$",
	                                    "$.a#.b",
	                                    "strict $[*] ? (@ > #)",
	                                    "lax $.a[0 to #].size()",
	                                    "$.**{2 to #}.\"x y\"",
	                                    "$ ? (@.a like_regex \"^x#\" flag \"i\")",
	                                    "$var# + 1"};
	make_form(chance, forms, ARRAY_LEN(forms), out, literal);
}

void make_ltree(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	static const char *const forms[] = {"", "Top", "Top.a_#", "a.b.c.d#.e", "x#.x"};
	make_form(chance, forms, ARRAY_LEN(forms), out, literal);
}

void make_lquery(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	static const char *const forms[] = {"*", "Top.*{0,#}", "a#@*.!b|c", "*{#}.x%", "a.*.#"};
	make_form(chance, forms, ARRAY_LEN(forms), out, literal);
}

/* ---- raw wire forms ---- */

static void add_word(struct buf *wire, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_add_char(wire, (char)(value >> 8 * i));
}

static void keep_wire(struct chance *chance, struct buf *wire, void *out)
{
	struct hf_str bytes = hf_arena_str(chance->arena, buf_str(wire));
	*(struct hf_bytes *)out = (struct hf_bytes){(const uint8_t *)bytes.ptr, bytes.len};
	buf_deinit(wire);
}

static void add_lexeme(struct chance *chance, struct buf *wire, struct buf *literal, unsigned number)
{
	char word[32];
	snprintf(word, sizeof(word), "w%u'\\é%u", (unsigned)chance_below(chance, 1000), number);
	buf_add(wire, (struct hf_str){word, strlen(word) + 1});
	buf_add_char(literal, '\'');
	for (const char *at = word; *at; at++) {
		if (*at == '\'' || *at == '\\')
			buf_add_char(literal, *at);
		buf_add_char(literal, *at);
	}
	buf_add_char(literal, '\'');
}

void make_tsvector(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	const unsigned lexemes = (unsigned)chance_below(chance, 5);
	struct buf wire;
	buf_init(&wire, 1 << 20);
	add_word(&wire, lexemes, 4);
	for (unsigned i = 0; i < lexemes; i++) {
		const unsigned positions = (unsigned)chance_below(chance, 4);
		unsigned position = 0;
		add_lexeme(chance, &wire, literal, i);
		add_word(&wire, positions, 2);
		for (unsigned j = 0; j < positions; j++) {
			const unsigned weight = (unsigned)chance_below(chance, 4);
			position += 1 + (unsigned)chance_below(chance, 4000);
			add_word(&wire, weight << 14 | position, 2);
			buf_printf(literal, "%s%u%c", j ? "," : ":", position, "DCBA"[weight]);
		}
		buf_add_char(literal, ' ');
	}
	keep_wire(chance, &wire, out);
}

/* An operator, its right side, its left side; the text is the other way round. */
static void add_tsquery(struct chance *chance, struct buf *wire, struct buf *literal, int depth, unsigned *ret_items)
{
	static const char *const words[] = {"", "!", "&", "|"};
	const unsigned operator= depth> 2 ? 0 : (unsigned)chance_below(chance, 5);
	(*ret_items)++;
	if (operator== 0) {
		const unsigned weight = (unsigned)chance_below(chance, 16), prefix = (unsigned)chance_below(chance, 2);
		add_word(wire, 1, 1);
		add_word(wire, weight, 1);
		add_word(wire, prefix, 1);
		add_lexeme(chance, wire, literal, 0);
		buf_printf(literal, ":%s%s%s%s%s", prefix ? "*" : "", weight & 8 ? "A" : "", weight & 4 ? "B" : "",
		           weight & 2 ? "C" : "", weight & 1 ? "D" : "");
		return;
	}
	struct buf right;
	const unsigned distance = (unsigned)chance_below(chance, 100);
	buf_init(&right, 1 << 20);
	add_word(wire, 2, 1);
	add_word(wire, operator, 1);
	if (operator== 4)
		add_word(wire, distance, 2);
	add_tsquery(chance, wire, &right, depth + 1, ret_items);
	buf_add_char(literal, '(');
	if (operator!= 1)
		add_tsquery(chance, wire, literal, depth + 1, ret_items);
	if (operator== 4)
		buf_printf(literal, "<%u>", distance);
	else
		buf_add_text(literal, words[operator]);
	buf_add(literal, buf_str(&right));
	buf_add_char(literal, ')');
	buf_deinit(&right);
}

void make_tsquery(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	unsigned items = 0;
	struct buf wire;
	buf_init(&wire, 1 << 20);
	add_word(&wire, 0, 4);
	add_tsquery(chance, &wire, literal, 0, &items); /* the server sends an empty one but takes none */
	wire_put4((uint8_t *)wire.ptr, items);
	keep_wire(chance, &wire, out);
}

void make_snapshot(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	const unsigned count = (unsigned)chance_below(chance, 4);
	const uint64_t low = 1 + chance_below(chance, UINT64_C(1) << 40), high = low + 1000;
	uint64_t xid = low;
	struct buf wire;
	buf_init(&wire, 1 << 20);
	add_word(&wire, count, 4);
	add_word(&wire, low, 8);
	add_word(&wire, high, 8);
	buf_printf(literal, "%" PRIu64 ":%" PRIu64 ":", low, high);
	for (unsigned i = 0; i < count; i++) {
		add_word(&wire, xid, 8);
		buf_printf(literal, "%s%" PRIu64, i ? "," : "", xid);
		xid += 1 + chance_below(chance, 200);
	}
	keep_wire(chance, &wire, out);
}
