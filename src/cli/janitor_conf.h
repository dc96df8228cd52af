/*
 * janitor_conf.h - what the command takes from the original's configuration, a protobuf text format file.
 */
#ifndef CLI_JANITOR_CONF_H
#define CLI_JANITOR_CONF_H

#include "cli/cli.h"

/**
 * The text of one field that stands outside of all messages, in the arena; NULL when it is not set.
 * HF_E_CONFIG with path:line:column: the file is not well-formed, or the field is no text, or stands twice. What other
 * fields may be called is not looked at.
 */
enum hf_status janitor_conf_text(struct hf_str text, const char *path, const char *field, hf_arena *arena,
                                 const char **ret_value, hf_error *err);

#endif
