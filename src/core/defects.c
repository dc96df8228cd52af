/*
 * defects.c - see holdfast/defects.h.
 */
#include "holdfast/defects.h"

#include "base/error.h"
#include "base/str.h"

struct hf_defects hf_defects_all(void)
{
	struct hf_defects set = HF_DEFECTS_NONE;
	for (int number = 1; number <= HF_DEFECT_COUNT; number++)
		hf_defects_keep(&set, number, true);
	return set;
}

bool hf_defects_kept(const struct hf_defects *set, int number)
{
	if (!set || number < 1 || number > HF_DEFECT_COUNT)
		return false;
	return set->bits[number / 64] >> (number % 64) & 1;
}

void hf_defects_keep(struct hf_defects *set, int number, bool kept)
{
	if (number < 1 || number > HF_DEFECT_COUNT)
		return;
	uint64_t bit = UINT64_C(1) << (number % 64);
	set->bits[number / 64] = kept ? set->bits[number / 64] | bit : set->bits[number / 64] & ~bit;
}

static bool is_number(struct hf_str word, int *ret_number)
{
	int64_t number;
	if (!str_starts(word, HF_STR("D-")))
		return false;
	if (!str_to_i64((struct hf_str){word.ptr + 2, word.len - 2}, &number) || number < 1 || number > HF_DEFECT_COUNT)
		return false;
	*ret_number = (int)number;
	return true;
}

enum hf_status hf_defects_parse(struct hf_str text, struct hf_defects *ret_set, hf_error *err)
{
	struct hf_defects set = HF_DEFECTS_NONE;
	struct hf_str rest = text, piece;
	int number;
	for (size_t i = 0; text.len > 0 && str_split(&rest, ',', &piece); i++) {
		struct hf_str word = str_trim(piece);
		bool kept = !str_starts(word, HF_STR("-"));
		if (i == 0 && (str_eq(word, HF_STR("correct")) || str_eq(word, HF_STR("parity")))) {
			set = word.ptr[0] == 'p' ? hf_defects_all() : set;
		} else if (is_number((struct hf_str){word.ptr + !kept, word.len - !kept}, &number)) {
			hf_defects_keep(&set, number, kept);
		} else {
			error_set(err, HF_E_INPUT, "\"%.*s\" names no set of defects",
			          (int)(word.len > 40 ? 40 : word.len), word.ptr);
			error_hint(err, "correct or parity, then single ones: parity,-D-27");
			return HF_E_INPUT;
		}
	}
	*ret_set = set;
	return HF_OK;
}
