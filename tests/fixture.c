/*
 * fixture.c - see fixture.h. Everything goes at exit(3); should the binary be killed, the server's supervisor sees it.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATABASES_MAX = 512 };

static hf_context *context;
static hf_server *server;
static pid_t owner;
static char urls[DATABASES_MAX][160];
static char names[DATABASES_MAX][32];
static int count;

static void stop(void)
{
	if (getpid() != owner)
		return;
	hf_server_free(server);
	hf_context_free(context);
}

static void give_up(const char *what, const hf_error *err)
{
	fprintf(stderr, "fixture: %s: %s (%s) %s\n", what, err->message, err->detail, err->hint);
	exit(1);
}

hf_context *fixture_context(void)
{
	hf_error err = HF_ERROR_INIT;
	if (context)
		return context;
	owner = getpid();
	if (hf_context_new(NULL, &context, &err) != HF_OK)
		give_up("no context", &err);
	atexit(stop);
	return context;
}

hf_server *fixture_server(void)
{
	hf_error err = HF_ERROR_INIT;
	if (!server && hf_server_start(fixture_context(), NULL, HF_DEADLINE_DEFAULT, &server, &err) != HF_OK)
		give_up("no private server", &err);
	return server;
}

const char *fixture_database(const char *template_name)
{
	hf_error err = HF_ERROR_INIT;
	if (count == DATABASES_MAX) {
		fprintf(stderr, "fixture: more than %d databases\n", DATABASES_MAX);
		exit(1);
	}
	snprintf(names[count], sizeof(names[count]), "test_%d", count + 1);
	if (hf_server_create_database(fixture_server(), names[count], template_name, &err) != HF_OK ||
	    hf_server_url_of(server, names[count], urls[count], sizeof(urls[count]), &err) != HF_OK)
		give_up("no database", &err);
	return urls[count++];
}

const char *fixture_database_name(void)
{
	return count ? names[count - 1] : "";
}

hf_connection *fixture_connect(const char *url)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	hf_connection *connection = NULL;
	enum hf_status status = hf_settings_new(fixture_context(), &settings, &err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, &err);
	if (status == HF_OK)
		status = hf_connection_open(context, settings, NULL, HF_DEADLINE_DEFAULT, &connection, &err);
	hf_settings_free(settings);
	if (status != HF_OK)
		give_up("no connection", &err);
	return connection;
}
