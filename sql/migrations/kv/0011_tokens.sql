-- Tokens of writes: what was asked for, by its hash, and what came of it, so that who asks again is told and nothing is
-- done twice. A token is no part of checkpoints: a restore, a clear or a copy leaves it.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
CREATE TABLE :"schema".:"entries_tokens" (
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	namespace integer NOT NULL,
	token uuid NOT NULL,
	hash bytea NOT NULL,
	result bytea,
	PRIMARY KEY (namespace, token)
) WITH (fillfactor = 60);
CREATE INDEX :"entries_tokens_at" ON :"schema".:"entries_tokens" (at);
-- verify
SELECT to_regclass(:'schema.entries_tokens') IS NOT NULL;
-- down
DROP TABLE :"schema".:"entries_tokens";
