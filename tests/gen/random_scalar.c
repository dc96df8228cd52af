/* Random values that are not made of others. Edges come up often: they are where codecs go wrong. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "pg/wire.h"
#include "random_value.h"

#define DAY_US INT64_C(86400000000)

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
	chance->state ^= chance->state << 13;
	chance->state ^= chance->state >> 7;
	chance->state ^= chance->state << 17;
	return (chance->state >> 8) % bound; /* bounds are small: the bias does not matter */
}

bool chance_once_in(struct chance *chance, uint64_t times)
{
	return chance_below(chance, times) == 0;
}

uint64_t chance_bits(struct chance *chance)
{
	uint64_t high = chance_below(chance, UINT64_C(1) << 32), low = chance_below(chance, UINT64_C(1) << 32);
	return (high << 32 | low) >> chance_below(chance, 64);
}

/* Anything, small numbers of both signs, and the ends of what `bits` hold. */
static int64_t integer(struct chance *chance, int bits)
{
	const int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
	if (chance_once_in(chance, 8))
		return chance_once_in(chance, 2) ? max : -max - 1;
	int64_t value = (int64_t)(chance_bits(chance) & (uint64_t)max);
	return chance_once_in(chance, 2) ? -value - 1 : value;
}

static void word(enum hf_type_kind kind, int64_t value, void *out)
{
	if (kind == HF_TYPE_INT2)
		*(int16_t *)out = (int16_t)value;
	else if (kind == HF_TYPE_INT4)
		*(int32_t *)out = (int32_t)value;
	else
		*(int64_t *)out = value;
}

static void make_bool(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	*(bool *)out = chance_once_in(chance, 2);
	buf_add_text(literal, *(bool *)out ? "true" : "false");
}

static void make_integer(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	int64_t value = integer(chance, 8 * (int)type->size);
	word(type->kind, value, out);
	buf_printf(literal, "%" PRId64, value);
}

static void make_money(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	int64_t value = integer(chance, 64);
	uint64_t cents = value < 0 ? -(uint64_t)value : (uint64_t)value;
	*(int64_t *)out = value;
	buf_printf(literal, "%s%" PRIu64 ".%02u", value < 0 ? "-" : "", cents / 100, (unsigned)(cents % 100));
}

static void make_oid(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	*(uint32_t *)out = chance_once_in(chance, 8) ? UINT32_MAX : (uint32_t)chance_bits(chance);
	buf_printf(literal, "%" PRIu32, *(uint32_t *)out);
}

static void make_xid8(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	*(uint64_t *)out = chance_once_in(chance, 8) ? UINT64_MAX : chance_bits(chance);
	buf_printf(literal, "%" PRIu64, *(uint64_t *)out);
}

static void make_lsn(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	uint64_t lsn = chance_once_in(chance, 8) ? UINT64_MAX : chance_bits(chance);
	*(uint64_t *)out = lsn;
	buf_printf(literal, "%" PRIX64 "/%" PRIX64, lsn >> 32, lsn & UINT32_MAX);
}

static void make_tid(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_tid *tid = out;
	*tid = (struct hf_tid){(uint32_t)chance_bits(chance), (uint16_t)chance_bits(chance)};
	buf_printf(literal, "(%" PRIu32 ",%u)", tid->block, tid->offset);
}

/* ---- floats and geometry ---- */

static void print_float(struct buf *literal, double value, int digits)
{
	if (isnan(value))
		buf_add_text(literal, "NaN");
	else if (isinf(value))
		buf_add_text(literal, value > 0 ? "Infinity" : "-Infinity");
	else
		buf_printf(literal, "%.*g", digits, value);
}

static void make_float4(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	uint32_t bits = (uint32_t)chance_below(chance, UINT64_C(1) << 32);
	float value;
	memcpy(&value, &bits, sizeof(value));
	if (chance_once_in(chance, 4))
		value = (float)integer(chance, 16) / 4.0f;
	*(float *)out = value;
	print_float(literal, (double)value, 9);
}

static double finite_float(struct chance *chance)
{
	uint64_t bits = chance_below(chance, UINT64_C(1) << 32) << 32 | chance_below(chance, UINT64_C(1) << 32);
	double value;
	memcpy(&value, &bits, sizeof(value));
	return chance_once_in(chance, 2) || !isfinite(value) ? (double)integer(chance, 24) / 8.0 : value;
}

