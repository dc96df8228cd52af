-- Subqueries, CTEs, recursion, VALUES, set operations, set-returning functions.

-- name: sub_plain :many
-- labels !? / subquery
SELECT s.n, s.x FROM (SELECT n, x FROM a) AS s;

-- name: sub_offset :many
-- labels !? / subquery
SELECT s.n, s.x FROM (SELECT n, x FROM a ORDER BY id OFFSET 1) AS s;

-- name: sub_three_levels :many
-- labels !! / subquery
SELECT t.m, t.x FROM (SELECT s.n + 1 AS m, s.x FROM (SELECT n, x FROM a WHERE x > 0) AS s) AS t;

-- name: sub_of_left_join :many
-- labels !?? / subquery outer_join
SELECT s.id, s.v, s.c FROM (SELECT a.id, b.v, b.v IS NULL AND NULL AS c FROM a LEFT JOIN b ON b.a_id = a.id) AS s;

-- name: sub_nulled_constant :many
-- labels !? / subquery outer_join
SELECT b.id, s.yes FROM b LEFT JOIN (SELECT id, true AS yes FROM a) AS s ON s.id = b.a_id;

-- name: sub_for_update :many
-- labels !? / subquery
SELECT n, x FROM a WHERE id = 1 FOR UPDATE;

-- name: cte_plain :many
-- labels !? / cte
WITH s AS (SELECT n, x FROM a) SELECT n, x FROM s;

-- name: cte_chain :many
-- labels !! / cte where
WITH r AS (SELECT n, x FROM a WHERE x > 0), s AS (SELECT n, x + 1 AS y FROM r) SELECT n, y FROM s;

-- name: cte_twice :many
-- labels !? / cte outer_join
WITH s AS MATERIALIZED (SELECT id, n FROM a) SELECT p.n, q.n AS m FROM s AS p LEFT JOIN s AS q ON q.id = p.id + 1;

-- name: cte_nested :many
-- labels !? / cte
WITH s AS (WITH t AS (SELECT n, x FROM a) SELECT n, x FROM t) SELECT n, x FROM s;

-- name: cte_shadowed :many
-- labels ?! / cte
WITH b AS (SELECT x AS v FROM a) SELECT b.v, c.v AS c_v FROM b, c;

-- name: cte_in_subquery :many
-- labels !? / cte scalar_subquery
WITH s AS (SELECT v, w FROM b) SELECT a.id, (SELECT max(s.v) FROM s) AS p FROM a;

-- name: cte_column_names :many
-- labels ?! / cte
WITH s (p, q) AS (SELECT x, n FROM a) SELECT p, q FROM s;

-- ---- recursion ----

-- name: recursive_counter :many
-- labels ! / recursive
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT i FROM r;

-- name: recursive_goes_null :many
-- labels ? / recursive
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT nullif(i, 1) + 1 FROM r WHERE i < 3) SELECT i FROM r;

-- name: recursive_swaps :many
-- labels ?? / recursive
WITH RECURSIVE r AS (SELECT 1 AS i, 2 AS j, NULL::int AS k, 0 AS n UNION ALL SELECT j, k, i, n + 1 FROM r WHERE n < 3) SELECT i, j FROM r;

-- name: recursive_tree :many
-- labels !!?! / recursive
WITH RECURSIVE up AS (
	SELECT id, name, boss_id, 0 AS depth FROM person WHERE boss_id IS NULL
	UNION ALL SELECT p.id, p.name, p.boss_id, up.depth + 1 FROM person AS p JOIN up ON p.boss_id = up.id WHERE up.depth < 9)
SELECT id, name, boss_id, depth FROM up;

-- name: recursive_union_distinct :many
-- labels !? / recursive
WITH RECURSIVE r AS (SELECT id, parent_id FROM product UNION SELECT p.id, p.parent_id FROM product AS p JOIN r ON p.id = r.parent_id) SELECT id, parent_id FROM r;

-- name: recursive_left_join :many
-- labels ?! / recursive outer_join
WITH RECURSIVE r AS (
	SELECT id AS v, 0 AS depth FROM a UNION ALL SELECT b.v, r.depth + 1 FROM r LEFT JOIN b ON b.a_id = r.v WHERE r.depth < 3)
SELECT v, depth FROM r;

