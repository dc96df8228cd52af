/*
 * Codecs against the server's own text: random values of every type go out as binary parameters and must print, on the
 * server, as what the server reads from their literals; what it made of the literals comes in binary, goes out again
 * and must print the same. HF_SEED repeats a run, HOLDFAST_TEST_LONG asks for a million values.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "holdfast/migrate.h"
#include "holdfast/sql.h"
#include "every_type.h"
#include "random_value.h"
#include "../fixture.h"
#include "../sql.h"

enum { BATCH = 500, SINGLES = 12, VALUE_AT = 16 };

struct state {
	hf_connection *connection;
	hf_where where;
	hf_arena *lasting; /* tables of the queries: as long as the connection */
	struct chance chance;
	size_t values; /* sent and compared so far */
	size_t wrong;
};

static int set_up(void **user)
{
	static struct state state;
	hf_error err = HF_ERROR_INIT;
	hf_migrations *migrations = NULL;
	const char *given = getenv("HF_SEED");
	state.chance.state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	print_message("# HF_SEED=%" PRIu64 "\n", state.chance.state);
	state.connection = fixture_connect(fixture_database(NULL));
	state.where = hf_on_connection(state.connection);
	state.lasting = hf_arena_new(0);
	EXPECT_OK(hf_migrations_open(fixture_context(), "sample", test_variable("HOLDFAST_SAMPLE_MIGRATIONS"),
	                             &migrations, &err));
	EXPECT_OK(hf_migrate_up(state.connection, migrations, NULL, NULL, &err));
	hf_migrations_free(migrations);
	sql_run(state.where, "CREATE SCHEMA wrap");
	*user = &state;
	return 0;
}

static int tear_down(void **user)
{
	struct state *state = *user;
	hf_connection_free(state->connection);
	hf_arena_free(state->lasting);
	return 0;
}

/* ---- the queries of one type ---- */

/*
 * Values travel in a composite of one field, since an array of arrays is something else, and once more on their own.
 * In C: bool has; the value at VALUE_AT.
 */
struct subject {
	const struct hf_type *type;
	struct hf_type wrapper, wrapper_array;
	struct hf_field field, params[2], single_params[2], columns[5];
	struct hf_query many, one;
	size_t row_size;
};

/* What comes back: the echo of what was sent, what the server made of the literal, and their texts. */
struct row_head {
	bool has_echo, has_made, has_echo_text, has_made_text, same;
	struct hf_str echo_text, made_text;
};

struct batch_in {
	struct hf_array values;
	struct hf_str_array literals;
};

/* `format` with the type for %T, the wrapper for %W, and for %C what turns text into the type. */
static const char *keep(struct state *state, const char *format, const char *type, const char *wrapper)
{
	const bool regclass = strcmp(type, "pg_catalog.\"regclass\"") == 0; /* its cast from text wants a name */
	struct buf buf;
	buf_init(&buf, 1 << 16);
	for (const char *at = format; *at; at++) {
		if (*at != '%') {
			buf_add_char(&buf, *at);
			continue;
		}
		at++;
		buf_add_text(&buf, *at == 'C' && regclass ? "oid::" : "");
		buf_add_text(&buf, *at == 'W' ? wrapper : type);
	}
	const char *text = hf_arena_str(state->lasting, buf_str(&buf)).ptr;
	buf_deinit(&buf);
	return text;
}

/* bit is bit(1) and char is something else without the quotes. */
static const char *sql_name(struct state *state, const struct hf_type *type)
{
	char name[128];
	if (type->oid == 0)
		return type->name;
	snprintf(name, sizeof(name), "%s", type->name);
	char *bracket = strchr(name, '[');
	if (bracket)
		*bracket = '\0';
	return keep(state, bracket ? "pg_catalog.\"%T\"[]" : "pg_catalog.\"%T\"", name, "");
}

static struct hf_query query_of(const char *sql, size_t number, const struct hf_field *params,
                                const struct subject *subject)
{
	struct hf_query query = {.abi = HF_QUERY_ABI,
	                         .flags = HF_QUERY_READ_ONLY,
	                         .name = subject->type->name,
	                         .sql = sql,
	                         .sql_len = strlen(sql),
	                         .params = params,
	                         .nparams = 2,
	                         .columns = subject->columns,
	                         .ncolumns = 5,
	                         .row_size = subject->row_size};
	snprintf(query.statement, sizeof(query.statement), "hf_%016zx", number);
	return query;
}

