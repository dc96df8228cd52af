/*
 * connect.c - logging in: hosts in order, addresses of each, one absolute deadline over all of it.
 *
 * libpq would try the hosts itself, but only its blocking calls know a time per address: a first host that swallows
 * packets would eat the whole budget. So each address is a PGconn of its own with its share of what is left
 * (`remaining / attempts left`); target_session_attrs is judged by libpq per address, prefer-standby is two passes.
 * As in libpq, a server that answered with an error ends the search, unless it is starting up or full.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/conn.h"
#include "pg/resolve.h"
#include "pg/result.h"
#include "pg/settings.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	IDLE_IN_TRANSACTION_MS = 60000,
	HOSTS_MAX = 16,
	PARAMETERS_MAX = SETTINGS_MAX + 8,
	PASSWORD_MAX = 4096,
	OPTIONS_MAX = 2048,
	POLL_US_MAX = 200000 /* an interruption is seen within it */
};

struct host {
	char name[256];			/* "" = libpq's default socket folder */
	char address[RESOLVE_TEXT_MAX]; /* hostaddr as given, or "" */
	char port[16];
	bool local; /* a socket or loopback */
};

struct parameters {
	const char *keywords[PARAMETERS_MAX + 1];
	const char *values[PARAMETERS_MAX + 1];
	size_t count;
};

struct login {
	hf_context *ctx;
	const hf_settings *settings;
	hf_deadline deadline;
	struct host hosts[HOSTS_MAX];
	size_t host_count;
	char options[OPTIONS_MAX];
	struct parameters parameters;
	char password[PASSWORD_MAX]; /* from the credential callback; wiped at the end */
	size_t attempts_left;	     /* hosts, over all passes */
	PGconn *pg;		     /* the prize */
};

/* ---- parameters ---- */

static void put_parameter(struct parameters *list, const char *keyword, const char *value)
{
	size_t i = 0;
	while (i < list->count && strcmp(list->keywords[i], keyword) != 0)
		i++;
	ASSERT(i < PARAMETERS_MAX);
	list->keywords[i] = keyword;
	list->values[i] = value;
	if (i == list->count)
		list->count++;
	list->keywords[list->count] = list->values[list->count] = NULL;
}

/* The same keyword list serves any libpq: what this one does not know is left out. */
static void put_default(struct login *login, const char *keyword, const char *value)
{
	if (hf_settings_origin(login->settings, keyword) && settings_is_default(login->settings, keyword))
		put_parameter(&login->parameters, keyword, value);
}

/* "-c name=value " with the value escaped as the server's option parser wants it. */
static void add_option(struct buf *text, const char *name, const char *value)
{
	buf_printf(text, "-c %s=", name);
	for (const char *at = value; *at; at++) {
		if (*at == ' ' || *at == '\\')
			buf_add_char(text, '\\');
		buf_add_char(text, *at);
	}
	buf_add_char(text, ' ');
}

static void add_option_ms(struct buf *text, const char *name, int64_t ms)
{
	char number[24];
	snprintf(number, sizeof(number), "%lld", (long long)ms);
	add_option(text, name, number);
}

/* Weakest first: ours, then the settings' own, then those of the program. */
static enum hf_status make_server_options(struct login *login, const struct hf_connection_options *options,
					  hf_error *err)
{
	struct buf text;
	buf_init(&text, OPTIONS_MAX - 1);
	int64_t idle_ms = options->idle_in_transaction_timeout_ms;
	if (idle_ms >= 0)
		add_option_ms(&text, "idle_in_transaction_session_timeout", idle_ms ? idle_ms : IDLE_IN_TRANSACTION_MS);
	if (options->lock_timeout_ms > 0)
		add_option_ms(&text, "lock_timeout", options->lock_timeout_ms);
	const char *zone = options->time_zone ? options->time_zone : "UTC";
	if (zone[0])
		add_option(&text, "TimeZone", zone);
	const char *given = settings_secret(login->settings, "options");
	buf_printf(&text, "%s %s", given ? given : "", options->server_options ? options->server_options : "");
	snprintf(login->options, sizeof(login->options), "%.*s", STR_ARG(buf_str(&text)));
	bool fits = buf_ok(&text), starved = buf_starved(&text);
	buf_deinit(&text);
	if (starved)
		return error_nomem(err);
	return fits ? HF_OK : error_set(err, HF_E_CONFIG, "the server options are longer than %d bytes", OPTIONS_MAX);
}

