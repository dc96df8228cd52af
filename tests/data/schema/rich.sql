-- One of everything that a dump can lose: the round trip of tests/cli/test_schema.py loads, dumps, loads and compares.
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist;
CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'it''s ours; "quoted" -- and no comment';
CREATE SCHEMA "Odd ""Schema""";

-- types
CREATE TYPE app.mood AS ENUM ('happy', 'so, so', 'it''s bad', 'Ünïcode');
COMMENT ON TYPE app.mood IS E'first line\nsecond \\ line';
CREATE DOMAIN app.positive AS integer DEFAULT 1 NOT NULL CONSTRAINT above_zero CHECK (VALUE > 0);
COMMENT ON DOMAIN app.positive IS 'above zero';
COMMENT ON CONSTRAINT above_zero ON DOMAIN app.positive IS 'on a domain';
CREATE DOMAIN app.small AS app.positive CONSTRAINT below_ten CHECK (VALUE < 10);
CREATE DOMAIN app.german AS text COLLATE "C";
CREATE TYPE app.pair AS (x app.small, y text COLLATE "C");
COMMENT ON COLUMN app.pair.x IS 'of a composite';
CREATE TYPE app.nested AS (p app.pair, many app.pair[]);
CREATE FUNCTION app.float_distance(a double precision, b double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT a - b';
CREATE TYPE app.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = app.float_distance);
COMMENT ON TYPE app.span IS 'a range';

-- functions, in defaults, checks, indexes, generated columns and each other
CREATE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN n * 2;
CREATE FUNCTION app.thrice(n integer, VARIADIC rest integer[] DEFAULT '{}') RETURNS integer LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
        SELECT app.twice(n) + n;
    END;
