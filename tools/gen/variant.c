/*
 * variant.c - see variant.h. Tokens of a fragment carry its number, those of an order the order's; a variant is the
 * statement without the tokens that it does not have.
 */
#include "gen/variant.h"

#include <stdarg.h>

#include "gen/cname.h"

/* What is wrong with the parts themselves. Where no C is made of it, they stand for their content: the statement is
 * looked at with all of them and the first order. */
static struct diag *parts_wrong(struct diags *diags, struct query *query, struct span at, const char *format, ...)
	PRINTF_LIKE(4, 5);

static struct diag *parts_wrong(struct diags *diags, struct query *query, struct span at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct diag *diag = query_finding(diags, query, at, format, args);
	va_end(args);
	query->undivided = query->source->lenient;
	query->broken = !query->source->lenient;
	if (query->undivided)
		diag_warning(diags, diag);
	return diag;
}

/* ---- reading ---- */

static struct hf_str inside(const struct query *query, struct token comment)
{
	return (struct hf_str){query->source->text.ptr + comment.start + 2, comment.end - comment.start - 4};
}

static void append_token(struct query *query, struct token token, struct diags *diags)
{
	query->body = mem_grow(diags->arena, query->body, query->nbody, sizeof(token));
	query->body[query->nbody++] = token;
}

/* The number of that name in the list, from 1; 0 when it is new, or when there are too many anyhow. */
static size_t part_number(const struct named_list *parts, struct hf_str name)
{
	for (size_t i = 0; i < parts->count && parts->count <= VARIANTS_MAX; i++)
		if (str_eq(name, hf_str_of(parts->items[i].name)))
			return i + 1;
	return 0;
}

static size_t part_add(struct named_list *parts, struct hf_str name, struct span where, hf_arena *arena)
{
	parts->items = mem_grow(arena, parts->items, parts->count, sizeof(struct named));
	parts->items[parts->count] = (struct named){mem_text(arena, name), where};
	return ++parts->count;
}

static void open_fragment(struct query *query, struct hf_str name, struct span at, struct diags *diags)
{
	if (query->fragment) {
		parts_wrong(diags, query, at, "fragment \"%.*s\" within fragment \"%s\"", STR_ARG(name),
		            query->fragments.items[query->fragment - 1].name)
			->hint = "fragments do not nest: end the first one with /*?*/, or make one of the two";
		return;
	}
	if (!name_is_plain(name)) {
		parts_wrong(diags, query, at, "\"%.*s\" cannot be the name of a fragment", STR_ARG(name))->hint =
			"a-z, 0-9 and _, beginning with a letter";
		return;
	}
	size_t number = part_number(&query->fragments, name);
	query->fragment = number ? number : part_add(&query->fragments, name, at, diags->arena);
	query->fragment_at = at;
	query->fragment_tokens = query->nbody;
}

static void close_fragment(struct query *query, struct span at, struct diags *diags)
{
	if (!query->fragment)
		parts_wrong(diags, query, at, "no fragment to end here")->hint =
			"one begins with its name: /*? name */";
	else if (query->fragment_tokens == query->nbody)
		parts_wrong(diags, query, query->fragment_at, "fragment \"%s\" is empty",
		            query->fragments.items[query->fragment - 1].name);
	query->fragment = 0;
}

/* ---- orders ---- */

struct choices {
	struct query *query;
	struct diags *diags;
	struct tokens tokens;
	size_t base; /* of their places */
	size_t at;
};

static struct token choice_token(const struct choices *choices, size_t i)
{
	struct token token = choices->tokens.items[i];
	token.start += choices->base;
	token.end += choices->base;
	return token;
}

static bool token_is(const struct choices *choices, size_t i, const char *text)
{
	if (i >= choices->tokens.count)
		return false;
	struct token token = choice_token(choices, i);
	struct hf_str said = {choices->query->source->text.ptr + token.start, token.end - token.start};
	return str_eq(said, hf_str_of(text));
}

/* The end of the choice that begins at token `from`: the next bar outside of brackets, or the end. */
static size_t choice_end(const struct choices *choices, size_t from)
{
	int depth = 0;
	size_t i = from;
	for (; i < choices->tokens.count && !(depth == 0 && token_is(choices, i, "|")); i++) {
		enum token_kind kind = choices->tokens.items[i].kind;
		depth += kind == TOKEN_OPEN || kind == TOKEN_OPEN_SQUARE;
		depth -= kind == TOKEN_CLOSE || kind == TOKEN_CLOSE_SQUARE;
	}
	return i;
}

