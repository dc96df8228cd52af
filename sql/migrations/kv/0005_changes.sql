-- The change feed, of the namespaces that have a row in `feeds`. Triggers write it, so that no way to write can forget it;
-- they stand only while some namespace has a feed.
--
-- `seq` is taken while the row of the entry is locked, so that the changes of a key stand in their order. A number may
-- be taken before a smaller one is committed: who reads waits for the transactions that ran meanwhile (queries/kv/changes.sql).
-- op: P put, T another expiry, D deleted, E expired, C all cleared, R restored. Whoever removes everything says so in the
-- setting holdfast.feed ('clear') and is one change.
-- identifier: schema = public
-- identifier: entries = state_entries
-- up
CREATE TABLE :"schema".:"entries_feeds" (
	namespace integer PRIMARY KEY,
	gone bigint NOT NULL,
	keep interval NOT NULL,
	most bigint NOT NULL,
	since timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE SEQUENCE :"schema".:"entries_changes_seq" AS bigint;

CREATE TABLE :"schema".:"entries_changes" (
	seq bigint NOT NULL DEFAULT nextval(:'schema.entries_changes_seq'),
	at timestamptz NOT NULL DEFAULT now(),
	rev bigint,
	namespace integer NOT NULL,
	op "char" NOT NULL,
	key bytea,
	PRIMARY KEY (namespace, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.1);

CREATE FUNCTION :"schema".:"entries_fed"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
	INSERT INTO :"schema".:"entries_changes" (namespace, op, rev, key)
	SELECT n.namespace, 'P', n.rev, n.key FROM written AS n JOIN :"schema".:"entries_feeds" AS f USING (namespace);
	RETURN NULL;
END
$body$;

-- What has the same revision before and behind was touched. Counted, not joined: a plan for one row would stay for a thousand.
CREATE FUNCTION :"schema".:"entries_fed_again"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
	INSERT INTO :"schema".:"entries_changes" (namespace, op, rev, key)
	SELECT b.namespace, CASE WHEN count(*) = 2 THEN 'T' ELSE 'P' END::"char", b.rev, b.key
	FROM (SELECT n.namespace, n.rev, n.key, true AS is_new FROM written AS n
	      UNION ALL SELECT o.namespace, o.rev, o.key, false FROM replaced AS o) AS b
	WHERE b.namespace IN (SELECT f.namespace FROM :"schema".:"entries_feeds" AS f)
	GROUP BY b.namespace, b.rev, b.key HAVING bool_or(b.is_new);
	RETURN NULL;
END
$body$;

CREATE FUNCTION :"schema".:"entries_fed_gone"() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
	IF pg_catalog.current_setting('holdfast.feed', true) = 'clear' THEN
		INSERT INTO :"schema".:"entries_changes" (namespace, op)
		SELECT f.namespace, 'C' FROM (SELECT DISTINCT o.namespace FROM replaced AS o) AS d JOIN :"schema".:"entries_feeds" AS f USING (namespace);
	ELSE
		INSERT INTO :"schema".:"entries_changes" (namespace, op, rev, key)
		SELECT o.namespace, CASE WHEN o.expires_at <= now() THEN 'E' ELSE 'D' END::"char", o.rev, o.key
		FROM replaced AS o JOIN :"schema".:"entries_feeds" AS f USING (namespace);
	END IF;
	RETURN NULL;
END
$body$;

-- Waits for the writers of the table when it is the first feed, which stops new ones meanwhile: not for long, or not at all.
CREATE FUNCTION :"schema".:"entries_feed_on"(ns integer, for_long interval, at_most bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' AS $body$
BEGIN
	UPDATE :"schema".:"entries_feeds" AS f SET keep = for_long, most = at_most WHERE f.namespace = ns;
	IF FOUND THEN
		RETURN;
	END IF;
	LOCK TABLE :"schema".:"entries" IN SHARE ROW EXCLUSIVE MODE;
	INSERT INTO :"schema".:"entries_feeds" (namespace, gone, keep, most) VALUES (ns, nextval(:'schema.entries_changes_seq'),
		for_long, at_most)
	ON CONFLICT (namespace) DO UPDATE SET keep = EXCLUDED.keep, most = EXCLUDED.most;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = :'schema.entries'::pg_catalog.regclass
			AND tgfoid = (:'schema.entries_fed'::text || '()')::pg_catalog.regprocedure) THEN
		CREATE TRIGGER :"entries_fed_inserted" AFTER INSERT ON :"schema".:"entries" REFERENCING NEW TABLE AS written
			FOR EACH STATEMENT EXECUTE FUNCTION :"schema".:"entries_fed"();
		CREATE TRIGGER :"entries_fed_updated" AFTER UPDATE ON :"schema".:"entries" REFERENCING NEW TABLE AS written OLD TABLE AS replaced
			FOR EACH STATEMENT EXECUTE FUNCTION :"schema".:"entries_fed_again"();
		CREATE TRIGGER :"entries_fed_deleted" AFTER DELETE ON :"schema".:"entries" REFERENCING OLD TABLE AS replaced
			FOR EACH STATEMENT EXECUTE FUNCTION :"schema".:"entries_fed_gone"();
	END IF;
END
$body$;

CREATE FUNCTION :"schema".:"entries_feed_off"(ns integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' AS $body$
BEGIN
	LOCK TABLE :"schema".:"entries" IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM :"schema".:"entries_feeds" WHERE namespace = ns;
	DELETE FROM :"schema".:"entries_changes" WHERE namespace = ns;
	IF NOT EXISTS (SELECT FROM :"schema".:"entries_feeds") THEN
		DROP TRIGGER IF EXISTS :"entries_fed_inserted" ON :"schema".:"entries";
		DROP TRIGGER IF EXISTS :"entries_fed_updated" ON :"schema".:"entries";
		DROP TRIGGER IF EXISTS :"entries_fed_deleted" ON :"schema".:"entries";
	END IF;
END
$body$;
-- verify
SELECT count(*) = 3 FROM pg_catalog.pg_class
WHERE oid IN (to_regclass(:'schema.entries_feeds'), to_regclass(:'schema.entries_changes'), to_regclass(:'schema.entries_changes_seq'));
-- down
DROP TRIGGER IF EXISTS :"entries_fed_inserted" ON :"schema".:"entries";
DROP TRIGGER IF EXISTS :"entries_fed_updated" ON :"schema".:"entries";
DROP TRIGGER IF EXISTS :"entries_fed_deleted" ON :"schema".:"entries";
DROP FUNCTION :"schema".:"entries_feed_on"(integer, interval, bigint), :"schema".:"entries_feed_off"(integer),
	:"schema".:"entries_fed"(), :"schema".:"entries_fed_again"(), :"schema".:"entries_fed_gone"();
DROP TABLE :"schema".:"entries_changes", :"schema".:"entries_feeds";
DROP SEQUENCE :"schema".:"entries_changes_seq";
