/*
 * redis_login.c - a connection from nothing to usable: AUTH, SELECT, and what the server says of itself.
 *
 * CONFIG may be renamed or denied where Redis is rented: then INFO has to do, and what neither says is unknown.
 */
#include "base/context.h"
#include "base/error.h"
#include "kv/redis.h"

static struct hf_str text_of(const redisReply *reply)
{
	bool has_text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
	return has_text ? (struct hf_str){reply->str, reply->len} : (struct hf_str){"", 0};
}

/* One command, one answer. */
static enum hf_status ask(struct redis_connection *connection, const struct redis_request *request,
                          hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	bool whole;
	enum hf_status status = redis_request_check(request, err);
	if (status == HF_OK)
		status = redis_wire_send(connection, request, deadline, &whole, err);
	return status == HF_OK ? redis_wire_receive(connection, deadline, ret_reply, err) : status;
}

static enum hf_status must_answer(struct redis_connection *connection, struct redis_request *request, const char *what,
                                  hf_deadline deadline, hf_error *err)
{
	redisReply *reply = NULL;
	enum hf_status status = ask(connection, request, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	if (reply->type == REDIS_REPLY_ERROR)
		status = redis_refusal(reply, what, err);
	freeReplyObject(reply);
	return status;
}

static enum hf_status authenticate(struct redis_connection *connection, const struct redis_url *url,
                                   hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	if (!url->password[0] && !url->user[0])
		return HF_OK;
	redis_request_init(&request);
	redis_request_command(&request, url->user[0] ? 3 : 2);
	redis_request_text(&request, "AUTH");
	if (url->user[0])
		redis_request_text(&request, url->user);
	redis_request_text(&request, url->password);
	enum hf_status status = must_answer(connection, &request, "log in to Redis", deadline, err);
	redis_request_deinit(&request);
	return status;
}

static enum hf_status choose_database(struct redis_connection *connection, const struct redis_url *url,
                                      hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	if (url->database == 0)
		return HF_OK;
	redis_request_init(&request);
	buf_add(&request.text, HF_STR("*2\r\n$6\r\nSELECT\r\n"));
	redis_request_number(&request, url->database);
	enum hf_status status = must_answer(connection, &request, "choose the database of Redis", deadline, err);
	redis_request_deinit(&request);
	return status;
}

/* ---- what the server is ---- */

struct hf_str redis_info_field(struct hf_str info, const char *name)
{
	struct hf_str line, key;
	while (str_split(&info, '\n', &line)) {
		line = str_trim(line);
		if (str_split(&line, ':', &key) && line.ptr && str_eq(key, hf_str_of(name)))
			return line;
	}
	return (struct hf_str){"", 0};
}

static void keep(struct hf_str text, char *place, size_t size)
{
	if (text.len > 0 && text.len < size)
		snprintf(place, size, "%.*s", STR_ARG(text));
}

static int version_of(struct hf_str text)
{
	int64_t part, version = 0;
	for (int i = 0; i < 3; i++) {
		struct hf_str piece;
		bool is_number = str_split(&text, '.', &piece) && str_to_i64(piece, &part) && part >= 0 && part < 100;
		version = version * 100 + (is_number ? part : 0);
	}
	return (int)version;
}

static void read_info(struct hf_str info, struct redis_server *server)
{
	server->version = version_of(redis_info_field(info, "redis_version"));
	if (str_eq(redis_info_field(info, "aof_enabled"), HF_STR("1")))
		keep(HF_STR("yes"), server->append_only, sizeof(server->append_only));
	else if (redis_info_field(info, "aof_enabled").len > 0)
		keep(HF_STR("no"), server->append_only, sizeof(server->append_only));
	keep(redis_info_field(info, "maxmemory_policy"), server->policy, sizeof(server->policy));
	str_to_i64(redis_info_field(info, "maxmemory"), &server->memory_max);
}

/* The answer to CONFIG GET is a name and its value. */
static struct hf_str config_value(const redisReply *reply)
{
	bool answered = redis_is_array(reply, 2);
	return answered ? text_of(reply->element[1]) : (struct hf_str){"", 0};
}

static enum redis_strict strict_of(const struct redis_server *server)
{
	bool logs = strcmp(server->append_only, "yes") == 0;
	if (logs && strcmp(server->append_sync, "always") == 0)
		return REDIS_STRICT_ALWAYS;
	return logs && server->version >= 70200 ? REDIS_STRICT_WAIT : REDIS_STRICT_NOT;
}

static void read_answer(size_t i, const redisReply *reply, struct redis_server *server)
{
	if (i == 0)
		read_info(text_of(reply), server);
	else if (i == 1)
		keep(config_value(reply), server->append_only, sizeof(server->append_only));
	else if (i == 2)
		keep(config_value(reply), server->append_sync, sizeof(server->append_sync));
	else
		keep(config_value(reply), server->policy, sizeof(server->policy));
}

/* Refusals do not matter here, but for those of a server that serves nobody yet. */
static enum hf_status learn_from(struct redis_connection *connection, const struct redis_request *request,
                                 size_t answers, hf_deadline deadline, hf_error *err)
{
	bool whole, drop;
	enum hf_status status = redis_wire_send(connection, request, deadline, &whole, err);
	for (size_t i = 0; status == HF_OK && i < answers; i++) {
		redisReply *reply = NULL;
		status = redis_wire_receive(connection, deadline, &reply, err);
		if (status != HF_OK)
			break;
		bool refused = reply->type == REDIS_REPLY_ERROR;
		bool wants_password = refused && str_starts((struct hf_str){reply->str, reply->len}, HF_STR("NOAUTH"));
		if (wants_password || (refused && redis_is_passing(reply, &drop)))
			status = redis_refusal(reply, "log in to Redis", err);
		else
			read_answer(i, reply, &connection->server);
		freeReplyObject(reply);
	}
	return status;
}

static enum hf_status learn(struct redis_connection *connection, hf_deadline deadline, hf_error *err)
{
	static const char *const settings[] = {"appendonly", "appendfsync", "maxmemory-policy"};
	struct redis_request request;
	redis_request_init(&request);
	redis_request_command(&request, 1);
	redis_request_text(&request, "INFO");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		redis_request_command(&request, 3);
		redis_request_text(&request, "CONFIG");
		redis_request_text(&request, "GET");
		redis_request_text(&request, settings[i]);
	}
	enum hf_status status = redis_request_check(&request, err);
	if (status == HF_OK)
		status = learn_from(connection, &request, 1 + ARRAY_LEN(settings), deadline, err);
	redis_request_deinit(&request);
	struct redis_server *server = &connection->server;
	server->strict = strict_of(server);
	if (status == HF_OK && server->version != 0 && server->version < REDIS_VERSION_MIN)
		return error_set(err, HF_E_UNSUPPORTED, "this Redis is %d.%d: 5.0 and newer will do",
		                 server->version / 10000, server->version / 100 % 100);
	return status;
}

