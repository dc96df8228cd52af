-- Expressions: strict functions, CASE, COALESCE, scalar subqueries, arrays, JSON, user functions and operators.

-- name: expr_constants :one
-- labels !?!! / expression
SELECT 1 AS one, NULL::int AS none, 'x' AS word, '{1,NULL}'::int[] AS list;

-- name: strict_arithmetic :many
-- labels !!?!! / strict
SELECT n + 1 AS p, n * n - 2 AS q, n + x AS r, -n AS s, @ n AS t FROM a;

-- name: strict_division :many
-- labels !!? / strict
SELECT 10 / nullif(v, 0) IS NULL AS p, v % 7 AS q, w % 7 AS r FROM b;

-- name: strict_text :many
-- labels !!!!?!! / strict
SELECT upper(t) AS p, t || 'x' AS q, length(t) AS r, t LIKE 'a%' AS s, upper(u) AS v, left(t, 2) AS w, replace(t, 'a', 'b') AS y FROM a;

-- name: strict_compare :many
-- labels !!?! / strict
SELECT n = 1 AS p, t < 'b' AS q, x >= n AS r, n BETWEEN 0 AND 5 AS s FROM a;

-- name: strict_time :many
-- labels !!!!! / strict
SELECT date_trunc('day', joined) AS p, joined + interval '1 day' AS q, now() AS r, current_date AS s, age(joined) AS t FROM person;

-- name: strict_extract_infinity :many
-- labels ? / strict
-- before INSERT INTO person (name, joined) VALUES ('x', 'infinity')
SELECT extract(hour FROM joined) AS p FROM person;

-- name: strict_time_of_infinity :many
-- labels ? / strict
-- before INSERT INTO person (name, joined) VALUES ('x', 'infinity')
SELECT joined::time AS p FROM person;

-- name: strict_to_char :many
-- labels ?! / strict
SELECT to_char(joined, '') AS p, to_char(id, '99') AS q FROM person;

-- name: strict_casts :many
-- labels !!!? / strict
SELECT n::text AS p, t::varchar(3) AS q, n::bigint AS r, x::numeric AS s FROM a;

-- name: strict_substring_pattern :many
-- labels ?! / strict
SELECT substring(t FROM 'y(.)') AS p, substring(t FROM 1 FOR 2) AS q FROM a;

-- name: strict_regexp :many
-- labels ?!! / strict
SELECT regexp_match(t, 'q(.)') AS p, regexp_replace(t, 'a', 'b') AS q, t ~ 'a' AS r FROM a;

-- name: strict_ranges :many
-- labels ??!! / strict
SELECT upper(int4range(n, NULL)) AS p, lower(int4range(n, n)) AS q, isempty(int4range(n, n)) AS r, int4range(n, n + 1)::text AS s FROM a;

-- name: strict_geometry :one
-- labels ?! / strict
SELECT (path '[(0,0)]' + path '((0,0))')::text AS p, (point '(1,1)' <-> point '(2,2)') AS q;

-- name: strict_shadowed :many
-- labels ?? / strict functions
SELECT lower(n) AS p, abs(t) AS q FROM a;

-- name: strict_shadowed_schema :many
-- labels !? / strict functions
SELECT pg_catalog.upper(t) AS p, other.upper(t) AS q FROM a;

-- name: strict_search_path :many
-- labels ? / strict functions
SELECT other.count(t) AS p FROM a;

-- name: strict_md5_and_more :many
-- labels !!!!! / strict
SELECT md5(t) AS p, coalesce(nullif(t, ''), 'none') AS q, initcap(t) AS r, lpad(t, 5) AS s, strpos(t, 'a') AS v FROM a;

-- name: strict_encode :many
-- labels !!! / strict
SELECT encode(convert_to(t, 'UTF8'), 'hex') AS p, quote_literal(t) AS q, ascii(t) AS r FROM a;

-- name: strict_quote_nullable :many
-- labels !! / functions
SELECT quote_nullable(u) AS p, concat(u, x) AS q FROM a;

-- name: strict_current :one
-- labels !!? / functions
-- before SET LOCAL search_path TO nowhere
SELECT current_user::text AS p, current_database()::text AS q, current_schema()::text AS r;

-- name: strict_settings :one
-- labels !? / functions
SELECT current_setting('work_mem') AS p, current_setting('no.such', true) AS q;

