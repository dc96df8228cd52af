-- What looks like a proof and is none: strict functions of the server that answer NULL, rules, triggers, outer-level
-- aggregates, padding, columns in another order.

-- name: trap_variadic_null :many
-- labels ???! / strict
SELECT concat(VARIADIC l::text[]) AS p, jsonb_build_array(VARIADIC l) AS q, num_nulls(VARIADIC l) AS r, concat(VARIADIC coalesce(l, '{}')::text[]) AS s FROM a;

-- name: trap_variadic_format :many
-- labels !?? / strict
SELECT format('%s', u) AS p, format(u, n) AS q, concat_ws(u, t, t) AS r FROM a;

-- name: trap_variadic_user :many
-- labels ? / functions
SELECT variadic_sum(n) AS p FROM a;

-- name: trap_scale_of_nan :many
-- labels ??! / strict
SELECT scale(price) AS p, min_scale(price) AS q, trim_scale(price) AS r FROM product;

-- name: trap_json_operators :many
-- labels ??! / strict json
-- before INSERT INTO person (name, settings) VALUES ('x', '{"a": 1}'), ('y', '[1]')
SELECT settings @@ '$.a' AS p, settings @? 'strict $.a' AS q, settings @> '{}' AS r FROM person;

-- name: trap_json_path :many
-- labels ??! / strict json
-- before INSERT INTO person (name, settings) VALUES ('x', '{"a": 1}')
SELECT jsonb_path_match(settings, '$.a', '{}', true) AS p, jsonb_extract_path(settings, 'zz') AS q,
       jsonb_path_query_array(settings, '$.zz') AS r FROM person;

-- name: trap_json_set :many
-- labels !? / strict json
SELECT jsonb_set(settings, '{a}', '1') AS p, jsonb_set(settings, '{a}', to_jsonb(age)) AS q FROM person WHERE jsonb_typeof(settings) = 'object';

-- name: trap_visible_missing :one
-- labels ??? / strict
SELECT pg_table_is_visible(1) AS p, has_table_privilege(1::oid, 'select') AS q, pg_relation_size(1::oid::regclass) AS r;

-- name: trap_zero_arguments :one
-- labels ??! / strict
SELECT inet_client_addr()::text AS p, inet_server_port() AS q, pg_backend_pid() AS r;

-- name: trap_substring_three :many
-- labels ?? / strict
SELECT substring(t SIMILAR 'q#"_#"q' ESCAPE '#') AS p, regexp_substr(t, 'qq') AS q FROM a;

