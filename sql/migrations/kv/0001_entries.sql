-- Entries by namespace and key, and the namespaces. The columns key, value, created_at, updated_at, expires_at and
-- metadata mean what they say; `rev` is never used twice, `epoch` is that of the namespace when the row was written.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
DO $refuse$
BEGIN
	IF pg_catalog.to_regclass(:'schema.entries') IS NOT NULL THEN
		RAISE EXCEPTION 'table % is there already, and was not made by holdfast', :'schema.entries'
			USING ERRCODE = 'duplicate_table',
			HINT = 'choose another name for the table; what this one holds comes over by: holdfast kv import';
	END IF;
	IF pg_catalog.to_regnamespace(:'schema') IS NULL THEN
		CREATE SCHEMA :"schema";
	END IF;
END
$refuse$;

CREATE SEQUENCE :"schema".:"entries_rev" AS bigint;

CREATE TABLE :"schema".:"entries_namespaces" (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	epoch integer NOT NULL DEFAULT 1,
	generation integer NOT NULL DEFAULT 0,
	default_ttl interval,
	options jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	dropped_at timestamptz
) WITH (fillfactor = 50);

-- What has eight bytes stands first, so that nothing is padded. No index on what changes with every write: updates stay
-- on their page. Expiry is indexed by its bucket of five minutes, which a refreshed TTL rarely changes.
CREATE TABLE :"schema".:"entries" (
	rev bigint NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz,
	expire_bucket integer,
	namespace integer NOT NULL,
	epoch integer NOT NULL,
	codec smallint NOT NULL DEFAULT 0,
	key bytea NOT NULL,
	value bytea NOT NULL,
	metadata jsonb,
	PRIMARY KEY (namespace, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1,
	autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE :"schema".:"entries" ALTER COLUMN key SET STORAGE MAIN, ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX :"entries_expire" ON :"schema".:"entries" (expire_bucket) WHERE expire_bucket IS NOT NULL;
-- verify
SELECT count(*) = 3 FROM pg_catalog.pg_class
WHERE oid IN (to_regclass(:'schema.entries'), to_regclass(:'schema.entries_namespaces'), to_regclass(:'schema.entries_rev'));
-- down
DROP TABLE :"schema".:"entries", :"schema".:"entries_namespaces";
DROP SEQUENCE :"schema".:"entries_rev";