-- name: strict_object_names :one
-- labels ?? / functions
SELECT to_regclass('no_such_table')::text AS p, obj_description(1, 'pg_class') AS q;

-- name: strict_greatest :many
-- labels !?! / coalesce
SELECT greatest(x, n) AS p, least(x, x) AS q, greatest(x, NULL, 0) AS r FROM a;

-- name: strict_numeric :many
-- labels !!! / strict
SELECT round(price, 1) AS p, price * 2 AS q, ceil(price) AS r FROM product;

-- name: strict_width_bucket :many
-- labels !!! / strict
SELECT sign(n::numeric) AS p, power(n::numeric, 2) AS q, mod(n, 3) AS r FROM a;

-- ---- CASE, COALESCE, NULLIF ----

-- name: case_else :many
-- labels !? / case expression
SELECT CASE WHEN x > 0 THEN 1 ELSE n END AS p, CASE WHEN x > 0 THEN 1 END AS q FROM a;

-- name: case_null_branch :many
-- labels ?? / case
SELECT CASE n WHEN 1 THEN x ELSE 2 END AS p, CASE WHEN n > 0 THEN NULL ELSE 1 END AS q FROM a;

-- name: case_proves_inside :many
-- labels !? / case
SELECT CASE WHEN x IS NOT NULL THEN x ELSE n END AS p, CASE WHEN x IS NULL THEN x ELSE n END AS q FROM a;

-- name: case_proves_strict :many
-- labels !! / case
SELECT CASE WHEN x > 0 THEN x ELSE 0 END AS p, CASE WHEN u = 'u' AND x > 0 THEN length(u) + x ELSE 0 END AS q FROM a;

-- name: case_proves_in_else :many
-- labels !? / case
SELECT CASE WHEN x IS NULL THEN 0 ELSE x END AS p, CASE WHEN x > 0 THEN 1 ELSE x END AS q FROM a;

-- name: case_simple_form :many
-- labels !! / case
SELECT CASE x WHEN 1 THEN x WHEN 2 THEN x + 1 ELSE 0 END AS p, CASE t WHEN 'a' THEN 'A' ELSE t END AS q FROM a;

-- name: case_or_proves_nothing :many
-- labels ? / case
SELECT CASE WHEN x > 0 OR n > 0 THEN x ELSE 0 END AS p FROM a;

-- name: case_constant :many
-- labels ! / case
SELECT CASE WHEN f THEN 'yes' ELSE 'no' END AS p FROM a;

-- name: case_nested :many
-- labels !? / case
SELECT CASE WHEN f THEN CASE WHEN n > 1 THEN 1 ELSE 2 END ELSE 3 END AS p,
       CASE WHEN f THEN CASE WHEN n > 1 THEN 1 END ELSE 3 END AS q FROM a;

-- name: case_second_when :many
-- labels ! / case
SELECT CASE WHEN x IS NULL THEN 0 WHEN x > 5 THEN x ELSE x + 1 END AS p FROM a;

-- name: coalesce_basic :many
-- labels !?! / coalesce
SELECT coalesce(x, n) AS p, coalesce(x, NULL) AS q, coalesce(u, t, 'none') AS r FROM a;

-- name: coalesce_left_join :many
-- labels !!? / coalesce outer_join
SELECT a.id, coalesce(b.v, 0) AS p, coalesce(b.v, b.w) AS q FROM a LEFT JOIN b ON b.a_id = a.id;

-- name: coalesce_subquery :many
-- labels !! / coalesce scalar_subquery
SELECT coalesce((SELECT max(v) FROM b WHERE b.a_id = a.id), 0) AS p, coalesce((SELECT s FROM b LIMIT 1), a.t) AS q FROM a;

-- name: coalesce_full_join :many
-- labels ! / coalesce outer_join
SELECT coalesce(a.id, b.id) AS p FROM a FULL JOIN b ON a.id = b.a_id;

-- name: coalesce_full_join_nullable :many
-- labels ? / coalesce outer_join
SELECT coalesce(a.x, b.w) AS p FROM a FULL JOIN b ON a.id = b.a_id;

-- name: nullif_kinds :many
-- labels ??! / case
SELECT nullif(n, 1) AS p, nullif(t, '') AS q, coalesce(nullif(n, 1), 0) AS r FROM a;

-- ---- tests ----