static enum hf_status make_parameters(struct login *login, const struct hf_connection_options *options, hf_error *err)
{
	struct parameters *list = &login->parameters;
	list->count = settings_list(login->settings, list->keywords, list->values);
	put_default(login, "keepalives_idle", "30");
	put_default(login, "keepalives_interval", "10");
	put_default(login, "keepalives_count", "3");
	put_default(login, "tcp_user_timeout", "30000");
	put_default(login, "gssencmode", "disable");
	put_default(login, "application_name", "holdfast");
	if (options->application_name)
		put_parameter(list, "application_name", options->application_name);
	put_parameter(list, "client_encoding", "UTF8");
	enum hf_status status = make_server_options(login, options, err);
	put_parameter(list, "options", login->options);
	return status;
}

/* ---- hosts ---- */

static bool is_loopback(const char *name)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, name, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcmp(name, "localhost") == 0;
}

static bool is_socket(const char *name)
{
	return name[0] == '\0' || name[0] == '/' || name[0] == '@';
}

static bool copy_piece(struct hf_str piece, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%.*s", STR_ARG(piece));
	return piece.len < size;
}

static enum hf_status bad_hosts(hf_error *err)
{
	return error_set(err, HF_E_CONFIG,
			 "the lists of host, hostaddr and port do not fit each other, or have more "
			 "than %d entries or a name that is too long",
			 HOSTS_MAX);
}

/* libpq checks that the counts fit (settings_problem), except that one port serves all hosts. */
static enum hf_status split_hosts(struct login *login, hf_error *err)
{
	struct hf_str names = hf_str_of(settings_secret(login->settings, "host"));
	struct hf_str addresses = hf_str_of(settings_secret(login->settings, "hostaddr"));
	struct hf_str ports = hf_str_of(settings_secret(login->settings, "port"));
	struct hf_str name = HF_STR(""), address = HF_STR(""), port = HF_STR("");
	do {
		if (login->host_count == HOSTS_MAX)
			return bad_hosts(err);
		struct host *host = &login->hosts[login->host_count++];
		bool more = str_split(&names, ',', &name);
		more |= str_split(&addresses, ',', &address);
		str_split(&ports, ',', &port); /* keeps the last one when the list is shorter */
		if (!copy_piece(name, host->name, sizeof(host->name)) ||
		    !copy_piece(address, host->address, sizeof(host->address)) ||
		    !copy_piece(port, host->port, sizeof(host->port)))
			return bad_hosts(err);
		host->local = host->address[0] ? is_loopback(host->address)
					       : is_socket(host->name) || is_loopback(host->name);
		if (!more)
			break;
	} while (names.ptr || addresses.ptr);
	return HF_OK;
}

static enum hf_status check_tls(const struct login *login, hf_error *err)
{
	const char *mode = settings_secret(login->settings, "sslmode");
	if (mode && strcmp(mode, "verify-full") == 0)
		return HF_OK;
	for (size_t i = 0; i < login->host_count; i++) {
		const struct host *host = &login->hosts[i];
		const char *name = host->name[0] ? host->name : host->address;
		if (host->local)
			continue;
		if (settings_protected(login->settings)) {
			error_set(err, HF_E_CONFIG,
				  "refused to connect to \"%s\" with sslmode=%s: the settings are "
				  "marked protected",
				  name, mode ? mode : "prefer");
			error_hint(err, "set sslmode=verify-full and sslrootcert");
			return HF_E_CONFIG;
		}
		struct hf_log_field fields[] = {field_text("host", name), field_text("sslmode", mode)};
		context_log(login->ctx, HF_LOG_WARN, "tls_unverified", fields, ARRAY_LEN(fields));
	}
	return HF_OK;
}