-- name: trap_geometry :many
-- labels ??! / strict
SELECT (lseg(spot, spot) # lseg '((5,5),(6,6))')::text AS p, (box(spot, spot) # box '((5,5),(6,6))')::text AS q, (spot + point '(1,1)')::text AS r FROM sung;

-- name: trap_to_char_infinity :many
-- labels ?! / strict
-- before INSERT INTO person (name, joined) VALUES ('x', 'infinity')
SELECT to_char(joined, 'YYYY') AS p, to_char(level + 1, '9') IS NULL AS q FROM person;

-- name: trap_array_questions :many
-- labels ???!! / strict arrays
SELECT array_ndims(scores) AS p, array_dims(scores) AS q, array_lower(scores, 1) AS r, array_positions(scores, 1) AS s, cardinality(scores) AS t FROM person;

-- name: trap_slice_null_bound :many
-- labels ? / arrays
SELECT scores[age:3] AS p FROM person;

-- name: trap_range_bounds :many
-- labels ??? / strict
SELECT lower(span) AS p, upper(span) AS q, span AS r FROM sung;

-- name: trap_overlaps :many
-- labels ?! / strict
SELECT (placed, shipped) OVERLAPS (placed, placed) AS p, (placed, placed) OVERLAPS (placed, placed) AS q FROM orders;

-- name: trap_xml :many
-- labels !?? / expression
SELECT xmlelement(name a, other::name)::text AS p, xmlforest(other::name AS o)::text AS q, doc::text AS r FROM sung;

-- name: trap_xmltable :many
-- labels !?! / set_returning
SELECT s.id, x.v, x.o FROM sung AS s, XMLTABLE('/a' PASSING (SELECT XMLPARSE(DOCUMENT '<a/>')) COLUMNS v text PATH 'b', o FOR ORDINALITY) AS x;

-- ---- user casts and operators under familiar names ----

-- name: trap_implicit_cast :many
-- labels !?? / functions
SELECT tone, upper(tone) AS p, length(tone) AS q FROM sung;

-- name: trap_implicit_cast_operator :many
-- labels ? / operators functions
SELECT tone LIKE 'a' AS p FROM sung;

-- name: trap_assignment_cast :many
-- labels !? / functions returning
INSERT INTO plain_log (id, v, note) SELECT id + 900, 1, tone FROM sung RETURNING v, note;

-- name: trap_cast_to_name :many
-- labels ? / functions
SELECT tone::text AS p FROM sung;

-- name: trap_user_equal :many
-- labels ??? / operators
SELECT n = t AS p, n IS DISTINCT FROM t AS q, n IN (t, 'x'::text) AS r FROM a;

-- name: trap_user_equal_where :many
-- labels ! / operators where
SELECT x FROM a WHERE NOT coalesce(NOT (x = t), true) OR x = 7;

-- name: trap_user_less_where :many
-- labels ? / operators where
SELECT x FROM a WHERE x < t;

-- name: trap_user_not_distinct :many
-- labels ? / operators
SELECT n IS NOT DISTINCT FROM t AS p FROM a;

-- ---- levels ----

-- name: trap_outer_count :many
-- labels ?! / scalar_subquery aggregate
SELECT (SELECT count(a.n) FROM b WHERE b.id = -5) AS p, (SELECT count(b.v) FROM b WHERE b.id = -5) AS q FROM a;

-- name: trap_same_place_inside :many
-- labels !? / scalar_subquery where
SELECT x, (SELECT i.x FROM a AS i WHERE i.id = a.n) AS p FROM a WHERE x > 0;

-- name: trap_scalar_of_series :many
-- labels ?? / scalar_subquery set_returning
SELECT (SELECT generate_series(1, 0)) AS p, (SELECT unnest(ARRAY[]::int[])) AS q FROM a;

-- name: trap_scalar_row :many
-- labels ?? / scalar_subquery
SELECT (n, 1) = (SELECT v, 1 FROM b WHERE b.id = a.id) AS p, n = (SELECT v FROM b WHERE b.id = a.id) AS q FROM a;

-- name: trap_scalar_values_where :many
-- labels ? / scalar_subquery values
SELECT (SELECT v.p FROM (VALUES (1)) AS v (p) WHERE v.p = n) AS p FROM a;

-- name: trap_cte_forward :many
-- labels ?! / cte recursive
WITH RECURSIVE p AS (SELECT x, n FROM q), q AS (SELECT x, n FROM a) SELECT x, n FROM p;

-- name: trap_cte_same_name :many
-- labels ?! / cte
WITH s AS (SELECT x AS p FROM a) SELECT t.p, u.p AS q FROM s AS t, LATERAL (WITH s AS (SELECT 1 AS p) SELECT p FROM s) AS u;

-- name: trap_cte_inner_to_outer :many
-- labels ? / cte
WITH s AS (SELECT n AS p FROM a) SELECT u.p FROM (WITH s AS (SELECT nullif(s.p, 1) AS p FROM s) SELECT p FROM s) AS u;

-- name: trap_recursive_subquery :many
-- labels ? / recursive subquery
WITH RECURSIVE r AS (SELECT 1 AS i, 0 AS d UNION ALL SELECT s.i, s.d FROM (SELECT nullif(i, 1) AS i, d + 1 AS d FROM r) AS s WHERE s.d < 3) SELECT i FROM r;

-- name: trap_recursive_late_null :many
-- labels ???! / recursive
WITH RECURSIVE r AS (SELECT 1 AS i, 2 AS j, 3 AS k, 0 AS d UNION ALL SELECT j, k, CASE WHEN d < 1 THEN k END, d + 1 FROM r WHERE d < 5) SELECT i, j, k, d FROM r;

-- name: trap_full_using_where :many
-- labels !?? / using reduction
SELECT id, a.n, b.v FROM a FULL JOIN b USING (id) WHERE id > 0;

-- name: trap_full_using_mixed_types :many
-- labels !?? / using
SELECT id, a.n, o.total FROM a FULL JOIN orders AS o USING (id);

-- name: trap_or_in_on :many
-- labels !?? / reduction outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.k = b.id OR b.v > 0;

-- name: trap_not_any_empty :many
-- labels ??! / where any_all arrays
SELECT x, l, n FROM a WHERE NOT coalesce(x = ANY (coalesce(l, '{}')), false);

-- name: trap_not_any_array :many
-- labels ?! / where any_all arrays
SELECT x, l FROM a WHERE NOT (x = ANY (l));

-- name: trap_is_null_equals_false :many
-- labels !! / where
SELECT x, u FROM a WHERE (x IS NULL) = false AND (u IS NOT NULL) IS TRUE;

-- name: trap_coalesce_false :many
-- labels !? / where coalesce
SELECT x, u FROM a WHERE coalesce(x > 0, false) AND coalesce(u = 'u', n > 0);

-- name: trap_case_where :many
-- labels !? / where case
SELECT x, u FROM a WHERE CASE WHEN x > 0 THEN true END AND CASE WHEN u = 'u' THEN true ELSE n > 0 END;

-- ---- padding and order ----

-- name: trap_series_in_order_by :many
-- labels ? / set_returning
SELECT generate_series(1, 2) AS g FROM a ORDER BY generate_series(1, 3);

-- name: trap_series_nested :many
-- labels !? / set_returning
SELECT n, generate_series(1, generate_series(1, 2)) + nullif(x, 7) AS g FROM a;

-- name: trap_holed :many
-- labels !?! / tables
SELECT id, x, v FROM holed;

-- name: trap_holed_whole_row :many
-- labels ?! / tables subquery
SELECT s.x, s.v FROM (SELECT holed.* FROM holed) AS s;

-- name: trap_inherit_order :many
-- labels !??! / inheritance
SELECT id, depth, width, late FROM shelf;

-- name: trap_partition_order :many
-- labels !?! / partitions
SELECT k, x, v FROM lot;

-- name: trap_series_with_setof_domain :many
-- labels !? / set_returning domain
SELECT n, some_titles(1) AS p FROM a UNION ALL SELECT n, NULL FROM a;

-- name: trap_setof_domain_padded :many
-- labels ?! / set_returning domain
SELECT some_titles(2) AS p, n FROM (SELECT n, generate_series(1, 2) AS g FROM a) AS s WHERE s.g > 0 UNION ALL SELECT s.p, 1 FROM ROWS FROM (some_titles(2), generate_series(1, 2)) AS s (p, g);

-- name: trap_tablesample :many
-- labels !? / tables
SELECT n, x FROM a TABLESAMPLE BERNOULLI (100);

-- name: trap_percentile_null :many
-- labels ?! / aggregate
SELECT percentile_disc(CASE WHEN f THEN 0.5 END) WITHIN GROUP (ORDER BY n) AS p, percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS q FROM a GROUP BY f;

-- name: trap_covariance :many
-- labels !? / aggregate
SELECT covar_pop(n, n) AS p, covar_samp(n, n) AS q FROM a GROUP BY id;

-- name: trap_window_over_sets :many
-- labels ?? / window grouping_sets
SELECT max(n) OVER (PARTITION BY n) AS p, first_value(n) OVER (ORDER BY n NULLS FIRST) AS q FROM a GROUP BY ROLLUP (n);

-- name: trap_window_range_offset :many
-- labels !? / window
SELECT sum(n) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS p,
       sum(n) OVER (ORDER BY id RANGE BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS q FROM a;

-- name: trap_window_offset_backwards :many
-- labels ? / window
SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 PRECEDING) AS p FROM a;

-- name: trap_having_or :many
-- labels ?? / having
SELECT x, u FROM a GROUP BY x, u HAVING x > 0 OR u IS NULL OR count(*) > 0;

-- ---- writing ----

-- name: trap_rule_returns_other :many
-- labels !? / returning notice
INSERT INTO led (id, v) VALUES (600, 1) RETURNING id, v;

-- name: trap_rule_on_view :many
-- labels !? / returning view notice
UPDATE led_view SET v = 1 WHERE id >= 0 RETURNING id, v;

-- name: trap_trigger_through_view :many
-- labels !? / returning view trigger
INSERT INTO forget_view (id, v, w) VALUES (600, 1, 1) RETURNING v, w;

-- name: trap_trigger_of_partition :many
-- labels !? / returning partitions trigger
-- before ALTER TABLE event_high_a DISABLE TRIGGER forget; INSERT INTO event VALUES (6, 'a', 1, 'kept'); ALTER TABLE event_high_a ENABLE TRIGGER forget
UPDATE event SET value = 2 WHERE note IS NOT NULL RETURNING at, note;

-- name: trap_trigger_of_partition_insert :many
-- labels !? / returning partitions trigger
INSERT INTO event (at, kind, value, note) VALUES (7, 'a', 1, 'x') RETURNING kind, note;

-- name: trap_generated_follows :many
-- labels !? / returning generated where
UPDATE person SET age = NULL WHERE twice > 0 RETURNING name, twice;

-- name: trap_update_two :many
-- labels !?? / returning scalar_subquery
UPDATE plain_log SET (w, note) = (SELECT b.w, b.s FROM b WHERE b.id = plain_log.id) WHERE w IS NOT NULL AND note IS NULL OR id >= 0 RETURNING v, w, note;

-- name: trap_update_default :many
-- labels ?! / returning where
UPDATE plain_log SET w = DEFAULT WHERE w > 0 RETURNING w, at;

-- name: trap_update_element :many
-- labels ? / returning arrays
UPDATE person SET tags[2] = NULL WHERE id >= 0 RETURNING tags[2] AS p;

-- name: trap_conflict_keeps_old :many
-- labels !? / returning
INSERT INTO plain_log AS p (id, v, w) SELECT id, n, coalesce(x, 1) FROM a ON CONFLICT (id) DO UPDATE SET v = 1 RETURNING p.v, p.w;

-- name: trap_deleted_in_cte :many
-- labels !?? / returning cte outer_join
WITH gone AS (DELETE FROM plain_log WHERE w IS NOT NULL RETURNING id, v, w) SELECT p.id, g.v, g.w FROM plain_log AS p LEFT JOIN gone AS g USING (id);

-- ---- rows that are there all the same ----

-- name: trap_exists_aggregate :many
-- labels ? / where scalar_subquery
SELECT x FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.v = a.x);