static void name_columns(struct subject *subject)
{
	const uint32_t echo_at = (uint32_t)((sizeof(struct row_head) + 15) / 16 * 16);
	const uint32_t made_at = echo_at + (uint32_t)((subject->type->size + 15) / 16 * 16);
	subject->row_size = made_at + (subject->type->size + 15) / 16 * 16;
	subject->columns[0] = (struct hf_field){"echo", subject->type, echo_at, offsetof(struct row_head, has_echo)};
	subject->columns[1] = (struct hf_field){"made", subject->type, made_at, offsetof(struct row_head, has_made)};
	subject->columns[2] = (struct hf_field){"same", &hf_type_bool, offsetof(struct row_head, same), HF_NEVER_NULL};
	subject->columns[3] = (struct hf_field){"echo_text", &hf_type_text, offsetof(struct row_head, echo_text),
	                                        offsetof(struct row_head, has_echo_text)};
	subject->columns[4] = (struct hf_field){"made_text", &hf_type_text, offsetof(struct row_head, made_text),
	                                        offsetof(struct row_head, has_made_text)};
}

static void wrap(struct state *state, struct subject *subject, const char *wrapper)
{
	subject->field = (struct hf_field){"v", subject->type, VALUE_AT, 0};
	subject->wrapper = (struct hf_type){.kind = HF_TYPE_COMPOSITE,
	                                    .name = wrapper,
	                                    .size = VALUE_AT + (subject->type->size + 15) / 16 * 16,
	                                    .fields = &subject->field,
	                                    .count = 1};
	subject->wrapper_array = (struct hf_type){.kind = HF_TYPE_ARRAY,
	                                          .name = keep(state, "%T[]", wrapper, ""),
	                                          .size = sizeof(struct hf_array),
	                                          .element = &subject->wrapper};
	subject->params[0] =
		(struct hf_field){"values", &subject->wrapper_array, offsetof(struct batch_in, values), HF_NEVER_NULL};
	subject->params[1] =
		(struct hf_field){"literals", &hf_type_text_array, offsetof(struct batch_in, literals), HF_NEVER_NULL};
	subject->single_params[0] = (struct hf_field){"value", subject->type, VALUE_AT + sizeof(struct hf_str), 0};
	subject->single_params[1] = (struct hf_field){"literal", &hf_type_text, VALUE_AT, 0};
}

static struct subject *subject_of(struct state *state, size_t number)
{
	static const char many[] =
		"SELECT t.v, m.made, t.v::text IS NOT DISTINCT FROM m.made::text, t.v::text, m.made::text"
		" FROM unnest($1::%W[], $2::text[]) WITH ORDINALITY AS t(v, l, n),"
		" LATERAL (SELECT t.l::%C AS made OFFSET 0) AS m ORDER BY t.n";
	static const char one[] =
		"SELECT p.v, m.made, p.v::text IS NOT DISTINCT FROM m.made::text, p.v::text, m.made::text"
		" FROM (SELECT $1::%T AS v OFFSET 0) AS p, (SELECT ($2::text)::%C AS made OFFSET 0) AS m";
	struct subject *subject = hf_arena_calloc(state->lasting, 1, sizeof(*subject));
	char wrapper[32];
	subject->type = every_type[number];
	snprintf(wrapper, sizeof(wrapper), "wrap.w%zu", number);
	const char *type = sql_name(state, subject->type), *name = keep(state, "%T", wrapper, "");
	sql_run(state->where, keep(state, "CREATE TYPE %W AS (v %T)", type, name));
	name_columns(subject);
	wrap(state, subject, name);
	subject->many = query_of(keep(state, many, type, name), 2 * number, subject->params, subject);
	subject->one = query_of(keep(state, one, type, name), 2 * number + 1, subject->single_params, subject);
	return subject;
}

/* ---- values ---- */

struct batch {
	struct batch_in in;
	char *values;
	struct hf_str *literals;
	bool *literal_nulls;
	uint32_t count;
};

