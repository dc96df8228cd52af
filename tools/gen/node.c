/*
 * node.c - recursive descent over the text that nodeToString() writes.
 */
#include "gen/node.h"

#include <stdlib.h>

#define DEPTH_MAX 1000

struct reader {
	hf_arena *arena;
	const char *at;
	bool failed;
};

static const struct node null_node = {NODE_NULL, NULL, NULL, NULL, NULL, 0};

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_special(char c)
{
	return c == '(' || c == ')' || c == '{' || c == '}';
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(*reader->at))
		reader->at++;
}

/* A run of ordinary bytes, escapes resolved. */
static const char *word(struct reader *reader)
{
	struct buf buf;
	buf_init(&buf, (size_t)16 << 20);
	while (*reader->at && !is_blank(*reader->at) && !is_special(*reader->at)) {
		if (*reader->at == '\\' && reader->at[1])
			reader->at++;
		buf_add_char(&buf, *reader->at++);
	}
	mem_check(&buf);
	const char *text = mem_text(reader->arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

static const struct node *read_value(struct reader *reader, int depth);

static void add_item(struct reader *reader, struct node *list, const struct node *item)
{
	list->items = mem_grow(reader->arena, list->items, list->count, sizeof(*list->items));
	list->items[list->count++] = item;
}

static const struct node *read_list(struct reader *reader, int depth)
{
	struct node *list = MEM_NEW(reader->arena, struct node);
	list->kind = NODE_LIST;
	for (skip_blanks(reader); *reader->at != ')'; skip_blanks(reader)) {
		if (!*reader->at || *reader->at == '}' || reader->failed) {
			reader->failed = true;
			return &null_node;
		}
		add_item(reader, list, read_value(reader, depth + 1));
	}
	reader->at++;
	return list;
}

/* A field's value may go on with further words: the bytes of a datum. NULL when it does not. */
static const char *rest_of_value(struct reader *reader)
{
	struct buf buf;
	buf_init(&buf, (size_t)64 << 20);
	for (skip_blanks(reader); *reader->at && *reader->at != ':' && *reader->at != '}'; skip_blanks(reader)) {
		if (is_special(*reader->at)) {
			reader->failed = true;
			break;
		}
		buf_add_text(&buf, buf.len ? " " : "");
		while (*reader->at && !is_blank(*reader->at) && !is_special(*reader->at))
			buf_add_char(&buf, *reader->at++);
	}
	mem_check(&buf);
	const char *text = buf.len ? mem_text(reader->arena, buf_str(&buf)) : NULL;
	buf_deinit(&buf);
	return text;
}

static const struct node *with_rest(struct reader *reader, const struct node *value, const char *rest)
{
	if (!rest || value->kind != NODE_ATOM)
		return value;
	struct node *longer = MEM_NEW(reader->arena, struct node);
	*longer = *value;
	longer->rest = rest;
	return longer;
}

static const struct node *read_record(struct reader *reader, int depth)
{
	struct node *record = MEM_NEW(reader->arena, struct node);
	record->kind = NODE_RECORD;
	skip_blanks(reader);
	record->text = word(reader);
	for (skip_blanks(reader); *reader->at != '}'; skip_blanks(reader)) {
		if (*reader->at != ':' || reader->failed) {
			reader->failed = true;
			return &null_node;
		}
		reader->at++;
		struct node_field field = {.name = word(reader)};
		skip_blanks(reader);
		field.value = read_value(reader, depth + 1);
		field.value = with_rest(reader, field.value, rest_of_value(reader));
		record->fields = mem_grow(reader->arena, record->fields, record->count, sizeof(field));
		record->fields[record->count++] = field;
	}
	reader->at++;
	return record;
}

static const struct node *read_value(struct reader *reader, int depth)
{
	skip_blanks(reader);
	char first = *reader->at;
	if (!first || depth > DEPTH_MAX || first == ')' || first == '}') {
		reader->failed = true;
		return &null_node;
	}
	if (first == '(' || first == '{') {
		reader->at++;
		return first == '(' ? read_list(reader, depth) : read_record(reader, depth);
	}
	bool null = strncmp(reader->at, "<>", 2) == 0 && (is_blank(reader->at[2]) || is_special(reader->at[2]));
	struct node *atom = MEM_NEW(reader->arena, struct node);
	atom->kind = NODE_ATOM;
	atom->text = word(reader);
	return null ? &null_node : atom;
}

const struct node *node_read(hf_arena *arena, const char *text)
{
	struct reader reader = {.arena = arena, .at = text};
	const struct node *node = read_value(&reader, 0);
	skip_blanks(&reader);
	return reader.failed || *reader.at ? NULL : node;
}

static const struct node *find(const struct node *node, const char *field)
{
	for (size_t i = 0; node && node->kind == NODE_RECORD && i < node->count; i++)
		if (strcmp(node->fields[i].name, field) == 0)
			return node->fields[i].value;
	return NULL;
}

const struct node *node_get(const struct node *node, const char *field)
{
	const struct node *value = find(node, field);
	return value && value->kind != NODE_NULL ? value : NULL;
}

bool node_has(const struct node *node, const char *field)
{
	return find(node, field) != NULL;
}

bool node_is(const struct node *node, const char *tag)
{
	return node && node->kind == NODE_RECORD && strcmp(node->text, tag) == 0;
}

int64_t node_int(const struct node *node, const char *field, int64_t otherwise)
{
	const struct node *value = node_get(node, field);
	int64_t number;
	if (!value || value->kind != NODE_ATOM || !str_to_i64(hf_str_of(value->text), &number))
		return otherwise;
	return number;
}

bool node_bool(const struct node *node, const char *field)
{
	const struct node *value = node_get(node, field);
	return value && value->kind == NODE_ATOM && strcmp(value->text, "true") == 0;
}

const struct node *node_item(const struct node *list, size_t index)
{
	if (!list || list->kind != NODE_LIST || index >= list->count)
		return NULL;
	return list->items[index]->kind == NODE_NULL ? NULL : list->items[index];
}

size_t node_count(const struct node *list)
{
	return list && list->kind == NODE_LIST ? list->count : 0;
}

size_t node_bytes(const struct node *value, unsigned char *ret_bytes, size_t max)
{
	struct hf_str rest = hf_str_of(value && value->kind == NODE_ATOM && value->rest ? value->rest : ""), word;
	size_t count = 0;
	int64_t byte;
	while (count < max && str_split(&rest, ' ', &word))
		if (str_to_i64(word, &byte))
			ret_bytes[count++] = (unsigned char)(byte & 0xff);
	return count;
}

/* The server prints all eight bytes of a Datum, the lowest first. */
bool node_constant(const struct node *constant, int64_t *ret_value)
{
	unsigned char bytes[8];
	uint64_t value = 0;
	if (!node_is(constant, "CONST") || !node_bool(constant, "constbyval") || node_bool(constant, "constisnull") ||
	    node_bytes(node_get(constant, "constvalue"), bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	*ret_value = (int64_t)value;
	return true;
}
