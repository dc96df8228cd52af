/*
 * quantity.c - integer arithmetic only: a fraction is kept as digits over a power of ten, at most six of them.
 */
#include "base/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/str.h"

enum { FRACTION_DIGITS_MAX = 6 }; /* times a TiB still fits */

struct unit {
	struct hf_str name;
	int64_t factor;
};

static const struct unit duration_units[] = {
        {HF_STR_INIT("d"), 86400000}, {HF_STR_INIT("h"), 3600000}, {HF_STR_INIT("m"), 60000},
        {HF_STR_INIT("s"), 1000},     {HF_STR_INIT("ms"), 1},
};
static const struct unit size_units[] = {
        {HF_STR_INIT("TiB"), 1LL << 40}, {HF_STR_INIT("GiB"), 1LL << 30}, {HF_STR_INIT("MiB"), 1LL << 20},
        {HF_STR_INIT("KiB"), 1LL << 10}, {HF_STR_INIT("T"), 1LL << 40},   {HF_STR_INIT("G"), 1LL << 30},
        {HF_STR_INIT("M"), 1LL << 20},   {HF_STR_INIT("K"), 1LL << 10},   {HF_STR_INIT("k"), 1LL << 10},
        {HF_STR_INIT("TB"), 1000000000000}, {HF_STR_INIT("GB"), 1000000000}, {HF_STR_INIT("MB"), 1000000},
        {HF_STR_INIT("kB"), 1000},       {HF_STR_INIT("B"), 1},           {HF_STR_INIT(""), 1},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(struct hf_str text)
{
	size_t n = 0;
	while (n < text.len && is_digit(text.ptr[n]))
		n++;
	return n;
}

static void advance(struct hf_str *text, size_t n)
{
	text->ptr += n;
	text->len -= n;
}

static bool is_unit_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* DIGITS[.DIGITS]UNIT off the front of `rest`. `*ret_unit` is the index of the unit. */
static bool take_amount(struct hf_str *rest, const struct unit *units, size_t nunits, int64_t *ret_amount,
                        size_t *ret_unit)
{
	size_t n = count_digits(*rest);
	int64_t whole, fraction = 0, scale = 1;
	if (n == 0 || !str_to_i64((struct hf_str){rest->ptr, n}, &whole))
		return false;
	advance(rest, n);
	if (rest->len > 0 && rest->ptr[0] == '.') {
		advance(rest, 1);
		n = count_digits(*rest);
		if (n == 0 || n > FRACTION_DIGITS_MAX || !str_to_i64((struct hf_str){rest->ptr, n}, &fraction))
			return false;
		for (size_t i = 0; i < n; i++)
			scale *= 10;
		advance(rest, n);
	}
	size_t letters = 0;
	while (letters < rest->len && is_unit_letter(rest->ptr[letters]))
		letters++;
	struct hf_str name = {rest->ptr, letters};
	advance(rest, letters);
	for (size_t i = 0; i < nunits; i++)
		if (str_eq(units[i].name, name)) {
			*ret_unit = i;
			return !__builtin_mul_overflow(whole, units[i].factor, ret_amount) &&
			       !__builtin_add_overflow(*ret_amount, fraction * units[i].factor / scale, ret_amount);
		}
	return false;
}

bool quantity_duration_ms(struct hf_str text, int64_t *ret_ms)
{
	int64_t total = 0, part;
	size_t unit, next_unit = 0;
	if (str_eq(text, HF_STR("0"))) {
		*ret_ms = 0;
		return true;
	}
	do {
		if (!take_amount(&text, duration_units, ARRAY_LEN(duration_units), &part, &unit) || unit < next_unit ||
		    __builtin_add_overflow(total, part, &total))
			return false;
		next_unit = unit + 1;
	} while (text.len > 0);
	*ret_ms = total;
	return true;
}

bool quantity_size_bytes(struct hf_str text, int64_t *ret_bytes)
{
	int64_t bytes;
	size_t unit;
	if (!take_amount(&text, size_units, ARRAY_LEN(size_units), &bytes, &unit) || text.len > 0)
		return false;
	*ret_bytes = bytes;
	return true;
}

bool quantity_number(struct hf_str text, double *ret_number)
{
	char copy[64];
	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
			return false;
		copy[i] = c;
	}
	copy[text.len] = '\0';
	char *end;
	double number = strtod(copy, &end);
	if (*end != '\0' || !isfinite(number))
		return false;
	*ret_number = number;
	return true;
}

void quantity_duration_text(int64_t ms, char ret_text[QUANTITY_TEXT_SIZE])
{
	size_t at = 0;
	for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
		int64_t amount = ms / duration_units[i].factor;
		ms %= duration_units[i].factor;
		if (amount > 0)
			at += (size_t)snprintf(ret_text + at, QUANTITY_TEXT_SIZE - at, "%lld%s", (long long)amount,
			                       duration_units[i].name.ptr);
	}
	if (at == 0)
		snprintf(ret_text, QUANTITY_TEXT_SIZE, "0s");
}

void quantity_size_text(int64_t bytes, char ret_text[QUANTITY_TEXT_SIZE])
{
	for (size_t i = 0; i < 4; i++)
		if (bytes > 0 && bytes % size_units[i].factor == 0) {
			snprintf(ret_text, QUANTITY_TEXT_SIZE, "%lld%s", (long long)(bytes / size_units[i].factor),
			         size_units[i].name.ptr);
			return;
		}
	snprintf(ret_text, QUANTITY_TEXT_SIZE, "%lld", (long long)bytes);
}

void quantity_grouped(int64_t number, char ret_text[QUANTITY_TEXT_SIZE])
{
	char plain[24];
	int n = snprintf(plain, sizeof(plain), "%lld", (long long)number), at = 0;
	for (int i = 0; i < n; i++) {
		ret_text[at++] = plain[i];
		int left = n - 1 - i;
		if (left > 0 && left % 3 == 0 && plain[i] != '-')
			ret_text[at++] = ',';
	}
	ret_text[at] = '\0';
}
