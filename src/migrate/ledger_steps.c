/*
 * ledger_steps.c - the statements of tx=no migrations, one row each.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/ledger.h"

static const char *const step_words[] = {"none", "started", "failed", "done"};

struct steps_reader {
	struct ledger_step *steps;
	size_t count;
};

static enum hf_status read_step(void *user, const struct hf_sql_row *row, hf_error *err)
{
	struct steps_reader *reader = user;
	int64_t n = row->values[0].as.i;
	struct hf_str state = row->values[1].as.s;
	struct hf_bytes checksum = row->values[2].as.raw;
	if (n < 1 || (uint64_t)n > reader->count)
		return error_set(err, HF_E_CORRUPT,
		                 "statement %lld of an earlier try is recorded, but the text has only %zu",
		                 (long long)n, reader->count);
	if (checksum.len != HF_MIGRATION_DIGEST_BYTES)
		return error_set(err, HF_E_CORRUPT, "holdfast.migration_step holds a malformed checksum");
	struct ledger_step *step = &reader->steps[n - 1];
	for (int i = STEP_STARTED; i <= STEP_DONE; i++)
		if (str_eq(state, hf_str_of(step_words[i])))
			step->state = (enum step_state)i;
	memcpy(step->checksum, checksum.ptr, sizeof(step->checksum));
	return HF_OK;
}

static const char *direction(bool down)
{
	return down ? "down" : "up";
}

enum hf_status ledger_read_steps(hf_where where, const char *set, const char *version, bool down,
                                 struct ledger_step *steps, size_t count, hf_error *err)
{
	struct steps_reader reader = {steps, count};
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version)),
	                                  hf_text(hf_str_of(direction(down)))};
	return hf_sql_each(where,
	                   HF_STR("SELECT n, state, checksum FROM holdfast.migration_step"
	                          " WHERE set_name = $1 AND version = $2 AND direction = $3 ORDER BY n"),
	                   values, ARRAY_LEN(values), read_step, &reader, err);
}

enum hf_status ledger_step(hf_where where, const char *set, const char *version, bool down, size_t n,
                           const struct ledger_step *step, hf_error *err)
{
	struct hf_value checksum = hf_raw((struct hf_bytes){step->checksum, sizeof(step->checksum)});
	checksum.oid = 17; /* bytea */
	const struct hf_value values[] = {hf_text(hf_str_of(set)),
	                                  hf_text(hf_str_of(version)),
	                                  hf_text(hf_str_of(direction(down))),
	                                  hf_int((int64_t)n),
	                                  hf_text(hf_str_of(step_words[step->state])),
	                                  checksum};
	return hf_sql_exec(where,
	                   HF_STR("INSERT INTO holdfast.migration_step"
	                          " (set_name, version, direction, n, state, checksum)"
	                          " VALUES ($1, $2, $3, $4, $5, $6)"
	                          " ON CONFLICT (set_name, version, direction, n) DO UPDATE"
	                          " SET state = excluded.state, checksum = excluded.checksum, at = clock_timestamp()"),
	                   values, ARRAY_LEN(values), NULL, err);
}

enum hf_status ledger_forget_steps(hf_where where, const char *set, const char *version, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version))};
	return hf_sql_exec(where, HF_STR("DELETE FROM holdfast.migration_step WHERE set_name = $1 AND version = $2"),
	                   values, ARRAY_LEN(values), NULL, err);
}
