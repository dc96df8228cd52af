/*
 * identifier.h (base) - names of SQL objects that are known only at run time: whether the server would take one as it
 * is, and writing it so that it can be nothing but a name.
 */
#ifndef BASE_IDENTIFIER_H
#define BASE_IDENTIFIER_H

#include "base/str.h"
#include "holdfast/error.h"

enum { IDENTIFIER_BYTES_MAX = 63 }; /* the server cuts longer ones off, and two become one */

/** HF_E_INPUT unless `value` is 1 to 63 bytes of UTF-8 without NUL, also with `behind` at its end. `what` is what the
 *  message calls it. */
enum hf_status identifier_check(const char *what, struct hf_str value, const char *behind, hf_error *err);
/** `name` is `declared`, or goes on behind it with '_': what the declared one is chosen for chooses it too. */
bool identifier_fits(struct hf_str name, struct hf_str declared);
/** Append it in double quotes. `in_constant`: within a constant E'...', whose own quotes are the caller's. */
void identifier_add(struct buf *out, struct hf_str value, const char *behind, bool in_constant);

#endif
