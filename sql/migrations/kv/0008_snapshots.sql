-- Checkpoints that are copies (`kind` 'snapshot'), for where the triggers that keep images are not to be had: dropped,
-- disabled, or never made by a server that has none. Such a one is the rows of `snapshots` under its epoch and nothing
-- else: neither entries nor images belong to it, and no image is kept for it.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
CREATE TABLE :"schema".:"entries_snapshots" (
	rev bigint NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz,
	namespace integer NOT NULL,
	epoch integer NOT NULL,
	codec smallint NOT NULL,
	key bytea NOT NULL,
	value bytea NOT NULL,
	metadata jsonb,
	PRIMARY KEY (namespace, epoch, key)
) WITH (fillfactor = 100);
ALTER TABLE :"schema".:"entries_snapshots" ALTER COLUMN key SET STORAGE MAIN, ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE OR REPLACE FUNCTION :"schema".:"entries_keep"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
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
			WHERE c.namespace = OLD.namespace AND c.epoch > OLD.epoch AND c.epoch <= until AND c.kind = 'epoch');
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	RETURN NEW;
END
$body$;
-- verify
SELECT to_regclass(:'schema.entries_snapshots') IS NOT NULL;
-- down
DELETE FROM :"schema".:"entries_checkpoints" WHERE kind = 'snapshot';
DROP TABLE :"schema".:"entries_snapshots";
CREATE OR REPLACE FUNCTION :"schema".:"entries_keep"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
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
