"""Nullability, rule by rule: what is to be claimed per column (`!` never NULL, `?` may be NULL), run on hostile data.

A case beside the rule that it is about; the breadth is that of the truth corpus (test_corpus.py) and of the random
statements (test_random_queries.py).
"""

import json

import asyncpg
import pytest

import compiler

SCHEMA = """
CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL, x int, t text NOT NULL, u text, b boolean, l int[], j jsonb);
CREATE TABLE b (id int PRIMARY KEY, a_id int, v int NOT NULL, w int);
CREATE TABLE parent (id int NOT NULL, v int NOT NULL);
CREATE TABLE child () INHERITS (parent);
ALTER TABLE ONLY child ALTER v DROP NOT NULL;
CREATE TABLE grandparent (v int NOT NULL, other int NOT NULL);
CREATE TABLE middle (other2 int) INHERITS (grandparent);
CREATE TABLE grandchild (other3 int) INHERITS (middle);
ALTER TABLE ONLY grandchild ALTER v DROP NOT NULL;
CREATE TABLE sound_child_parent (v int NOT NULL);
CREATE TABLE sound_child () INHERITS (sound_child_parent);
CREATE TABLE parts (k int NOT NULL, v int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1, 2, 3);
CREATE VIEW inner_view AS SELECT a.id, b.v, b.w FROM a JOIN b ON b.a_id = a.id;
CREATE VIEW left_view AS SELECT a.id, b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id;
CREATE VIEW nested_view AS SELECT l.id, l.v, i.v AS iv FROM left_view AS l LEFT JOIN inner_view AS i USING (id);
CREATE MATERIALIZED VIEW stored AS SELECT 1 AS one;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE far (v int NOT NULL) SERVER files OPTIONS (program 'printf "\\n"', format 'csv');
CREATE FUNCTION maybe(int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF($1, $1)';
CREATE FUNCTION lower(int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULL::text';
CREATE OPERATOR +|+ (LEFTARG = int, RIGHTARG = int, FUNCTION = gcd);
CREATE FUNCTION plus_null(int, text) RETURNS int LANGUAGE sql STRICT IMMUTABLE AS 'SELECT NULL::int';
CREATE OPERATOR + (LEFTARG = int, RIGHTARG = text, FUNCTION = plus_null);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE audited (id int PRIMARY KEY, v int NOT NULL, w int);
CREATE VIEW audited_view AS SELECT id, v, w FROM audited;
CREATE VIEW trigger_view AS SELECT id, n FROM a;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_OP = ''DELETE'' THEN OLD.n := NULL; RETURN OLD; END IF; NEW.n := NULL; RETURN NEW; END';
CREATE TABLE kinds (n int, kind text, done int, x int, CHECK (kind <> 'a' OR done IS NOT NULL));
INSERT INTO kinds VALUES (1, 'a', 1, NULL), (1, 'b', NULL, NULL), (1, NULL, NULL, NULL);
CREATE FUNCTION sure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE replaced (n int, CHECK (sure(n) IS NOT NULL));
INSERT INTO replaced VALUES (1);
CREATE OR REPLACE FUNCTION sure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT NULL::int';
CREATE DOMAIN present AS int NOT NULL;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE worn (id int PRIMARY KEY, d present);
INSERT INTO worn VALUES (1, (SELECT d FROM worn WHERE false));
CREATE TABLE declared (n int NOT NULL, x int, c int CHECK (c IS NOT NULL), d int CHECK (d > 0),
    g int GENERATED ALWAYS AS (n + 1) STORED, h int GENERATED ALWAYS AS (x + 1) STORED);
INSERT INTO declared (n, c) VALUES (1, 1);
CREATE TABLE declared_parent (n int NOT NULL, c int, g int GENERATED ALWAYS AS (n + 1) STORED, CHECK (c IS NOT NULL) NO INHERIT);
CREATE TABLE declared_child () INHERITS (declared_parent);
ALTER TABLE ONLY declared_child ALTER n DROP NOT NULL;
INSERT INTO declared_child (n) VALUES (NULL);
CREATE TABLE watched (id int PRIMARY KEY, x int);
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.x := NULL; RETURN NEW; END';
CREATE TRIGGER forget BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION forget();
CREATE MATERIALIZED VIEW stored_groups AS SELECT n, count(*) AS c, max(x) AS m FROM a GROUP BY n;
CREATE MATERIALIZED VIEW stored_left AS SELECT v FROM left_view;
CREATE TABLE altered (later int, always int NOT NULL);
INSERT INTO altered VALUES (NULL, 1);
CREATE MATERIALIZED VIEW stored_later AS SELECT later, always FROM altered;
UPDATE altered SET later = 1;
ALTER TABLE altered ALTER later SET NOT NULL;
CREATE TRIGGER instead INSTEAD OF INSERT OR DELETE ON trigger_view FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE held (who int, sum float8, exact int, at timestamptz, day date, zoned int, wide int,
    CHECK (who IS NOT NULL OR current_user = 'pg_read_all_data'), CHECK (exact IS NOT NULL OR sum::text = '0.3'),
    CHECK (zoned IS NOT NULL OR at < day), CHECK (wide IS NOT NULL AND at <= now()));
GRANT INSERT ON held TO pg_read_all_data;
SET LOCAL TimeZone = 'Etc/GMT+12';
SET LOCAL extra_float_digits = 0;
SET LOCAL ROLE pg_read_all_data;
INSERT INTO held VALUES (NULL, 0.1::float8 + 0.2::float8, NULL, '2021-01-02 02:00+00', '2021-01-02', NULL, 1);
RESET ROLE;
SET LOCAL extra_float_digits = 1;
SET LOCAL TimeZone = 'UTC';
CREATE TABLE widened (p int, q int, CHECK (widened IS NOT NULL));
INSERT INTO widened VALUES (1, 2);
ALTER TABLE widened ADD c int;
CREATE FUNCTION fine(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION alike(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = alike);
CREATE TABLE strict_later (x int, y int, CHECK (fine(x) IS TRUE), CHECK ((y === 1) IS TRUE));
CREATE TABLE strict_generated (x int, z int GENERATED ALWAYS AS (CASE WHEN fine(x) THEN x ELSE 0 END) STORED);
INSERT INTO strict_later VALUES (NULL, NULL);
INSERT INTO strict_generated VALUES (NULL);
CREATE MATERIALIZED VIEW strict_stored AS SELECT x, y FROM strict_later WHERE fine(x) AND y === 1;
CREATE OR REPLACE FUNCTION fine(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE STRICT AS 'BEGIN RETURN true; END';
CREATE OR REPLACE FUNCTION alike(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE STRICT AS 'BEGIN RETURN true; END';
CREATE FUNCTION whim(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN false; END';
CREATE TABLE whimsical (x int NOT NULL, z int GENERATED ALWAYS AS (CASE WHEN whim(x) THEN 0 END) STORED, y int GENERATED ALWAYS AS (CASE WHEN x > 0 THEN 0 END) STORED);
INSERT INTO whimsical VALUES (1);
CREATE OR REPLACE FUNCTION whim(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE DOMAIN later AS int;
CREATE TABLE later_domain (x int, y int, g int GENERATED ALWAYS AS ((x::later)::int) STORED,
    CHECK (y IS NOT NULL OR (x::later) IS NULL));
INSERT INTO later_domain VALUES (NULL, NULL);
CREATE MATERIALIZED VIEW later_stored AS SELECT (x::later)::int AS d FROM later_domain;
ALTER DOMAIN later SET NOT NULL;
CREATE TABLE dropped_from (v int NOT NULL);
CREATE TABLE dropped () INHERITS (dropped_from);
CREATE TABLE left_from (v int NOT NULL);
CREATE TABLE leaver () INHERITS (left_from);
ALTER TABLE ONLY dropped ALTER v DROP NOT NULL;
ALTER TABLE ONLY leaver ALTER v DROP NOT NULL;
INSERT INTO dropped VALUES (NULL);
INSERT INTO leaver VALUES (NULL);
CREATE MATERIALIZED VIEW stored_dropped AS SELECT v FROM dropped_from;
CREATE MATERIALIZED VIEW stored_leaver AS SELECT v FROM left_from;
DROP TABLE dropped;
ALTER TABLE leaver NO INHERIT left_from;
CREATE TABLE plain_parent (id int, x int);
CREATE TABLE generating (id int, x int GENERATED ALWAYS AS (nullif(id, id)) STORED);
ALTER TABLE generating INHERIT plain_parent;
CREATE TABLE plain_parts (id int, x int) PARTITION BY LIST (id);
CREATE TABLE generating_part (x int GENERATED ALWAYS AS (nullif(id, id)) STORED, id int);
ALTER TABLE plain_parts ATTACH PARTITION generating_part FOR VALUES IN (1, 4);
INSERT INTO generating VALUES (1);
INSERT INTO generating_part (id) VALUES (1);
CREATE FUNCTION lax(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN -1; END';
CREATE OPERATOR <~ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt);
CREATE OPERATOR <=~ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4le);
CREATE FUNCTION never(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR ==~ (LEFTARG = int, RIGHTARG = int, FUNCTION = never);
CREATE OPERATOR >=~ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ge);
CREATE OPERATOR >~ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt);
CREATE OPERATOR CLASS lax FOR TYPE int USING btree AS OPERATOR 1 <~, OPERATOR 2 <=~, OPERATOR 3 ==~, OPERATOR 4 >=~,
    OPERATOR 5 >~, FUNCTION 1 lax(int, int);
CREATE SEQUENCE counter;
CREATE TABLE touched (id int PRIMARY KEY, x int);
CREATE TRIGGER forget BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION forget();
INSERT INTO touched VALUES (1, 1);
CREATE TABLE framed (n int NOT NULL, at timestamp NOT NULL);
INSERT INTO framed VALUES (1, '2021-02-01'), (2, '2021-03-01');
"""

