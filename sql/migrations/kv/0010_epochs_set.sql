-- The trigger of updates is of those that set the epoch: no other can need an image. Its WHEN is parsed and set up with
-- each statement that it is of, a fifth of what a put costs the server, so that a put in the epoch of the row leaves the
-- column alone (entry_replace). Whoever sets it, here or in another program, is looked at as before.
--
-- Where the trigger was dropped it stays so; else it fires where it did.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
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
	CREATE TRIGGER :"entries_keep_updated" AFTER UPDATE OF epoch ON :"schema".:"entries" FOR EACH ROW
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
SELECT bool_and(cardinality(tgattr::smallint[]) = 1) IS NOT FALSE FROM pg_catalog.pg_trigger WHERE tgrelid = :'schema.entries'::regclass
AND tgfoid = (:'schema.entries_keep'::text || '()')::regprocedure AND tgtype & 16 = 16;
-- down
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
