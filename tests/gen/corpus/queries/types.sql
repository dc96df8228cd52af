-- Domains, composites, enums; parameters and overrides.

-- name: domain_not_null_column :many
-- labels ??? / domain
SELECT title, short, subtitle FROM product;

-- name: domain_left_join :many
-- labels !?? / domain outer_join
SELECT a.id, p.title, p.short FROM a LEFT JOIN product AS p ON p.id = a.x;

-- name: domain_scalar_subquery :many
-- labels ? / domain scalar_subquery
SELECT (SELECT title FROM product WHERE product.id = a.id) AS p FROM a;

-- name: domain_cast :many
-- labels !? / domain
SELECT (n * n + 1)::positive AS p, x::bigint::int AS q FROM a;

-- name: domain_cast_nullable :many
-- labels ? / domain
SELECT level::int + 1 AS p FROM person;

-- name: domain_not_null_cast :many
-- labels !! / domain
SELECT t::title AS p, t::title::short_title AS q FROM a;

-- name: domain_where :many
-- labels !? / domain where
SELECT level, mood FROM person WHERE level > 0;

-- name: domain_aggregate :many
-- labels !? / domain aggregate
SELECT count(title) AS p, max(title) AS q FROM product;

-- name: domain_grouped :many
-- labels ?? / domain aggregate
SELECT title, max(short) AS p FROM product GROUP BY title;

-- name: domain_rollup :many
-- labels ? / domain grouping_sets
SELECT title FROM product GROUP BY ROLLUP (title);

-- name: domain_case :many
-- labels ?? / domain case
SELECT CASE WHEN weight > 0 THEN title END AS p, CASE WHEN weight > 0 THEN title ELSE 'x'::title END AS q FROM product;

-- name: domain_in_composite :many
-- labels ? / domain composite
SELECT (pack).label AS p FROM product;

-- name: domain_set_operation :many
-- labels ?! / domain set_operation
SELECT title AS p, 'x'::title AS q FROM product UNION ALL SELECT short, 'y'::short_title FROM product;

-- name: domain_full_join :many
-- labels ?? / domain outer_join
SELECT p.title, q.short FROM product AS p FULL JOIN product AS q ON q.id = p.parent_id;

-- ---- composites ----

-- name: composite_columns :many
-- labels ?! / composite
SELECT home, work FROM person;

-- name: composite_fields :many
-- labels ??? / composite
SELECT (home).city AS p, (work).zip AS q, (work).street AS r FROM person;

-- name: composite_field_where :many
-- labels !? / composite where
SELECT (work).zip AS p, (work).city AS q FROM person WHERE (work).zip > 0;

-- name: composite_row_constructor :many
-- labels !! / composite
SELECT ROW (NULL, u, x)::address AS p, ROW (t, t, n)::address IS NULL AS q FROM a;

-- name: composite_expanded :many
-- labels ??? / composite
SELECT (work).street, (work).city, (work).zip FROM person;

-- name: composite_in_array :many
-- labels !? / composite arrays
SELECT array_agg(home) AS p, (array_agg(work ORDER BY id))[2] AS q FROM person GROUP BY vip;

-- name: composite_row_field :many
-- labels !? / composite
SELECT (ROW (t, u, n)::address).street AS p, (ROW (t, u, n)::address).city AS q FROM a;

-- name: composite_whole_row_field :many
-- labels !? / composite outer_join
SELECT (one).n AS p, (two).v AS q FROM a AS one LEFT JOIN b AS two ON two.a_id = one.id;

-- name: composite_from_subquery :many
-- labels !? / composite subquery
SELECT s.work, s.home FROM (SELECT work, home FROM person) AS s;

-- name: composite_compare :many
-- labels ?! / composite
SELECT home = work AS p, work IS DISTINCT FROM home AS q FROM person;

-- name: composite_coalesce :many
-- labels !? / composite coalesce
SELECT coalesce(home, work) AS p, (coalesce(home, work)).city AS q FROM person;

-- name: enum_columns :many
-- labels ?!! / enum
SELECT mood, coalesce(mood, 'ok') AS p, 'sad'::mood AS q FROM person;

-- name: enum_functions :many
-- labels !?? / enum
SELECT enum_first('ok'::mood) AS p, mood > 'sad' AS q, mood::text AS r FROM person;

