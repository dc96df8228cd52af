/*
 * replay_queue.c - the recorded calls of the queue (spec/janitor.md 6) by ours.
 */
#include "recorded.h"
#include "../sql.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

static json_t *item_json(const struct hf_queue_item *item)
{
	json_t *duration = item->has_estimated_duration ? json_integer(item->estimated_duration_us) : json_null();
	return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "id", item->id, "codebase", json_of(item->codebase),
	                 "campaign", json_of(item->campaign), "change_set", json_of(item->change_set), "command",
	                 json_of(item->command), "context", json_of(item->context), "estimated_duration_us", duration,
	                 "refresh", item->refresh, "requester", json_of(item->requester));
}

/* ---- adding ---- */

static json_t *added_json(int32_t id, enum hf_bucket bucket)
{
	return json_pack("{s:i,s:s}", "queue_id", id, "bucket", hf_bucket_word(bucket));
}

/* What the original did instead took an id or wrote a row: the case cannot go on. */
static void leave_out(struct answer *ret, enum difference difference)
{
	ret->difference = difference;
	ret->ends_case = true;
}

static void add_at(hf_where where, const struct hf_defects *keep, const json_t *args, struct answer *ret)
{
	struct hf_queue_request request = {.codebase = text_of(args, "codebase"),
	                                   .campaign = text_of(args, "campaign"),
	                                   .command = text_of(args, "command"),
	                                   .change_set = text_of(args, "change_set"),
	                                   .context = text_of(args, "context"),
	                                   .requester = text_of(args, "requester"),
	                                   .bucket = HF_BUCKET_DEFAULT,
	                                   .refresh = bool_of(args, "refresh"),
	                                   .keep = keep};
	int32_t id;
	enum hf_bucket bucket;
	number_of(args, "offset", &request.offset);
	request.has_estimated_duration = integer_of(args, "estimated_duration_us", &request.estimated_duration_us);
	if (json_object_get(args, "bucket") && !bucket_of(args, &request.bucket, &ret->err)) {
		if (json_is_null(json_object_get(args, "bucket")))
			leave_out(ret, NO_SUCH_ARGUMENT);
		return;
	}
	enum hf_status status = hf_queue_add(where, &request, &id, &bucket, &ret->err);
	if (status == HF_OK)
		ret->ok = added_json(id, bucket);
	if (!request.codebase.ptr || !request.campaign.ptr) {
		assert_int_equal(status, HF_REJECTED);
		leave_out(ret, NO_NULL_NAME);
	}
	if (json_is_null(json_object_get(args, "refresh")))
		leave_out(ret, NO_NULL_REFRESH);
}

static void queue_add(struct replay *replay, const json_t *args, struct answer *ret)
{
	add_at(replay->rig.where, keep_of(replay), args, ret);
}

/* ---- two sessions ---- */

struct second {
	struct replay *replay;
	const json_t *args;
	struct answer answer;
	pthread_t thread;
	sem_t ended;
};

static void *add_second(void *user)
{
	struct second *second = user;
	add_at(hf_on_connection(second->replay->rig.second), &second->replay->keep, second->args, &second->answer);
	sem_post(&second->ended);
	return NULL;
}

/* Whether the second session waits for a lock; false once it is through. */
static bool waits(hf_where where, struct second *second)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	struct hf_value pid = hf_int(hf_connection_backend_pid(second->replay->rig.second));
	for (int i = 0; i < 4000; i++) {
		if (sem_trywait(&second->ended) == 0) {
			sem_post(&second->ended);
			return false;
		}
		EXPECT_OK(hf_sql_one(where,
		                     HF_STR("SELECT coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity "
		                            "WHERE pid = $1::integer"),
		                     &pid, 1, arena, &row, &err));
		if (row.values[0].as.b)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	fail_msg("the second session neither waits nor ends");
	return false;
}

struct both {
	struct second *second;
	const json_t *args;
	struct answer first;
	bool waited;
};

static enum hf_status add_both(hf_where tx, void *user, hf_error *err)
{
	struct both *both = user;
	const json_t *first = json_object_get(both->args, "first");
	int64_t id;
	if (!integer_of(first, "delete", &id))
		add_at(tx, &both->second->replay->keep, first, &both->first);
	else
		both->first.ok = json_string(hf_queue_remove(tx, (int32_t)id, err) == HF_OK ? "DELETE 1" : "DELETE 0");
	assert_int_equal(pthread_create(&both->second->thread, NULL, add_second, both->second), 0);
	both->waited = waits(tx, both->second);
	return strcmp(json_string_value(json_object_get(both->args, "end")), "commit") == 0 ? HF_OK : HF_STOP;
}