/* "newest = added DESC": tokens [from, to). */
static bool read_choice(struct choices *choices, size_t from, size_t to, struct span list)
{
	struct query *query = choices->query;
	struct span at = list;
	if (from < to)
		at = (struct span){choice_token(choices, from).start, choice_token(choices, from).end};
	struct hf_str name = {query->source->text.ptr + at.start, at.end - at.start};
	if (from == to || !token_is(choices, from + 1, "=") || !name_is_plain(name)) {
		parts_wrong(choices->diags, query, at, "a choice of orders is a name, \"=\" and what to order by")
			->hint = "/*order: newest = added DESC | name = name ASC */";
		return false;
	}
	if (from + 2 >= to) {
		parts_wrong(choices->diags, query, at, "order \"%.*s\" has nothing to order by", STR_ARG(name));
		return false;
	}
	if (part_number(&query->orders, name)) {
		parts_wrong(choices->diags, query, at, "order \"%.*s\" stands twice", STR_ARG(name));
		return false;
	}
	size_t number = part_add(&query->orders, name, at, choices->diags->arena);
	for (size_t i = from + 2; i < to; i++) {
		struct token token = choice_token(choices, i);
		token.fragment = query->fragment;
		token.order = number;
		append_token(query, token, choices->diags);
	}
	return true;
}

static bool read_choices(struct choices *choices, struct span key)
{
	if (choices->tokens.count == 0)
		parts_wrong(choices->diags, choices->query, key, "the list of orders is empty");
	for (size_t from = 0; from < choices->tokens.count;) {
		size_t to = choice_end(choices, from);
		bool ends_in_bar = to + 1 == choices->tokens.count;
		if (!read_choice(choices, from, to, key) || (ends_in_bar && !read_choice(choices, to, to, key)))
			return false;
		from = to + 1;
	}
	return choices->tokens.count > 0;
}

static void drop_comments(struct tokens *tokens)
{
	size_t kept = 0;
	for (size_t i = 0; i < tokens->count; i++)
		if (tokens->items[i].kind != TOKEN_LINE_COMMENT && tokens->items[i].kind != TOKEN_BLOCK_COMMENT)
			tokens->items[kept++] = tokens->items[i];
	tokens->count = kept;
}

static void read_orders(struct query *query, struct hf_str text, struct span key, struct diags *diags)
{
	struct choices choices = {.query = query, .diags = diags, .base = key.end};
	struct scan_fault fault = {0};
	if (query->orders.count) {
		parts_wrong(diags, query, key, "second list of orders")->hint = "a query has one";
		return;
	}
	if (!scan(diags->arena, text, &choices.tokens, &fault)) {
		size_t at = key.end + fault.at;
		parts_wrong(diags, query, (struct span){at, at + 1}, "%s", fault.message);
		return;
	}
	drop_comments(&choices.tokens);
	size_t before = query->nbody;
	append_token(
		query,
		(struct token){.kind = TOKEN_ORDER_BY, .start = key.start, .end = key.end, .fragment = query->fragment},
		diags);
	if (!read_choices(&choices, key)) { /* not half of it */
		query->nbody = before;
		query->orders.count = 0;
	}
}

void variant_comment(struct query *query, struct token comment, struct diags *diags)
{
	struct hf_str text = inside(query, comment);
	struct span at = {comment.start, comment.end};
	struct hf_str order = HF_STR("order:");
	if (query->broken)
		return;
	if (str_starts(text, HF_STR("?"))) {
		struct hf_str name = str_trim((struct hf_str){text.ptr + 1, text.len - 1});
		if (name.len)
			open_fragment(query, name, at, diags);
		else
			close_fragment(query, at, diags);
	} else if (str_starts(text, order)) {
		struct span key = {comment.start + 2, comment.start + 2 + order.len};
		read_orders(query, (struct hf_str){text.ptr + order.len, text.len - order.len}, key, diags);
	}
}

/* ---- cutting ---- */

static bool has_token(const struct query *variant, struct token token)
{
	bool in = token.fragment == 0 || variant->undivided || (variant->mask >> (token.fragment - 1) & 1);
	return in && (token.order == 0 || token.order == variant->order + 1);
}

static const char *variant_name(const struct query *variant, hf_arena *arena)
{
	struct buf buf;
	buf_init(&buf, SOURCE_BYTES_MAX);
	buf_add_text(&buf, variant->fragments.count && !variant->mask ? "without fragments" : "");
	for (size_t i = 0; i < variant->fragments.count; i++)
		if (variant->mask >> i & 1)
			buf_printf(&buf, "%s%s", buf.len ? " and " : "with ", variant->fragments.items[i].name);
	if (variant->orders.count)
		buf_printf(&buf, "%sorder %s", buf.len ? ", " : "", variant->orders.items[variant->order].name);
	mem_check(&buf);
	const char *name = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return name;
}