-- name: recursive_path :many
-- labels !! / recursive arrays
WITH RECURSIVE r AS (SELECT id, ARRAY[id] AS path FROM product WHERE parent_id IS NULL
	UNION ALL SELECT p.id, r.path || p.id FROM product AS p JOIN r ON p.parent_id = r.id AND p.id <> ALL (r.path)) SELECT id, path FROM r;

-- name: recursive_search :many
-- labels !! / recursive notice
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SEARCH DEPTH FIRST BY i SET o SELECT i, o::text AS o FROM r;

-- name: recursive_cycle :many
-- labels !! / recursive notice
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT 3 - i FROM r) CYCLE i SET seen USING way SELECT i, seen FROM r;

-- ---- VALUES ----

-- name: values_plain :many
-- labels !? / values
VALUES (1, 2), (3, NULL);

-- name: values_in_from :many
-- labels !?! / values
SELECT v.p, v.q, v.r FROM (VALUES (1, 2, 'a'), (3, NULL, 'b')) AS v (p, q, r);

-- name: values_one_row :many
-- labels !? / values
SELECT p, q FROM (VALUES (1, NULL::int)) AS v (p, q);

-- name: values_param :many
-- labels !! / values params
-- given i = 5; t = 'x'
SELECT v.p, a.n FROM (VALUES (:i::int, :t::text)) AS v (p, q) JOIN a ON a.id = v.p OR a.t = v.q;

-- name: values_lateral :many
-- labels !?! / values lateral
SELECT a.id, v.p, v.q FROM a, LATERAL (VALUES (a.x, 'x'), (a.n, 'n')) AS v (p, q);

-- name: values_left_join :many
-- labels !? / values outer_join
SELECT v.p, a.n FROM (VALUES (1), (99)) AS v (p) LEFT JOIN a ON a.id = v.p;

-- name: values_union :many
-- labels ?! / values set_operation
VALUES (1, 2) UNION ALL VALUES (NULL::int, 3);

-- name: values_subselects :many
-- labels ?! / values scalar_subquery
VALUES ((SELECT max(v) FROM b), (SELECT count(*) FROM b));

-- ---- set operations ----

-- name: union_all :many
-- labels !? / set_operation
SELECT n, x FROM a UNION ALL SELECT v, v FROM b;

-- name: union_right_nullable :many
-- labels ?! / set_operation
SELECT n AS p, n AS q FROM a UNION ALL SELECT w, v FROM b;

-- name: union_three :many
-- labels ? / set_operation
(SELECT n FROM a UNION SELECT v FROM b) UNION SELECT w FROM b;

-- name: intersect_one_side :many
-- labels !! / set_operation
SELECT x AS p, n AS q FROM a INTERSECT SELECT v, w FROM b;

-- name: intersect_both_nullable :many
-- labels ? / set_operation
-- before INSERT INTO a (id, n, t, f) VALUES (901, 1, 't', true); INSERT INTO b (id, v) VALUES (901, 1)
SELECT x FROM a INTERSECT SELECT w FROM b;

-- name: except_left_decides :many
-- labels !? / set_operation
SELECT n AS p, x AS q FROM a EXCEPT SELECT w, v FROM b;

-- name: except_all_null :many
-- labels ? / set_operation
SELECT x FROM a EXCEPT ALL SELECT v FROM b;

-- name: set_mixed :many
-- labels ? / set_operation
SELECT n FROM a UNION (SELECT v FROM b EXCEPT SELECT w FROM b) UNION SELECT NULL;

-- name: set_of_casts :many
-- labels !! / set_operation
SELECT n AS p, t AS q FROM a UNION ALL SELECT 2.5, 'x'::varchar;

-- name: set_in_subquery :many
-- labels !? / set_operation subquery
SELECT s.p, s.q FROM (SELECT n AS p, x AS q FROM a UNION ALL SELECT v, v FROM b) AS s;

-- name: set_in_subquery_where :many
-- labels ! / set_operation subquery where
SELECT s.p FROM (SELECT x AS p FROM a UNION ALL SELECT w FROM b) AS s WHERE s.p > 0;

-- name: set_arm_where :many
-- labels ! / set_operation where
SELECT x FROM a WHERE x > 0 UNION SELECT w FROM b WHERE w IS NOT NULL;

-- name: set_intersect_all :many
-- labels ! / set_operation
SELECT x FROM a INTERSECT ALL SELECT v FROM b;