CREATE FUNCTION app.is_fine(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $f$
-- Dumped by pg_dump version of a dream
/*
\restrict not a command of psql
*/
-- PostgreSQL database dump complete
--
BEGIN
    RETURN t <> '$$' AND t <> $x$it's$x$;
END
$f$;
COMMENT ON FUNCTION app.is_fine(text) IS 'with "odd" $$ text $$ in it';
CREATE FUNCTION app.rows(IN n integer, OUT a integer, OUT b text) RETURNS SETOF record LANGUAGE sql STABLE
    SECURITY DEFINER COST 7 ROWS 3 AS $$ SELECT i, i::text FROM generate_series(1, n) i $$;
CREATE PROCEDURE app.doit(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
CREATE FUNCTION app.add_up(state bigint, n integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT state + n';
CREATE AGGREGATE app.total(integer) (SFUNC = app.add_up, STYPE = bigint, INITCOND = '0');
COMMENT ON AGGREGATE app.total(integer) IS 'an aggregate';

-- sequences
CREATE SEQUENCE app.ticket AS smallint INCREMENT BY -3 MINVALUE -300 MAXVALUE 30 START 30 CACHE 4 CYCLE;
COMMENT ON SEQUENCE app.ticket IS 'counts down';

-- tables that need each other
CREATE TABLE app.person (
    id integer GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY,
    email citext NOT NULL CONSTRAINT person_email_key UNIQUE DEFERRABLE INITIALLY DEFERRED,
    name text COLLATE "C" NOT NULL DEFAULT 'no''body',
    mood app.mood DEFAULT 'so, so',
    rank app.small DEFAULT 3,
    ticket smallint DEFAULT nextval('app.ticket'),
    doubled integer GENERATED ALWAYS AS (app.twice((rank)::integer)) STORED,
    home integer,
    tags text[] DEFAULT ARRAY['a', 'b,c']::text[],
    pair app.pair,
    body text,
    CONSTRAINT "odd, name" CHECK (app.is_fine(name)),
    CONSTRAINT unchecked CHECK (body <> 'x') NO INHERIT
) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE app.person ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE app.person ALTER COLUMN body SET COMPRESSION pglz;
ALTER TABLE app.person ALTER COLUMN name SET STATISTICS 250;
ALTER TABLE app.person ALTER COLUMN name SET (n_distinct = -0.5);
CREATE TABLE app.house (
    id serial PRIMARY KEY,
    owner integer NOT NULL REFERENCES app.person (id) ON DELETE CASCADE DEFERRABLE,
    size double precision,
    stay tstzrange,
    EXCLUDE USING gist (owner WITH =, stay WITH &&) WHERE (size > 0)
);
ALTER TABLE app.person ADD CONSTRAINT person_home_fkey FOREIGN KEY (home) REFERENCES app.house (id)
    ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID;
COMMENT ON TABLE app.person IS 'people; ''quoted'', with a | pipe and <tags> & "more"';
COMMENT ON COLUMN app.person.email IS 'where
to write to';
COMMENT ON CONSTRAINT "odd, name" ON app.person IS 'on a constraint';
CREATE UNIQUE INDEX person_name ON app.person (lower(name) COLLATE "C" text_pattern_ops DESC NULLS LAST)
    INCLUDE (mood) WITH (fillfactor = 80) WHERE home IS NULL;
COMMENT ON INDEX app.person_name IS 'on an index';
CREATE INDEX person_twice ON app.person (app.twice(home), (name || email::text));
ALTER INDEX app.person_twice ALTER COLUMN 1 SET STATISTICS 99;
CREATE STATISTICS app.person_stats (dependencies, ndistinct) ON mood, rank FROM app.person;
COMMENT ON STATISTICS app.person_stats IS 'on statistics';
ALTER TABLE app.person CLUSTER ON person_pkey;
ALTER TABLE app.house REPLICA IDENTITY FULL;

-- odd names
CREATE TABLE "Odd ""Schema"""."Sel.ect" ("or der" integer, "a""b" text, "user" text, "ÄÖ" integer, "x'y" integer);
COMMENT ON COLUMN "Odd ""Schema"""."Sel.ect"."a""b" IS 'odd';
CREATE INDEX "in dex" ON "Odd ""Schema"""."Sel.ect" ("or der");
ALTER TABLE "Odd ""Schema"""."Sel.ect" DROP COLUMN "x'y";

-- inheritance, partitions, typed, unlogged
CREATE TABLE app.animal (id integer NOT NULL, legs integer DEFAULT 4 CHECK (legs >= 0));
CREATE TABLE app.dog (name text, legs integer DEFAULT 4) INHERITS (app.animal);
CREATE TABLE app.event (at timestamptz NOT NULL, kind text NOT NULL, n integer DEFAULT 0, PRIMARY KEY (at, kind))
    PARTITION BY RANGE (at);
CREATE TABLE app.event_2023 PARTITION OF app.event FOR VALUES FROM ('2023-01-01+00') TO ('2024-01-01+00')
    PARTITION BY LIST (kind);
CREATE TABLE app.event_2023_a PARTITION OF app.event_2023 (n DEFAULT 5) FOR VALUES IN ('a', 'it''s');
CREATE TABLE app.event_2023_rest PARTITION OF app.event_2023 DEFAULT;
CREATE TABLE app.event_rest PARTITION OF app.event DEFAULT;
CREATE INDEX event_n ON app.event (n);
COMMENT ON TABLE app.event_2023_a IS 'a partition of a partition';
CREATE TABLE app.typed OF app.pair (PRIMARY KEY (x), y WITH OPTIONS DEFAULT 'typed');
CREATE UNLOGGED TABLE app.scratch (a integer, b app.span, c app.nested);

-- views on views and functions, materialised ones with indexes
CREATE VIEW app.adults WITH (security_barrier = true) AS
    SELECT p.id, p.name, app.twice(p.rank) AS twice, h.size FROM app.person p LEFT JOIN app.house h ON h.owner = p.id
    WHERE p.mood <> 'it''s bad';
COMMENT ON VIEW app.adults IS 'a view';
COMMENT ON COLUMN app.adults.name IS 'a column of a view';
ALTER VIEW app.adults ALTER COLUMN name SET DEFAULT 'new';
CREATE VIEW app.counted AS SELECT a.twice, count(*) AS n, app.total(a.id) AS total FROM app.adults a GROUP BY a.twice;
CREATE MATERIALIZED VIEW app.summary AS SELECT c.twice, c.n FROM app.counted c WITH NO DATA;
CREATE UNIQUE INDEX summary_twice ON app.summary (twice);
COMMENT ON MATERIALIZED VIEW app.summary IS 'kept';
CREATE VIEW app.checked AS SELECT * FROM app.animal WHERE legs = 4 WITH LOCAL CHECK OPTION;
CREATE RECURSIVE VIEW app.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 9;
CREATE FUNCTION app.takes_a_row(p app.person) RETURNS text LANGUAGE sql STABLE AS 'SELECT p.name';
CREATE VIEW app.whole AS SELECT app.takes_a_row(p) AS name, p AS person FROM app.person p;

-- triggers and rules
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER person_touch BEFORE INSERT OR UPDATE OF name, mood ON app.person FOR EACH ROW
    WHEN (NEW.name IS DISTINCT FROM 'x''y') EXECUTE FUNCTION app.touch('an argument', 'it''s');
COMMENT ON TRIGGER person_touch ON app.person IS 'on a trigger';
CREATE CONSTRAINT TRIGGER person_late AFTER UPDATE ON app.person DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER event_touch AFTER INSERT ON app.event FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER many AFTER DELETE ON app.house REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION app.touch();
ALTER TABLE app.house DISABLE TRIGGER many;
CREATE TRIGGER instead INSTEAD OF INSERT ON app.adults FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE RULE no_delete AS ON DELETE TO app.animal DO INSTEAD NOTHING;
COMMENT ON RULE no_delete ON app.animal IS 'on a rule';
CREATE RULE also AS ON INSERT TO app.house WHERE NEW.size > 100 DO ALSO UPDATE app.person SET home = NEW.id WHERE id = NEW.owner;

-- row security
ALTER TABLE app.house ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.person ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.person FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app.person AS RESTRICTIVE FOR UPDATE USING (name = CURRENT_USER) WITH CHECK (app.is_fine(name));
COMMENT ON POLICY own ON app.person IS 'on a policy';
CREATE POLICY look ON app.house FOR SELECT TO public USING (EXISTS (SELECT FROM app.person p WHERE p.id = owner));

-- the rare ones
CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, COMMUTATOR = OPERATOR(app.===));
COMMENT ON OPERATOR app.=== (text, text) IS 'an operator';
CREATE FUNCTION app.mood_number(m app.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (app.mood AS integer) WITH FUNCTION app.mood_number(app.mood);
CREATE COLLATION app.natural (PROVIDER = icu, LOCALE = 'de-u-kn-true');
CREATE TEXT SEARCH CONFIGURATION app.search (COPY = simple);
