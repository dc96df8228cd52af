/*
 * preview.c - see preview.h.
 */
#include "cli/preview.h"

#include "base/error.h"

struct attempt {
	hf_transaction_fn *fn;
	void *user;
	bool dry_run;
};

/* HF_STOP rolls back: a preview leaves nothing. */
static enum hf_status attempt(hf_where tx, void *user, hf_error *err)
{
	const struct attempt *wanted = user;
	enum hf_status status = wanted->fn(tx, wanted->user, err);
	return status == HF_OK && wanted->dry_run ? HF_STOP : status;
}

enum hf_status cli_rolled_back(enum hf_status status, hf_error *err)
{
	if (status == HF_E_UNAVAILABLE && !err->hint[0]) {
		error_hint(err, "nothing was stored; run it again when the server is there");
		return status;
	}
	return status;
}

enum hf_status cli_write(struct cli *cli, hf_transaction_fn *fn, void *user, hf_error *err)
{
	struct attempt wanted = {fn, user, cli->globals.dry_run};
	const struct hf_transaction_options how = {.size = sizeof(how), .isolation = HF_READ_COMMITTED};
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_transaction(where, &how, attempt, &wanted, err);
	return status == HF_STOP ? HF_OK : cli_rolled_back(status, err);
}