/* ---- telling ---- */

static bool same_server(const struct redis_server *a, const struct redis_server *b)
{
	return a->version == b->version && a->memory_max == b->memory_max && a->strict == b->strict &&
	       strcmp(a->append_only, b->append_only) == 0 && strcmp(a->append_sync, b->append_sync) == 0 &&
	       strcmp(a->policy, b->policy) == 0;
}

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "unknown";
}

/* Once for each state that the server is found in. */
static void tell(hf_kv_backend_state *state, const struct redis_server *server)
{
	pthread_mutex_lock(&state->mutex);
	bool told = same_server(&state->told, server);
	state->told = *server;
	pthread_mutex_unlock(&state->mutex);
	if (told)
		return;
	const struct hf_log_field durability[] = {field_text("appendonly", or_unknown(server->append_only)),
	                                          field_text("appendfsync", or_unknown(server->append_sync)),
	                                          field_int("version", server->version)};
	const struct hf_log_field eviction[] = {field_text("policy", or_unknown(server->policy)),
	                                        field_int("maxmemory", server->memory_max)};
	if (strcmp(server->append_only, "yes") != 0)
		context_log(state->ctx, HF_LOG_WARN, "redis_forgets", durability, ARRAY_LEN(durability));
	else
		context_log(state->ctx, HF_LOG_INFO, "redis_keeps", durability, ARRAY_LEN(durability));
	if (strcmp(server->policy, "noeviction") != 0)
		context_log(state->ctx, HF_LOG_WARN, "redis_evicts", eviction, ARRAY_LEN(eviction));
}

enum hf_status redis_check_strict(const struct redis_server *server, hf_error *err)
{
	if (server->strict != REDIS_STRICT_NOT)
		return HF_OK;
	error_set(err, HF_E_UNSUPPORTED,
	          "this Redis does not give strict durability: appendonly is %s, appendfsync is %s, its version %d.%d",
	          or_unknown(server->append_only), or_unknown(server->append_sync), server->version / 10000,
	          server->version / 100 % 100);
	error_hint(err, "set appendonly yes and appendfsync always (from 7.2 on appendonly yes suffices), or ask for "
	                "relaxed durability: HOLDFAST_KV_DURABILITY=relaxed, or HF_KV_RELAXED");
	return HF_E_UNSUPPORTED;
}

enum hf_status redis_login(hf_kv_backend_state *state, hf_deadline deadline, struct redis_connection **ret_connection,
                           hf_error *err)
{
	CLEANUP(redis_connection_freep) struct redis_connection *connection = NULL;
	hf_deadline connected = hf_deadline_in(state->ctx, state->connect_timeout_ms);
	connected = connected < deadline ? connected : deadline;
	enum hf_status status = redis_wire_connect(state->ctx, &state->url, connected, &connection, err);
	if (status == HF_OK)
		status = authenticate(connection, &state->url, connected, err);
	if (status == HF_OK)
		status = choose_database(connection, &state->url, connected, err);
	if (status == HF_OK)
		status = learn(connection, connected, err);
	if (status != HF_OK)
		return status;
	tell(state, &connection->server);
	*ret_connection = redis_connection_take(&connection);
	return HF_OK;
}