-- name: trap_exists_left_join :many
-- labels ? / where outer_join
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b LEFT JOIN c ON c.v = a.x);

-- name: trap_exists_union :many
-- labels ? / where set_operation
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.v = a.x UNION ALL SELECT 2);

-- name: trap_exists_empty_set :many
-- labels ? / where grouping_sets
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.v = a.x GROUP BY GROUPING SETS ((), (v)));

-- name: trap_lateral_aggregate :many
-- labels ?! / lateral aggregate
SELECT a.x, s.rows FROM a, LATERAL (SELECT count(*) AS rows FROM b WHERE b.v = a.x) AS s;

-- name: trap_lateral_left :many
-- labels ? / lateral outer_join
SELECT a.x FROM a LEFT JOIN LATERAL (SELECT 1 AS one WHERE a.x > 0) AS s ON true;

-- name: trap_in_aggregate :many
-- labels ?! / where any_all
SELECT x, n FROM a WHERE n >= (SELECT count(*) - 100 FROM b WHERE b.v = a.x);

-- name: trap_window_outside_fact :many
-- labels !?? / window subquery where
SELECT s.x, s.p, s.q FROM (SELECT x, first_value(x) OVER (ORDER BY id) AS p, lag(x, 1, x) OVER (ORDER BY id) AS q FROM a) AS s WHERE s.x > 0;

