-- A writer of another program may read an older snapshot than that of its lock (REPEATABLE READ, SERIALIZABLE), in which
-- the newest checkpoint is not there: it keeps what it replaces whether a checkpoint needs it or not. What none needs
-- goes when the next checkpoint is deleted. One image of that epoch is enough: who wrote in an older one behind it did so
-- when a checkpoint of another namespace had moved the number on, and none of this one lies in between.
--
-- The trigger of updates comes behind them: before one, the server locks the row and logs that, also where the trigger
-- then stands aside (0.15 of 1.03 s of a restore's update). Where it was dropped it stays so; else it fires where it did.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
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
			WHERE c.namespace = OLD.namespace AND c.epoch > OLD.epoch AND c.epoch <= until AND c.kind = 'epoch')
		OR (pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
			AND NOT EXISTS (SELECT FROM :"schema".:"entries_history" AS h
			WHERE h.namespace = OLD.namespace AND h.key = OLD.key AND h.epoch_to = until));
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	RETURN NEW;
END
$body$;
DO $move$
DECLARE
	enabled "char";
BEGIN
	SELECT t.tgenabled INTO enabled FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = :'schema.entries'::pg_catalog.regclass
		AND t.tgfoid = (:'schema.entries_keep'::text || '()')::pg_catalog.regprocedure AND t.tgtype & 16 = 16;
	IF enabled IS NULL THEN
		RETURN;
	END IF;
	DROP TRIGGER :"entries_keep_updated" ON :"schema".:"entries";
	CREATE TRIGGER :"entries_keep_updated" AFTER UPDATE ON :"schema".:"entries" FOR EACH ROW
		WHEN (OLD.epoch < NEW.epoch AND pg_catalog.current_setting('holdfast.kept', true) IS DISTINCT FROM 'on')
		EXECUTE FUNCTION :"schema".:"entries_keep"();
	IF enabled = 'D' THEN
		ALTER TABLE :"schema".:"entries" DISABLE TRIGGER :"entries_keep_updated";
	ELSIF enabled = 'A' THEN
		ALTER TABLE :"schema".:"entries" ENABLE ALWAYS TRIGGER :"entries_keep_updated";
	ELSIF enabled = 'R' THEN
		ALTER TABLE :"schema".:"entries" ENABLE REPLICA TRIGGER :"entries_keep_updated";
	END IF;
END
$move$;
-- verify
SELECT prosrc LIKE '%transaction_isolation%' FROM pg_catalog.pg_proc WHERE oid = (:'schema.entries_keep'::text || '()')::regprocedure;
-- down
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
DO $move$
DECLARE
	enabled "char";
BEGIN
	SELECT t.tgenabled INTO enabled FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = :'schema.entries'::pg_catalog.regclass
		AND t.tgfoid = (:'schema.entries_keep'::text || '()')::pg_catalog.regprocedure AND t.tgtype & 16 = 16;
	IF enabled IS NULL THEN
		RETURN;
	END IF;
	DROP TRIGGER :"entries_keep_updated" ON :"schema".:"entries";
	CREATE TRIGGER :"entries_keep_updated" BEFORE UPDATE ON :"schema".:"entries" FOR EACH ROW
		WHEN (OLD.epoch < NEW.epoch AND pg_catalog.current_setting('holdfast.kept', true) IS DISTINCT FROM 'on')
		EXECUTE FUNCTION :"schema".:"entries_keep"();
	IF enabled = 'D' THEN
		ALTER TABLE :"schema".:"entries" DISABLE TRIGGER :"entries_keep_updated";
	ELSIF enabled = 'A' THEN
		ALTER TABLE :"schema".:"entries" ENABLE ALWAYS TRIGGER :"entries_keep_updated";
	ELSIF enabled = 'R' THEN
		ALTER TABLE :"schema".:"entries" ENABLE REPLICA TRIGGER :"entries_keep_updated";
	END IF;
END
$move$;
