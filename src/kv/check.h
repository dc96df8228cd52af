/*
 * check.h - what the store refuses before a backend sees it, and how refusals read.
 */
#ifndef KV_CHECK_H
#define KV_CHECK_H

#include "kv/store.h"

enum { KV_KEY_TEXT = 100 };

/** A key for messages: in double quotes, or 0x and hex digits where it is no printable ASCII; cut after 32 bytes. */
const char *key_text(struct hf_bytes key, char ret_text[KV_KEY_TEXT]);
enum hf_status check_key(const hf_kv *kv, struct hf_bytes key, hf_error *err);
/** That the backend can do what is asked for, and this process may ask. */
enum hf_status check_how(const hf_kv *kv, const struct hf_kv_how *how, hf_error *err);
/** Of calls that are more than one transaction, or none of writes. @param what "a clear": for the message. */
enum hf_status check_no_token(const struct hf_kv_how *how, const char *what, hf_error *err);
enum hf_status check_read(const struct hf_kv_read *how, hf_error *err);
enum hf_status check_count(size_t count, const char *what, hf_error *err);
/** Checks `given`, and writes into `ret_write` what the backend gets: the expiry worked out, metadata canonical. */
enum hf_status check_write(const hf_kv *kv, const struct hf_kv_write *given, hf_arena *arena,
                           struct hf_kv_write *ret_write, hf_error *err);
/** The error of an apply() that answered HF_CONFLICT: which write was refused and why. */
enum hf_status refused(const struct hf_kv_batch *batch, const struct hf_kv_result *results, hf_error *err);

#endif