-- name: trap_aggregate_outside_fact :many
-- labels !? / aggregate subquery where
SELECT s.n, s.p FROM (SELECT n, max(x) AS p FROM a GROUP BY n) AS s WHERE s.n > 0;

-- name: trap_limit_outside_fact :many
-- labels ! / subquery where
SELECT s.x FROM (SELECT x FROM a ORDER BY id LIMIT 2) AS s WHERE s.x > 0 OR s.x < 0;

-- ---- the same text twice is not the same value ----

-- name: trap_volatile_where :many
-- labels ? / where functions
SELECT flip(n) AS p FROM a WHERE flip(n) IS NOT NULL OR true;

-- name: trap_volatile_fact :many
-- labels ? / where functions
-- before INSERT INTO a (id, n, t, f) SELECT 900 + g, 1, '', true FROM generate_series(1, 9) AS g
SELECT flip(n) AS p FROM a WHERE flip(n) IS NOT NULL;

-- name: trap_volatile_case :many
-- labels ? / case functions
-- before INSERT INTO a (id, n, t, f) SELECT 900 + g, 1, '', true FROM generate_series(1, 9) AS g
SELECT CASE WHEN flip(n) IS NOT NULL THEN flip(n) ELSE 0 END AS p FROM a;

-- name: trap_having_filter :many
-- labels ? / having aggregate
-- before INSERT INTO a (id, n, x, t, f) VALUES (901, 77, NULL, '', true), (902, 77, 5, '', true)
SELECT min(x) FILTER (WHERE x IS NULL) AS p FROM a GROUP BY n HAVING min(x) > 0;