static double any_float(struct chance *chance)
{
	static const double edges[] = {
		0.0, -0.0, (double)NAN, (double)INFINITY, -(double)INFINITY, 5e-324, 1.7976931348623157e308};
	return chance_once_in(chance, 8) ? edges[chance_below(chance, ARRAY_LEN(edges))] : finite_float(chance);
}

static void make_float8(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	*(double *)out = any_float(chance);
	print_float(literal, *(double *)out, 17);
}

static void make_point(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_point *point = out;
	*point = (struct hf_point){any_float(chance), any_float(chance)};
	buf_add_char(literal, '(');
	print_float(literal, point->x, 17);
	buf_add_char(literal, ',');
	print_float(literal, point->y, 17);
	buf_add_char(literal, ')');
}

static void make_line(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_line *line = out;
	*line = (struct hf_line){1.0 + (double)chance_below(chance, 1000), finite_float(chance), any_float(chance)};
	buf_add_char(literal, '{');
	for (int i = 0; i < 3; i++) {
		buf_add_text(literal, i ? "," : "");
		print_float(literal, (&line->a)[i], 17);
	}
	buf_add_char(literal, '}');
}

static void make_points(struct chance *chance, struct hf_point *points, uint32_t count, struct buf *literal)
{
	for (uint32_t i = 0; i < count; i++) {
		buf_add_text(literal, i ? "," : "");
		make_point(chance, NULL, &points[i], literal);
	}
}

static void make_lseg(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	buf_add_char(literal, '[');
	make_points(chance, out, 2, literal);
	buf_add_char(literal, ']');
}

static void make_box(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	make_points(chance, out, 2, literal); /* any two corners: the server puts the higher one first */
}

static void make_circle(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_circle *circle = out;
	buf_add_char(literal, '<');
	make_point(chance, NULL, &circle->center, literal);
	circle->radius = fabs(any_float(chance));
	buf_add_char(literal, ',');
	print_float(literal, circle->radius, 17);
	buf_add_char(literal, '>');
}

static struct hf_point *some_points(struct chance *chance, uint32_t *ret_count, struct buf *literal)
{
	*ret_count = 1 + (uint32_t)chance_below(chance, 5);
	struct hf_point *points = hf_arena_calloc(chance->arena, *ret_count, sizeof(*points));
	make_points(chance, points, *ret_count, literal);
	return points;
}

static void make_polygon(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_polygon *polygon = out;
	buf_add_char(literal, '(');
	polygon->points = some_points(chance, &polygon->count, literal);
	buf_add_char(literal, ')');
}

static void make_path(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_path *path = out;
	path->closed = chance_once_in(chance, 2);
	buf_add_char(literal, path->closed ? '(' : '[');
	path->points = some_points(chance, &path->count, literal);
	buf_add_char(literal, path->closed ? ')' : ']');
}

/* ---- numeric ---- */

/* From "-?digits[.digits]": groups of four around the point, without the zero groups at both ends. */
static struct hf_numeric numeric_of(struct chance *chance, const char *text)
{
	const bool negative = *text == '-';
	text += negative;
	const size_t whole = strcspn(text, "."), scale = text[whole] ? strlen(text + whole + 1) : 0;
	const size_t before = (whole + 3) / 4, groups = before + (scale + 3) / 4;
	uint8_t *digits = hf_arena_calloc(chance->arena, groups + 1, 2);
	size_t first = groups, last = 0;
	for (size_t i = 0; i < groups; i++) {
		unsigned group = 0;
		for (size_t j = 0; j < 4; j++) {
			const ptrdiff_t at = (ptrdiff_t)(4 * i + j) - (ptrdiff_t)(4 * before - whole);
			const size_t place = at < 0 ? 0 : (size_t)at;
			const bool fraction = place >= whole;
			const bool there = at >= 0 && (!fraction || place - whole < scale);
			group = group * 10 + (there ? (unsigned)(text[place + fraction] - '0') : 0);
		}
		wire_put2(digits + 2 * i, (uint16_t)group);
		first = group && first == groups ? i : first;
		last = group ? i + 1 : last;
	}
	if (last == 0)
		return (struct hf_numeric){.digits = digits, .dscale = (uint16_t)scale};
	return (struct hf_numeric){digits + 2 * first, (uint16_t)(last - first),
	                           (int16_t)((ptrdiff_t)before - (ptrdiff_t)first - 1), negative ? 0x4000 : 0,
	                           (uint16_t)scale};
}

