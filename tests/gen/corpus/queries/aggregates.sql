-- Aggregates, grouping, grouping sets, HAVING, DISTINCT, windows.

-- name: agg_ungrouped :one
-- labels !!???? / aggregate
SELECT count(*) AS p, count(x) AS q, max(n) AS r, sum(n) AS s, array_agg(n) AS t, string_agg(t, ',') AS u FROM a;

-- name: agg_grouped :many
-- labels !!!?!! / aggregate
SELECT n, max(n) AS p, sum(n) AS q, max(x) AS r, array_agg(x) AS s, avg(n) AS v FROM a GROUP BY n;

-- name: agg_filter :many
-- labels ??! / aggregate
SELECT max(n) FILTER (WHERE x > 0) AS p, array_agg(n) FILTER (WHERE x > 0) AS q, count(*) FILTER (WHERE x > 0) AS r FROM a GROUP BY n;

-- name: agg_sample :many
-- labels ???!! / aggregate
SELECT stddev(n) AS p, variance(n) AS q, corr(n, n) AS r, stddev_pop(n) AS s, var_pop(n) AS t FROM a GROUP BY f;

-- name: agg_bool :many
-- labels !!?! / aggregate
SELECT bool_and(f) AS p, bool_or(f) AS q, bool_or(b) AS r, every(f) AS s FROM a GROUP BY n;

-- name: agg_json :many
-- labels !!! / aggregate json
SELECT json_agg(x) AS p, jsonb_agg(u) AS q, jsonb_object_agg(t, x) AS r FROM a GROUP BY n;

-- name: agg_json_ungrouped :one
-- labels ??! / aggregate json
SELECT json_agg(x) AS p, jsonb_object_agg(t, x) AS q, coalesce(json_agg(x), '[]') AS r FROM a;

-- name: agg_group_by_nothing :one
-- labels ?! / aggregate
SELECT max(n) AS p, count(*) AS q FROM a GROUP BY ();

-- name: agg_coalesced :one
-- labels !! / aggregate coalesce
SELECT coalesce(sum(n), 0) AS p, coalesce(array_agg(n), '{}') AS q FROM a;

-- name: agg_string_agg_delimiter :many
-- labels !? / aggregate
SELECT string_agg(t, u) AS p, string_agg(u, t) AS q FROM a GROUP BY f;

-- name: agg_where_proves :many
-- labels !! / aggregate where
SELECT max(x) AS p, sum(x + 1) AS q FROM a WHERE x > 0 GROUP BY n;

-- name: agg_group_by_nullable :many
-- labels ?!! / aggregate
SELECT x, count(*) AS p, min(n) AS q FROM a GROUP BY x;

-- name: agg_group_by_expression :many
-- labels ?! / aggregate
SELECT x + n AS p, n + 1 AS q FROM a GROUP BY x + n, n + 1;

-- name: agg_group_by_key :many
-- labels !!? / aggregate
SELECT id, t, x FROM a GROUP BY id;

-- name: agg_left_join :many
-- labels !!?? / aggregate outer_join
SELECT a.id, count(b.id) AS p, max(b.v) AS q, sum(b.v) AS r FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.id;

-- name: agg_ordered_set :many
-- labels !!? / aggregate
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS p, mode() WITHIN GROUP (ORDER BY n) AS q,
       mode() WITHIN GROUP (ORDER BY x) AS r FROM a GROUP BY f;

-- name: agg_hypothetical :one
-- labels !! / aggregate
SELECT rank(1) WITHIN GROUP (ORDER BY n) AS p, percent_rank(1) WITHIN GROUP (ORDER BY n) AS q FROM a;

-- name: agg_regression :one
-- labels !? / aggregate
SELECT regr_count(n, x) AS p, regr_slope(n, x) AS q FROM a;

-- name: agg_bits :many
-- labels !! / aggregate
SELECT bit_and(n) AS p, bit_or(n) AS q FROM a GROUP BY f;

-- name: agg_expression :one
-- labels ?! / aggregate
SELECT max(n) + 1 AS p, count(*) + 1 AS q FROM a;

-- name: agg_distinct :many
-- labels !! / aggregate distinct
SELECT count(DISTINCT x) AS p, array_agg(DISTINCT x) AS q FROM a GROUP BY n;

-- name: agg_outer_level :many
-- labels ?? / aggregate scalar_subquery
SELECT (SELECT max(a.n) FROM b LIMIT 1) AS p, (SELECT min(b.v) FROM b WHERE b.id > max(a.n)) AS q FROM a;