-- name: trap_having_distinct :many
-- labels ? / having aggregate
SELECT max(x) FILTER (WHERE f) AS p FROM a GROUP BY n HAVING max(x) FILTER (WHERE NOT f) IS NOT NULL OR max(x) > 0;

-- ---- arrays and rows ----

-- name: trap_array_of_arrays :many
-- labels ??? / arrays any_all
SELECT n + 90 = ANY (ARRAY[[1, 2], [3, NULL]]) AS p, n + 90 = ANY (ARRAY[coalesce(l, '{1}'), coalesce(l, '{1}')]) AS q, (ARRAY[ARRAY[n]])[1] AS r FROM a;

-- name: trap_array_constant :many
-- labels ?? / arrays any_all
SELECT n + 90 = ANY ('{1,NULL}'::int[]) AS p, n + 90 = ANY (ARRAY[1] || l) AS q FROM a;

-- name: trap_array_cast :many
-- labels ? / arrays any_all
SELECT 'zz' = ANY (ARRAY[tone]::text[]) AS p FROM sung;

-- name: trap_array_param :many
-- labels ? / arrays params
-- given p = '{77,NULL}'
SELECT n = ANY (:p::int[]) AS p FROM a;

-- name: trap_limit_param :one
-- labels ? / params scalar_subquery
-- given n = 0
SELECT (SELECT count(*) FROM b LIMIT :n) AS p;

-- name: trap_unnest_nested :many
-- labels ? / set_returning arrays
SELECT e FROM unnest(ARRAY[[1, 2], [3, NULL]]) AS e;

-- name: trap_string_to_table_null :many
-- labels ? / set_returning
SELECT s FROM string_to_table('a,b', ',', 'a') AS s;

-- name: trap_field_of_null_row :many
-- labels ? / composite
SELECT (s.p).id AS p FROM (SELECT NULL::person AS p FROM a) AS s;

-- name: trap_field_of_populated :many
-- labels ?? / composite json
SELECT p.id, p.name FROM jsonb_populate_record(NULL::person, '{"id": null}') AS p;

-- name: trap_field_of_nulled_row :many
-- labels !? / composite outer_join
SELECT a.id, (s.w).n AS p FROM a LEFT JOIN (SELECT i.id, i AS w FROM a AS i WHERE i.x > 0) AS s ON s.id = a.id;