-- name: enum_left_join :many
-- labels !? / enum outer_join
SELECT a.id, p.mood FROM a LEFT JOIN person AS p ON p.id = a.x AND p.mood IS NOT NULL;

-- name: enum_range :many
-- labels !?? / enum aggregate
SELECT enum_range(NULL::mood) AS p, max(mood) AS q, min(mood) FILTER (WHERE vip) AS r FROM person GROUP BY vip;

-- name: enum_where :many
-- labels !! / enum where
SELECT mood, mood::text AS p FROM person WHERE mood = 'ok';

-- ---- parameters ----

-- name: param_not_null :one
-- labels ! / params
-- param p: notnull
-- given p = 5
SELECT :p::int AS p;

-- name: param_nullable :one
-- labels ? / params
-- param p: nullable
-- given p = NULL
SELECT :p::int AS p;

-- name: param_coalesced :many
-- labels !! / params coalesce
-- param p: nullable
-- given p = NULL
SELECT coalesce(:p::int, n) AS p, n FROM a;

-- name: param_expression :many
-- labels !? / params
-- given p = 2
SELECT n + :p AS q, x + :p AS r FROM a;

-- name: param_optional_filter :many
-- labels ?! / params where
-- param p: nullable
-- given p = NULL
SELECT x, n FROM a WHERE :p::int IS NULL OR x = :p;

-- name: param_nullable_compare :many
-- labels ! / params where
-- param p: nullable
-- given p = NULL
-- given p = 7
SELECT x FROM a WHERE x = :p::int;

-- name: param_stored :many
-- labels !? / params returning
-- given id = 500; v = 1; w = NULL
INSERT INTO plain_log (id, v, w) VALUES (:id, :v, :w) RETURNING v, w;

-- name: param_update :many
-- labels !? / params returning
-- given w = NULL
UPDATE plain_log SET w = :w WHERE id >= 0 RETURNING v, w;

-- name: param_limit :many
-- labels !? / params
-- given n = 5
SELECT id, x FROM a ORDER BY id LIMIT :n;

-- name: param_array :many
-- labels !? / params arrays
-- given p = '{1,NULL}'
SELECT a.id, e FROM a, unnest(:p::int[]) AS e WHERE a.id >= 0;

-- name: param_case :many
-- labels !? / params case
-- param q: nullable
-- given p = true; q = NULL
SELECT CASE WHEN :p::bool THEN n ELSE 0 END AS p, CASE WHEN f THEN n ELSE :q::int END AS q FROM a;

-- ---- overrides ----

-- name: override_check_constraint :many
-- labels !! / overrides
-- col shipped: notnull! a check constraint ties it to the state
SELECT id, shipped FROM orders WHERE state = 'shipped';

-- name: override_nullable :many
-- labels !? / overrides
-- col x: nullable
SELECT n, x FROM a;

-- name: override_one_of_many :many
-- labels !!? / overrides outer_join
-- col v: notnull! the WHERE keeps only those with a partner
SELECT a.id, b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id WHERE (b.id IS NULL) = false;

-- name: override_subquery :many
-- labels !! / overrides scalar_subquery
-- col top: notnull! the row itself is among them
SELECT id, (SELECT max(i.n) FROM a AS i WHERE i.id = a.id) AS top FROM a;

-- name: override_immutable_function :many
-- labels ! / overrides functions
-- col p: notnull! sql_loose never answers NULL
SELECT sql_loose(x) AS p FROM a;

-- name: override_array_elements :many
-- labels !! / overrides arrays
-- col first: notnull! made with an element
SELECT id, (ARRAY[n, x])[1] AS first FROM a;

-- name: json_path_exists_loud :many
-- labels !!! / json functions
SELECT jsonb_path_exists(settings, '$.a') AS p, jsonb_path_exists(settings, 'strict $', '{}', false) AS q, jsonb_path_exists_tz(settings, '$.a') AS r FROM person;

-- name: json_path_exists_silent :many
-- labels ?? / json functions
SELECT jsonb_path_exists(settings, 'strict $.nope.b', '{}', true) AS p, settings @? 'strict $.nope.b' AS q FROM person;