-- name: set_with_cte :many
-- labels !? / set_operation cte
WITH s AS (SELECT n, x FROM a UNION SELECT v, w FROM b) SELECT n, x FROM s ORDER BY n, x;

-- name: set_left_join_arm :many
-- labels !? / set_operation outer_join
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id UNION ALL SELECT id, v FROM b;

-- ---- set-returning functions ----

-- name: srf_series :many
-- labels ! / set_returning
SELECT g FROM generate_series(1, 3) AS g;

-- name: srf_target_list :many
-- labels !! / set_returning
SELECT n, generate_series(1, 2) AS g FROM a;

-- name: srf_target_list_two :many
-- labels ?? / set_returning
SELECT generate_series(1, 2) AS p, generate_series(1, n) AS q FROM a;

-- name: srf_target_list_with_scalar :many
-- labels ??! / set_returning
SELECT generate_series(1, 2) AS p, unnest(ARRAY[1, NULL, 2]) AS q, 7 AS r;

-- name: srf_target_nested :many
-- labels !!? / set_returning
SELECT n + generate_series(1, 2) AS p, x IS NULL AS q, x AS r FROM a;

-- name: srf_rows_from :many
-- labels ?? / set_returning lateral
SELECT s.p, s.q FROM a, ROWS FROM (generate_series(1, 2), generate_series(1, a.n)) AS s (p, q);

-- name: srf_ordinality :many
-- labels !! / set_returning
SELECT p, o FROM generate_series(3, 5) WITH ORDINALITY AS s (p, o);

-- name: srf_unnest_two :many
-- labels ??! / set_returning
SELECT p, q, o FROM unnest(ARRAY[1, 2], ARRAY[1, NULL, 3]) WITH ORDINALITY AS s (p, q, o);

-- name: srf_unnest_column :many
-- labels !?! / set_returning arrays
SELECT a.id, s.e, s.o FROM a, unnest(a.l) WITH ORDINALITY AS s (e, o);

-- name: srf_left_join_unnest :many
-- labels !? / set_returning outer_join
SELECT a.id, s.o FROM a LEFT JOIN unnest(a.l) WITH ORDINALITY AS s (e, o) ON true;

-- name: srf_unnest_list :many
-- labels !? / set_returning arrays
SELECT p, q FROM unnest(ARRAY[1, 2]) AS p, unnest(ARRAY[1, NULL]) AS q;

-- name: srf_json :many
-- labels !!? / set_returning json
SELECT e.key, e.value::text AS v, t.value AS w FROM person, jsonb_each(settings) AS e, jsonb_each_text(settings) AS t;

-- name: srf_json_elements :many
-- labels !? / set_returning json
SELECT e::text AS e, t FROM jsonb_array_elements('[1, null]') AS e, jsonb_array_elements_text('[1, null]') AS t;

-- name: srf_json_keys :many
-- labels ! / set_returning json
SELECT jsonb_object_keys(settings) AS k FROM person;

-- name: srf_recordset :many
-- labels ?? / set_returning json
SELECT p, q FROM jsonb_to_recordset('[{"p": 1}, {"q": "x"}]') AS s (p int, q text);

-- name: srf_regexp :many
-- labels !! / set_returning
SELECT regexp_split_to_table(t, ',') AS p, s FROM a, string_to_table(t, 'b') AS s;

-- name: srf_user :many
-- labels ? / set_returning functions
SELECT s FROM some_rows(1) AS s;

-- name: srf_user_table :many
-- labels ?? / set_returning functions
SELECT id, name FROM some_people();

-- name: srf_user_mixed :many
-- labels ??! / set_returning functions
SELECT s.p, s.g, s.o FROM ROWS FROM (some_rows(1), generate_series(1, 1)) WITH ORDINALITY AS s (p, g, o) WHERE o < 10;

-- name: srf_subscripts :many
-- labels !? / set_returning arrays
SELECT i, l[i] AS e FROM a, generate_subscripts(l, 1) AS i;

-- name: srf_case_and_where :many
-- labels ! / set_returning where
SELECT e FROM unnest(ARRAY[1, NULL, 2]) AS e WHERE e > 0;

-- name: srf_scalar_function_in_from :many
-- labels ?! / set_returning
SELECT m, u FROM nullif(1, 1) AS m, upper('x') AS u;
