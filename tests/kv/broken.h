/*
 * broken.h - stores that break a promise, each in one way: what a checker that is worth something must notice. They
 * stand on a store in memory, through the extension API (backend.h).
 */
#ifndef TESTS_KV_BROKEN_H
#define TESTS_KV_BROKEN_H

#include "holdfast/backend.h"

enum broken_how {
	BROKEN_NOT,        /* passes everything on: what the checkers must let pass */
	BROKEN_STALE_READ, /* some reads answer what an earlier one saw */
	BROKEN_LOST_WRITE, /* some puts are acknowledged and not done */
	BROKEN_CONDITION,  /* conditions are looked at before, not with, the write */
	BROKEN_TORN_WRITE, /* the writes of a call happen one by one */
	BROKEN_TORN_READ   /* the keys of a read are read one by one */
};

enum hf_status broken_open(hf_context *ctx, enum broken_how how, hf_kv **ret_kv, hf_error *err);

#endif
