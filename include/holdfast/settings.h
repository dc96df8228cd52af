/*
 * settings.h - where a server is and how to log in: URL, key=value text, PG* variables, service files, callback.
 *
 * Sources, strongest first: values set by hf_settings_set(), the text given to hf_settings_parse(), the service file,
 * PG* variables, libpq's defaults (libpq's own order: "34.17 The Connection Service File"). hf_settings_origin() tells
 * which one a value came from. The parameters are those of libpq ("34.1.2 Parameter Key Words"); host lists with
 * target_session_attrs and the TLS certificate paths are among them. Secrets are never printed: hf_settings_describe()
 * leaves passwords out.
 *
 * TLS: sockets and loopback are left to libpq; any other host without sslmode=verify-full gives a warning event
 * "tls_unverified", and is refused (HF_E_CONFIG) when the settings are marked protected.
 *
 * A settings object is copied by what is opened from it. Threads: one thread at a time.
 */
#ifndef HOLDFAST_SETTINGS_H
#define HOLDFAST_SETTINGS_H

#include "holdfast/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_settings hf_settings;

/**
 * Ask for a password (or token) right before a connect; called again once after the server refused the first one.
 * Write at most `size - 1` bytes and a NUL; the buffer is wiped after use. Return HF_OK or a failure.
 * Called from the connecting thread; must not block past `deadline`.
 */
typedef enum hf_status hf_credential_fn(void *user, const char *host, const char *role, hf_deadline deadline,
                                        char *ret_password, size_t size, hf_error *err);

/** An empty object: the PG* variables and libpq's defaults only. Free with hf_settings_free(). */
enum hf_status hf_settings_new(hf_context *ctx, hf_settings **ret_settings, hf_error *err);
/** Take over a URL (postgresql://...) or key=value text, in place of what was given before. HF_E_CONFIG names the wrong
 *  keyword, never the value. Values that do not fit each other are refused when something is opened. */
enum hf_status hf_settings_parse(hf_settings *settings, const char *url_or_keywords, hf_error *err);
/** One libpq parameter; value NULL unsets. HF_E_CONFIG for an unknown keyword (with the nearest one as hint). */
enum hf_status hf_settings_set(hf_settings *settings, const char *keyword, const char *value, hf_error *err);
/** The effective value or NULL; borrowed until the next call on the object. Passwords read as "***". */
const char *hf_settings_get(const hf_settings *settings, const char *keyword);
/** As hf_settings_get(), but a password is what it is: for handing the login to another program, never for printing. */
const char *hf_settings_reveal(const hf_settings *settings, const char *keyword);
/** "set", "given", "service", "environment" or "default"; NULL for an unknown keyword. */
const char *hf_settings_origin(const hf_settings *settings, const char *keyword);
void hf_settings_on_credential(hf_settings *settings, hf_credential_fn *fn, void *user);
/** Refuse unverified TLS to hosts that are neither sockets nor loopback. */
void hf_settings_protect(hf_settings *settings, bool protect);
/** "dbname=x host=/run/postgresql user=y", no secrets; NUL-terminated, cut to `size`. */
void hf_settings_describe(const hf_settings *settings, char *ret_text, size_t size);
void hf_settings_free(hf_settings *settings);

#ifdef __cplusplus
}
#endif
#endif