# Rules in the order of the files tools/gen/nullability_*.c.
MORE = [
    # outer joins reduced
    ("!!", "SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.w > 0"),
    ("!!!", "SELECT a.id, b.v, b.w FROM a FULL JOIN b ON b.a_id = a.id WHERE a.x = b.w"),
    ("!?", "SELECT a.id, b.v FROM a FULL JOIN b ON b.a_id = a.id WHERE a.n > 0"),
    ("!!!", "SELECT a.id, b.v, c.n FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN a AS c ON c.id = b.w WHERE c.t LIKE 'x'"),
    ("!!!", "SELECT b.w, a.x, c.n FROM a LEFT JOIN b ON b.w = a.x LEFT JOIN a AS c ON c.id = b.id WHERE c.n > 0"),
    ("!!", "SELECT a.x, b.v FROM a LEFT JOIN b ON b.v = a.x JOIN a AS c ON c.id = b.id"),
    ("!?", "SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v IS NULL"),
    ("?", "SELECT b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE coalesce(b.v, 1) > 0"),
    ("!", "SELECT b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.* IS NOT NULL"),
    ("!!", "SELECT b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.* IS NOT NULL"),
    ("!?", "SELECT b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id WHERE NOT (b.* IS NULL)"),
    ("!!", "SELECT a.id, s.c FROM a LEFT JOIN LATERAL (SELECT count(*) AS c FROM b WHERE b.a_id = a.id) AS s ON true"),
    ("!?", "SELECT a.id, s.c FROM a LEFT JOIN LATERAL (SELECT count(*) AS c FROM b WHERE b.a_id = a.id) AS s ON s.c > 1"),
    ("?", "SELECT r.k FROM a LEFT JOIN (b JOIN a AS c ON c.id = b.id) AS r (k) ON r.k = a.x WHERE r IS DISTINCT FROM NULL"),
    ("?", "SELECT r.k FROM a LEFT JOIN (b JOIN a AS c ON c.id = b.id) AS r (k) ON r.k = a.x WHERE to_jsonb(r) IS NOT NULL"),
    ("!", "SELECT coalesce(a.id, b.id) AS i FROM a FULL JOIN b ON b.a_id = a.id"),
    ("?", "SELECT coalesce(a.id, b.w) AS i FROM a FULL JOIN b ON b.a_id = a.id"),
    ("!", "SELECT coalesce(a.id, b.id, c.id) AS i FROM (a FULL JOIN b ON b.a_id = a.id) FULL JOIN b AS c ON c.id = a.id"),
    ("!", "SELECT id FROM a FULL JOIN b USING (id) FULL JOIN audited USING (id)"),
    ("?", "SELECT j.id FROM b AS c LEFT JOIN (a FULL JOIN b USING (id)) AS j ON j.id = c.w"),
    ("!", "SELECT id FROM a NATURAL LEFT JOIN b"),
    ("!", "SELECT g FROM a LEFT JOIN generate_series(1, a.x) AS g ON true WHERE g > 0"),
    ("!!", "SELECT x, g FROM a, generate_series(1, x) AS g"),
    # facts
    ("!", "SELECT x FROM a WHERE x = 1 OR x = 2"),
    ("!?", "SELECT x, u FROM a WHERE (x = 1 AND u = '') OR x > 7"),
    ("!", "SELECT x FROM a WHERE NOT (x IS NULL)"),
    ("!", "SELECT x FROM a WHERE NOT (x = 1 OR x = 2)"),
    ("!", "SELECT x FROM a WHERE (x > 1) IS TRUE"),
    ("!", "SELECT x FROM a WHERE (x > 1) IS FALSE"),
    ("!", "SELECT x FROM a WHERE (x > 1) IS NOT UNKNOWN"),
    ("?", "SELECT x FROM a WHERE (x > 1) IS NOT TRUE"),
    ("!", "SELECT b FROM a WHERE b"),
    ("!", "SELECT x FROM a WHERE x BETWEEN 1 AND 9"),
    ("!", "SELECT x FROM a WHERE x IN (1, 2)"),
    ("!", "SELECT x FROM a WHERE x NOT IN (1, 2)"),
    ("!?", "SELECT l, x FROM a WHERE n = ANY(l)"),
    ("!", "SELECT x FROM a WHERE x = ANY(l)"),
    ("?", "SELECT x FROM a WHERE x <> ALL(l)"),
    ("?", "SELECT x FROM a WHERE NOT x = ANY(l)"),
    ("!!", "SELECT x, u FROM a WHERE (x, u) = (1, 'u')"),
    ("!?", "SELECT x, u FROM a WHERE (x, u) < (1, 'u')"),
    ("!", "SELECT x FROM a WHERE x IS NOT DISTINCT FROM n"),
    ("?", "SELECT x FROM a WHERE x IS NOT DISTINCT FROM (SELECT max(w) FROM b)"),
    ("!", "SELECT x FROM a WHERE x IN (SELECT w FROM b)"),
    ("?", "SELECT x FROM a WHERE x NOT IN (SELECT w FROM b)"),
    ("!", "SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.w = a.x)"),
    ("?", "SELECT x FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.w = a.x)"),
    ("?", "SELECT x FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.w = a.x)"),
    ("!", "SELECT x FROM a WHERE coalesce(x > 1, false)"),
    ("?", "SELECT x FROM a WHERE coalesce(x > 1, true)"),
    ("!", "SELECT x FROM a WHERE CASE WHEN x > 1 THEN true END"),
    ("!!", "SELECT u, upper(u) AS v FROM a WHERE lower(u) IS NOT NULL"),
    ("!", "SELECT j ->> 'a' AS v FROM a WHERE (j ->> 'a') IS NOT NULL"),
    ("?", "SELECT j ->> 'b' AS v FROM a WHERE (j ->> 'a') IS NOT NULL"),
    ("?", "SELECT maybe(x) AS v FROM a WHERE maybe(n) IS NOT NULL"),
    ("!", "SELECT nullif(x, 1) AS v FROM a WHERE nullif(x, 1) = 2"),
    # what a query further out knows
    ("!", "SELECT s.x FROM (SELECT x FROM a) AS s WHERE s.x > 0"),
    ("!!", "SELECT s.y, s.z FROM (SELECT x + 1 AS y, x AS z FROM a) AS s WHERE s.y IS NOT NULL"),
    ("!", "SELECT s.v FROM (SELECT b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id) AS s WHERE s.w = 1"),
    ("!!", "SELECT v, w FROM left_view WHERE w = 1"),
    ("!", "WITH s AS (SELECT b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id) SELECT v FROM s WHERE w = 1"),
    ("!", "SELECT s.y FROM (SELECT n AS k, n AS y FROM a UNION ALL SELECT NULL, NULL) AS s WHERE s.k > 0"),
    ("?", "SELECT s.p FROM (SELECT x, lag(x, 1, 0) OVER (ORDER BY id) AS p FROM a) AS s WHERE s.x > 0"),
    ("!", "SELECT s.m FROM (SELECT n, max(x) AS m FROM a GROUP BY n) AS s WHERE s.m > 0"),
    # CASE
    ("!", "SELECT CASE WHEN x IS NULL THEN 0 ELSE x END AS v FROM a"),
    ("!", "SELECT CASE WHEN x IS NOT NULL THEN x ELSE 0 END AS v FROM a"),
    ("!", "SELECT CASE WHEN x > 0 THEN x WHEN u = '' THEN length(u) ELSE 1 END AS v FROM a"),
    ("!", "SELECT CASE x WHEN 1 THEN x ELSE 0 END AS v FROM a"),
    ("?", "SELECT CASE WHEN x > 0 THEN 1 ELSE x END AS v FROM a"),
    ("!", "SELECT CASE WHEN x IS NULL OR u IS NULL THEN 0 ELSE x + length(u) END AS v FROM a"),
    ("!", "SELECT CASE WHEN n IS NULL THEN NULL ELSE 1 END AS v FROM a"),
    ("!", "SELECT CASE WHEN b.id IS NULL THEN 0 ELSE b.v END AS v FROM a LEFT JOIN b ON b.a_id = a.id"),
    ("!", "SELECT CASE WHEN b.id IS NOT NULL THEN a.x + b.v ELSE 0 END AS v FROM a LEFT JOIN b ON b.a_id = a.x"),
    ("?", "SELECT CASE WHEN n = 1 THEN 1 WHEN n = 2 THEN 2 END AS v FROM a"),
    ("!?", "SELECT CASE WHEN n > 0 THEN 1 WHEN n <= 0 THEN 2 END AS v, CASE WHEN x > 0 THEN 1 WHEN x <= 0 THEN 2 END AS w"
           " FROM a"),
    ("?", "SELECT CASE WHEN n > 0 THEN 1 WHEN n < 0 THEN 2 END AS v FROM a"),
    ("!", "SELECT coalesce(x, length(u)) AS v FROM a WHERE x IS NOT NULL OR u <> ''"),
    ("?", "SELECT coalesce(x, length(u)) AS v FROM a WHERE x IS NOT NULL OR u <> '' OR n = 1"),
    ("?", "SELECT coalesce(max(x), max(length(u))) AS v FROM a WHERE x IS NOT NULL OR u <> ''"),
    # functions
    ("!!", "SELECT extract(epoch FROM now()) AS a, to_char(n, '000') AS b FROM a"),
    ("!?!", "SELECT concat(x, u) AS a, concat_ws(u, t) AS b, format('%s', u) AS c FROM a"),
    ("?!", "SELECT concat(VARIADIC string_to_array(u, ',')) AS a, jsonb_build_object('a', x) AS b FROM a"),
    ("!!!", "SELECT num_nulls(x, u) AS a, int4range(x, n) AS b, pg_typeof(x)::text AS c FROM a"),
    ("!?", "SELECT array_append(l, x) AS a, array_cat(l, l) AS b FROM a"),
    ("!?", "SELECT split_part(t, ',', 2) AS a, regexp_match(t, 'q') AS b FROM a"),
    ("!!", "SELECT n / (n * n + 1) AS a, t || n AS b FROM a"),
    ("!", "SELECT n::text::int AS a FROM a"),
    ("!", "SELECT (x::present)::int AS a FROM a WHERE x IS NOT NULL"),
    ("?", "SELECT s.d FROM b LEFT JOIN (SELECT 1::present AS d) AS s ON b.v > 0"),
    # elements
    ("!", "SELECT n = ANY('{1,2}'::int[]) AS v FROM a"),
    ("?", "SELECT n = ANY('{1,NULL}'::int[]) AS v FROM a"),
    ("!", "SELECT n = ANY(ARRAY(SELECT v FROM b)) AS v FROM a"),
    ("?", "SELECT n = ANY(ARRAY(SELECT w FROM b)) AS v FROM a"),
    ("!?", "SELECT n IN (SELECT v FROM b) AS v, n IN (SELECT w FROM b) AS w FROM a"),
    ("!", "SELECT s FROM unnest(string_to_array('a,b', ',')) AS s"),
    ("!", "SELECT s FROM unnest(ARRAY[1, 2]) AS s"),
    ("!", "SELECT s FROM a, unnest(ARRAY[n, 2]) AS s"),
    ("?", "SELECT s FROM a, unnest(ARRAY[x, 2]) AS s"),
    ("?", "SELECT s FROM (SELECT array_agg(ARRAY[x]) AS l FROM a) AS q, unnest(q.l) AS s"),
    ("!", "SELECT s FROM (SELECT array_agg(n) AS l FROM a) AS q, unnest(q.l) AS s"),
    ("!?", "SELECT r, s FROM a, unnest(regexp_split_to_array(t, 'x')) AS r, unnest(string_to_array(t, ',', 'x')) AS s"),
    ("!?", "SELECT r, s FROM a, unnest(ARRAY[n] || ARRAY[1]) AS r, unnest(ARRAY[n] || ARRAY[x]) AS s"),
    ("!?", "SELECT r, s FROM a, unnest(array_append(ARRAY[n], 1)) AS r, unnest(array_append(ARRAY[n], x)) AS s"),
    ("!?", "SELECT r, s FROM a, unnest(array_prepend(n, ARRAY[1])) AS r, unnest(array_prepend(n, ARRAY[x])) AS s"),
    ("!?", "SELECT r, s FROM a, unnest(n || ARRAY[1]) AS r, unnest(x || ARRAY[n]) AS s"),
    ("?", "SELECT s FROM unnest((SELECT l FROM a WHERE l IS NOT NULL LIMIT 1)) AS s"),
    ("?", "SELECT s FROM a, unnest(array_remove(l, 1)) AS s"),
    ("!?", "SELECT r, s FROM (SELECT array_agg(n) AS k, array_agg(x) AS l FROM a) AS q, unnest(k::bigint[]) AS r, unnest(l::bigint[]) AS s"),
    ("!?", "SELECT r, s FROM (SELECT array_agg(n) AS k, array_agg(x) AS l FROM a) AS q, unnest(k::oid[]) AS r, unnest(l::oid[]) AS s"),
    ("!?", "SELECT r, s FROM (SELECT array_agg(n) AS k FROM a) AS q, a, unnest(coalesce(k, ARRAY[1])) AS r, unnest(coalesce(k, l)) AS s"),
    ("?", "SELECT s FROM (SELECT ARRAY[1] AS l UNION ALL SELECT ARRAY[NULL::int]) AS q, unnest(q.l) AS s"),
    ("!?", "SELECT r, s FROM unnest(ARRAY[ARRAY[1], ARRAY[2]]) AS r, a, unnest(ARRAY[ARRAY[n], ARRAY[x]]) AS s"),
    ("!?", "SELECT n = ANY(NULL::int[] || n) AS v, n = ANY((SELECT array_agg(x) FROM a)::int[]) AS w FROM a"),
    ("!?", "SELECT lexeme, positions FROM unnest('a b'::tsvector)"),
    ("!", "SELECT r::text AS r FROM unnest('{[1,2),[4,5)}'::int4multirange) AS r"),
    ("!?", "SELECT r, s FROM a, string_to_table(t, ',') AS r, string_to_table(t, ',', 'x') AS s"),
    ("!?", "SELECT r, (regexp_matches(t, 'x|(q)', 'g'))[1] AS s FROM a, regexp_split_to_table(t, 'x') AS r"),
    # subscripts, rows, tests of rows
    ("!??", "SELECT (ARRAY[n, x])[1:2] AS v, (ARRAY[n, x])[1: x] AS w, (ARRAY[n, x])[0] AS u FROM a"),
    ("!?", "SELECT (ARRAY[n, x])[:1] AS v, l[2:] AS w FROM a"),
    ("!?!?", "SELECT (n, t) < (1, 'x') AS a, (n, x) < (1, 2) AS b, (n, t) IS NOT DISTINCT FROM (1, 'x') AS c, (n, x) = (1, 2) AS d FROM a"),
    ("?", "SELECT (n, id) = (SELECT v, id FROM b LIMIT 1) AS v FROM a"),
    ("!?", "SELECT x IS DISTINCT FROM u::int AS a, x = u::int AS b FROM a WHERE u IS NULL"),
    ("!!!!!", "SELECT current_user AS a, session_user AS b, current_catalog AS c, localtimestamp AS d, current_time(0) AS e"),
    # XML
    ("!!", "SELECT xmlelement(name e, u) AS v, xmlelement(name e, xmlattributes(u AS k)) AS w FROM a"),
    ("!?!", "SELECT xmlforest(t, u) AS v, xmlforest(u) AS w, xmlconcat(xmlelement(name e), NULL) AS z FROM a"),
    ("!?", "SELECT xmlparse(CONTENT t) AS v, xmlparse(CONTENT u) AS w FROM a"),
    ("!!?", "SELECT xmlpi(name p) AS u, xmlpi(name p, t) AS v, xmlpi(name p, u) AS w FROM a"),
    ("!?", "SELECT xmlserialize(CONTENT xmlparse(CONTENT t) AS text) AS v, xmlserialize(CONTENT xmlparse(CONTENT u) AS text) AS w FROM a"),
    ("!?", "SELECT xmlparse(CONTENT t) IS DOCUMENT AS v, xmlparse(CONTENT u) IS DOCUMENT AS w FROM a"),
    ("!?", "SELECT xmlroot(xmlparse(CONTENT t), VERSION NO VALUE) AS v, xmlroot(xmlparse(CONTENT u), VERSION NO VALUE) AS w FROM a"),
    # aggregates
    ("!", "SELECT max(n) AS v FROM a HAVING count(*) > 0"),
    ("?", "SELECT max(n) AS v FROM a HAVING count(*) >= 0"),
    ("!!", "SELECT max(x) AS v, min(x) AS w FROM a HAVING max(x) > 3"),
    ("!", "SELECT sum(x) AS v FROM a GROUP BY n HAVING count(x) > 0"),
    ("?", "SELECT sum(x) AS v FROM a GROUP BY n HAVING count(*) > 0"),
    ("!", "SELECT x FROM a GROUP BY x HAVING x IS NOT NULL"),
    ("!?", "SELECT stddev_pop(n) AS v, stddev_samp(n) AS w FROM a GROUP BY n"),
    ("!?", "SELECT string_agg(t, NULL) AS v, string_agg(u, ',') AS w FROM a GROUP BY n"),
    ("!!?", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS v, mode() WITHIN GROUP (ORDER BY t) AS w,"
            " percentile_disc(0.5) WITHIN GROUP (ORDER BY x) AS u FROM a GROUP BY n"),
    ("!", "SELECT rank(1) WITHIN GROUP (ORDER BY x) AS v FROM a"),
    ("!", "SELECT max(v) AS v FROM (VALUES (1), (2)) AS s (v)"),
    ("!!?", "SELECT id, count(*) AS c, n FROM a GROUP BY id, ROLLUP (n)"),
    ("!?", "SELECT sum(n) AS s, sum(x) AS t FROM a GROUP BY id, ROLLUP (n)"),
    ("?", "SELECT n + 1 AS v FROM a GROUP BY ROLLUP (n + 1)"),
    ("?", "SELECT s.q + 1 AS v FROM (SELECT n AS p, n AS q FROM a) AS s GROUP BY s.q, ROLLUP (s.p)"),
    ("!", "SELECT GROUPING(n) AS g FROM a GROUP BY ROLLUP (n)"),
    ("!", "SELECT n FROM a GROUP BY ROLLUP (n) HAVING n > 0"),
    ("?", "SELECT s.n FROM (SELECT n, n + 1 AS m FROM a GROUP BY GROUPING SETS ((n), (n + 1))) AS s WHERE s.m > 0"),
    ("?", "SELECT n FROM a WHERE n > 0 GROUP BY ROLLUP (n)"),
    ("?!", "SELECT n + 1 AS v, n FROM a GROUP BY ROLLUP (CASE WHEN true THEN n END), n"),
    ("?", "SELECT NOT (x IS NULL) AS v FROM a GROUP BY ROLLUP (x IS NOT NULL), x IS NULL"),
    ("?", "SELECT NOT (n = 1) AS v FROM a GROUP BY ROLLUP (n <> 1), n = 1"),
    ("?", "SELECT sum(n) OVER (PARTITION BY n) AS v FROM a GROUP BY ROLLUP (CASE WHEN true THEN n END), n"),
    ("?", "SELECT 2 AS two FROM a GROUP BY ROLLUP (1 + 1)"),
    ("?!!", "SELECT lower(t) AS v, coalesce(lower(t), 'all') AS w, count(*) AS c FROM a GROUP BY ROLLUP (lower(t))"),
    ("?", "SELECT coalesce(n, 0) AS v FROM a GROUP BY ROLLUP (CASE WHEN true THEN coalesce(n, 0) END), n"),
    # windows
    ("!!?!", "SELECT sum(n) OVER (ORDER BY id) AS a, first_value(n) OVER (ORDER BY id) AS b, nth_value(n, 2) OVER (ORDER BY id)"
             " AS c, lag(n, 1, 0) OVER (ORDER BY id) AS d FROM a"),
    ("!?", "SELECT last_value(n) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS a,"
           " last_value(n) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS b FROM a"),
    ("!?", "SELECT ntile(3) OVER () AS a, sum(n) FILTER (WHERE x > 0) OVER () AS b FROM a"),
    ("!!", "SELECT n, sum(count(*)) OVER () AS s FROM a GROUP BY n"),
    # rows that are always there
    ("!!", "SELECT (SELECT 1) AS a, (SELECT a.n) AS b FROM a"),
    ("?", "SELECT (SELECT 1 WHERE a.n > 0) AS v FROM a"),
    ("!", "SELECT (SELECT count(*) FROM b LIMIT 1) AS v"),
    # recursion
    ("!!", "WITH RECURSIVE r AS (SELECT 1 AS i, 'a'::text AS p UNION ALL SELECT i + 1, p || 'b' FROM r WHERE i < 3) SELECT i, p FROM r"),
    ("!?", "WITH RECURSIVE r AS (SELECT id, x FROM a UNION SELECT b.id, r.x FROM b JOIN r ON b.a_id = r.id) SELECT id, x FROM r"),
    ("?!", "WITH RECURSIVE r AS (SELECT 1 AS i, 2 AS j UNION ALL SELECT nullif(j, 2), j FROM r WHERE i IS NOT NULL) SELECT i, j FROM r"),
    # functions in FROM and in the target list
    ("!!", "SELECT key, value FROM a, jsonb_each(j)"),
    ("!?", "SELECT key, value FROM a, jsonb_each_text(j)"),
    ("!?", "SELECT e, f FROM a, jsonb_array_elements('[1]') AS e, jsonb_array_elements_text('[null]') AS f"),
    ("!", "SELECT v FROM lower('A') AS v"),
    ("!!", "SELECT n, generate_series(1, 2) AS g FROM a"),
    # composites, whole rows, system columns
    ("!?", "SELECT (s.r).n AS v, (s.r).x AS w FROM (SELECT a AS r FROM a) AS s"),
    ("!!", "SELECT (a.*)::text AS v, tableoid AS w FROM a"),
    ("?", "SELECT b.ctid::text AS v FROM a LEFT JOIN b ON b.a_id = a.id"),
    # what is written
    ("!!", "UPDATE audited SET w = 5 WHERE id = :p RETURNING w, v"),
    ("!", "UPDATE audited SET v = 5 WHERE w > 0 RETURNING w"),
    ("?", "UPDATE audited SET w = nullif(w, 1) WHERE w > 0 RETURNING w"),
    ("!", "INSERT INTO audited VALUES (:p + 50, 1, 3) RETURNING w"),
    ("!", "INSERT INTO audited VALUES (:p + 50, 1, 3) ON CONFLICT (id) DO UPDATE SET w = EXCLUDED.w RETURNING w"),
    ("?", "INSERT INTO audited VALUES (:p + 50, 1, 3) ON CONFLICT (id) DO UPDATE SET v = 2 RETURNING w"),
    ("?", "INSERT INTO audited (id, v) VALUES (:p + 50, 1) RETURNING w"),
    ("!", "DELETE FROM audited WHERE w > 0 RETURNING w"),
    ("?", "UPDATE watched SET x = 5 WHERE true RETURNING x"),
    ("?", "UPDATE watched SET id = id WHERE x > 0 RETURNING x"),
    # declarations of tables
    ("!?!?", "SELECT g, h, c, d FROM declared"),
    ("!?", "SELECT v, w FROM ONLY parent, (SELECT NULL AS w) AS s"),
    ("??", "SELECT c, g FROM declared_parent"),
    ("!!", "SELECT c, g FROM ONLY declared_parent"),
    ("?", "SELECT d FROM worn"),
    ("!?", "SELECT done, x FROM kinds WHERE kind = 'a'"),
    ("?", "SELECT done FROM kinds WHERE kind <> 'a'"),
    ("?", "SELECT done FROM kinds WHERE kind = 'b'"),
    ("!?", "SELECT CASE WHEN kind = 'a' THEN done ELSE 0 END AS v, CASE WHEN n = 1 THEN done ELSE 0 END AS w FROM kinds"),
    ("?", "SELECT sure(n) AS v FROM replaced"),
    ("?", "SELECT k.done FROM a LEFT JOIN kinds AS k ON k.kind = 'a'"),
    ("?", "UPDATE kinds SET done = nullif(done, done), kind = 'b' WHERE kind = 'a' RETURNING done"),
    # facts that need both sides, or another query
    ("!?", "SELECT b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v > 0 OR b.w > 0"),
    ("?", "SELECT b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v > 0 OR a.x > 0"),
    ("!", "SELECT a.x FROM a, LATERAL (SELECT 1 AS one WHERE a.x > 0) AS s"),
    ("?", "SELECT a.x FROM a LEFT JOIN LATERAL (SELECT 1 AS one WHERE a.x > 0) AS s ON true"),
    ("?", "SELECT a.x FROM a, LATERAL (SELECT count(*) AS c FROM b WHERE b.w = a.x) AS s"),
    ("?", "SELECT (SELECT coalesce(max(b.v), 0) + a.x FROM b WHERE b.v = a.x) AS v FROM a"),
    ("!", "SELECT x FROM a WHERE (SELECT a.x + max(b.v) FROM b) > 0"),
    ("!!", "SELECT x, u FROM a WHERE (x IS NULL) = false AND (u IS NULL) <> true"),
    ("?", "SELECT (SELECT min(b.v) FROM b WHERE b.id > max(a.n)) AS v FROM a"),
    ("??", "SELECT n, max(CASE WHEN x IS NULL THEN 1 END) AS v FROM a GROUP BY ROLLUP (n, x) HAVING x IS NULL"),
    ("!?", "SELECT (ARRAY[n, x])[1] AS v, (ARRAY[n, x])[3] AS w FROM a"),
    ("!!", "SELECT enum_first(NULL::mood) AS v, (current_date, current_date) OVERLAPS (current_date, current_date) AS w"),
    ("!?", "DELETE FROM trigger_view WHERE id > 0 RETURNING n, nullif(n, 1) AS v"),
    # a CHECK held when the row was written
    ("?", "SELECT who FROM held WHERE current_user <> 'pg_read_all_data'"),
    ("?", "SELECT exact FROM held WHERE sum::text <> '0.3'"),
    ("?", "SELECT zoned FROM held WHERE at >= day"),
    ("!?", "SELECT wide, at FROM held"),
    ("???", "SELECT p, q, c FROM widened"),
    ("??", "SELECT x, y FROM strict_later"),
    ("?", "SELECT z FROM strict_generated"),
    ("??", "SELECT y, g FROM later_domain"),
    ("?!", "SELECT z, y FROM whimsical WHERE whim(x) AND x > 0"),
    # a child generates what its parent does not
    ("??", "UPDATE plain_parent SET id = 4, x = 1 WHERE true RETURNING x, nullif(x, 2) AS y"),
    ("?", "UPDATE plain_parts SET id = 4, x = 1 WHERE true RETURNING x"),
    # rows are compared by the class, not by the operator
    ("?", "SELECT x FROM a WHERE ROW(x, n) <~ ROW(1, 2)"),
    # by a user's equality a row may be no peer of itself
    ("??", "SELECT max(n) OVER (ORDER BY n USING <~ RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS v,"
           " max(n) OVER (ORDER BY n USING <~ GROUPS BETWEEN CURRENT ROW AND CURRENT ROW) AS w FROM framed"),
    ("!!", "SELECT max(n) OVER (ORDER BY n USING <~ ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS v,"
           " max(n) OVER (ORDER BY n USING <~) AS w FROM framed"),
    # triggers count for their events
    ("!", "INSERT INTO touched VALUES (:p + 1, 2) RETURNING x"),
    ("!", "INSERT INTO touched VALUES (1, 2) ON CONFLICT DO NOTHING RETURNING x"),
    ("?", "INSERT INTO touched VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET x = 3 RETURNING x"),
    ("?", "UPDATE touched SET x = 2 WHERE true RETURNING x"),
    ("!!!", "SELECT last_value, log_cnt, is_called FROM counter"),
    ("!", "SELECT q FROM current_date AS q"),
    ("?", "SELECT q FROM current_schema AS q"),
    # RANGE by an interval whose parts have different signs leads past the row
    ("?", "SELECT max(n) OVER (ORDER BY at RANGE BETWEEN '1 mon -30 days' PRECEDING AND CURRENT ROW) AS v FROM framed"),
    ("?", "SELECT max(n) OVER (ORDER BY at RANGE BETWEEN CURRENT ROW AND '1 mon -30 days' FOLLOWING) AS v FROM framed"),
    ("?", "SELECT first_value(n) OVER (ORDER BY at DESC RANGE BETWEEN CURRENT ROW AND '1 mon -30 days' FOLLOWING) AS v FROM framed"),
    ("!", "SELECT max(n) OVER (ORDER BY at RANGE BETWEEN '1 mon 3 days 02:00' PRECEDING AND '1 day' FOLLOWING) AS v FROM framed"),
    ("!", "SELECT max(n) OVER (ORDER BY n RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS v FROM framed"),
    ("!", "SELECT max(n) OVER (ORDER BY at GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS v FROM framed"),
    # materialised views: what is stored may be as old as the view
    ("??", "SELECT x, y FROM strict_stored"),
    ("?", "SELECT d FROM later_stored"),
    ("?", "SELECT v FROM stored_dropped"),
    ("?", "SELECT v FROM stored_leaver"),
    ("!!?", "SELECT n, c, m FROM stored_groups"),
    ("?!", "SELECT later, always FROM stored_later"),
    ("?", "SELECT v FROM stored_left"),
]