/* ---- one address ---- */

/* PQERRORS_VERBOSE puts the SQLSTATE into the text, the one way to learn it for a login: "FATAL:  28P01: reason". */
static bool find_sqlstate(const char *message, char ret_state[6], const char **ret_reason)
{
	for (const char *at = strstr(message, ": "); at; at = strstr(at + 1, ": ")) {
		const char *code = at + 1 + strspn(at + 1, " ");
		bool shaped =
			strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[5] == ':' && code[6] == ' ';
		if (shaped && strcspn(code, "0123456789") < 5) { /* the word FATAL has no digit, each SQLSTATE has */
			memcpy(ret_state, code, 5);
			ret_state[5] = '\0';
			*ret_reason = code + 7;
			return true;
		}
	}
	return false;
}

static void place_of(const struct login *login, const struct host *host, char ret_text[400])
{
	const char *name = host->name[0] ? host->name : host->address[0] ? host->address : "the local socket";
	const char *role = settings_secret(login->settings, "user");
	const char *database = settings_secret(login->settings, "dbname");
	snprintf(ret_text, 400, "%s port %s (database \"%s\", role \"%s\")", name, host->port[0] ? host->port : "5432",
		 database ? database
		 : role	  ? role
			  : "",
		 role ? role : "");
}

/* Without an SQLSTATE nothing answered, or TLS refused: which of them shows only in the text. */
static void judge_silent(const PGconn *pg, hf_error *err)
{
	const char *message = PQerrorMessage(pg);
	bool permanent = strstr(message, "certificate") != NULL;
	err->category = permanent ? HF_CATEGORY_CONFIG : HF_CATEGORY_CONNECTION;
	err->action = permanent ? HF_ACTION_FIX_CONFIG : HF_ACTION_RECONNECT;
	if (!PQconnectionNeedsPassword(pg))
		return;
	err->status = HF_E_DENIED;
	err->category = HF_CATEGORY_AUTHENTICATION;
	err->action = HF_ACTION_FIX_CONFIG;
	error_hint(err, "give a password by PGPASSWORD, PGPASSFILE or a credential callback");
}

/* What to do about it, where nobody has said so yet. */
static void advise(const char *state, hf_error *err)
{
	if (err->hint[0])
		return;
	if (strncmp(state, "28", 2) == 0)
		error_hint(err, "check the role, its password and the server's pg_hba.conf");
	else if (strcmp(state, "3D000") == 0)
		error_hint(err, "create the database, or name another");
	else if (strcmp(state, "57P03") == 0)
		error_hint(err, "the server starts or stops: try again in a moment");
	else if (!state[0] && !strstr(err->message, "SSL"))
		error_hint(err, "is the server running, and is this its address?");
}

static enum hf_status attempt_failed(const struct login *login, const struct host *host, const PGconn *pg,
				     hf_error *err)
{
	char place[400], reason[256], state[6] = "";
	const char *text = PQerrorMessage(pg);
	bool answered = find_sqlstate(text, state, &text);
	/* "connection to server at ... failed: reason": the place is told once, in our words. */
	const char *failed = answered ? NULL : strstr(text, "failed: ");
	message_line(failed ? failed + strlen("failed: ") : text, reason, sizeof(reason));
	place_of(login, host, place);
	hf_error local = HF_ERROR_INIT;
	error_set(&local, HF_E_UNAVAILABLE, "could not connect to %s: %s", place, reason);
	if (answered)
		error_judge_login(state, &local);
	else
		judge_silent(pg, &local);
	advise(state, &local);
	if (err)
		*err = local;
	return local.status;
}

