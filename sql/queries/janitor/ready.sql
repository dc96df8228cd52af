-- What waits to be published, what keeps it, what has arrived.

-- name: ready_place :opt
-- doc: Where a page of runs that wait goes on.
SELECT s.state = 'publishing' AS publishing, coalesce(r.value::bigint, -2147483649) AS value,
       coalesce(r.finish_time, 'infinity') AS finish_time
  FROM run AS r
  JOIN change_set AS s ON s.id = r.change_set
 WHERE r.id = :run_id;

-- name: ready_list :each
-- doc: Runs with a branch that has not landed, and the policy of their candidate: those of a change set that is being
-- doc: published first, then the most valuable, then the newest, from behind one on (keyset). `due`: approved, the
-- doc: change set ready, and a mode that publishes. `once`: by the candidate of the run's change set, else the one of none;
-- doc: without it a run comes once for each candidate.
-- col publish_status: open  -- col change_set_state: open  -- col unpublished_branches: open
-- param due: notnull
-- param row_limit: nullable
SELECT /*? once */ DISTINCT ON (p.change_set_state = 'publishing', coalesce(p.value::bigint, -2147483649),
                                coalesce(p.finish_time, 'infinity'), p.id) /*?*/
       p.id, p.codebase, p.suite::text AS campaign, p.command, p.policy_command, p.publish_policy_name,
       p.rate_limit_bucket, p.publish_status, p.change_set, p.change_set_state, p.value, p.finish_time, p.revision,
       p.main_branch_revision, p.branch_url, p.target_branch_url, p.unpublished_branches
  FROM publish_ready AS p
 WHERE (NOT :due OR (p.publish_status = 'approved' AND p.change_set_state IN ('ready', 'publishing')
                     AND EXISTS (SELECT FROM unnest(p.unpublished_branches) AS b
                                  WHERE b.mode IN ('propose', 'attempt-push', 'push-derived', 'push'))))
   /*? once */ AND (p.policy_command, p.publish_policy_name)
                   = (SELECT c.command, c.publish_policy
                        FROM candidate AS c
                       WHERE c.codebase = p.codebase AND c.suite = p.suite
                         AND (c.change_set IS NULL OR c.change_set = p.change_set)
                       ORDER BY c.change_set IS NULL
                       LIMIT 1) /*?*/
   /*? run_id */ AND p.id = :run_id /*?*/
   /*? codebase */ AND p.codebase = :codebase /*?*/
   /*? campaign */ AND p.suite = :campaign /*?*/
   /*? after */ AND (p.change_set_state = 'publishing', coalesce(p.value::bigint, -2147483649),
                     coalesce(p.finish_time, 'infinity'), p.id)
                  < (:after_publishing, :after_value::bigint, :after_time::timestamp, :after_id) /*?*/
 ORDER BY p.change_set_state = 'publishing' DESC, coalesce(p.value::bigint, -2147483649) DESC,
          coalesce(p.finish_time, 'infinity') DESC, p.id DESC
 LIMIT :row_limit::bigint;

-- name: ready_blockers :opt
-- doc: All that decides whether a run is published. A status that is newer than the program is one that it is not.
-- col publish_status: open  -- col change_set_state: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.result_code, r.command, r.publish_status, r.finish_time,
       b.inactive, c.id AS candidate, c.command AS policy_command, c.publish_policy, p.rate_limit_bucket,
       s.id AS change_set, s.state AS change_set_state, now() AT TIME ZONE 'UTC' AS at,
       l.last_effective_run_id IS NOT DISTINCT FROM r.id AS effective, l.last_effective_run_id,
       (SELECT count(*) FROM publish AS t
         WHERE t.revision = r.revision AND t.result_code <> 'differ-unreachable') AS attempts,
       (SELECT count(*) FROM new_result_branch AS n WHERE n.run_id = r.id AND n.absorbed IS NOT TRUE) AS branches,
       (SELECT count(*) FROM new_result_branch AS n JOIN unnest(p.per_branch_policy) AS rule ON rule.role = n.role
         WHERE n.run_id = r.id AND n.absorbed IS NOT TRUE
           AND rule.mode IN ('propose', 'attempt-push', 'push-derived', 'push')) AS publishable,
       (SELECT count(*) FROM merge_proposal AS m
         WHERE m.status = 'open' AND m.rate_limit_bucket = p.rate_limit_bucket) AS open_proposals,
       (SELECT m.url
          FROM run AS o
          JOIN merge_proposal AS m ON m.revision = o.revision
         WHERE m.status IN ('rejected', 'closed')
           AND o.id = (SELECT q.id
                         FROM run AS q
                         JOIN merge_proposal AS d ON d.revision = q.revision
                        WHERE q.codebase = r.codebase AND q.suite = r.suite AND q.result_code = 'success'
                          AND d.status NOT IN ('open', 'abandoned')
                        ORDER BY q.finish_time DESC, q.id DESC
                        LIMIT 1)
         ORDER BY m.url
         LIMIT 1) AS refused_proposal
  FROM run AS r
  JOIN change_set AS s ON s.id = r.change_set
  JOIN codebase AS b ON b.name = r.codebase
  LEFT JOIN last_run AS l ON l.codebase = r.codebase AND l.campaign = r.suite
  LEFT JOIN LATERAL (SELECT k.id, k.command, k.publish_policy
                       FROM candidate AS k
                      WHERE k.codebase = r.codebase AND k.suite = r.suite
                        AND (k.change_set IS NULL OR k.change_set = r.change_set)
                      ORDER BY k.change_set IS NULL
                      LIMIT 1) AS c ON true
  LEFT JOIN named_publish_policy AS p ON p.name = c.publish_policy
 WHERE r.id = :run_id;

-- name: absorbed_list :each
-- doc: Runs whose change arrived, the newest arrival first (those without a time last), from behind one on (keyset).
-- doc: `landed`: of proposals those that were merged or applied.
-- param row_limit: nullable
SELECT a.mode, a.id, a.codebase, a.campaign::text AS campaign, a.change_set, a.revision, a.delay, a.absorbed_at,
       a.merged_by, a.merge_proposal_url, a.result
  FROM absorbed_runs AS a
 WHERE true
   /*? landed */ AND (a.mode <> 'propose' OR EXISTS (SELECT FROM merge_proposal AS m
                                                      WHERE m.url = a.merge_proposal_url
                                                        AND m.status IN ('merged', 'applied'))) /*?*/
   /*? codebase */ AND a.codebase = :codebase /*?*/
   /*? campaign */ AND a.campaign = :campaign /*?*/
   /*? since */ AND a.absorbed_at >= :since /*?*/
   /*? after */ AND (coalesce(a.absorbed_at, '-infinity'), a.id, a.mode, coalesce(a.merge_proposal_url, ''))
                  < (:after_time::timestamp, :after_id, :after_mode::text, :after_url::text) /*?*/
 ORDER BY coalesce(a.absorbed_at, '-infinity') DESC, a.id DESC, a.mode DESC, coalesce(a.merge_proposal_url, '') DESC
 LIMIT :row_limit::bigint;
