-- The epoch to write in without a look at a table: it stands in a sequence, whose value every transaction sees at once,
-- and the function that reads it is an expression that the planner puts into the statement (16 of the 51 us that a put
-- costs the server). One sequence serves all namespaces: the epoch of one moves on when a checkpoint of another is made,
-- and no checkpoint of its own lies in between. A number that a rolled back transaction took is not used again.
--
-- `epoch` of a namespace is that of its newest checkpoint or restore. A call of the old function that waits while this
-- is applied may still count from that, hence the gap.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
LOCK TABLE :"schema".:"entries_namespaces" IN ACCESS EXCLUSIVE MODE;
CREATE SEQUENCE :"schema".:"entries_epochs" AS integer;
SELECT setval(:'schema.entries_epochs', coalesce(max(epoch) + 1000, 1)) FROM :"schema".:"entries_namespaces";

CREATE OR REPLACE FUNCTION :"schema".:"entries_epoch"(ns integer) RETURNS integer LANGUAGE sql VOLATILE AS $body$
	SELECT CASE WHEN pg_catalog.pg_advisory_xact_lock_shared(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns) IS NOT NULL
	THEN pg_catalog.pg_sequence_last_value(:'schema.entries_epochs'::pg_catalog.regclass)::integer END
$body$;

CREATE OR REPLACE FUNCTION :"schema".:"entries_next_epoch"(ns integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	moved integer;
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns);
	UPDATE :"schema".:"entries_namespaces" AS n SET epoch = pg_catalog.nextval(:'schema.entries_epochs') WHERE n.id = ns
	RETURNING n.epoch INTO moved;
	RETURN moved;
END
$body$;
-- verify
SELECT to_regclass(:'schema.entries_epochs') IS NOT NULL;
-- down
LOCK TABLE :"schema".:"entries_namespaces" IN ACCESS EXCLUSIVE MODE;
UPDATE :"schema".:"entries_namespaces" SET epoch = (SELECT last_value + 1000 FROM :"schema".:"entries_epochs");
CREATE OR REPLACE FUNCTION :"schema".:"entries_epoch"(ns integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	written integer;
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock_shared(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns);
	SELECT n.epoch INTO written FROM :"schema".:"entries_namespaces" AS n WHERE n.id = ns;
	RETURN written;
END
$body$;
CREATE OR REPLACE FUNCTION :"schema".:"entries_next_epoch"(ns integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
	moved integer;
BEGIN
	PERFORM pg_catalog.pg_advisory_xact_lock(
		(:'schema.entries_namespaces'::pg_catalog.regclass::pg_catalog.oid::bigint - 2147483648)::integer, ns);
	UPDATE :"schema".:"entries_namespaces" AS n SET epoch = n.epoch + 1 WHERE n.id = ns RETURNING n.epoch INTO moved;
	RETURN moved;
END
$body$;
DROP SEQUENCE :"schema".:"entries_epochs";
