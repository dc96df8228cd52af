/*
 * settings.h (pg) - what connect.c needs to know of hf_settings.
 */
#ifndef PG_SETTINGS_H
#define PG_SETTINGS_H

#include "base/macros.h"
#include "holdfast/settings.h"

enum { SETTINGS_MAX = 64 }; /* libpq 15 knows 44 parameters */

DEFINE_OWNED(settings, hf_settings *, hf_settings_free)

struct settings_credential {
	hf_credential_fn *fn; /* NULL = none */
	void *user;
};

/** An independent copy, for what is opened from it. */
enum hf_status settings_copy(const hf_settings *settings, hf_settings **ret_copy, hf_error *err);
/** What is wrong with the values taken together ("" = nothing): a missing service, a bad sslmode, ... */
const char *settings_problem(const hf_settings *settings);
/** The effective value with secrets in clear, or NULL. Borrowed. */
const char *settings_secret(const hf_settings *settings, const char *keyword);
/** True when nobody chose a value: libpq's own default holds, or none. */
bool settings_is_default(const hf_settings *settings, const char *keyword);
/** All effective parameters but `service`, secrets in clear. Returns their number, at most SETTINGS_MAX. */
size_t settings_list(const hf_settings *settings, const char *ret_keywords[], const char *ret_values[]);
struct settings_credential settings_credential(const hf_settings *settings);
bool settings_protected(const hf_settings *settings);
hf_context *settings_context(const hf_settings *settings);

#endif