static void cut_body(struct query *variant, const struct token *all, size_t count, hf_arena *arena)
{
	variant->body = MEM_ARRAY(arena, count + 1, struct token);
	variant->nbody = 0;
	for (size_t i = 0; i < count; i++)
		if (has_token(variant, all[i]))
			variant->body[variant->nbody++] = all[i];
}

static size_t body_bytes(const struct query *query)
{
	return query->nbody ? query->body[query->nbody - 1].end - query->body[0].start : 0;
}

static bool check_variants(struct query *query, size_t *ret_count, struct diags *diags)
{
	size_t fragments = query->fragments.count, orders = query->orders.count ? query->orders.count : 1;
	size_t count = fragments < 20 ? orders << fragments : SIZE_MAX;
	if (query->fragment)
		parts_wrong(diags, query, query->fragment_at, "fragment \"%s\" has no end",
		            query->fragments.items[query->fragment - 1].name)
			->hint = "write /*?*/ behind it";
	else if (count > VARIANTS_MAX)
		parts_wrong(diags, query, query->name_at,
		            "%zu fragments and %zu orders make more than %d variants of the statement", fragments,
		            query->orders.count, VARIANTS_MAX)
			->hint = "each fragment doubles them, each order counts once: make several queries of it";
	else if (count * body_bytes(query) > VARIANTS_BYTES_MAX && count > 1)
		parts_wrong(diags, query, query->name_at,
		            "%zu variants of the statement make %zu bytes, the limit is %d", count,
		            count * body_bytes(query), VARIANTS_BYTES_MAX);
	else if (count > 1 && (query->card == CARD_COPY || query->card == CARD_BATCH || query->card == CARD_BULK))
		parts_wrong(diags, query, query->card_at, "%s runs one statement for all inputs, it has no variants",
		            cardinality_word(query->card));
	*ret_count = count;
	return !query->broken && !query->undivided;
}

void variants_make(struct query *query, struct diags *diags)
{
	size_t count;
	const struct token *all = query->body;
	size_t nall = query->nbody;
	bool divided = check_variants(query, &count, diags);
	if (query->undivided)
		cut_body(query, all, nall, diags->arena);
	if (!divided || (count == 1 && !query->orders.count))
		return;
	query->mask = (1u << query->fragments.count) - 1;
	query->variants = MEM_ARRAY(diags->arena, count, struct query *);
	query->nvariants = count;
	for (size_t i = 0; i < count; i++) {
		struct query *variant = i == query->mask ? query : MEM_NEW(diags->arena, struct query);
		if (variant != query) {
			*variant = *query;
			variant->variant_of = query;
			variant->mask = (unsigned)(i & query->mask);
			variant->order = i >> query->fragments.count;
		}
		variant->variant = variant_name(variant, diags->arena);
		query->variants[i] = variant;
	}
	for (size_t i = 0; i < count; i++)
		cut_body(query->variants[i], all, nall, diags->arena);
}

void variants_each(struct query *query, void (*fn)(void *user, struct query *query), void *user)
{
	if (!query->broken)
		fn(user, query);
	for (size_t i = 0; i < query->nvariants && !query->broken; i++)
		if (query->variants[i] != query)
			fn(user, query->variants[i]);
}

const char *variant_enumerator(const struct query *query, size_t order, hf_arena *arena)
{
	return cname_upper(arena, mem_printf(arena, "%s_order_%s", query->name, query->orders.items[order].name));
}

/* ---- inputs ---- */

static struct param *find_input(struct query *query, const char *name)
{
	for (size_t i = 0; i < query->ninputs; i++)
		if (strcmp(query->inputs[i].name, name) == 0)
			return &query->inputs[i];
	return NULL;
}

static void collect(struct query *query, const struct query *variant, struct diags *diags)
{
	for (size_t i = 0; i < variant->nparams; i++) {
		const struct param *param = &variant->params[i];
		if (param->numbered) {
			parts_wrong(diags, query, param->where, "a statement with variants names its parameters")
				->hint = "write :name, since $n would have another number in each";
			return;
		}
		if (find_input(query, param->name))
			continue;
		query->inputs = mem_grow(diags->arena, query->inputs, query->ninputs, sizeof(*param));
		query->inputs[query->ninputs++] = *param;
	}
}