-- name: agg_range :many
-- labels !? / aggregate
SELECT range_agg(int4range(n, n + 1))::text AS p, range_agg(CASE WHEN x > 0 THEN int4range(x, x + 1) END)::text AS q FROM a GROUP BY f;

-- name: agg_in_subquery :many
-- labels !! / aggregate subquery
SELECT s.n, s.total FROM (SELECT n, sum(n) AS total FROM a GROUP BY n) AS s WHERE s.total > 0;

-- ---- grouping sets ----

-- name: sets_rollup :many
-- labels ?! / grouping_sets
SELECT n, count(*) AS p FROM a GROUP BY ROLLUP (n);

-- name: sets_cube :many
-- labels ??! / grouping_sets
SELECT n, t, count(*) AS p FROM a GROUP BY CUBE (n, t);

-- name: sets_explicit :many
-- labels ?? / grouping_sets
SELECT n, t FROM a GROUP BY GROUPING SETS ((n), (t));

-- name: sets_constant :many
-- labels ? / grouping_sets
SELECT 1 AS one FROM a GROUP BY GROUPING SETS ((), (n, 1));

-- name: sets_constant_not_grouped :many
-- labels !? / grouping_sets
SELECT 1 AS one, n FROM a GROUP BY GROUPING SETS ((), (n));

-- name: sets_expression :many
-- labels ?? / grouping_sets
SELECT n + 1 AS p, n + 1 + 1 AS q FROM a GROUP BY ROLLUP (n + 1);

-- name: sets_aggregate_empty :many
-- labels ??! / grouping_sets aggregate
SELECT max(n) AS p, sum(n) AS q, count(n) AS r FROM a GROUP BY GROUPING SETS ((), (t));

-- name: sets_aggregate_no_empty :many
-- labels !! / grouping_sets aggregate
SELECT max(n) AS p, count(*) AS q FROM a GROUP BY GROUPING SETS ((t), (f));

-- name: sets_in_all :many
-- labels !? / grouping_sets
SELECT n, t FROM a GROUP BY GROUPING SETS ((n, t), (n));

-- name: sets_with_plain :many
-- labels !?! / grouping_sets
SELECT n, t, max(n) AS p FROM a GROUP BY n, ROLLUP (t);

-- name: sets_grouping_function :many
-- labels !? / grouping_sets
SELECT grouping(n) AS p, n FROM a GROUP BY ROLLUP (n);

-- name: sets_coalesced :many
-- labels !! / grouping_sets coalesce
SELECT coalesce(n, -1) AS p, count(*) AS q FROM a GROUP BY ROLLUP (n);

-- name: sets_subquery :many
-- labels ? / grouping_sets subquery
SELECT s.n FROM (SELECT n FROM a GROUP BY CUBE (n)) AS s;

-- name: sets_having :many
-- labels !! / grouping_sets having
SELECT n, count(*) AS p FROM a GROUP BY ROLLUP (n) HAVING n IS NOT NULL;

-- name: sets_where_does_not_prove :many
-- labels ? / grouping_sets where
SELECT x FROM a WHERE x > 0 GROUP BY ROLLUP (x);

-- name: sets_outside_where :many
-- labels ! / grouping_sets where
SELECT s.n FROM (SELECT n FROM a GROUP BY ROLLUP (n)) AS s WHERE s.n > 0;

-- name: sets_equal_key :many
-- labels ?? / grouping_sets
SELECT a.id, a.t FROM a GROUP BY ROLLUP (a.id, a.t);

-- ---- HAVING ----

-- name: having_count :many
-- labels !! / having aggregate
SELECT n, max(n) AS p FROM a GROUP BY n HAVING count(*) > 1;

-- name: having_not_null :many
-- labels ! / having
SELECT x FROM a GROUP BY x HAVING x IS NOT NULL;

-- name: having_strict_key :many
-- labels !? / having
SELECT x, u FROM a GROUP BY x, u HAVING x > 0;

-- name: having_aggregate_not_null :one
-- labels !? / having aggregate
SELECT max(x) AS p, min(u) AS q FROM a HAVING max(x) IS NOT NULL;

-- name: having_aggregate_strict :many
-- labels !! / having aggregate
SELECT n, sum(x) AS p FROM a GROUP BY n HAVING sum(x) > 0;

-- name: having_ungrouped_count :opt
-- labels ! / having aggregate
SELECT max(n) AS p FROM a HAVING count(*) > 0;

-- name: having_other :many
-- labels ?! / having
SELECT x, max(n) AS p FROM a GROUP BY x HAVING max(n) > 0;

-- ---- DISTINCT ----

-- name: distinct_plain :many
-- labels !? / distinct
SELECT DISTINCT n, x FROM a;

