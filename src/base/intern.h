/*
 * intern.h - a set of texts numbered 0, 1, 2, ... in order of first appearance. Texts are copied once.
 */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <stdint.h>

#include "base/macros.h"
#include "holdfast/arena.h"

struct intern;

/** At most `count_max` texts. NULL when memory is short. */
struct intern *intern_new(uint32_t count_max);
void intern_free(struct intern *intern);
DEFINE_OWNED(intern, struct intern *, intern_free)

#define INTERN_NONE UINT32_MAX
/** The number of `text`, which is added when new; INTERN_NONE when the bound or memory is exhausted. */
uint32_t intern_add(struct intern *intern, struct hf_str text);
/** The number of `text`, or INTERN_NONE. */
uint32_t intern_find(const struct intern *intern, struct hf_str text);
/** The text of a number; NUL-terminated, lives as long as the set. */
struct hf_str intern_text(const struct intern *intern, uint32_t number);
uint32_t intern_count(const struct intern *intern);
/** Where the tables look for it first: its lowest bits are as good as the others, and differ where texts do. */
uint32_t intern_hash(struct hf_str text);

#endif
