/*
 * defects.h - which defects of the original Janitor are reproduced. Each has the number of docs/compatibility.md, 1 to
 * 75 (what each is, and which have a switch, stands there); by default none is kept. A program that runs beside the
 * original keeps those whose effects others rely on.
 *
 * Only what code does is switched here. Defects that live in triggers and views belong to a database; migrations mend
 * them.
 */
#ifndef HOLDFAST_DEFECTS_H
#define HOLDFAST_DEFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "holdfast/error.h"
#include "holdfast/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_DEFECT_COUNT 75

/* A set of defects; {{0, 0}} is the empty one. */
struct hf_defects {
	uint64_t bits[2];
};
#define HF_DEFECTS_NONE {{0, 0}}

/** All of them: the original as it is. */
struct hf_defects hf_defects_all(void);
/** `set` may be NULL, which keeps none; a number outside 1 to 75 is never kept. */
bool hf_defects_kept(const struct hf_defects *set, int number);
void hf_defects_keep(struct hf_defects *set, int number, bool kept);
/**
 * "correct" (none), "parity" (all), then single ones that are kept or not: "correct,D-13", "parity,-D-27".
 * @return HF_OK; HF_E_INPUT names the word that it does not know.
 */
enum hf_status hf_defects_parse(struct hf_str text, struct hf_defects *ret_set, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
