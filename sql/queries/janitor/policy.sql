-- Publish policies: how each branch of a result leaves the platform.

-- name: policy_put :one
-- doc: Store policies with the rules of their branches (`owners`: the place of each one's policy, from 1); one that says
-- doc: the same already is not written. Without `replace` one that stands is refused.
-- param keep_bucket: notnull
WITH written AS (
    INSERT INTO named_publish_policy AS n (name, per_branch_policy, rate_limit_bucket)
    SELECT p.name, CASE WHEN NOT p.bare THEN coalesce(b.rules, '{}') END, p.bucket
      FROM unnest(:names::text[], :buckets::text[], :bare::boolean[]) WITH ORDINALITY AS p (name, bucket, bare, place)
      LEFT JOIN (SELECT e.owner, array_agg(ROW(e.role, e.mode::publish_mode, e.days)::branch_publish_policy
                                           ORDER BY e.place) AS rules
                   FROM unnest(:owners::integer[], :roles::text[], :modes::text[], :days::integer[]) WITH ORDINALITY
                        AS e (owner, role, mode, days, place)
                  GROUP BY e.owner) AS b ON b.owner = p.place
     ORDER BY p.place
    /*? replace */
    ON CONFLICT (name) DO UPDATE
       SET per_branch_policy = excluded.per_branch_policy,
           rate_limit_bucket = CASE WHEN :keep_bucket THEN n.rate_limit_bucket ELSE excluded.rate_limit_bucket END
     WHERE (n.per_branch_policy, n.rate_limit_bucket)
           IS DISTINCT FROM (excluded.per_branch_policy, CASE WHEN :keep_bucket THEN n.rate_limit_bucket
                                                              ELSE excluded.rate_limit_bucket END)
    /*?*/
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM written;

-- name: policy_delete :execrows
-- doc: Forget a policy.
DELETE FROM named_publish_policy WHERE name = :name;

-- name: policy_delete_others :execrows
-- doc: Forget all policies but these.
DELETE FROM named_publish_policy WHERE NOT (name = ANY (:names::text[]));

-- name: policy_by_name :opt
-- doc: One policy, and how many candidates follow it.
-- col per_branch_policy: open
SELECT n.name, n.per_branch_policy, n.rate_limit_bucket,
       (SELECT count(*) FROM candidate AS c WHERE c.publish_policy = n.name) AS candidates
  FROM named_publish_policy AS n
 WHERE n.name = :name;

-- name: policy_list :each
-- doc: Policies by name, from behind one on (keyset).
-- param bucket: nullable
-- param row_limit: nullable
-- col per_branch_policy: open
SELECT name, per_branch_policy, rate_limit_bucket
  FROM named_publish_policy
 WHERE (:bucket::text IS NULL OR rate_limit_bucket = :bucket)
   /*? after */ AND name > :after /*?*/
 ORDER BY name
 LIMIT :row_limit::bigint;

-- name: policy_of :opt
-- doc: What a candidate asks for: of its change set, else of none, else of any.
-- param change_set: nullable
SELECT c.id, c.command, c.change_set, p.name, p.per_branch_policy, p.rate_limit_bucket
  FROM candidate AS c
  LEFT JOIN named_publish_policy AS p ON p.name = c.publish_policy
 WHERE c.codebase = :codebase AND c.suite = :campaign
 ORDER BY coalesce(c.change_set, '') <> coalesce(:change_set::text, ''), c.change_set IS NOT NULL, c.id
 LIMIT 1;
