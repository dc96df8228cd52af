-- Branches that runs made, runs that go, and what follows up on runs.

-- name: branch_list :each
-- doc: Branches that pass the filters, by run and role, from behind one on (keyset).
-- param row_limit: nullable
SELECT b.run_id, r.codebase, r.suite::text AS campaign, b.role, b.remote_name, b.base_revision, b.revision, b.absorbed
  FROM new_result_branch AS b
  JOIN run AS r ON r.id = b.run_id
 WHERE true
   /*? run_id */ AND b.run_id = :run_id /*?*/
   /*? revision */ AND b.revision = :revision /*?*/
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? absorbed */ AND coalesce(b.absorbed, false) = :absorbed /*?*/
   /*? after */ AND (b.run_id, b.role) > (:after_run, :after_role) /*?*/
 ORDER BY b.run_id, b.role
 LIMIT :row_limit::bigint;

-- name: branch_set_absorbed :opt
-- doc: Say whether a branch has landed; what was known until then.
-- idempotent: yes
-- param absorbed: notnull
WITH stands AS (
    SELECT run_id, role, absorbed FROM new_result_branch WHERE run_id = :run_id AND role = :role FOR UPDATE
)
UPDATE new_result_branch AS b
   SET absorbed = :absorbed
  FROM stands
 WHERE b.run_id = stands.run_id AND b.role = stands.role
RETURNING stands.absorbed AS before;

-- name: branch_refresh_last_run :exec
-- doc: Let last_run see what became of the branches of a run.
SELECT refresh_last_run(id) FROM run WHERE id = :run_id;

-- name: branch_delete_run :opt
-- doc: Remove a run with its branches. `own_last_run`: it may be the one that speaks for its codebase and campaign, for
-- doc: which another one speaks then. `parts`: what says something of it goes, too.
-- param own_last_run: notnull
-- param parts: notnull
WITH last AS (
    DELETE FROM last_run AS l
     USING run AS r
     WHERE r.id = :id AND l.codebase = r.codebase AND l.campaign = r.suite AND :own_last_run
), builds AS (
    DELETE FROM debian_build WHERE run_id = :id AND :parts RETURNING run_id
), reviews AS (
    DELETE FROM review WHERE run_id = :id AND :parts RETURNING run_id
), followups AS (
    DELETE FROM followup WHERE origin = :id AND :parts RETURNING origin
)
DELETE FROM run
 WHERE id = :id
RETURNING codebase, suite::text AS campaign, change_set, (SELECT count(*) FROM builds) AS builds,
          (SELECT count(*) FROM reviews) AS reviews, (SELECT count(*) FROM followups) AS followups;

-- name: branch_followups :each
-- doc: Candidates that are the consequence of runs, by run and candidate, from behind one on (keyset).
-- param row_limit: nullable
SELECT f.origin, c.id AS candidate, c.codebase, c.suite::text AS campaign, c.change_set
  FROM followup AS f
  JOIN candidate AS c ON c.id = f.candidate
 WHERE true
   /*? run_id */ AND f.origin = :run_id /*?*/
   /*? candidate */ AND f.candidate = :candidate /*?*/
   /*? after */ AND (f.origin, f.candidate) > (:after_run, :after_candidate) /*?*/
 ORDER BY f.origin, f.candidate
 LIMIT :row_limit::bigint;

-- name: branch_followup_delete :execrows
-- doc: Forget that a candidate is the consequence of a run.
DELETE FROM followup WHERE origin = :run_id AND candidate = :candidate;