# (claims, query); :p is an int, :q one that may be NULL.
CORPUS = [
    # tables
    ("!!?!??", "SELECT id, n, x, t, u, b FROM a"),
    ("!?", "SELECT id, v FROM parent"),
    ("??", "SELECT id, v FROM ONLY parent WHERE false UNION ALL SELECT x, x FROM a"),
    ("?!", "SELECT v, other FROM grandparent"),
    ("!", "SELECT v FROM sound_child_parent"),
    ("!?", "SELECT k, v FROM parts"),
    ("?", "SELECT v FROM far"),
    ("!", "SELECT one FROM stored"),
    ("!?", "SELECT oid::int AS o, reltype::int + NULL AS n FROM pg_class LIMIT 1"),
    # joins
    ("!!", "SELECT a.id, b.v FROM a JOIN b ON b.a_id = a.id"),
    ("!?", "SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id"),
    ("?!", "SELECT a.id, b.v FROM a RIGHT JOIN b ON b.a_id = a.id"),
    ("??", "SELECT a.id, b.v FROM a FULL JOIN b ON b.a_id = a.id"),
    ("!!", "SELECT a.id, b.v FROM a CROSS JOIN b"),
    ("!??", "SELECT a.id, b.v, c.n FROM a LEFT JOIN (b JOIN a AS c ON c.id = b.id) ON b.a_id = a.id"),
    ("??!", "SELECT a.id, b.v, c.n FROM (a JOIN b ON b.a_id = a.id) RIGHT JOIN a AS c ON c.id = b.id"),
    ("!", "SELECT id FROM a JOIN b USING (id)"),
    ("!", "SELECT id FROM a LEFT JOIN b USING (id)"),
    ("!", "SELECT id FROM a RIGHT JOIN b USING (id)"),
    ("!", "SELECT id FROM a FULL JOIN b USING (id)"),
    ("?", "SELECT j.id FROM b AS c LEFT JOIN (a JOIN b USING (id)) AS j ON j.id = c.w"),
    ("!!", "SELECT a.id, s.m FROM a, LATERAL (SELECT a.n + 1 AS m) AS s"),
    ("!?", "SELECT a.id, s.m FROM a LEFT JOIN LATERAL (SELECT a.n + 1 AS m WHERE a.x > 0) AS s ON true"),
    ("!?", "SELECT a.id, s.m FROM a, LATERAL (SELECT max(b.v) AS m FROM b WHERE b.a_id = a.id) AS s"),
    # views
    ("!!?", "SELECT id, v, w FROM inner_view"),
    ("!??", "SELECT id, v, w FROM left_view"),
    ("!??", "SELECT id, v, iv FROM nested_view"),
    # WHERE
    ("!", "SELECT x FROM a WHERE x IS NOT NULL"),
    ("!!", "SELECT x, u FROM a WHERE x = :p AND u > ''"),
    ("?", "SELECT x FROM a WHERE x IS NOT NULL OR n > 0"),
    ("?", "SELECT x FROM a WHERE x IS DISTINCT FROM 1"),
    ("?", "SELECT x FROM a WHERE NOT (x IS NOT NULL)"),
    ("?", "SELECT x FROM a WHERE coalesce(x, 0) = 0"),
    ("!!", "SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v IS NOT NULL"),
    ("?", "SELECT x FROM (SELECT x FROM a OFFSET 0) AS s WHERE EXISTS (SELECT 1 FROM b WHERE s.x IS NOT NULL OR true)"),
    ("?", "SELECT (SELECT a.x FROM b LIMIT 1) AS s FROM a WHERE x IS NOT NULL"),
    # expressions
    ("!?", "SELECT 1 AS one, NULL::int AS none"),
    ("!?", "SELECT :p::int AS p, :q::int AS q"),
    ("!!?", "SELECT n + 1 AS a, n * n - 2 AS b, n + x AS c FROM a"),
    ("!?", "SELECT coalesce(x, n) AS a, coalesce(x, NULL) AS b FROM a"),
    ("!?", "SELECT greatest(x, n) AS a, least(x, x) AS b FROM a"),
    ("?", "SELECT nullif(n, 1) AS a FROM a"),
    ("!??", "SELECT CASE WHEN x > 0 THEN 1 ELSE n END AS a, CASE WHEN x > 0 THEN 1 END AS b,"
            " CASE n WHEN 1 THEN x ELSE 2 END AS c FROM a"),
    ("!!!!", "SELECT x IS NULL AS a, b IS TRUE AS b, x IS DISTINCT FROM n AS c, b IS NOT UNKNOWN AS d FROM a"),
    ("!?!?", "SELECT n = 1 AND t = 'x' AS a, n = 1 AND x = 1 AS b, NOT n = 1 AS c, NOT b AS d FROM a"),
    ("!!?", "SELECT ARRAY[x, 1] AS a, ARRAY(SELECT x FROM a) AS b, (ARRAY[n])[2] AS c FROM a"),
    ("!?", "SELECT n IN (1, 2, 3) AS a, n IN (1, x) AS b FROM a"),
    ("??", "SELECT n = ANY(l) AS a, n = ANY(ARRAY[n, NULL]) AS b FROM a"),
    ("?", "SELECT n NOT IN (SELECT x FROM a) AS a FROM a"),
    ("!!?", "SELECT EXISTS (SELECT 1 FROM b) AS a, (SELECT count(*) FROM b) AS b, (SELECT max(v) FROM b) AS c"),
    ("??", "SELECT (SELECT count(*) FROM b GROUP BY v LIMIT 1) AS a, (SELECT v FROM b LIMIT 1) AS b"),
    ("??", "SELECT (SELECT count(*) FROM b HAVING false) AS a, (SELECT count(*) FROM b OFFSET 1) AS b"),
    ("?", "SELECT (SELECT count(*) FROM b LIMIT 0) AS a"),
    ("!?", "SELECT upper(t) AS a, upper(u) AS b FROM a"),
    ("?", "SELECT lower(n) AS a FROM a"),
    ("??", "SELECT maybe(n) AS a, n + 'x'::text AS b FROM a"),
    ("!", "SELECT n +|+ n AS a FROM a"),
    ("?", "SELECT substring(t from 'y(.)') AS a FROM a"),
    ("??", "SELECT j -> 'a' AS a, '{}'::jsonb ->> 'a' AS b FROM a"),
    ("?", "SELECT array_length(ARRAY[]::int[], 1) AS a"),
    ("?", "SELECT ('{\"a\": 1}'::jsonb)['b'] AS a"),
    ("?", "SELECT upper(int4range(1, NULL)) AS a"),
    ("?", "SELECT extract(hour FROM 'infinity'::timestamp) AS a"),
    ("?", "SELECT 'infinity'::timestamp::time AS a"),
    ("?", "SELECT (path '[(0,0)]' + path '((0,0))')::text AS s"),
    ("!!", "SELECT t || 'x' AS a, t LIKE 'a%' AS b FROM a"),
    ("!!", "SELECT n::text AS a, t::varchar(3) AS b FROM a"),
    ("!?", "SELECT (n * n + 1)::positive::int AS a, x::bigint AS b FROM a"),
    ("!!?", "SELECT current_date AS a, now() AS b, current_schema AS c"),
    ("?", "SELECT s[1] AS a FROM (SELECT string_to_array(t, 'q') AS s FROM a) AS s"),
    # aggregates
    ("!!???", "SELECT count(*) AS a, count(x) AS b, max(n) AS c, sum(n) AS d, array_agg(n) AS e FROM a"),
    ("!!!?!", "SELECT n, max(n) AS a, sum(n) AS b, max(x) AS c, array_agg(x) AS d FROM a GROUP BY n"),
    ("??", "SELECT max(n) FILTER (WHERE x > 0) AS a, array_agg(n) FILTER (WHERE x > 0) AS b FROM a GROUP BY n"),
    ("!?", "SELECT count(*) FILTER (WHERE false) AS a, stddev(n) AS b FROM a GROUP BY n"),
    ("?!", "SELECT n, count(*) AS c FROM a GROUP BY ROLLUP (n)"),
    ("!", "SELECT 1 AS one FROM a GROUP BY GROUPING SETS ((), (n))"),
    ("?", "SELECT max(n) AS m FROM a GROUP BY ()"),
    ("?", "SELECT s.n FROM (SELECT n FROM a GROUP BY CUBE (n)) AS s"),
    # windows
    ("!!??", "SELECT row_number() OVER () AS a, count(x) OVER () AS b, lag(n) OVER () AS c, first_value(n) OVER ("
             "ORDER BY n ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS d FROM a"),
    # composition
    ("!?", "SELECT s.n, s.x FROM (SELECT n, x FROM a) AS s"),
    ("!?", "WITH s AS (SELECT n, x FROM a) SELECT n, x FROM s"),
    ("!?", "WITH r AS (SELECT n, x FROM a), s AS (SELECT * FROM r) SELECT n, x FROM s"),
    ("?", "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT nullif(i, 1) + 1 FROM r WHERE i < 3) SELECT i FROM r"),
    ("!?", "VALUES (1, 2), (3, NULL)"),
    ("!?", "SELECT p, q FROM (VALUES (1, 2), (3, NULL)) AS v (p, q)"),
    ("!?", "SELECT n, x FROM a UNION SELECT v, v FROM b"),
    ("?!", "SELECT n AS p, n AS q FROM a UNION ALL SELECT w, v FROM b"),
    ("!", "SELECT x FROM a INTERSECT SELECT v FROM b"),
    ("!", "SELECT n FROM a EXCEPT SELECT w FROM b"),
    ("?", "SELECT x FROM a EXCEPT SELECT v FROM b"),
    ("?", "(SELECT n FROM a UNION SELECT v FROM b) UNION SELECT w FROM b"),
    ("?", "SELECT n FROM a UNION (SELECT v FROM b EXCEPT SELECT w FROM b) UNION SELECT NULL"),
    # functions in FROM
    ("!", "SELECT g FROM generate_series(1, 3) AS g"),
    ("?", "SELECT b.v FROM a, generate_series(x, 3) AS g LEFT JOIN b ON true"),
    ("??", "SELECT p, q FROM ROWS FROM (generate_series(1, 3), generate_series(1, 2)) AS s (p, q)"),
    ("??!", "SELECT p, q, o FROM unnest(ARRAY[1, 2], ARRAY[1]) WITH ORDINALITY AS s (p, q, o)"),
    ("?!", "SELECT p, o FROM unnest(ARRAY[NULL, 1]) WITH ORDINALITY AS s (p, o)"),
    ("!?", "SELECT a.id, s.o FROM a LEFT JOIN unnest(a.l) WITH ORDINALITY AS s (p, o) ON p > 0"),
    ("??", "SELECT generate_series(1, 2) AS p, generate_series(1, 3) AS q"),
    # writing
    ("!!?", "INSERT INTO audited VALUES (:p, 1, :q) ON CONFLICT (id) DO UPDATE SET w = NULL RETURNING id, v, w"),
    ("!!?", "UPDATE audited SET w = NULL WHERE w = 1 OR w IS NOT NULL RETURNING id, v, w"),
    ("?", "UPDATE audited SET w = NULL WHERE w IS NOT NULL RETURNING w"),
    ("!?", "UPDATE audited SET w = 5 FROM a LEFT JOIN b ON b.id = a.x WHERE audited.id = a.id RETURNING a.n, b.v"),
    ("!?", "DELETE FROM audited WHERE id = :p RETURNING v, w"),
    ("!?", "INSERT INTO audited_view VALUES (:p + 1, 1, NULL) ON CONFLICT DO NOTHING RETURNING v, w"),
    ("??", "INSERT INTO trigger_view VALUES (:p + 100, 1) RETURNING id, n"),
    ("!?", "WITH gone AS (DELETE FROM audited WHERE true RETURNING v, w) SELECT v, w FROM gone"),
]