-- name: tests_never_null :many
-- labels !!!!! / expression
SELECT x IS NULL AS p, b IS TRUE AS q, x IS DISTINCT FROM n AS r, b IS NOT UNKNOWN AS s, ROW (x, u) IS NULL AS t FROM a;

-- name: tests_boolean :many
-- labels !?!?? / expression
SELECT n = 1 AND t = 'x' AS p, n = 1 AND x = 1 AS q, NOT n = 1 AS r, NOT b AS s, f OR b AS v FROM a;

-- name: tests_row_compare :many
-- labels !?!? / expression composite
SELECT (n, t) = (1, 'x') AS p, (n, u) = (1, 'x') AS q, (n, t) < (1, 'x') AS r, (x, t) < (1, 'x') AS s FROM a;

-- name: any_list :many
-- labels !??! / any_all
SELECT n IN (1, 2, 3) AS p, n IN (1, x) AS q, x IN (1, 2) AS r, n NOT IN (1, 2) AS s FROM a;

-- name: any_array_value :many
-- labels ??! / any_all arrays
SELECT n = ANY (l) AS p, n = ANY (ARRAY[n + 1, NULL]) AS q, n = ANY (ARRAY[n, 4]) AS r FROM a;

-- name: all_array_value :many
-- labels ?! / any_all arrays
SELECT n > ALL (coalesce(l, '{}')) AS p, n <> ALL (ARRAY[1, 2]) AS q FROM a;

-- name: any_subquery_value :many
-- labels !?? / any_all
SELECT n IN (SELECT v FROM b) AS p, n IN (SELECT w FROM b) AS q, x IN (SELECT v FROM b) AS r FROM a;

-- name: all_subquery_value :many
-- labels !? / any_all
SELECT n > ALL (SELECT v FROM b) AS p, n > ALL (SELECT w FROM b) AS q FROM a;

-- name: not_in_subquery_value :many
-- labels ? / any_all
SELECT n NOT IN (SELECT x FROM a AS inside) AS p FROM a;

-- ---- scalar subqueries ----

-- name: scalar_kinds :one
-- labels !!?? / scalar_subquery aggregate
SELECT EXISTS (SELECT 1 FROM b) AS p, (SELECT count(*) FROM b) AS q, (SELECT max(v) FROM b) AS r, (SELECT v FROM b LIMIT 1) AS s;

-- name: scalar_grouped :one
-- labels ??? / scalar_subquery
SELECT (SELECT count(*) FROM b GROUP BY v LIMIT 1) AS p, (SELECT count(*) FROM b HAVING count(*) > 100) AS q, (SELECT count(*) FROM b OFFSET 1) AS r;

-- name: scalar_limit_zero :one
-- labels ? / scalar_subquery
SELECT (SELECT count(*) FROM b LIMIT 0) AS p;

-- name: scalar_correlated :many
-- labels !!? / scalar_subquery
SELECT n, (SELECT count(*) FROM b WHERE b.a_id = a.id) AS p, (SELECT b.v FROM b WHERE b.id = a.id) AS q FROM a;

-- name: scalar_coalesced_aggregate :many
-- labels ! / scalar_subquery coalesce
SELECT (SELECT coalesce(max(v), 0) FROM b WHERE b.a_id = a.id) AS p FROM a;

-- name: scalar_without_from :many
-- labels !? / scalar_subquery
SELECT (SELECT n + 1) AS p, (SELECT n WHERE n > 1) AS q FROM a;

-- name: scalar_array :many
-- labels !? / scalar_subquery arrays
SELECT ARRAY(SELECT w FROM b WHERE b.a_id = a.id) AS p, (SELECT array_agg(w) FROM b WHERE b.a_id = a.id) AS q FROM a;

-- name: scalar_exists_arith :many
-- labels !! / scalar_subquery
SELECT NOT EXISTS (SELECT 1 FROM b WHERE b.a_id = a.id) AS p, (EXISTS (SELECT 1 FROM c))::int AS q FROM a;

-- name: scalar_values :one
-- labels !? / scalar_subquery values
SELECT (VALUES (1)) AS p, (VALUES (NULL::int)) AS q;

-- name: scalar_union :many
-- labels ? / scalar_subquery set_operation
SELECT (SELECT v FROM b WHERE b.id = a.id UNION SELECT v FROM b WHERE b.id = a.id) AS p FROM a;

-- ---- arrays ----