static void make_batch(struct state *state, const struct subject *subject, uint32_t count, struct batch *batch)
{
	hf_arena *arena = state->chance.arena;
	const size_t size = subject->wrapper.size;
	*batch = (struct batch){.count = count,
	                        .values = hf_arena_calloc(arena, count, size),
	                        .literals = hf_arena_calloc(arena, count, sizeof(struct hf_str)),
	                        .literal_nulls = hf_arena_calloc(arena, count, sizeof(bool))};
	for (uint32_t i = 0; i < count; i++) {
		char *value = batch->values + i * size;
		struct buf literal;
		buf_init(&literal, 1 << 24);
		*(bool *)value = !chance_once_in(&state->chance, 40);
		batch->literal_nulls[i] = !*(bool *)value;
		if (*(bool *)value)
			random_value(&state->chance, subject->type, value + VALUE_AT, &literal);
		batch->literals[i] = hf_arena_str(arena, buf_str(&literal));
		assert_true(buf_ok(&literal) && batch->literals[i].ptr);
		buf_deinit(&literal);
	}
	batch->in.values = (struct hf_array){.count = count, .ndim = 1, .values = batch->values};
	batch->in.literals = (struct hf_str_array){.count = count,
	                                           .ndim = 1,
	                                           .nulls = batch->literal_nulls,
	                                           .values = batch->literals};
}

static void expect_same(struct state *state, const struct subject *subject, const char *how, const char *row,
                        struct hf_str literal)
{
	const struct row_head *head = (const struct row_head *)(const void *)row;
	state->values++;
	if (head->same && head->has_echo == head->has_made)
		return;
	state->wrong++;
	print_message("# %s, %s: sent %.200s, the server printed %.200s and wanted %.200s\n", subject->type->name, how,
	              literal.ptr, head->has_echo_text ? head->echo_text.ptr : "NULL",
	              head->has_made_text ? head->made_text.ptr : "NULL");
}

/* Send the values, compare; leave in their places what the server made of the literals. */
static void compare_batch(struct state *state, const struct subject *subject, struct batch *batch, const char *how)
{
	hf_error err = HF_ERROR_INIT;
	void *rows = NULL;
	size_t count = 0;
	EXPECT_OK(hf_query_many(state->where, &subject->many, &batch->in, state->chance.arena, &rows, &count, &err));
	assert_int_equal(count, batch->count);
	for (size_t i = 0; i < count; i++) {
		const char *row = (const char *)rows + i * subject->row_size;
		char *value = batch->values + i * subject->wrapper.size;
		expect_same(state, subject, how, row, batch->literals[i]);
		*(bool *)value = ((const struct row_head *)(const void *)row)->has_made;
		memcpy(value + VALUE_AT, row + subject->columns[1].offset, subject->type->size);
	}
}

static void compare_single(struct state *state, const struct subject *subject, const struct batch *batch,
                           uint32_t index)
{
	hf_error err = HF_ERROR_INIT;
	const size_t value_at = VALUE_AT + sizeof(struct hf_str);
	char *in = hf_arena_calloc(state->chance.arena, 1, value_at + subject->type->size);
	char *row = hf_arena_calloc(state->chance.arena, 1, subject->row_size);
	const char *value = batch->values + index * subject->wrapper.size;
	*(bool *)in = *(const bool *)value;
	memcpy(in + VALUE_AT, &batch->literals[index], sizeof(struct hf_str));
	memcpy(in + value_at, value + VALUE_AT, subject->type->size);
	for (int turn = 0; turn < 2; turn++) {
		EXPECT_OK(hf_query_one(state->where, &subject->one, in, state->chance.arena, row, &err));
		expect_same(state, subject, turn ? "alone and back" : "alone", row, batch->literals[index]);
		memcpy(in + value_at, row + subject->columns[1].offset, subject->type->size);
	}
}

static void try_type(struct state *state, size_t number, size_t wanted)
{
	const struct subject *subject = subject_of(state, number);
	for (size_t done = 0; done < wanted; done += BATCH) {
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)1 << 30);
		struct batch batch;
		state->chance.arena = arena;
		make_batch(state, subject, (uint32_t)(wanted - done < BATCH ? wanted - done : BATCH), &batch);
		for (uint32_t i = 0; done == 0 && i < SINGLES; i++)
			compare_single(state, subject, &batch, i);
		compare_batch(state, subject, &batch, "out");
		compare_batch(state, subject, &batch, "back");
	}
}

/* "back" counts what came in from the server and went out again: a value is tried in both directions. */
static void every_type_prints_what_its_literal_prints(void **user)
{
	struct state *state = *user;
	const size_t values = getenv("HOLDFAST_TEST_LONG") ? 1000000 / EVERY_TYPE_COUNT + 1 : 60;
	for (size_t i = 0; i < EVERY_TYPE_COUNT; i++)
		try_type(state, i, values);
	print_message("# %zu values of %zu types, %zu comparisons, %zu differences\n", values * EVERY_TYPE_COUNT,
	              EVERY_TYPE_COUNT, state->values, state->wrong);
	assert_int_equal(state->wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_prints_what_its_literal_prints, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("round_trip", tests, NULL, NULL);
}