static void add_digits(struct chance *chance, struct buf *literal, uint64_t count)
{
	const bool sparse = chance_once_in(chance, 2);
	for (uint64_t i = 0; i < count; i++)
		buf_add_char(literal,
		             sparse && !chance_once_in(chance, 5) ? '0' : (char)('0' + chance_below(chance, 10)));
}

static void make_numeric(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	static const struct {
		uint16_t sign;
		const char *text;
	} specials[] = {{0xc000, "NaN"}, {0xd000, "Infinity"}, {0xf000, "-Infinity"}};
	if (chance_once_in(chance, 12)) {
		size_t which = chance_below(chance, ARRAY_LEN(specials));
		*(struct hf_numeric *)out = (struct hf_numeric){.sign = specials[which].sign};
		buf_add_text(literal, specials[which].text);
		return;
	}
	const size_t start = literal->len;
	const uint64_t most = chance_once_in(chance, 200) ? 3000 : 30;
	buf_add_text(literal, chance_once_in(chance, 2) ? "-" : "");
	add_digits(chance, literal, 1 + chance_below(chance, most));
	if (chance_once_in(chance, 2)) {
		buf_add_char(literal, '.');
		add_digits(chance, literal, 1 + chance_below(chance, most));
	}
	*(struct hf_numeric *)out = numeric_of(chance, literal->ptr + start);
}

/* ---- time ---- */

/* Days since 2000-01-01 from civil dates, by the C library: nothing of ours has a part in it. */
static int64_t days_of(int64_t year, int month, int day)
{
	struct tm tm = {.tm_year = (int)(year - 1900), .tm_mon = month - 1, .tm_mday = day};
	return (timegm(&tm) - 946684800) / 86400;
}

/* Some day of [-4712, year_max], with its text up to the era, which stands behind the time of day. */
static int64_t random_day(struct chance *chance, int64_t year_max, struct buf *literal, bool *ret_bc)
{
	int64_t year = chance_once_in(chance, 4) ? (int64_t)chance_below(chance, (uint64_t)year_max + 4713) - 4712
	                                         : 1900 + (int64_t)chance_below(chance, 200);
	int month = 1 + (int)chance_below(chance, 12), day = 1 + (int)chance_below(chance, 28);
	if (chance_once_in(chance, 16))
		year = year_max, month = 12, day = 31;
	*ret_bc = year <= 0;
	buf_printf(literal, "%04" PRId64 "-%02d-%02d", year <= 0 ? 1 - year : year, month, day);
	return days_of(year, month, day);
}

static bool random_infinity(struct chance *chance, struct buf *literal, bool *ret_negative)
{
	if (!chance_once_in(chance, 16))
		return false;
	*ret_negative = chance_once_in(chance, 2);
	buf_add_text(literal, *ret_negative ? "-infinity" : "infinity");
	return true;
}

static void make_date(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_date *date = out;
	bool bc;
	if (random_infinity(chance, literal, &bc)) {
		date->days = bc ? INT32_MIN : INT32_MAX;
		return;
	}
	date->days = (int32_t)random_day(chance, 5874897, literal, &bc);
	buf_add_text(literal, bc ? " BC" : "");
}

static int64_t random_time(struct chance *chance, struct buf *literal, bool day_end)
{
	int64_t us = (int64_t)chance_below(chance, (uint64_t)DAY_US);
	if (chance_once_in(chance, 3))
		us -= us % 1000000;
	if (chance_once_in(chance, 16))
		us = day_end ? DAY_US : DAY_US - 1;
	int64_t s = us / 1000000;
	buf_printf(literal, "%02d:%02d:%02d.%06d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
	           (int)(us % 1000000));
	return us;
}

static void make_time(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	((struct hf_time *)out)->us = random_time(chance, literal, true);
}

static void make_timetz(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_timetz *time = out;
	time->us = random_time(chance, literal, true);
	int east = (int)chance_below(chance, 57600);
	if (chance_once_in(chance, 2))
		east -= east % 3600;
	const bool west = chance_once_in(chance, 2);
	time->west_s = west ? east : -east;
	buf_printf(literal, "%c%02d:%02d:%02d", west ? '-' : '+', east / 3600, east / 60 % 60, east % 60);
}

static void make_timestamp(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	int64_t *us = out;
	bool bc;
	if (random_infinity(chance, literal, &bc)) {
		*us = bc ? INT64_MIN : INT64_MAX;
		return;
	}
	*us = random_day(chance, 294276, literal, &bc) * DAY_US;
	buf_add_char(literal, ' ');
	*us += random_time(chance, literal, false);
	buf_add_text(literal, type->kind == HF_TYPE_TIMESTAMPTZ ? "+00" : "");
	buf_add_text(literal, bc ? " BC" : "");
}