static void queue_add_second(struct replay *replay, const json_t *args, struct answer *ret)
{
	keep_of(replay);
	struct second second = {.replay = replay,
	                        .args = json_object_get(args, "second"),
	                        .answer = {.err = HF_ERROR_INIT, .difference = SAME}};
	struct both both = {.second = &second, .args = args, .first = {.err = HF_ERROR_INIT, .difference = SAME}};
	sem_init(&second.ended, 0, 0);
	enum hf_status status = hf_transaction(replay->rig.where, NULL, add_both, &both, &ret->err);
	assert_true(status == HF_OK || status == HF_STOP);
	pthread_join(second.thread, NULL);
	sem_destroy(&second.ended);
	assert_non_null(both.first.ok); /* no failure among the recorded ones */
	assert_non_null(second.answer.ok);
	ret->ok = json_pack("{s:{s:o},s:b,s:{s:o}}", "first", "ok", both.first.ok, "waited", both.waited, "second",
	                    "ok", second.answer.ok);
}

/* Another session empties the queue after the statement that finds the place held, before the one that reads it. */
struct emptier {
	struct replay *replay;
	pthread_t thread;
	sem_t go, done;
	bool emptied;
};

static void *empty(void *user)
{
	struct emptier *emptier = user;
	sem_wait(&emptier->go);
	if (emptier->emptied)
		sql_run(hf_on_connection(emptier->replay->rig.second), "DELETE FROM queue");
	sem_post(&emptier->done);
	return NULL;
}

static void let_empty(void *user, const char *name, int64_t rows)
{
	struct emptier *emptier = user;
	if (strcmp(name, "queue_add") != 0 || rows > 0)
		return;
	emptier->emptied = true;
	sem_post(&emptier->go);
	sem_wait(&emptier->done);
}

static void queue_add_vanishing(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct emptier emptier = {.replay = replay};
	sem_init(&emptier.go, 0, 0);
	sem_init(&emptier.done, 0, 0);
	assert_int_equal(pthread_create(&emptier.thread, NULL, empty, &emptier), 0);
	replay->rig.on_query = let_empty;
	replay->rig.on_query_user = &emptier;
	add_at(replay->rig.where, keep_of(replay), args, ret);
	replay->rig.on_query = NULL;
	if (!emptier.emptied)
		sem_post(&emptier.go); /* there was no second statement */
	pthread_join(emptier.thread, NULL);
	sem_destroy(&emptier.go);
	sem_destroy(&emptier.done);
}

/* ---- reading ---- */

static void get_item(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_queue_item item;
	int64_t id;
	assert_true(integer_of(args, "id", &id));
	if (id > INT32_MAX || id < INT32_MIN) {
		ret->difference = NO_SUCH_ARGUMENT;
		return;
	}
	enum hf_status status = hf_queue_get(replay->rig.where, (int32_t)id, arena, &item, &ret->err);
	if (status == HF_OK)
		ret->ok = item_json(&item);
	else if (status == HF_NOT_FOUND)
		ret->ok = json_null();
}

static json_t *vcs_info(const struct hf_queue_next *next)
{
	json_t *info = json_object();
	if (next->branch_url.len > 0)
		json_object_set_new(info, "branch_url", json_of(next->branch_url));
	if (next->subpath.ptr)
		json_object_set_new(info, "subpath", json_of(next->subpath));
	if (next->vcs_type.len > 0)
		json_object_set_new(info, "vcs_type", json_of(next->vcs_type));
	return info;
}

static void fill_filter(struct replay *replay, const json_t *args, hf_arena *arena, struct hf_queue_filter *filter)
{
	const json_t *hosts = json_object_get(args, "exclude_hosts");
	const json_t *ids = json_object_get(args, "assigned_queue_items");
	uint32_t nhosts = (uint32_t)json_array_size(hosts), nids = (uint32_t)json_array_size(ids);
	struct hf_str *host = hf_arena_calloc(arena, nhosts, sizeof(*host));
	int32_t *id = hf_arena_calloc(arena, nids, sizeof(*id));
	for (uint32_t i = 0; i < nhosts; i++)
		host[i] = hf_str_of(json_string_value(json_array_get(hosts, i)));
	for (uint32_t i = 0; i < nids; i++)
		id[i] = (int32_t)json_integer_value(json_array_get(ids, i));
	*filter = (struct hf_queue_filter){.keep = keep_of(replay),
	                                   .codebase = text_of(args, "codebase"),
	                                   .campaign = text_of(args, "campaign"),
	                                   .exclude_hosts = {.count = nhosts, .ndim = nhosts > 0, .values = host},
	                                   .assigned = {.count = nids, .ndim = nids > 0, .values = id}};
}

