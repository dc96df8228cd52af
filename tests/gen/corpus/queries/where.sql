-- Facts proven by WHERE, and conditions that look like proofs and are none.

-- name: where_is_not_null :many
-- labels !? / where
SELECT x, u FROM a WHERE x IS NOT NULL;

-- name: where_equal_param :many
-- labels !! / where params
-- given p = 1; q = 'u'
SELECT x, u FROM a WHERE x = :p AND u <> :q;

-- name: where_comparisons :many
-- labels !!! / where
SELECT x, u, b FROM a WHERE x < 10 AND u >= '' AND b = true;

-- name: where_boolean_column :many
-- labels !? / where
SELECT b, x FROM a WHERE b;

-- name: where_not_boolean :many
-- labels ! / where
SELECT b FROM a WHERE NOT b;

-- name: where_or_other :many
-- labels ? / where
SELECT x FROM a WHERE x IS NOT NULL OR n > 0;

-- name: where_or_same :many
-- labels ! / where
SELECT x FROM a WHERE x < 0 OR x > 0;

-- name: where_or_nested :many
-- labels !? / where
SELECT x, u FROM a WHERE (x = 1 AND u = 'u') OR (x > 2 AND n > 0) OR (x = 7);

-- name: where_not_or :many
-- labels !! / where
SELECT x, u FROM a WHERE NOT (x = 3 OR u = 'nothing');

-- name: where_not_and :many
-- labels ?? / where
SELECT x, u FROM a WHERE NOT (x = 3 AND u = 'q');

-- name: where_not_is_null :many
-- labels ! / where
SELECT x FROM a WHERE NOT (x IS NULL);

-- name: where_not_not_null :many
-- labels ? / where
SELECT x FROM a WHERE NOT (x IS NOT NULL);

-- name: where_not_strict :many
-- labels ! / where
SELECT x FROM a WHERE NOT (x > 5);

-- name: where_distinct_from :many
-- labels ? / where
SELECT x FROM a WHERE x IS DISTINCT FROM 1;

-- name: where_distinct_from_null :many
-- labels ! / where
SELECT x FROM a WHERE x IS DISTINCT FROM NULL;

-- name: where_not_distinct_from :many
-- labels ! / where
SELECT x FROM a WHERE x IS NOT DISTINCT FROM n;

-- name: where_coalesce :many
-- labels ? / where coalesce
SELECT x FROM a WHERE coalesce(x, 0) = 0;

-- name: where_coalesce_true :many
-- labels ? / where coalesce
SELECT x FROM a WHERE coalesce(x > 0, true);

-- name: where_in_list :many
-- labels ! / where any_all
SELECT x FROM a WHERE x IN (1, 2, 7);

-- name: where_in_list_null :many
-- labels ! / where any_all
SELECT x FROM a WHERE x IN (7, NULL);

-- name: where_not_in_list :many
-- labels ! / where any_all
SELECT x FROM a WHERE x NOT IN (1, 2);

-- name: where_any_param :many
-- labels ! / where any_all params
-- given p = '{1,7}'
SELECT x FROM a WHERE x = ANY (:p::int[]);

-- name: where_all_list :many
-- labels ! / where any_all
SELECT x FROM a WHERE x > ALL (ARRAY[-5, -6]);

-- name: where_all_empty :many
-- labels ? / where any_all params
-- given p = '{}'
SELECT x FROM a WHERE x > ALL (:p::int[]);

-- name: where_in_subquery :many
-- labels !! / where any_all
SELECT x, n FROM a WHERE x IN (SELECT v FROM b);

-- name: where_not_in_subquery :many
-- labels ?! / where any_all
SELECT x, n FROM a WHERE x NOT IN (SELECT v FROM b WHERE v > 5);

-- name: where_any_subquery :many
-- labels ! / where any_all
SELECT x FROM a WHERE x > ANY (SELECT v FROM b);

-- name: where_all_subquery :many
-- labels ? / where any_all
SELECT x FROM a WHERE x > ALL (SELECT v FROM b WHERE v > 100);

-- name: where_exists_does_not_prove :many
-- labels ? / where
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE a.x IS NULL OR b.v = a.x);

-- name: where_exists_correlated :many
-- labels ! / where
SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.v = a.x);

-- name: where_not_exists :many
-- labels ? / where
SELECT x FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.v = a.x);

-- name: where_between :many
-- labels ! / where
SELECT x FROM a WHERE x BETWEEN -5 AND 50;

-- name: where_not_between :many
-- labels ! / where
SELECT x FROM a WHERE x NOT BETWEEN 100 AND 200;

-- name: where_like :many
-- labels !! / where
SELECT u, t FROM a WHERE u LIKE '%' AND t NOT LIKE 'zz%';

-- name: where_is_true :many
-- labels !! / where
SELECT x, b FROM a WHERE (x > 0) IS TRUE AND b IS NOT FALSE AND b IS NOT UNKNOWN;

-- name: where_is_not_true :many
-- labels ? / where
SELECT x FROM a WHERE (x > 100) IS NOT TRUE;

-- name: where_is_false :many
-- labels ! / where
SELECT x FROM a WHERE (x > 100) IS FALSE;

-- name: where_is_unknown :many
-- labels ? / where
SELECT x FROM a WHERE (x > 100) IS UNKNOWN;

-- name: where_arithmetic :many
-- labels !! / where strict
SELECT x, abs(x) + 1 AS y FROM a WHERE x * 2 + 1 > n;