static void make_interval(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_interval *interval = out;
	int64_t us = integer(chance, 64);
	us = us == INT64_MIN ? 0 : us;
	*interval = (struct hf_interval){us, (int32_t)integer(chance, 32), (int32_t)integer(chance, 32)};
	int64_t s = imaxabs(us) / 1000000;
	buf_printf(literal, "%d mons %d days %s%" PRId64 ":%02d:%02d.%06d", interval->months, interval->days,
	           us < 0 ? "-" : "+", s / 3600, (int)(s / 60 % 60), (int)(s % 60), (int)(imaxabs(us) % 1000000));
}

/* ---- bytes and bits ---- */

static void hex(struct buf *literal, const uint8_t *bytes, size_t count, size_t group, char between)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && i % group == 0)
			buf_add_char(literal, between);
		buf_printf(literal, "%02x", bytes[i]);
	}
}

static uint8_t *random_bytes(struct chance *chance, size_t count)
{
	uint8_t *bytes = hf_arena_calloc(chance->arena, count + 1, 1);
	for (size_t i = 0; i < count; i++)
		bytes[i] = chance_once_in(chance, 4) ? 0 : (uint8_t)chance_below(chance, 256);
	return bytes;
}

static void make_bytea(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	size_t count = chance_below(chance, chance_once_in(chance, 100) ? 5000 : 20);
	uint8_t *bytes = random_bytes(chance, count);
	*(struct hf_bytes *)out = (struct hf_bytes){bytes, count};
	buf_add_text(literal, "\\x");
	for (size_t i = 0; i < count; i++)
		buf_printf(literal, "%02x", bytes[i]);
}

static void make_octets(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	memcpy(out, random_bytes(chance, type->size), type->size);
	hex(literal, out, type->size, type->kind == HF_TYPE_UUID ? 2 : 1, type->kind == HF_TYPE_UUID ? '-' : ':');
}

static void make_bits(struct chance *chance, UNUSED const struct hf_type *type, void *out, struct buf *literal)
{
	uint32_t count = (uint32_t)chance_below(chance, 40);
	uint8_t *bytes = hf_arena_calloc(chance->arena, 8, 1);
	for (uint32_t i = 0; i < count; i++) {
		const bool set = chance_once_in(chance, 2);
		bytes[i / 8] |= (uint8_t)(set << (7 - i % 8));
		buf_add_char(literal, set ? '1' : '0');
	}
	*(struct hf_bits *)out = (struct hf_bits){bytes, count};
}

static void make_inet(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	struct hf_inet *inet = out;
	inet->family = chance_once_in(chance, 2) ? 4 : 6;
	inet->is_cidr = type == &hf_type_cidr;
	const size_t size = inet->family == 4 ? 4 : 16;
	memcpy(inet->addr, random_bytes(chance, size), size);
	inet->bits = (uint8_t)(chance_once_in(chance, 4) ? 8 * size : chance_below(chance, 8 * size + 1));
	for (size_t bit = inet->bits; inet->is_cidr && bit < 8 * size; bit++)
		inet->addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	if (size == 16)
		hex(literal, inet->addr, 16, 2, ':');
	for (size_t i = 0; i < size && size == 4; i++)
		buf_printf(literal, "%s%u", i ? "." : "", inet->addr[i]);
	buf_printf(literal, "/%u", inet->bits);
}

static void make_enum(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	*(int *)out = (int)chance_below(chance, type->count);
	buf_add_text(literal, type->labels[*(int *)out]);
}

/* ---- which ---- */

static const struct {
	const char *type;
	scalar_fn *make;
} by_name[] = {
	{"money", make_money},
	{"pg_lsn", make_lsn},
	{"xid8", make_xid8},
	{"json", make_json},
	{"xml", make_xml},
	{"jsonpath", make_jsonpath},
	{"tsvector", make_tsvector},
	{"tsquery", make_tsquery},
	{"pg_snapshot", make_snapshot},
	{"txid_snapshot", make_snapshot},
	{"point", make_point},
	{"line", make_line},
	{"lseg", make_lseg},
	{"box", make_box},
	{"circle", make_circle},
	{"public.word", make_word},
	{"public.ltree", make_ltree},
	{"public.lquery", make_lquery},
};