static enum hf_status wait_poll(struct login *login, PGconn *pg, PostgresPollingStatusType wanted, hf_deadline deadline)
{
	struct pollfd watched = {.fd = PQsocket(pg), .events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT};
	for (;;) {
		int64_t left_us = deadline - hf_now_monotonic_us(login->ctx);
		if (left_us <= 0 || hf_context_interrupted(login->ctx))
			return HF_TIMEOUT;
		int n = poll(&watched, 1, left_us > POLL_US_MAX ? POLL_US_MAX / 1000 : (int)(left_us / 1000 + 1));
		if (n > 0 || (n < 0 && errno != EINTR))
			return HF_OK;
	}
}

static void ignore_notice(UNUSED void *argument, UNUSED const PGresult *result)
{
}

static enum hf_status poll_login(struct login *login, const struct host *host, PGconn *pg, hf_deadline deadline,
				 hf_error *err)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;
	while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
		char place[400];
		place_of(login, host, place);
		if (wait_poll(login, pg, step, deadline) != HF_OK) {
			error_set(err, HF_TIMEOUT, "could not connect to %s in time", place);
			if (err) {
				err->category = HF_CATEGORY_CONNECTION;
				err->action = HF_ACTION_RECONNECT;
			}
			return HF_TIMEOUT;
		}
		step = PQconnectPoll(pg);
	}
	return step == PGRES_POLLING_OK ? HF_OK : attempt_failed(login, host, pg, err);
}

static enum hf_status try_address(struct login *login, const struct host *host, const char *address,
				  hf_deadline deadline, hf_error *err)
{
	put_parameter(&login->parameters, "host", host->name);
	put_parameter(&login->parameters, "hostaddr", address);
	put_parameter(&login->parameters, "port", host->port);
	CLEANUP(pgconn_freep)
	PGconn *pg = PQconnectStartParams(login->parameters.keywords, login->parameters.values, 0);
	if (!pg)
		return error_nomem(err);
	if (PQstatus(pg) == CONNECTION_BAD)
		return attempt_failed(login, host, pg, err);
	PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(pg, ignore_notice, NULL);
	enum hf_status status = poll_login(login, host, pg, deadline, err);
	if (status != HF_OK)
		return status;
	PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
	login->pg = pgconn_take(&pg);
	return HF_OK;
}

/* ---- one host ---- */

static enum hf_status ask_credential(struct login *login, const struct host *host, hf_error *err)
{
	struct settings_credential credential = settings_credential(login->settings);
	if (!credential.fn)
		return HF_OK;
	const char *role = settings_secret(login->settings, "user");
	enum hf_status status = credential.fn(credential.user, host->name, role ? role : "", login->deadline,
					      login->password, sizeof(login->password), err);
	login->password[sizeof(login->password) - 1] = '\0';
	if (status == HF_OK)
		put_parameter(&login->parameters, "password", login->password);
	return status;
}

/* A password may just have been rotated: after 28P01 the callback is asked once more. */
static enum hf_status try_with_credential(struct login *login, const struct host *host, const char *address,
					  hf_deadline deadline, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = HF_OK;
	for (int round = 0; round < 2; round++) {
		status = ask_credential(login, host, &local);
		if (status != HF_OK)
			break;
		status = try_address(login, host, address, deadline, &local);
		if (!settings_credential(login->settings).fn || strcmp(local.sqlstate, "28P01") != 0 || status == HF_OK)
			break;
	}
	if (status != HF_OK && err)
		*err = local;
	return status;
}

/* The server spoke: another host is no answer, except to "starting up", "too many" and a wrong role. */
static bool is_final(const hf_error *err)
{
	return err->status == HF_E_NOMEM || err->status == HF_E_CONFIG || err->status == HF_E_DENIED ||
	       (err->sqlstate[0] && strcmp(err->sqlstate, "57P03") != 0 && strcmp(err->sqlstate, "53300") != 0);
}

static hf_deadline share_of(const struct login *login, size_t parts)
{
	int64_t now = hf_now_monotonic_us(login->ctx);
	return parts > 1 ? now + (login->deadline - now) / (int64_t)parts : login->deadline;
}