-- name: where_function_chain :many
-- labels ! / where strict
SELECT u FROM a WHERE length(lower(u) || 'x') > 0;

-- name: where_concat_does_not :many
-- labels ? / where
SELECT u FROM a WHERE concat(u, 'x') <> '';

-- name: where_user_strict :many
-- labels ! / where functions
SELECT x FROM a WHERE sql_strict(x) = 7;

-- name: where_user_loose :many
-- labels ? / where functions
SELECT x FROM a WHERE sql_loose(x) = 7;

-- name: where_user_operator :many
-- labels ? / where operators
SELECT x FROM a WHERE x ==== NULL::int;

-- name: where_row_not_null :many
-- labels !! / where composite
SELECT x, u FROM a WHERE ROW (x, u) IS NOT NULL;

-- name: where_row_not_is_null :many
-- labels ?? / where composite
SELECT x, u FROM a WHERE NOT (ROW (x, u) IS NULL);

-- name: where_composite_not_null :many
-- labels ! / where composite
SELECT home FROM person WHERE home IS NOT NULL;

-- name: where_composite_not_is_null :many
-- labels ! / where composite
SELECT home FROM person WHERE NOT (home IS NULL);

-- name: where_composite_is_null :many
-- labels ? / where composite
SELECT home FROM person WHERE home IS NULL;

-- name: where_row_equal :many
-- labels !! / where composite
SELECT x, u FROM a WHERE (x, u) = (7, 'u');

-- name: where_row_less :many
-- labels !? / where composite
SELECT x, u FROM a WHERE (x, u) < (100, 'z');

-- name: where_array_contains :many
-- labels ! / where arrays
SELECT tags FROM person WHERE tags @> ARRAY['a'];

-- name: where_subscript :many
-- labels ! / where arrays
SELECT l FROM a WHERE l[1] = 1;

-- name: where_json :many
-- labels ! / where json
SELECT profile FROM person WHERE profile ->> 'a' = '1';

-- name: where_json_exists :many
-- labels ! / where json
SELECT profile FROM person WHERE profile ? 'a';

-- name: where_cast :many
-- labels ! / where strict
SELECT x FROM a WHERE x::text = '7';

-- name: where_case :many
-- labels ? / where case
SELECT x FROM a WHERE CASE WHEN x IS NULL THEN true ELSE x > 0 END;

-- name: where_nullif :many
-- labels ! / where
SELECT x FROM a WHERE nullif(x, 3) > 0;

-- name: where_equal_columns :many
-- labels !! / where
SELECT a.x, b.w FROM a, b WHERE a.x = b.w;

-- name: where_scalar_equal :many
-- labels ! / where scalar_subquery
SELECT x FROM a WHERE x = (SELECT max(x) FROM a);

-- name: where_through_scalar_subquery :many
-- labels ! / where scalar_subquery
SELECT x FROM a WHERE (SELECT a.x + max(b.v) FROM b) > 0;

-- name: where_outside_subquery :many
-- labels ! / where subquery
SELECT s.x FROM (SELECT x FROM a) AS s WHERE s.x IS NOT NULL;

-- name: where_inside_subquery :many
-- labels !? / where subquery
SELECT s.x, s.u FROM (SELECT x, u FROM a WHERE x <> 3) AS s;

-- name: where_expression_itself :many
-- labels ! / where subquery
SELECT s.y FROM (SELECT nullif(x, 3) AS y FROM a) AS s WHERE s.y > 0;

-- name: where_on_other_instance :many
-- labels !? / where
SELECT p.x, q.x AS y FROM a AS p, a AS q WHERE p.x = 7;

-- name: where_outer_reference :many
-- labels ? / where scalar_subquery
SELECT (SELECT a.x FROM b LIMIT 1) AS s FROM a WHERE x IS NOT NULL;

-- name: where_distinct_rows :many
-- labels ?? / where composite
SELECT x, u FROM a WHERE (x, u) IS DISTINCT FROM (1, 'a');

-- name: where_starts_with :many
-- labels ! / where strict
SELECT u FROM a WHERE u ^@ 'u' AND starts_with(u, 'u');

-- name: where_similar :many
-- labels ! / where
SELECT u FROM a WHERE u SIMILAR TO '(u|v)%' OR u ~ '^[a-z]';

-- name: where_view_column :many
-- labels !! / where view
SELECT v, w FROM left_view WHERE w = 2;

-- name: where_stand_in_differs :many
-- labels !! / where coalesce
SELECT u, x FROM a WHERE coalesce(u, '') <> '' AND coalesce(x, 0) > 0;

-- name: where_stand_in_mirrored :many
-- labels ! / where coalesce
SELECT x FROM a WHERE 1 <= coalesce(x, 0);

-- name: where_stand_in_not_equal :many
-- labels ! / where coalesce
SELECT u FROM a WHERE NOT (coalesce(u, 'a') = 'a');

-- name: where_stand_in_meets :many
-- labels ?? / where coalesce
SELECT u, x FROM a WHERE coalesce(u, 'a') <> '' AND coalesce(x, 0) >= 0;

-- name: where_stand_in_of_two :many
-- labels ?? / where coalesce
SELECT u, b.s FROM a LEFT JOIN b ON b.id = a.id WHERE coalesce(u, b.s, '') <> '';

-- name: where_stand_in_unknown :many
-- labels ? / where coalesce
SELECT x FROM a WHERE (coalesce(x, 0) > 0) IS NOT TRUE;