-- name: trap_field_proves_row :many
-- labels !? / composite where
SELECT home, (home).city AS p FROM person WHERE (home).zip > 0;

-- name: trap_whole_row_is_not_null :many
-- labels !! / composite reduction
SELECT r.v, r.w FROM a LEFT JOIN b AS r ON r.a_id = a.id WHERE r IS NOT NULL;

-- name: trap_whole_row_not_is_null :many
-- labels !? / composite reduction
SELECT r.v, r.w FROM a LEFT JOIN b AS r ON r.a_id = a.id WHERE NOT (r IS NULL);

-- name: trap_whole_row_not_is_not_null :many
-- labels ?? / composite reduction
SELECT r.v, r.w FROM a LEFT JOIN b AS r ON r.a_id = a.id WHERE NOT (r IS NOT NULL);

-- name: trap_rollup_in_sublink :many
-- labels ? / grouping_sets scalar_subquery
SELECT (SELECT a.n) AS p FROM a GROUP BY ROLLUP (n);

-- name: trap_rollup_of_cast :many
-- labels ?? / grouping_sets
SELECT n::bigint AS p, (n::bigint + 1)::text AS q FROM a GROUP BY ROLLUP (n::bigint);

-- name: trap_rollup_aggregate_of_key :many
-- labels !! / grouping_sets aggregate
SELECT n, max(n) AS p FROM a GROUP BY GROUPING SETS ((n), (n, t));

-- ---- more writing ----

-- name: trap_conflict_where :many
-- labels ? / returning where
INSERT INTO plain_log AS p (id, v, w) SELECT id + 1, n, x FROM a ON CONFLICT (id) DO UPDATE SET v = 1 WHERE p.w IS NOT NULL RETURNING p.w;

-- name: trap_insert_into_filtered_view :many
-- labels !? / returning view
INSERT INTO kept_view (id, v, w) VALUES (600, 1, NULL) RETURNING v, w;

-- name: trap_update_filtered_view :many
-- labels !? / returning view
UPDATE kept_view SET w = NULL WHERE id >= 0 RETURNING v, w;

-- name: trap_update_filtered_view_other :many
-- labels !! / returning view notice
UPDATE kept_view SET v = 3 WHERE id >= 0 RETURNING v, w;

-- name: trap_trigger_of_child :many
-- labels !? / returning inheritance trigger
UPDATE vehicle SET wheels = 5 WHERE owner IS NOT NULL RETURNING wheels, owner;

-- name: trap_row_moves :many
-- labels !? / returning partitions trigger
UPDATE moved SET k = 2 WHERE w IS NOT NULL RETURNING k, w;

-- name: insert_assigned :many
-- labels !! / returning
INSERT INTO plain_log (id, v, w) VALUES (600, 1, 5), (601, 1, 6) RETURNING w, w + v AS p;

-- name: update_assigned :many
-- labels !? / returning
UPDATE plain_log SET w = v + 1, note = NULL WHERE id >= 0 RETURNING w, note;

-- name: trap_domain_hole :many
-- labels !? / returning domain
INSERT INTO product (id, title, short, price) SELECT 600, (SELECT p.title FROM product AS p WHERE false), 'x', 1 RETURNING short, title;

-- ---- a row without a row below, and the other way round ----

-- name: trap_exists_group_by_nothing :many
-- labels ? / where grouping_sets
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.v = a.x GROUP BY ());

-- name: trap_exists_having :many
-- labels ? / where having
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.v = a.x HAVING true);

-- name: trap_lateral_having :many
-- labels ? / lateral having
SELECT a.x FROM a, LATERAL (SELECT 1 AS p FROM b WHERE a.x > 0 HAVING true) AS s;

-- name: trap_lateral_union :many
-- labels ? / lateral set_operation
SELECT a.x FROM a, LATERAL (SELECT 1 AS p WHERE a.x > 0 UNION ALL SELECT 2) AS s;

