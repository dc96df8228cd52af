/*
 * words.c - see words.h.
 */
#include "base/words.h"

#include "base/nearest.h"
#include "base/str.h"

const char *word_of(const char *const *words, size_t count, int value)
{
	return value >= 0 && (size_t)value < count ? words[value] : "";
}

static void hint_all(const char *const *words, size_t count, hf_error *err)
{
	struct buf list;
	buf_init(&list, 512);
	for (size_t i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	error_hint(err, "%.*s", STR_ARG(buf_str(&list)));
	buf_deinit(&list);
}

enum hf_status word_parse(struct hf_str word, const char *const *words, size_t count, const char *noun, int *ret_value,
                          hf_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(word, hf_str_of(words[i]))) {
			*ret_value = (int)i;
			return HF_OK;
		}
	const char *near = nearest_of(word, words, count);
	enum hf_status status =
		error_set(err, HF_E_INPUT, "\"%.*s\" is no %s", (int)(word.len > 60 ? 60 : word.len), word.ptr, noun);
	if (near)
		error_hint(err, "did you mean %s", near);
	else
		hint_all(words, count, err);
	return status;
}
