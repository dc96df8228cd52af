-- What people say about runs.

-- name: review_subject :opt
-- doc: The run that a review is about.
SELECT codebase, suite::text AS campaign, revision IS NOT NULL AS has_a_revision FROM run WHERE id = :run_id;

-- name: review_put :execrows
-- doc: Reviews; each takes the place of what the same reviewer said of the run before, and of two here the last counts.
WITH said AS MATERIALIZED (
    SELECT n.*
      FROM unnest(:run_ids::text[], :comments::text[], :reviewers::text[], :verdicts::text[], :times::timestamp[])
           WITH ORDINALITY AS n (run_id, comment, reviewer, verdict, at, place)
)
INSERT INTO review (run_id, comment, reviewer, verdict, reviewed_at)
SELECT s.run_id, s.comment, s.reviewer, s.verdict::verdict, coalesce(s.at, now() AT TIME ZONE 'UTC')
  FROM said AS s
 WHERE NOT EXISTS (SELECT FROM said AS l WHERE l.run_id = s.run_id AND l.reviewer = s.reviewer AND l.place > s.place)
 ORDER BY s.place
ON CONFLICT (run_id, reviewer) DO UPDATE
   SET verdict = excluded.verdict, comment = excluded.comment, reviewed_at = excluded.reviewed_at;

-- name: review_delete :execrows
-- doc: Forget what a reviewer, or everybody without a name, said of a run.
-- param reviewer: nullable
DELETE FROM review WHERE run_id = :run_id AND reviewer IS NOT DISTINCT FROM :reviewer;

-- name: review_list :each
-- doc: Reviews that pass the filters, the newest first, from behind one on (keyset).
-- param reviewer: nullable
-- param verdict: nullable
-- param row_limit: nullable
-- col verdict: open
SELECT v.run_id, r.codebase, r.suite::text AS campaign, v.verdict, v.comment, v.reviewer, v.reviewed_at
  FROM review AS v
  JOIN run AS r ON r.id = v.run_id
 WHERE (:reviewer::text IS NULL OR v.reviewer = :reviewer)
   AND (:verdict::verdict IS NULL OR v.verdict = :verdict)
   /*? run_id */ AND v.run_id = :run_id /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? after */ AND (v.reviewed_at, v.run_id, coalesce(v.reviewer, ''))
                  < (:after_time, :after_run, :after_reviewer::text) /*?*/
 ORDER BY v.reviewed_at DESC, v.run_id DESC, coalesce(v.reviewer, '') DESC
 LIMIT :row_limit::bigint;

-- name: review_value :opt
-- doc: Where a page of runs to review goes on.
SELECT coalesce(value, 0) AS value FROM run WHERE id = :run_id;

-- name: review_pending :each
-- doc: Runs that could be published and need a review, the most valuable first, from behind one on (keyset).
-- param row_limit: nullable
-- col publish_status: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.publish_status, r.value, r.finish_time, r.description,
       (SELECT count(*) FROM review AS v WHERE v.run_id = r.id) AS reviews
  FROM run AS r
 WHERE (r.publish_status = 'needs-manual-review' OR (:unknown_too::boolean AND r.publish_status = 'unknown'))
   AND r.id IN (SELECT p.id FROM publish_ready AS p)
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? reviewer */ AND NOT EXISTS (SELECT FROM review AS v WHERE v.run_id = r.id AND v.reviewer = :reviewer) /*?*/
   /*? after */ AND (coalesce(r.value, 0), r.id) < (:after_value, :after_id) /*?*/
 ORDER BY coalesce(r.value, 0) DESC, r.id DESC
 LIMIT :row_limit::bigint;

-- name: review_stats :each
-- doc: What was said how often in each campaign.
SELECT r.suite::text AS campaign, count(*) AS total, count(DISTINCT v.run_id) AS runs,
       count(DISTINCT v.reviewer) AS reviewers,
       count(*) FILTER (WHERE v.verdict = 'approved') AS approved,
       count(*) FILTER (WHERE v.verdict = 'rejected') AS rejected,
       count(*) FILTER (WHERE v.verdict = 'abstained') AS abstained
  FROM review AS v
  JOIN run AS r ON r.id = v.run_id
 /*? campaign */ WHERE r.suite = :campaign /*?*/
 GROUP BY r.suite
 ORDER BY campaign;