DATA = [
    [],
    ["INSERT INTO a VALUES (1, 1, NULL, 'x', NULL, NULL, '{1,NULL}', NULL), (2, 2, 7, 'y', 'u', true, NULL, '{}'),"
     " (3, 0, -1, 'z', 'v', false, '{}', '{\"a\": null}')",
     "INSERT INTO b VALUES (1, 1, 1, NULL), (2, 9, 5, 2), (7, NULL, 0, 1)",
     "INSERT INTO child VALUES (1, NULL)", "INSERT INTO grandchild VALUES (NULL, 1, NULL, NULL)",
     "INSERT INTO sound_child VALUES (1)", "INSERT INTO parts VALUES (1, NULL)",
     "INSERT INTO audited VALUES (1, 1, 1), (2, 2, NULL), (3, 3, 3)"],
    ["INSERT INTO a VALUES (5, 5, NULL, 'q', NULL, NULL, NULL, NULL)", "INSERT INTO audited VALUES (5, 1, 9)"],
    ["INSERT INTO b VALUES (5, 5, 5, NULL)", "INSERT INTO audited VALUES (1, 1, 9)"],
]


def url(cluster, database):
    return f"host={cluster.server.dir} user={cluster.server.user} dbname={database.name}"


def describe(tmp_path, cluster, database, queries):
    """Claims per query, by the compiler: True is never NULL."""
    texts = [f"-- name: q{i} :many\n" + ("-- param q: nullable\n" if ":q" in q else "") + f"{q};\n"
             for i, q in enumerate(queries)]
    files = {f"part_{at}": "".join(texts[at : at + 300]) for at in range(0, len(texts), 300)}
    top = compiler.tree(tmp_path / "sql", "sound", files)
    code, stderr = compiler.run("--sql", top, "-d", url(cluster, database))
    assert code == 0, stderr
    claims = []
    for i in range(len(queries)):
        meta = json.loads((top / f"meta/sound/q{i}.json").read_text())
        claims.append(([not c["nullable"] for c in meta["columns"]], [p["name"] for p in meta["params"]]))
    return claims