-- name: trap_lateral_nested_aggregate :many
-- labels ? / lateral aggregate
SELECT a.x FROM a, LATERAL (SELECT s.p FROM (SELECT count(*) AS p FROM b WHERE a.x > 0) AS s) AS r;

-- name: trap_lateral_inner_left :many
-- labels ? / lateral outer_join
SELECT a.x FROM a, LATERAL (SELECT 1 AS p FROM b LEFT JOIN c ON a.x > 0) AS s;

-- name: trap_scalar_count_plus_outer :many
-- labels ?? / scalar_subquery aggregate
SELECT (SELECT count(*) + a.x FROM b WHERE a.x > 0) AS p, (SELECT coalesce(max(b.v), a.x) FROM b WHERE a.x > 0) AS q FROM a;

-- name: trap_elements_of_group :many
-- labels ? / arrays having
SELECT e FROM (SELECT array_agg(b.v) AS l FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.f HAVING max(b.w) > 0) AS s, unnest(s.l) AS e;

-- name: trap_elements_of_window :many
-- labels ? / arrays window
SELECT e FROM (SELECT x, array_agg(x) OVER () AS l FROM a) AS s, unnest(s.l) AS e WHERE s.x > 0;

-- name: trap_in_is_not_null :many
-- labels ? / where any_all
SELECT x FROM a WHERE (x IN (SELECT w FROM b)) IS NOT NULL;

-- name: trap_row_not_equal :many
-- labels ?? / where composite
SELECT x, u FROM a WHERE (x, u) <> (1, 'a');

-- name: trap_row_second_decides :many
-- labels ? / where composite
SELECT x FROM a WHERE (n, x) < (5, 5);

-- name: trap_left_join_of_sure_row :many
-- labels !! / outer_join
SELECT b.v, s.rows FROM b LEFT JOIN (SELECT count(*) AS rows FROM a) AS s ON true;

-- name: trap_left_join_of_unsure_row :many
-- labels !?? / outer_join
SELECT b.v, s.p, t.p AS q FROM b LEFT JOIN (SELECT 1 AS p FROM generate_series(1, 0) AS g) AS s ON true LEFT JOIN LATERAL (SELECT 1 AS p EXCEPT SELECT b.v) AS t ON true;

-- name: trap_left_join_fetch_nothing :many
-- labels ?? / outer_join
SELECT s.p, t.p AS q FROM b LEFT JOIN LATERAL (SELECT 1 AS p FETCH FIRST 0 ROWS ONLY) AS s ON true LEFT JOIN (SELECT 1 AS p UNION SELECT 2 LIMIT 1 OFFSET 2) AS t ON true;

-- name: trap_full_join_of_sure_row :many
-- labels !? / outer_join
SELECT r.p, b.v FROM (SELECT count(*) AS p FROM a) AS r FULL JOIN b ON true;

-- name: trap_full_using_nullable :many
-- labels ?? / using outer_join
SELECT c.x, c.v FROM a FULL JOIN c USING (x) WHERE x > 0;

-- name: trap_right_using_fact :many
-- labels ?! / using reduction
SELECT a.x AS p, c.x AS q FROM a RIGHT JOIN c USING (x) WHERE x > 0;

-- name: trap_conflict_adds_to_old :many
-- labels ? / returning
INSERT INTO plain_log AS p (id, v, w) SELECT id, n, 5 FROM a ON CONFLICT (id) DO UPDATE SET w = p.w + 1 RETURNING w;

-- name: trap_conflict_where_holds :many
-- labels ! / returning
INSERT INTO plain_log AS p (id, v, w) SELECT id, n, 5 FROM a ON CONFLICT (id) DO UPDATE SET w = p.w + 1 WHERE p.w > 0 RETURNING w;

-- name: trap_update_from_itself :many
-- labels !! / returning
UPDATE plain_log AS p SET w = q.w FROM plain_log AS q WHERE q.id = p.id AND q.w > 0 RETURNING p.w, q.w AS old;

-- name: trap_update_two_constants :many
-- labels !? / returning
UPDATE plain_log SET (w, note) = (5, NULL) WHERE id >= 0 RETURNING w, note;

