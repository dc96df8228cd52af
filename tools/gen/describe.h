/*
 * describe.h - asking a server about queries: types of parameters and columns, and the analysed tree for nullability.
 */
#ifndef GEN_DESCRIBE_H
#define GEN_DESCRIBE_H

#include "gen/group.h"

/**
 * Describe every query of the group on a connection whose database has the group's schema. Wrong queries go to
 * `diags`; a failing connection is returned. Statements are prepared, none is run. The analysed trees appear in the
 * server's own log, so it should be a private or a development one: a standby is refused (HF_REJECTED).
 */
enum hf_status describe_group(struct group *group, hf_connection *connection, struct diags *diags, hf_error *err);

#endif
