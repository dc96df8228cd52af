-- Locks as leases. A row stays when its lock is given back (`expires_at` in the past), so that `fence` only ever grows.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
CREATE TABLE :"schema".:"entries_locks" (
	fence bigint NOT NULL DEFAULT 1,
	expires_at timestamptz NOT NULL,
	acquired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	namespace integer NOT NULL,
	name text COLLATE "C" NOT NULL,
	owner text NOT NULL,
	metadata jsonb,
	PRIMARY KEY (namespace, name)
) WITH (fillfactor = 50);
-- verify
SELECT to_regclass(:'schema.entries_locks') IS NOT NULL;
-- down
DROP TABLE :"schema".:"entries_locks";