-- name: array_build :many
-- labels !!!? / arrays
SELECT ARRAY[x, 1] AS p, ARRAY(SELECT x FROM a AS i) AS q, ARRAY[[n], [n]] AS r, (ARRAY[n])[2] AS s FROM a;

-- name: array_subscript :many
-- labels ?!? / arrays
SELECT scores[1] AS p, scores[5:6] AS q, tags[1:2] AS r FROM person;

-- name: array_functions :many
-- labels !???!! / arrays
SELECT cardinality(scores) AS p, array_length(scores, 1) AS q, array_upper(scores, 1) AS r, array_position(scores, 1) AS s,
       array_append(scores, 1) AS t, scores || 1 AS u FROM person;

-- name: array_functions_null :many
-- labels ?!! / arrays
SELECT array_to_string(tags, ',') AS p, array_append(tags, 'a') AS q, array_cat(scores, NULL) AS r FROM person;

-- name: array_string :many
-- labels !?! / arrays
SELECT string_to_array(t, ',') AS p, (string_to_array(t, ','))[1] AS q, array_to_string(ARRAY[t, u], ',') AS r FROM a;

-- name: array_remove :many
-- labels !! / arrays
SELECT array_remove(scores, 1) AS p, array_replace(scores, 1, 2) AS q FROM person;

-- ---- JSON ----

-- name: json_access :many
-- labels ???? / json
SELECT settings -> 'a' AS p, settings ->> 'a' AS q, settings #> '{a,b}' AS r, settings['a'] AS s FROM person;

-- name: json_build :many
-- labels !!!! / json
SELECT jsonb_build_object('x', x) AS p, to_jsonb(n) AS q, json_build_array(x, u) AS r, row_to_json(a) AS s FROM a;

-- name: json_to_jsonb_null :many
-- labels ? / json
SELECT to_jsonb(x) AS p FROM a;

-- name: json_functions :many
-- labels !!? / json
SELECT settings ? 'a' AS p, jsonb_pretty(settings) AS q, jsonb_path_query_first(settings, '$.zz') AS r FROM person;

-- name: json_concat :many
-- labels !? / json
SELECT settings || '{"x": 1}' AS p, profile || '{"x": 1}' AS q FROM person;

-- name: json_cast_null :many
-- labels ? / json
-- before INSERT INTO person (name, settings) VALUES ('x', '{"a": null}')
SELECT (settings ->> 'a')::int AS p FROM person;

-- name: json_strip_and_typeof :many
-- labels !! / json
SELECT jsonb_typeof(settings) AS p, jsonb_strip_nulls(settings) AS q FROM person;

-- ---- user functions, operators, casts ----

-- name: user_functions :many
-- labels ???? / functions
SELECT sql_strict(n) AS p, pl_strict(n) AS q, pl_loose(n) AS r, sql_atomic(n) AS s FROM a;

-- name: user_operators :many
-- labels ? / operators
SELECT n + 'x'::text AS p FROM a;

-- name: user_operator_like_builtin :many
-- labels ? / operators
SELECT t === t AS p FROM a;

-- name: user_operator_in_coalesce :many
-- labels ! / operators coalesce
SELECT coalesce(n + t, 0) AS p FROM a;

-- name: user_operator_any :many
-- labels ? / operators any_all
SELECT t === ANY (ARRAY['a', 'b']) AS p FROM a;

-- name: user_cast :many
-- labels ? / functions
-- before INSERT INTO person (name, mood) VALUES ('x', 'sad')
SELECT mood::int AS p FROM person WHERE mood IS NOT NULL;

-- name: user_cast_assignment :many
-- labels !? / functions
SELECT 'ok'::mood AS p, coalesce(mood, 'sad')::int AS q FROM person;

-- name: user_function_out :many
-- labels ?? / functions composite
SELECT (some_out(n)).q AS q, (some_out(x)).p AS p FROM a;

-- name: user_function_in_from :many
-- labels !?? / functions set_returning
SELECT a.id, s.p, s.q FROM a, some_table(a.x) AS s;

-- name: user_aggregate :many
-- labels ?? / functions aggregate
SELECT null_of(n) AS p, last_of(x) AS q FROM a GROUP BY n;

-- name: user_function_where_case :many
-- labels ?! / functions case
SELECT CASE WHEN f THEN sql_strict(n) ELSE 0 END AS p, CASE WHEN pl_strict(n) IS NULL THEN 0 ELSE 1 END AS q FROM a;