static scalar_fn *const by_kind[HF_TYPE_MULTIRANGE + 1] = {
	[HF_TYPE_BOOL] = make_bool,
	[HF_TYPE_INT2] = make_integer,
	[HF_TYPE_INT4] = make_integer,
	[HF_TYPE_INT8] = make_integer,
	[HF_TYPE_OID] = make_oid,
	[HF_TYPE_FLOAT4] = make_float4,
	[HF_TYPE_FLOAT8] = make_float8,
	[HF_TYPE_NUMERIC] = make_numeric,
	[HF_TYPE_TEXT] = make_text,
	[HF_TYPE_JSONB] = make_json,
	[HF_TYPE_BYTEA] = make_bytea,
	[HF_TYPE_CHAR] = make_char,
	[HF_TYPE_UUID] = make_octets,
	[HF_TYPE_DATE] = make_date,
	[HF_TYPE_TIME] = make_time,
	[HF_TYPE_TIMETZ] = make_timetz,
	[HF_TYPE_TIMESTAMP] = make_timestamp,
	[HF_TYPE_TIMESTAMPTZ] = make_timestamp,
	[HF_TYPE_INTERVAL] = make_interval,
	[HF_TYPE_ENUM] = make_enum,
	[HF_TYPE_BITS] = make_bits,
	[HF_TYPE_INET] = make_inet,
	[HF_TYPE_MACADDR] = make_octets,
	[HF_TYPE_MACADDR8] = make_octets,
	[HF_TYPE_TID] = make_tid,
	[HF_TYPE_PATH] = make_path,
	[HF_TYPE_POLYGON] = make_polygon,
};

bool random_scalar(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	scalar_fn *make = by_kind[type->kind];
	for (size_t i = 0; i < ARRAY_LEN(by_name); i++)
		if (strcmp(by_name[i].type, type->name) == 0)
			make = by_name[i].make;
	if (make)
		make(chance, type, out, literal);
	return make != NULL;
}

/* ---- bounds of ranges ---- */

/* A bound that is `number` steps from some middle; one step more must not leave the type's range. */
static void make_bound(struct chance *chance, const struct hf_type *subtype, int64_t number, void *out,
                       struct buf *literal)
{
	const size_t start = literal->len;
	if (subtype->kind == HF_TYPE_INT4 || subtype->kind == HF_TYPE_INT8) {
		word(subtype->kind, number, out);
		buf_printf(literal, "%" PRId64, number);
	} else if (subtype->kind == HF_TYPE_DATE) {
		((struct hf_date *)out)->days = (int32_t)number;
		buf_printf(literal, "J%" PRId64, number + 2451545);
	} else if (subtype->kind == HF_TYPE_FLOAT8) {
		*(double *)out = (double)number / 8.0;
		print_float(literal, *(double *)out, 17);
	} else if (subtype->kind == HF_TYPE_NUMERIC) {
		buf_printf(literal, "%s%" PRId64 ".%03d", number < 0 ? "-" : "", imaxabs(number) / 1000,
		           (int)(imaxabs(number) % 1000));
		*(struct hf_numeric *)out = numeric_of(chance, literal->ptr + start);
	} else if (subtype->kind == HF_TYPE_TEXT) {
		buf_printf(literal, "\"%010" PRId64 "\\,", number + 2000000);
		keep_text(chance, literal, start, out);
	} else {
		const int64_t us = number * 1000003;
		*(int64_t *)out = us;
		time_t s = (time_t)(946684800 + (us >= 0 ? us : us - 999999) / 1000000);
		struct tm tm;
		gmtime_r(&s, &tm);
		buf_printf(literal, "%04d-%02d-%02d %02d:%02d:%02d.%06d%s", tm.tm_year + 1900, tm.tm_mon + 1,
		           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us - ((int64_t)s - 946684800) * 1000000),
		           subtype->kind == HF_TYPE_TIMESTAMPTZ ? "+00" : "");
	}
}

void random_bounds(struct chance *chance, const struct hf_type *subtype, void *lower, struct buf *lower_text,
                   void *upper, struct buf *upper_text)
{
	const int64_t number = (int64_t)chance_below(chance, 2000000) - 1000000;
	const uint64_t width = chance_once_in(chance, 2) ? 3 : 1000000;
	make_bound(chance, subtype, number, lower, lower_text);
	make_bound(chance, subtype, number + (int64_t)chance_below(chance, width), upper, upper_text);
}
