/*
 * kv.c - holdfast kv: the table of its verbs, and those that concern the store as a whole. Entries stand in kv_entry.c,
 * ranges in kv_range.c, files and copies in kv_file.c.
 */
#include "cli/kv.h"

#include <stdio.h>

#include "base/error.h"
#include "cli/commands.h"
#include "holdfast/kv_blob.h"

/* ---- the store as a whole ---- */

/* Chunks of no blob that nobody has added to for an hour. */
#define LEFT_OVER_US INT64_C(3600000000)

static enum hf_status confirm_clear(struct cli *cli, uint64_t count, hf_error *err)
{
	char question[256];
	snprintf(question, sizeof(question), "remove all %llu entries of namespace \"%.100s\"",
	         (unsigned long long)count, config_text(cli->config, "kv.namespace"));
	return cli_confirm(cli, question, err);
}

static enum hf_status run_clear(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const struct hf_kv_how how = {.deadline = cli->deadline};
	uint64_t count = 0;
	enum hf_status status = cli->globals.dry_run ? kv_open_to_read(cli, &kv, err) : kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_count(kv, NULL, &count, err);
	if (status == HF_OK)
		status = confirm_clear(cli, count, err);
	if (status == HF_OK && !cli->globals.dry_run)
		status = hf_kv_clear(kv, &how, &count, err);
	const struct written written = {.what = "entries", .did = "removed", .changed = (int64_t)count};
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

static enum hf_status run_sweep(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	uint64_t removed = 0, left_over = 0;
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_sweep(kv, cli->deadline, &removed, err);
	if (status == HF_OK)
		status = hf_kv_blob_sweep(kv, LEFT_OVER_US, cli->deadline, &left_over, err);
	removed += left_over;
	const struct written written = {.what = "expired entries", .did = "removed", .changed = (int64_t)removed};
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

/* ---- the table ---- */

#define TTL_OPTION                                                                                              \
	{                                                                                                       \
		.name = "ttl", .arg = "DUR", .kind = OPTION_DURATION, .min = 1, .max = HF_KV_TTL_MAX_US / 1000, \
		.help = "it expires after DUR (30s, 10m, 7d)"                                                   \
	}
#define FILE_OPTION                                                                                      \
	{                                                                                                \
		.name = "file", .arg = "FILE", .help = "take the value from there, as it is; - is stdin" \
	}
#define IF_REV_OPTION                                                                         \
	{                                                                                     \
		.name = "if-rev", .arg = "N", .kind = OPTION_INT, .min = 1, .max = INT64_MAX, \
		.help = "only if this is its revision"                                        \
	}

static const struct cmd_option plain_options[] = {KV_STORE_OPTIONS, {0}};
static const struct cmd_option get_options[] = {
	KV_STORE_OPTIONS,
	KV_ENCODING_OPTION,
	{.name = "range", .arg = "FIRST-LAST", .help = "only these bytes of the value, as they are; FIRST- to its end"},
	{0},
};
static const struct cmd_option key_options[] = {KV_STORE_OPTIONS, KV_ENCODING_OPTION, {0}};
static const struct cmd_option changed_options[] = {KV_STORE_OPTIONS, KV_ENCODING_OPTION, KV_TOKEN_OPTION, {0}};
static const struct cmd_option del_options[] = {
	KV_STORE_OPTIONS, KV_ENCODING_OPTION, IF_REV_OPTION, KV_TOKEN_OPTION, {0}};
static const struct cmd_option touch_options[] = {
	KV_STORE_OPTIONS, KV_ENCODING_OPTION, TTL_OPTION, KV_TOKEN_OPTION, {0}};
static const struct cmd_option append_options[] = {
	KV_STORE_OPTIONS, KV_ENCODING_OPTION, FILE_OPTION, KV_TOKEN_OPTION, {0}};
static const struct cmd_option put_options[] = {
	KV_STORE_OPTIONS,
	KV_ENCODING_OPTION,
	FILE_OPTION,
	{.name = "chunked", .kind = OPTION_FLAG, .help = "of any length, in chunks of 1 MiB"},
	TTL_OPTION,
	{.name = "never", .kind = OPTION_FLAG, .help = "it never expires, whatever kv expiry says"},
	{.name = "meta", .arg = "JSON", .help = "metadata: JSON of any kind"},
	{.name = "if-absent", .kind = OPTION_FLAG, .help = "only if there is no such key, exit 5 otherwise"},
	{.name = "if-present", .kind = OPTION_FLAG, .help = "only if there is such a key"},
	IF_REV_OPTION,
	{.name = "lock", .arg = "NAME", .help = "only while this lock is held, checked with the write; else exit 5"},
	{.name = "owner", .arg = "NAME", .help = "who holds it (default HOLDFAST_LOCK_OWNER)"},
	{.name = "fence",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_MAX,
         .help = "with which (default HOLDFAST_FENCE)"},
	{.name = "keep-ttl", .kind = OPTION_FLAG, .help = "the expiry stays; without it a put replaces it"},
	{.name = "keep-meta", .kind = OPTION_FLAG, .help = "the metadata stay; without it a put replaces them"},
	KV_TOKEN_OPTION,
	{0},
};
static const struct cmd_option incr_options[] = {
	KV_STORE_OPTIONS,
	KV_ENCODING_OPTION,
	{.name = "by",
         .arg = "N",
         .kind = OPTION_INT,
         .min = INT64_MIN,
         .max = INT64_MAX,
         .help = "how much to add (default 1)"},
	KV_TOKEN_OPTION,
	{0},
};

#define ABOUT_ENCODING                                                                                              \
	"Keys and values are bytes. Text stands for itself; \\x and hexadecimal digits stand for bytes, and bytes " \
	"that "                                                                                                     \
	"no terminal can show come out like that. --encoding hex, base64, utf8 or raw says it otherwise."

const struct cmd kv_commands[] = {
	{.noun = "kv",
         .verb = "get",
         .args = "KEY",
         .summary = "print the value of a key",
         .about = ABOUT_ENCODING
         "\n-o raw writes the value to the byte, without a line feed behind it. A key that is not "
         "there or has expired is exit 3. -o raw and --range read a value in chunks (kv put --chunked) in the memory "
         "of one.",
         .options = get_options,
         .columns = kv_get_columns,
         .run = kv_get_verb,
         .examples = {"holdfast kv get greeting", "holdfast kv get greeting --json",
                      "holdfast kv get logo -o raw > logo.png", "holdfast kv get film --range 1048576-2097151 > part"},
         .test_effect = "test_kv_get_prints_value_and_fields",
         .test_refusal = "test_kv_get_refuses_an_absent_key"},
	{.noun = "kv",
         .verb = "put",
         .args = "KEY [VALUE]",
         .summary = "store a value, in place of all that stood there",
         .about = "Without VALUE, or with -, it is read from stdin. A put replaces expiry and metadata of what stood "
                  "there unless --keep-ttl, --keep-meta say otherwise; without --ttl it lives as long as kv expiry "
                  "says. --chunked stores what is too long for a value, from a "
                  "file or "
                  "stdin, and nothing of it is seen before all of it is. A condition that does not hold is exit "
                  "5.\n" ABOUT_ENCODING,
         .options = put_options,
         .columns = kv_put_columns,
         .run = kv_put_verb,
         .examples = {"holdfast kv put greeting hello --ttl 10m --meta '{\"by\":\"me\"}'",
                      "holdfast kv put logo --file logo.png", "holdfast kv put leader me --if-absent --ttl 30s",
                      "holdfast kv lock run nightly -- holdfast kv put report done --lock nightly"},
         .test_effect = "test_kv_put_stores_with_ttl_and_metadata",
         .test_refusal = "test_kv_put_refuses_what_cannot_be"},
	{.noun = "kv",
         .verb = "del",
         .args = "KEY...",
         .summary = "remove keys, all or none of them",
         .about = "A key that is not there is removed already.",
         .options = del_options,
         .run = kv_del_verb,
         .examples = {"holdfast kv del greeting", "holdfast kv del a b c --json", "holdfast kv del leader --if-rev 17"},
         .test_effect = "test_kv_del_counts_what_existed",
         .test_refusal = "test_kv_del_refuses_another_revision"},
	{.noun = "kv",
         .verb = "ls",
         .args = "[PREFIX]",
         .summary = "list keys in their order",
         .about = "--after is the last key of the page before: a page costs the same wherever it is.",
         .options = kv_ls_options,
         .columns = kv_ls_columns,
         .run = kv_ls_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast kv ls", "holdfast kv ls user/ --limit 20 --after user/1999",
                      "holdfast kv ls --reverse -o raw"},
         .test_effect = "test_kv_ls_is_ordered_and_paged",
         .test_refusal = "test_kv_ls_refuses_an_unknown_field"},
	{.noun = "kv",
         .verb = "scan",
         .args = "[PREFIX]",
         .summary = "list keys with their values",
         .options = kv_ls_options,
         .columns = kv_entry_columns,
         .run = kv_scan_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast kv scan user/", "holdfast kv scan --with-meta '{\"by\":\"me\"}' --limit 0 -o ndjson",
                      "holdfast kv scan --from a --to n --json=key,value"},
         .test_effect = "test_kv_scan_shows_values_and_filters",
         .test_refusal = "test_kv_scan_refuses_a_filter_that_is_no_json"},
	{.noun = "kv",
         .verb = "count",
         .args = "[PREFIX]",
         .summary = "count keys",
         .options = kv_count_options,
         .columns = kv_count_columns,
         .run = kv_count_verb,
         .examples = {"holdfast kv count", "holdfast kv count user/ --json", "holdfast kv count --estimated"},
         .test_effect = "test_kv_count_counts_live_keys",
         .test_refusal = "test_kv_count_refuses_an_estimate_of_a_range"},
	{.noun = "kv",
         .verb = "exists",
         .args = "KEY",
         .summary = "is the key there: exit 0, or 3",
         .options = key_options,
         .columns = kv_exists_columns,
         .run = kv_exists_verb,
         .examples = {"holdfast kv exists greeting", "holdfast kv exists lock >/dev/null && echo taken",
                      "holdfast kv exists a --json"},
         .test_effect = "test_kv_exists_answers_by_exit_code",
         .test_refusal = "test_kv_exists_refuses_a_key_that_is_too_long"},
	{.noun = "kv",
         .verb = "ttl",
         .args = "KEY",
         .summary = "how long an entry has to live",
         .options = key_options,
         .columns = kv_ttl_columns,
         .run = kv_ttl_verb,
         .examples = {"holdfast kv ttl greeting", "holdfast kv ttl greeting --json",
                      "holdfast kv ttl greeting --exact"},
         .test_effect = "test_kv_ttl_tells_what_is_left",
         .test_refusal = "test_kv_ttl_refuses_an_absent_key"},
	{.noun = "kv",
         .verb = "touch",
         .args = "KEY",
         .summary = "give an entry another time to live",
         .about = "Counted from now by the clock of the store. What has expired is not brought back: exit 3.",
         .options = touch_options,
         .columns = kv_changed_columns,
         .run = kv_touch_verb,
         .examples = {"holdfast kv touch session --ttl 30m", "holdfast kv touch session --ttl 7d --json",
                      "holdfast kv touch --ttl 1h session"},
         .test_effect = "test_kv_touch_and_persist_change_the_expiry",
         .test_refusal = "test_kv_touch_refuses_no_time_at_all"},
	{.noun = "kv",
         .verb = "persist",
         .args = "KEY",
         .summary = "let an entry live for ever",
         .options = changed_options,
         .columns = kv_changed_columns,
         .run = kv_persist_verb,
         .examples = {"holdfast kv persist session", "holdfast kv persist session --json",
                      "holdfast kv persist --encoding hex 00ff"},
         .test_effect = "test_kv_touch_and_persist_change_the_expiry",
         .test_refusal = "test_kv_persist_refuses_an_absent_key"},
	{.noun = "kv",
         .verb = "meta",
         .args = "KEY [JSON]",
         .summary = "print or set the metadata of an entry",
         .about = "Value and expiry stay. An empty JSON takes the metadata away.",
         .options = key_options,
         .columns = kv_meta_columns,
         .run = kv_meta_verb,
         .examples = {"holdfast kv meta greeting", "holdfast kv meta greeting '{\"by\":\"you\"}'",
                      "holdfast kv meta greeting ''"},
         .test_effect = "test_kv_meta_prints_and_sets",
         .test_refusal = "test_kv_meta_refuses_what_is_no_json"},
	{.noun = "kv",
         .verb = "cas",
         .args = "KEY OLD NEW",
         .summary = "replace a value if it is what it was thought to be",
         .about = "Another value is exit 5, no entry exit 3. Expiry and metadata stay.",
         .options = changed_options,
         .columns = kv_changed_columns,
         .run = kv_cas_verb,
         .examples = {"holdfast kv cas state ready running", "holdfast kv cas state ready running --json",
                      "holdfast kv cas flag 00 01 --encoding hex"},
         .test_effect = "test_kv_cas_replaces_the_expected_value",
         .test_refusal = "test_kv_cas_refuses_another_value"},
	{.noun = "kv",
         .verb = "incr",
         .args = "KEY",
         .summary = "add to a number, print the sum",
         .about = "The value is a decimal number of 64 bits; no entry counts as 0. Anything else is exit 5. With a "
                  "--token of its own it is added once, however often the command is repeated in a day.",
         .options = incr_options,
         .columns = kv_incr_columns,
         .run = kv_incr_verb,
         .examples = {"holdfast kv incr visits", "holdfast kv incr stock --by=-3",
                      "holdfast kv incr visits --token \"$(openssl rand -hex 16)\" --json"},
         .test_effect = "test_kv_incr_adds_and_prints_the_sum",
         .test_refusal = "test_kv_incr_refuses_what_is_no_number"},
	{.noun = "kv",
         .verb = "append",
         .args = "KEY [VALUE]",
         .summary = "add bytes to the end of a value",
         .about = "Without VALUE, or with -, they are read from stdin.",
         .options = append_options,
         .columns = kv_changed_columns,
         .run = kv_append_verb,
         .examples = {"holdfast kv append log 'one more line'", "date | holdfast kv append log",
                      "holdfast kv append log --file part"},
         .test_effect = "test_kv_append_extends_the_value",
         .test_refusal = "test_kv_append_refuses_two_values"},
	{.noun = "kv",
         .verb = "clear",
         .summary = "remove every entry of the namespace",
         .about = "Other namespaces stay. Says how many there are and asks first.",
         .options = plain_options,
         .run = run_clear,
         .flags = CMD_WRITES | CMD_ASKS,
         .examples = {"holdfast kv clear", "holdfast kv clear --namespace cache --yes", "holdfast kv clear --dry-run"},
         .test_effect = "test_kv_clear_empties_its_namespace",
         .test_refusal = "test_kv_clear_refuses_without_an_answer"},
	{.noun = "kv",
         .verb = "sweep",
         .summary = "remove what expired, in all namespaces",
         .about = "Expired entries are never seen; this gives their room back. Programs that keep a store open do it "
                  "every minute.",
         .options = plain_options,
         .run = run_sweep,
         .examples = {"holdfast kv sweep", "holdfast kv sweep --json", "holdfast kv sweep --timeout 10s"},
         .test_effect = "test_kv_sweep_counts_what_it_removes",
         .test_refusal = "test_kv_sweep_refuses_an_unknown_store"},
	{.noun = "kv",
         .verb = "stats",
         .summary = "what the store is, what it holds, whether it answers",
         .options = plain_options,
         .columns = kv_stats_columns,
         .run = kv_stats_verb,
         .examples = {"holdfast kv stats", "holdfast kv stats --json=entries,total_bytes", "holdfast --demo kv stats"},
         .test_effect = "test_kv_stats_describes_the_store",
         .test_refusal = "test_kv_stats_refuses_a_store_that_is_not_there"},
	{.noun = "kv",
         .verb = "health",
         .summary = "is the store usable, and what should somebody look at",
         .about = "Degraded: it works, and the reasons say what to look at; exit 0, or 4 with --check. Unhealthy: the "
                  "exit "
                  "code of what is wrong (7 unreachable or a standby, 6 denied, 1 otherwise). Makes no tables and no "
                  "folder: without them it is unhealthy.",
         .options = kv_health_options,
         .columns = kv_health_columns,
         .run = kv_health_verb,
         .examples = {"holdfast kv health", "holdfast kv health --store lmdb:here --json",
                      "holdfast kv health --check >/dev/null || page-somebody"},
         .test_effect = "test_kv_health_tells_how_the_store_is",
         .test_refusal = "test_kv_health_refuses_a_store_that_is_not_there"},
	{.noun = "kv",
         .verb = "expiry",
         .summary = "how long entries of the namespace live that are put without --ttl",
         .about = "Kept in the store, for every program that uses it; one that runs already takes it over when it "
                  "opens the store anew. Without a flag it is shown. What stands there keeps its expiry.",
         .options = kv_expiry_options,
         .columns = kv_expiry_columns,
         .run = kv_expiry_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast kv expiry", "holdfast kv expiry --ttl 30d --namespace sessions",
                      "holdfast kv expiry --never"},
         .test_effect = "test_kv_expiry_is_that_of_puts_without_one",
         .test_refusal = "test_kv_expiry_refuses_two_answers"},
	{.noun = "kv",
         .verb = "feed",
         .args = "[on|off]",
         .summary = "turn the change feed of a namespace on or off, or show it",
         .about = "Off by default. While it is on each change is kept for those who watch, in the transaction that "
                  "makes "
                  "it. Turning it off forgets them. Without an argument it is shown.",
         .options = kv_feed_options,
         .columns = kv_feed_columns,
         .run = kv_feed_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast kv feed on", "holdfast kv feed on --keep 7d --keep-changes 10000000",
                      "holdfast kv feed --json"},
         .test_effect = "test_kv_feed_is_turned_on_and_off",
         .test_refusal = "test_kv_feed_refuses_what_is_neither_on_nor_off"},
	{.noun = "kv",
         .verb = "watch",
         .args = "[PREFIX]",
         .summary = "follow the changes of a namespace as they are committed",
         .about = "A line each; --json and -o ndjson: an object a line, with a token to go on from. Needs the feed: kv "
                  "feed "
                  "on. Ends with exit 0 after --count changes, or at an interrupt. --timeout ends it too: with 0, or "
                  "8 when --count was not reached. A token whose changes are not kept any more is refused (compacted): "
                  "watch from now, then read the namespace.",
         .options = kv_watch_options,
         .columns = kv_watch_columns,
         .run = kv_watch_verb,
         .examples = {"holdfast kv watch", "holdfast kv watch user/ --json --values",
                      "holdfast kv watch --from kv1.1d9bd3a1.42 --count 10"},
         .test_effect = "test_kv_watch_follows_and_goes_on_from_a_token",
         .test_refusal = "test_kv_watch_refuses_a_namespace_without_a_feed"},
	{.noun = "kv",
         .verb = "bench",
         .summary = "how fast this store is from here",
         .about = "One caller, calls one after the other, each as durable as the store is by default; values that "
                  "cannot be made shorter. In the namespace holdfast-bench, which is emptied before and behind.",
         .options = kv_bench_options,
         .columns = kv_bench_columns,
         .run = kv_bench_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast kv bench --store lmdb:here", "holdfast kv bench --entries 100000 --bytes 1000 --json",
                      "holdfast --private kv bench"},
         .test_effect = "test_kv_bench_measures_in_a_namespace_of_its_own",
         .test_refusal = "test_kv_bench_refuses_an_unknown_store"},
	{.noun = "kv",
         .verb = "import",
         .args = "[FILE]",
         .summary = "store entries of a file, or of other programs' tables",
         .about = "FILE (- is stdin) is what export and scan -o ndjson write: key and value as {\"utf8\": text}, "
                  "{\"hex\": text}, {\"base64\": text} or plain text; metadata, created, expires or ttl_s where there "
                  "are any. "
                  "Stored a thousand at a time: after a malformed line what stood before is in the store, and the "
                  "message says how much.\n--from-seed-tables and --from-dapr read tables of PostgreSQL instead, in "
                  "the order "
                  "of their keys: what was cut short is simply done again, or goes on with --after.",
         .options = kv_import_options,
         .columns = kv_file_columns,
         .run = kv_import_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast kv import state.ndjson", "zcat state.gz | holdfast kv import -",
                      "holdfast kv import --from-seed-tables postgresql:///old --store lmdb:new"},
         .test_effect = "test_kv_import_reads_what_export_wrote",
         .test_refusal = "test_kv_import_names_the_line"},
	{.noun = "kv",
         .verb = "export",
         .args = "[FILE]",
         .summary = "write all entries to a file, an object a line",
         .about = "In the order of keys, in constant memory, to stdout or to a new file beside FILE that takes its "
                  "place when it is whole (behind a link: there, and the link stays). What others write meanwhile is "
                  "in it or not.",
         .options = kv_export_options,
         .run = kv_export_verb,
         .examples = {"holdfast kv export state.ndjson", "holdfast kv export --prefix user/ | gzip > users.gz",
                      "holdfast kv export - --encoding base64"},
         .test_effect = "test_kv_import_reads_what_export_wrote",
         .test_refusal = "test_kv_export_refuses_a_folder_that_is_not_there"},
	{.noun = "kv",
         .verb = "copy",
         .summary = "all entries of one store into another, as they are",
         .about =
                 "Values, metadata, expiries and times, as of one moment where the store that is read has checkpoints; "
                 "revisions are new. All or nothing, into a namespace without entries or (--replace) in their place; "
                 "then what was written is read again and compared. --merge puts the entries over what stands there "
                 "instead, a thousand at a time, as changed now.",
         .options = kv_copy_options,
         .columns = kv_file_columns,
         .run = kv_copy_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast kv copy --from lmdb:old --to postgresql:///new",
                      "holdfast kv copy --from redis://h --to lmdb:here --prefix user/",
                      "holdfast kv copy --from lmdb:old --to lmdb:new --dry-run"},
         .test_effect = "test_kv_copy_takes_everything_along",
         .test_refusal = "test_kv_copy_refuses_one_place_twice"},
	{0},
};