/* D-10: asked for a campaign, the original fails. Ours must give the first of that campaign: the list says which. */
struct first_of {
	struct hf_str campaign;
	int32_t id;
};

static enum hf_status take_first(void *user, const struct hf_queue_item *item, UNUSED hf_error *err)
{
	struct first_of *first = user;
	first->id = item->id;
	return HF_STOP;
}

static void check_campaign(struct replay *replay, struct hf_str campaign, const struct hf_queue_next *next,
                           hf_error *err)
{
	struct first_of first = {campaign, 0};
	assert_int_equal(hf_queue_list(replay->rig.where, &(struct hf_queue_list_filter){.campaign = campaign},
	                               take_first, &first, err),
	                 HF_OK);
	assert_int_equal(first.id, next->item.id);
	assert_true(str_eq(next->item.campaign, campaign));
}

static void next_item(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_queue_filter filter;
	struct hf_queue_next next = {0};
	fill_filter(replay, args, arena, &filter);
	enum hf_status status = hf_queue_peek(replay->rig.where, &filter, arena, &next, &ret->err);
	if (filter.campaign.len > 0) {
		assert_int_equal(status, HF_OK);
		check_campaign(replay, filter.campaign, &next, &ret->err);
		ret->difference = CAMPAIGN_FILTER;
	} else if (status == HF_OK) {
		ret->ok = json_pack("{s:o,s:o}", "item", item_json(&next.item), "vcs_info", vcs_info(&next));
	} else if (status == HF_NOT_FOUND) {
		ret->ok = json_pack("{s:n,s:{}}", "item", "vcs_info");
	}
}

static enum hf_status append_item(void *user, const struct hf_queue_item *item, UNUSED hf_error *err)
{
	return json_array_append_new(user, item_json(item)) == 0 ? HF_OK : HF_E_NOMEM;
}

static void iter_queue(struct replay *replay, const json_t *args, struct answer *ret)
{
	int64_t limit = 0;
	json_t *items = json_array();
	integer_of(args, "limit", &limit);
	if (hf_queue_list(replay->rig.where,
	                  &(struct hf_queue_list_filter){.campaign = text_of(args, "campaign"), .limit = limit},
	                  append_item, items, &ret->err) == HF_OK)
		ret->ok = items;
	else
		json_decref(items);
}

static void get_position(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_queue_position position;
	enum hf_status status = hf_queue_position(replay->rig.where, text_of(args, "codebase"),
	                                          text_of(args, "campaign"), &position, &ret->err);
	if (status == HF_NOT_FOUND)
		ret->ok = json_pack("{s:n,s:n}", "position", "wait_time_us");
	if (status == HF_OK)
		ret->ok = json_pack("{s:I,s:o}", "position", (json_int_t)position.position, "wait_time_us",
		                    position.has_wait ? json_integer(position.wait_us) : json_null());
}

static enum hf_status add_bucket(void *user, const struct hf_queue_bucket_stats *stats, UNUSED hf_error *err)
{
	json_array_append_new(user, json_pack("[s%,I]", stats->word.ptr, stats->word.len, (json_int_t)stats->items));
	return HF_OK;
}

static void get_buckets(struct replay *replay, UNUSED const json_t *args, struct answer *ret)
{
	json_t *buckets = json_array();
	if (hf_queue_stats(replay->rig.where, add_bucket, buckets, &ret->err) == HF_OK)
		ret->ok = json_incref(buckets);
	json_decref(buckets);
}

const struct call queue_calls[] = {{"queue_add", queue_add},
                                   {"queue_add_second", queue_add_second},
                                   {"queue_add_vanishing", queue_add_vanishing},
                                   {"get_item", get_item},
                                   {"next_item", next_item},
                                   {"iter_queue", iter_queue},
                                   {"get_position", get_position},
                                   {"get_buckets", get_buckets},
                                   {NULL, NULL}};