static enum hf_status find_addresses(struct login *login, const struct host *host, struct addresses *ret_addresses,
				     hf_error *err)
{
	ret_addresses->count = 1;
	snprintf(ret_addresses->text[0], RESOLVE_TEXT_MAX, "%s", host->address);
	if (host->address[0] || is_socket(host->name))
		return HF_OK;
	return resolve_host(login->ctx, host->name, share_of(login, login->attempts_left), ret_addresses, err);
}

static enum hf_status try_host(struct login *login, const struct host *host, hf_error *err)
{
	struct addresses addresses;
	enum hf_status status = find_addresses(login, host, &addresses, err);
	for (size_t i = 0; status == HF_OK && i < addresses.count; i++) {
		size_t parts = login->attempts_left + (addresses.count - i - 1);
		status = try_with_credential(login, host, addresses.text[i], share_of(login, parts), err);
		if (status == HF_OK || is_final(err))
			return status;
		if (i + 1 < addresses.count)
			status = HF_OK;
	}
	return status;
}

/* ---- all of them ---- */

static enum hf_status try_pass(struct login *login, const char *wanted, hf_error *err)
{
	enum hf_status status = HF_E_UNAVAILABLE;
	put_parameter(&login->parameters, "target_session_attrs", wanted);
	for (size_t i = 0; i < login->host_count; i++) {
		status = try_host(login, &login->hosts[i], err);
		login->attempts_left -= login->attempts_left > 1;
		if (status == HF_OK || is_final(err))
			return status;
		if (hf_now_monotonic_us(login->ctx) >= login->deadline)
			return status;
	}
	return status;
}

static enum hf_status try_all(struct login *login, hf_error *err)
{
	const char *wanted = settings_secret(login->settings, "target_session_attrs");
	bool prefer = wanted && strcmp(wanted, "prefer-standby") == 0;
	login->attempts_left = login->host_count * (prefer ? 2 : 1);
	enum hf_status status = try_pass(login, prefer ? "standby" : wanted, err);
	if (status != HF_OK && prefer && !is_final(err) && status != HF_TIMEOUT)
		status = try_pass(login, "any", err);
	return status;
}

static int64_t connect_timeout_ms(const hf_settings *settings, const struct hf_connection_options *options)
{
	int64_t seconds = 0;
	if (options->connect_timeout_ms > 0)
		return options->connect_timeout_ms;
	bool given = !settings_is_default(settings, "connect_timeout") &&
		     str_to_i64(hf_str_of(settings_secret(settings, "connect_timeout")), &seconds);
	return given && seconds > 0 && seconds < 86400 ? seconds * 1000 : CONNECT_TIMEOUT_MS;
}

static enum hf_status prepare_login(struct login *login, const struct hf_connection_options *options, hf_error *err)
{
	if (settings_problem(login->settings)[0])
		return error_set(err, HF_E_CONFIG, "the connection settings are wrong: %s",
				 settings_problem(login->settings));
	enum hf_status status = split_hosts(login, err);
	if (status == HF_OK)
		status = check_tls(login, err);
	return status == HF_OK ? make_parameters(login, options, err) : status;
}

enum hf_status hf_connection_open(hf_context *ctx, const hf_settings *settings,
				  const struct hf_connection_options *options, hf_deadline deadline,
				  hf_connection **ret_connection, hf_error *err)
{
	static const struct hf_connection_options defaults = {.size = sizeof(defaults)};
	if (options && options_check("hf_connection_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	options = options ? options : &defaults;
	struct login login = {.ctx = ctx, .settings = settings};
	login.deadline = hf_deadline_in(ctx, connect_timeout_ms(settings, options));
	if (deadline != HF_DEADLINE_DEFAULT && deadline < login.deadline)
		login.deadline = deadline;
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = prepare_login(&login, options, &local);
	if (status == HF_OK)
		status = try_all(&login, &local);
	explicit_bzero(login.password, sizeof(login.password));
	if (status == HF_OK)
		return conn_new(ctx, options, login.pg, ret_connection, err);
	if (err)
		*err = local;
	return status;
}