/* The switches have names in C beside those of the inputs. */
static void check_names(struct query *query, struct diags *diags)
{
	for (size_t i = 0; i < query->fragments.count + (query->orders.count > 0); i++) {
		bool is_order = i == query->fragments.count;
		const struct named *part = is_order ? &query->orders.items[0] : &query->fragments.items[i];
		const char *member = is_order ? "order" : mem_printf(diags->arena, "with_%s", part->name);
		for (size_t j = 0; j < query->ninputs; j++)
			if (cname_clash(member, query->inputs[j].member) ||
			    cname_clash(query->inputs[j].member, member))
				query_unfit(diags, query, query->inputs[j].where,
				            "parameter \"%s\" and the switch \"%s\" are the same in C",
				            query->inputs[j].name, member);
	}
}

void variants_collect_inputs(struct query *query, struct diags *diags)
{
	for (size_t i = 0; i <= query->nvariants && query->nvariants && !query->broken && !query->undivided; i++)
		collect(query, i ? query->variants[i - 1] : query, diags);
	if (query->undivided) { /* by its parameters: it is itself the one with everything */
		query->nvariants = 0;
		query->variant = NULL;
	}
	if (!query->nvariants) {
		query->inputs = query->params;
		query->ninputs = query->nparams;
		return;
	}
	for (size_t i = 0; i < query->ninputs; i++)
		query->inputs[i].member = cname_member(diags->arena, query->inputs[i].name);
	if (!query->broken)
		check_names(query, diags);
}

/* ---- merging ---- */

static void merge_params(struct query *query, struct query *variant, struct diags *diags)
{
	for (size_t i = 0; i < variant->nparams; i++) {
		const struct param *param = &variant->params[i];
		struct param *input = find_input(query, param->name);
		if (!input)
			continue; /* cannot be: they were collected from these */
		if (input->type_name && strcmp(input->type_name, param->type_name) != 0) {
			query_unfit(diags, variant, param->where,
			            "parameter \"%s\" is %s here and %s in another variant", param->name,
			            param->type_name, input->type_name)
				->hint = "cast it the same way at each place";
			continue;
		}
		bool first = !input->type_name;
		input->type = param->type;
		input->type_name = param->type_name;
		if (first || (param->nullable && !input->nullable))
			input->rule = param->rule;
		input->nullable = input->nullable || param->nullable;
	}
}

static void merge_columns(struct query *query, struct query *variant, struct diags *diags)
{
	if (variant->ncolumns != query->ncolumns) {
		query_unfit(diags, variant, query->name_at,
		            "a variant returns %zu columns, the one with everything %zu", variant->ncolumns,
		            query->ncolumns);
		return;
	}
	for (size_t i = 0; i < query->ncolumns; i++) {
		struct column *column = &query->columns[i];
		const struct column *other = &variant->columns[i];
		if (strcmp(column->name, other->name) != 0 || strcmp(column->type_name, other->type_name) != 0) {
			query_unfit(diags, variant, other->where,
			            "column %zu is \"%s\" of %s in a variant, and \"%s\" of %s with everything", i + 1,
			            other->name, other->type_name, column->name, column->type_name);
			if (query->broken)
				return;
		}
		if (other->nullable && !column->nullable)
			column->rule = other->rule;
		column->nullable = column->nullable || other->nullable;
	}
}

static void merge_depends(struct depends *into, const struct depends *from, hf_arena *arena)
{
	for (size_t i = 0; i < from->count; i++) {
		size_t at = 0;
		while (at < into->count && strcmp(into->items[at], from->items[i]) < 0)
			at++;
		if (at < into->count && strcmp(into->items[at], from->items[i]) == 0)
			continue;
		const char **items = MEM_ARRAY(arena, into->count + 1, const char *);
		memcpy(items, into->items, at * sizeof(*items));
		items[at] = from->items[i];
		memcpy(items + at + 1, into->items + at, (into->count - at) * sizeof(*items));
		*into = (struct depends){items, into->count + 1};
	}
}

void variants_merge(struct query *query, struct diags *diags)
{
	for (size_t i = 0; i < query->nvariants && !query->broken; i++) {
		struct query *variant = query->variants[i];
		merge_params(query, variant, diags);
		if (variant == query || query->broken)
			continue;
		merge_columns(query, variant, diags);
		merge_depends(&query->reads, &variant->reads, diags->arena);
		merge_depends(&query->writes, &variant->writes, diags->arena);
		query->read_only = query->read_only && variant->read_only;
	}
	if (!query->broken)
		variants_share(query);
}

void variants_share(struct query *query)
{
	for (size_t i = 0; i < query->nvariants; i++) {
		struct query *variant = query->variants[i];
		variant->columns = query->columns;
		variant->ncolumns = query->ncolumns;
		variant->read_only = query->read_only;
		for (size_t j = 0; j < variant->nparams; j++) {
			struct param *param = &variant->params[j];
			const struct param *input = find_input(query, param->name);
			struct span where = param->where;
			if (input)
				*param = *input;
			param->where = where;
		}
	}
}