def violations(database, query, claim, params):
    """Columns that were claimed NOT NULL and came out NULL. What the query changes is rolled back."""
    for i, name in enumerate(params):
        query = query.replace(f":{name}", f"${i + 1}") if f"::{name}" not in query else query
    values = [{"p": 5, "q": None}[name] for name in params]

    async def rows(connection):
        transaction = connection.transaction()
        await transaction.start()
        try:
            return await connection.fetch(query, *values)
        except asyncpg.PostgresError:
            return []  # division by zero and the like: no row, no lie
        finally:
            await transaction.rollback()

    return {i for row in database.call(rows) for i, sure in enumerate(claim) if sure and row[i] is None}


@pytest.fixture
def database(empty):
    empty.execute(SCHEMA)
    return empty


def load(database, statements):
    database.execute("TRUNCATE a, b, parent, grandparent, sound_child_parent, parts, audited")
    for statement in statements:
        database.execute(statement)


def test_the_corpus_is_claimed_as_written_and_never_wrong(database, cluster, tmp_path):
    corpus = CORPUS + MORE
    queries = [query for _, query in corpus]
    described = describe(tmp_path, cluster, database, queries)
    wrong = []
    for (expected, _), query, (claim, _) in zip(corpus, queries, described):
        got = "".join("!" if sure else "?" for sure in claim)
        if got != expected:
            wrong.append(f"{query}\n    expected {expected} got {got}")
    assert not wrong, "\n".join(wrong)
    for data in DATA:
        load(database, data)
        for query, (claim, params) in zip(queries, described):
            assert not violations(database, query, claim, params), (query, data)


def test_without_notices_the_claims_are_the_same(database, cluster, tmp_path, monkeypatch):
    """The trees then come from a function that is rolled back: views are followed, rules are not applied."""
    queries = [query for _, query in CORPUS + MORE]
    by_notice = describe(tmp_path / "notice", cluster, database, queries)
    monkeypatch.setenv("HOLDFAST_GEN_TREE", "function")
    by_function = describe(tmp_path / "function", cluster, database, queries)
    assert [q for q, one, other in zip(queries, by_notice, by_function) if one != other] == []
    assert database.value("SELECT count(*) FROM pg_proc WHERE proname = 'holdfast_described'") == 0


def test_without_notices_a_rule_hides_what_is_returned(database, cluster, tmp_path, monkeypatch):
    database.execute("CREATE RULE away AS ON UPDATE TO audited DO INSTEAD"
                     " UPDATE watched SET x = NULL WHERE id = OLD.id RETURNING id, id, x")
    monkeypatch.setenv("HOLDFAST_GEN_TREE", "function")
    described = describe(tmp_path, cluster, database, ["UPDATE audited SET v = 1 WHERE true RETURNING id, v, w, 1 AS one"])
    assert described[0][0] == [False] * 4