-- name: trap_writing_cte_empty :many
-- labels !? / returning cte
WITH q AS (DELETE FROM plain_log WHERE id < 0 RETURNING 1 AS p) SELECT b.v, q.p FROM b LEFT JOIN q ON true;

-- ---- grouping sets, and what the planner makes equal ----

-- name: trap_sets_folded_case :many
-- labels ? / grouping_sets
SELECT n + 1 AS p FROM a GROUP BY ROLLUP (CASE WHEN true THEN n END), n;

-- name: trap_sets_folded_and :many
-- labels ? / grouping_sets
SELECT NOT f AS p FROM a GROUP BY ROLLUP (f AND true), f;

-- name: trap_sets_folded_not :many
-- labels ? / grouping_sets
SELECT NOT f AS p FROM a GROUP BY ROLLUP (NOT (NOT f)), f;

-- name: trap_sets_negated_test :many
-- labels ? / grouping_sets
SELECT NOT (x IS NULL) AS p FROM a GROUP BY ROLLUP (x IS NOT NULL), x IS NULL;

-- name: trap_sets_negated_operator :many
-- labels ?? / grouping_sets
SELECT NOT (n = 1) AS p, (n <> 1)::int AS q FROM a GROUP BY ROLLUP (NOT (n = 1)), n, n = 1;

-- name: trap_sets_window :many
-- labels ? / grouping_sets window
SELECT sum(n) OVER (PARTITION BY n) AS p FROM a GROUP BY ROLLUP (CASE WHEN true THEN n END), n;

-- name: trap_sets_same_column :many
-- labels ? / grouping_sets subquery
SELECT s.q + 1 AS p FROM (SELECT n AS p, n AS q FROM a) AS s GROUP BY ROLLUP (s.p), s.q;

-- name: trap_sets_view_columns :many
-- labels ? / grouping_sets view
SELECT v.two + 1 AS p FROM (SELECT one, one AS two FROM renamed_view) AS v GROUP BY ROLLUP (v.one), v.two;

-- name: trap_sets_constant :many
-- labels !! / grouping_sets
SELECT 2 * n AS p, n FROM a GROUP BY ROLLUP (1 + 1), n;

-- ---- the whole row of a join's alias is a row of NULLs, and no NULL ----

-- name: trap_join_row_distinct :many
-- labels ? / composite outer_join reduction
SELECT r.k0 FROM a LEFT JOIN (b JOIN c ON c.k = b.id) AS r (k0) ON r.k0 = a.x WHERE r IS DISTINCT FROM NULL;

-- name: trap_join_row_as_argument :many
-- labels ? / composite outer_join reduction
SELECT r.k0 FROM a LEFT JOIN (b JOIN c ON c.k = b.id) AS r (k0) ON r.k0 = a.x WHERE to_jsonb(r) IS NOT NULL;

-- name: trap_join_row_equal :many
-- labels ? / composite outer_join reduction
SELECT r.k0 FROM a LEFT JOIN (b JOIN c ON c.k = b.id) AS r (k0) ON r.k0 = a.x WHERE r = r;

-- name: trap_join_row_case :many
-- labels !? / composite outer_join case
SELECT a.id, CASE WHEN r IS DISTINCT FROM NULL THEN r.k0 ELSE 0 END AS p FROM a LEFT JOIN (b JOIN c ON c.k = b.id) AS r (k0) ON r.k0 = a.x;

-- name: trap_join_row_not_is_null :many
-- labels !? / composite outer_join reduction
SELECT r.k0, r.w FROM a LEFT JOIN (b JOIN c ON c.k = b.id) AS r (k0, a_id, v, w) ON r.k0 = a.x WHERE NOT (r IS NULL);

-- name: trap_subquery_row_distinct :many
-- labels !? / composite outer_join reduction
SELECT s.v, s.w FROM a LEFT JOIN (SELECT id, v, w FROM b) AS s ON s.id = a.x WHERE s IS DISTINCT FROM NULL;
