/*
 * node.c - recursive descent over the text that nodeToString() writes.
 */
#include "gen/node.h"

#include <stdlib.h>

#include "gen/name_index.h"

#define DEPTH_MAX 1000

struct reader {
	hf_arena *arena;
	const char *at;
	bool failed;
	struct name_index words; /* to numbers of atoms, from 1 */
	const struct node **atoms;
	size_t natoms;
	struct node_field *open; /* fields and items of what is being read, the innermost ones last */
	size_t nopen, open_size;
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

static struct hf_str unescaped(hf_arena *arena, struct hf_str text)
{
	char *copy = mem_many(arena, text.len, 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		i += text.ptr[i] == '\\' && i + 1 < text.len;
		copy[len++] = text.ptr[i];
	}
	return (struct hf_str){copy, len};
}

/* A run of ordinary bytes, escapes resolved, as an atom. Most of a tree is names of fields and small numbers: equal
 * ones are one object. */
static const struct node *word(struct reader *reader)
{
	const char *from = reader->at;
	bool escapes = false;
	while (*reader->at && !is_blank(*reader->at) && !is_special(*reader->at)) {
		bool escape = *reader->at == '\\' && reader->at[1];
		escapes = escapes || escape;
		reader->at += escape ? 2 : 1;
	}
	struct hf_str text = {from, (size_t)(reader->at - from)};
	if (escapes)
		text = unescaped(reader->words.arena, text);
	size_t *number = name_index_at(&reader->words, text);
	if (*number)
		return reader->atoms[*number - 1];
	struct node *atom = MEM_NEW(reader->arena, struct node);
	*atom = (struct node){.kind = NODE_ATOM, .text = mem_text(reader->arena, text)};
	reader->atoms = mem_grow(reader->words.arena, reader->atoms, reader->natoms, sizeof(*reader->atoms));
	reader->atoms[reader->natoms++] = atom;
	*number = reader->natoms;
	return atom;
}

static const struct node *read_value(struct reader *reader, int depth);

static void add_open(struct reader *reader, struct node_field field)
{
	if (reader->nopen == reader->open_size) {
		size_t size = reader->open_size ? 2 * reader->open_size : 256;
		struct node_field *bigger = realloc(reader->open, size * sizeof(*bigger));
		mem_check_pointer(bigger);
		reader->open = bigger;
		reader->open_size = size;
	}
	reader->open[reader->nopen++] = field;
}

static const struct node *read_list(struct reader *reader, int depth)
{
	size_t first = reader->nopen;
	for (skip_blanks(reader); *reader->at != ')'; skip_blanks(reader)) {
		if (!*reader->at || *reader->at == '}' || reader->failed) {
			reader->failed = true;
			return &null_node;
		}
		add_open(reader, (struct node_field){.value = read_value(reader, depth + 1)});
	}
	reader->at++;
	struct node *list = MEM_NEW(reader->arena, struct node);
	list->kind = NODE_LIST;
	list->count = reader->nopen - first;
	list->items = MEM_ARRAY(reader->arena, list->count, const struct node *);
	for (size_t i = 0; i < list->count; i++)
		list->items[i] = reader->open[first + i].value;
	reader->nopen = first;
	return list;
}

/* A field's value may go on with further words: the bytes of a datum. NULL when it does not. */
static const char *rest_of_value(struct reader *reader)
{
	const char *end = reader->at;
	while (*end && *end != '}' && !(*end == ':' && is_blank(end[-1])) && !is_special(*end))
		end++;
	char *text = NULL;
	size_t len = 0;
	for (skip_blanks(reader); *reader->at && *reader->at != ':' && *reader->at != '}'; skip_blanks(reader)) {
		if (is_special(*reader->at)) {
			reader->failed = true;
			break;
		}
		if (!text)
			text = mem_many(reader->arena, (size_t)(end - reader->at) + 1, 1);
		else
			text[len++] = ' ';
		while (*reader->at && !is_blank(*reader->at) && !is_special(*reader->at))
			text[len++] = *reader->at++;
	}
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
	size_t first = reader->nopen;
	skip_blanks(reader);
	struct node head = {.kind = NODE_RECORD, .text = word(reader)->text};
	for (skip_blanks(reader); *reader->at != '}'; skip_blanks(reader)) {
		if (*reader->at != ':' || reader->failed) {
			reader->failed = true;
			return &null_node;
		}
		reader->at++;
		struct node_field field = {.name = word(reader)->text};
		skip_blanks(reader);
		field.value = read_value(reader, depth + 1);
		field.value = with_rest(reader, field.value, rest_of_value(reader));
		add_open(reader, field);
	}
	reader->at++;
	struct node *record = MEM_NEW(reader->arena, struct node);
	*record = head;
	record->count = reader->nopen - first;
	record->fields = MEM_ARRAY(reader->arena, record->count, struct node_field);
	if (record->count)
		memcpy(record->fields, reader->open + first, record->count * sizeof(*record->fields));
	reader->nopen = first;
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
	const struct node *atom = word(reader);
	return null ? &null_node : atom;
}

const struct node *node_read(hf_arena *arena, const char *text)
{
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	struct reader reader = {.arena = arena, .at = text, .words = {.arena = scratch}};
	const struct node *node = read_value(&reader, 0);
	skip_blanks(&reader);
	free(reader.open);
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
