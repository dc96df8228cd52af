/*
 * kv_common.c - see kv_common.h.
 */
#include "kv_common.h"

#include <stdlib.h>
#include <string.h>

/* By hand: snprintf(3) is a fifth of the instructions of a get that shares a statement. */
void kv_key(char ret_key[KV_KEY_LEN + 1], long number)
{
	memcpy(ret_key, "key:00000000000000000000", KV_KEY_LEN + 1);
	for (char *at = ret_key + KV_KEY_LEN; number > 0; number /= 10)
		*--at = (char)('0' + number % 10);
}

uint64_t kv_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

void kv_value(uint8_t ret_value[KV_VALUE_LEN], uint64_t seed)
{
	seed |= 1;
	for (size_t at = 0; at < KV_VALUE_LEN; at += sizeof(seed)) {
		kv_random(&seed);
		memcpy(ret_value + at, &seed, sizeof(seed));
	}
}

static hf_kv *open_with(hf_context *ctx, const char *url, const struct hf_kv_options *options)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	if (hf_kv_open(ctx, url, options, &kv, &err) != HF_OK)
		give_up("open", err.message);
	return kv;
}

hf_kv *kv_open(hf_context *ctx, const char *url, uint32_t connections)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = connections,
	                                      .connections_max = connections,
	                                      .sweep_interval_ms = -1};
	return open_with(ctx, url, &options);
}

hf_kv *kv_open_combined(hf_context *ctx, const char *url, uint32_t width)
{
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = width,
	                                      .connections_max = 2 * width,
	                                      .combine = width,
	                                      .sweep_interval_ms = -1};
	return open_with(ctx, url, &options);
}

PGconn *kv_session(const char *url)
{
	PGconn *pg = PQconnectdb(url);
	if (PQstatus(pg) != CONNECTION_OK)
		give_up("connect", PQerrorMessage(pg));
	return pg;
}

PGresult *kv_expect(PGconn *pg, PGresult *result, ExecStatusType status)
{
	if (PQresultStatus(result) != status)
		give_up("libpq", PQerrorMessage(pg));
	return result;
}

void kv_command(PGconn *pg, const char *sql)
{
	PQclear(kv_expect(pg, PQexec(pg, sql), PGRES_COMMAND_OK));
}

void kv_prepare(PGconn *pg, const char *name, const char *sql)
{
	PQclear(kv_expect(pg, PQprepare(pg, name, sql, 0, NULL), PGRES_COMMAND_OK));
}

long kv_number(const char *text, const char *usage)
{
	char *end;
	long number = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || number < 0)
		give_up("usage", usage);
	return number;
}
