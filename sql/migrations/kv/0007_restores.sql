-- A restore keeps images by itself, all at once, for what it updates too: the trigger of updates stands aside for it as
-- that of deletions does.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
DROP TRIGGER :"entries_keep_updated" ON :"schema".:"entries";
CREATE TRIGGER :"entries_keep_updated" BEFORE UPDATE ON :"schema".:"entries"
	FOR EACH ROW WHEN (OLD.epoch < NEW.epoch AND pg_catalog.current_setting('holdfast.kept', true) IS DISTINCT FROM 'on')
	EXECUTE FUNCTION :"schema".:"entries_keep"();
-- verify
SELECT count(*) = 2 FROM pg_catalog.pg_trigger WHERE tgrelid = :'schema.entries'::regclass
AND tgfoid = (:'schema.entries_keep'::text || '()')::regprocedure;
-- down
DROP TRIGGER :"entries_keep_updated" ON :"schema".:"entries";
CREATE TRIGGER :"entries_keep_updated" BEFORE UPDATE ON :"schema".:"entries"
	FOR EACH ROW WHEN (OLD.epoch < NEW.epoch) EXECUTE FUNCTION :"schema".:"entries_keep"();
