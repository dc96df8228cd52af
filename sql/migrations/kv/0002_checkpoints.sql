-- Checkpoints by copy on write. A checkpoint of epoch k is every version of a key that was written before k and is not
-- replaced before it: rows with epoch < k, and images with epoch_from < k <= epoch_to. Making one moves the namespace's
-- epoch on, under a lock that writers hold shared until they commit, so that each transaction is before it or behind
-- it as a whole. The first change of a key after a checkpoint keeps its image; further ones find nothing to keep.
--
-- Writers read committed: each statement of a function sees what was committed when the lock was given.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
CREATE TABLE :"schema".:"entries_history" (
	rev bigint NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz,
	namespace integer NOT NULL,
	epoch_from integer NOT NULL,
	epoch_to integer NOT NULL,
	codec smallint NOT NULL,
	key bytea NOT NULL,
	value bytea NOT NULL,
	metadata jsonb,
	PRIMARY KEY (namespace, key, epoch_to),
	CHECK (epoch_from < epoch_to)
) WITH (fillfactor = 100);
ALTER TABLE :"schema".:"entries_history" ALTER COLUMN key SET STORAGE MAIN, ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE TABLE :"schema".:"entries_checkpoints" (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	namespace integer NOT NULL,
	epoch integer NOT NULL,
	kind text NOT NULL DEFAULT 'epoch',
	parent uuid,
	name text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	row_count bigint,
	data_size bigint,
	digest bytea,
	state text NOT NULL DEFAULT 'open',
	pinned boolean NOT NULL DEFAULT false,
	metadata jsonb,
	UNIQUE (namespace, epoch)
);

-- The epoch to write in, kept from moving until the transaction ends. NULL: there is no such namespace. The lock's class
-- is the number of the table of namespaces: two stores in one database do not meet.
CREATE FUNCTION :"schema".:"entries_epoch"(ns integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	written integer;
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock_shared(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns);
	SELECT n.epoch INTO written FROM :"schema".:"entries_namespaces" AS n WHERE n.id = ns;
	RETURN written;
END
$body$;

-- Waits for the writers of the namespace, and moves its epoch on: the epoch of a checkpoint that is made with it.
CREATE FUNCTION :"schema".:"entries_next_epoch"(ns integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	moved integer;
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns);
	UPDATE :"schema".:"entries_namespaces" AS n SET epoch = n.epoch + 1 WHERE n.id = ns RETURNING n.epoch INTO moved;
	RETURN moved;
END
$body$;

CREATE FUNCTION :"schema".:"entries_keep"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	until integer;
BEGIN
	IF TG_OP = 'DELETE' THEN
		until := :"schema".:"entries_epoch"(OLD.namespace);
	ELSE
		until := NEW.epoch;
	END IF;
	IF OLD.epoch < until THEN
		INSERT INTO :"schema".:"entries_history" (rev, created_at, updated_at, expires_at, namespace, epoch_from,
			epoch_to, codec, key, value, metadata)
		SELECT OLD.rev, OLD.created_at, OLD.updated_at, OLD.expires_at, OLD.namespace, OLD.epoch, until, OLD.codec,
			OLD.key, OLD.value, OLD.metadata
		WHERE EXISTS (SELECT FROM :"schema".:"entries_checkpoints" AS c
			WHERE c.namespace = OLD.namespace AND c.epoch > OLD.epoch AND c.epoch <= until);
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	RETURN NEW;
END
$body$;
-- A restore keeps images by itself, all at once, and says so.
CREATE TRIGGER :"entries_keep_updated" BEFORE UPDATE ON :"schema".:"entries"
	FOR EACH ROW WHEN (OLD.epoch < NEW.epoch) EXECUTE FUNCTION :"schema".:"entries_keep"();
CREATE TRIGGER :"entries_keep_deleted" BEFORE DELETE ON :"schema".:"entries"
	FOR EACH ROW WHEN (pg_catalog.current_setting('holdfast.kept', true) IS DISTINCT FROM 'on')
	EXECUTE FUNCTION :"schema".:"entries_keep"();
-- verify
SELECT count(*) = 2 FROM pg_catalog.pg_trigger WHERE tgrelid = :'schema.entries'::regclass AND NOT tgisinternal;
-- down
DROP TRIGGER :"entries_keep_updated" ON :"schema".:"entries";
DROP TRIGGER :"entries_keep_deleted" ON :"schema".:"entries";
DROP FUNCTION :"schema".:"entries_keep"(), :"schema".:"entries_next_epoch"(integer), :"schema".:"entries_epoch"(integer);
DROP TABLE :"schema".:"entries_checkpoints", :"schema".:"entries_history";