-- name: distinct_on :many
-- labels !?! / distinct
SELECT DISTINCT ON (n) n, x, t FROM a ORDER BY n, id;

-- name: distinct_where :many
-- labels ! / distinct where
SELECT DISTINCT x FROM a WHERE x IS NOT NULL;

-- name: distinct_join :many
-- labels !? / distinct outer_join
SELECT DISTINCT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id;

-- name: distinct_subquery :many
-- labels !? / distinct subquery
SELECT s.n, s.x FROM (SELECT DISTINCT n, x FROM a) AS s;

-- name: distinct_grouping :many
-- labels ? / distinct grouping_sets
SELECT DISTINCT n FROM a GROUP BY GROUPING SETS ((n), ());

-- ---- windows ----

-- name: window_numbering :many
-- labels !!!!! / window
SELECT row_number() OVER () AS p, rank() OVER (ORDER BY x) AS q, dense_rank() OVER (ORDER BY x) AS r,
       percent_rank() OVER (ORDER BY x) AS s, cume_dist() OVER (ORDER BY x) AS t FROM a;

-- name: window_ntile :many
-- labels !? / window
SELECT ntile(3) OVER (ORDER BY id) AS p, ntile(x) OVER (ORDER BY x NULLS FIRST, id) AS q FROM a WHERE x IS NULL OR x > 0;

-- name: window_lag :many
-- labels ??!? / window
SELECT lag(n) OVER (ORDER BY id) AS p, lead(n) OVER (ORDER BY id) AS q, lag(n, 1, 0) OVER (ORDER BY id) AS r,
       lag(x, 1, 0) OVER (ORDER BY id) AS s FROM a;

-- name: window_lag_null_offset :many
-- labels ?? / window
SELECT lag(n, x, 0) OVER (ORDER BY id) AS p, lead(n, 1, x) OVER (ORDER BY id) AS q FROM a;

-- name: window_default_frame :many
-- labels !!!? / window aggregate
SELECT sum(n) OVER (ORDER BY id) AS p, max(n) OVER (PARTITION BY f) AS q, count(x) OVER () AS r, sum(x) OVER () AS s FROM a;

-- name: window_first_value :many
-- labels !!?? / window
SELECT first_value(n) OVER (ORDER BY id) AS p, last_value(n) OVER (ORDER BY id) AS q, first_value(x) OVER (ORDER BY id) AS r,
       nth_value(n, 2) OVER (ORDER BY id) AS s FROM a;

-- name: window_frame_past :many
-- labels ??! / window aggregate
SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS p,
       first_value(n) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS q,
       count(n) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS r FROM a;

-- name: window_frame_around :many
-- labels !! / window aggregate
SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS p,
       max(n) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS q FROM a;

-- name: window_exclude_current :many
-- labels ?? / window aggregate
SELECT sum(n) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) AS p,
       first_value(n) OVER (PARTITION BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) AS q FROM a;

-- name: window_exclude_group_ties :many
-- labels ?! / window aggregate
SELECT sum(n) OVER (ORDER BY n GROUPS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP) AS p,
       sum(n) OVER (ORDER BY n RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) AS q FROM a;

-- name: window_filter :many
-- labels ?! / window aggregate
SELECT sum(n) FILTER (WHERE x > 0) OVER (ORDER BY id) AS p, count(*) FILTER (WHERE x > 0) OVER (ORDER BY id) AS q FROM a;

-- name: window_over_group :many
-- labels !!! / window aggregate
SELECT n, sum(count(*)) OVER (ORDER BY n) AS p, max(n) OVER () AS q FROM a GROUP BY n;

-- name: window_named :many
-- labels !? / window
SELECT avg(n) OVER w AS p, min(x) OVER w AS q FROM a WINDOW w AS (PARTITION BY t ORDER BY id);

-- name: window_subquery_where :many
-- labels !! / window subquery where
SELECT s.p, s.q FROM (SELECT lag(n) OVER (ORDER BY id) AS p, row_number() OVER (ORDER BY id) AS q FROM a) AS s WHERE s.p IS NOT NULL;

-- name: window_where_below :many
-- labels !! / window where
SELECT x, first_value(x) OVER (ORDER BY id) AS p FROM a WHERE x > 0;

-- name: window_user_aggregate :many
-- labels ? / window functions
SELECT null_of(n) OVER (ORDER BY id) AS p FROM a;

-- name: window_array_agg :many
-- labels !? / window aggregate
SELECT array_agg(x) OVER (ORDER BY id) AS p, array_agg(x) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) AS q FROM a;
