-- What was published, or was tried to be.

-- name: publish_store :one
-- doc: A try to publish a branch of a run, with what follows from a success: its merge proposal is open, or its branch is
-- doc: absorbed when it was pushed. Triggers run when all rows stand and ask of last_run what of the change set is
-- doc: unpublished, so that hears of the branch first; where nobody knew whether it had landed it hears unless `deaf`.
-- param run_id: nullable
-- param merge_proposal_url: nullable
-- param deaf: notnull
WITH proposed AS (
    INSERT INTO merge_proposal (url, status, revision, last_scanned, target_branch_url, codebase)
    SELECT :merge_proposal_url, 'open', :revision, now() AT TIME ZONE 'UTC', :target_branch_url, :codebase
     WHERE :result_code = 'success' AND :merge_proposal_url::text IS NOT NULL
    ON CONFLICT (url) DO UPDATE
       SET revision = excluded.revision, last_scanned = excluded.last_scanned,
           target_branch_url = excluded.target_branch_url, codebase = excluded.codebase
    RETURNING xmax = 0 AS inserted
), stands AS (
    SELECT run_id, role, absorbed
      FROM new_result_branch
     WHERE run_id = :run_id AND role = :role AND absorbed IS NOT TRUE
       AND :result_code = 'success' AND :mode = 'push'::publish_mode
       FOR UPDATE
), absorbed AS (
    UPDATE new_result_branch AS b
       SET absorbed = true
      FROM stands
     WHERE b.run_id = stands.run_id AND b.role = stands.role
    RETURNING b.run_id, stands.absorbed IS NOT NULL AS known
), heard AS (
    SELECT refresh_last_run(run_id) FROM absorbed WHERE known OR NOT :deaf
), stored AS (
    INSERT INTO publish (id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url,
                         target_branch_web_url, subpath, branch_name, main_branch_revision, revision, role, mode,
                         merge_proposal_url, result_code, description, requester, timestamp)
    SELECT :id, :change_set, :codebase, :source_branch_url, :source_branch_web_url, :target_branch_url,
           :target_branch_web_url, :subpath, :branch_name, :main_branch_revision, :revision, :role, :mode,
           :merge_proposal_url, :result_code, :description, :requester, now() AT TIME ZONE 'UTC'
      FROM (SELECT count(*) FROM proposed) AS first, (SELECT count(*) FROM heard) AS second
    RETURNING id
)
SELECT EXISTS (SELECT FROM proposed WHERE inserted) AS proposed, EXISTS (SELECT FROM absorbed) AS absorbed FROM stored;

-- name: publish_by_id :opt
-- doc: One try; the newest where several have that id.
-- row: publish_row
-- col mode: open
SELECT id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url, target_branch_web_url,
       subpath, branch_name, main_branch_revision, revision, role, mode, merge_proposal_url, result_code, description,
       requester, timestamp
  FROM publish
 WHERE id = :id
 ORDER BY timestamp DESC
 LIMIT 1;

-- name: publish_last :opt
-- doc: The newest success of a codebase in a campaign: the one with the revision of a run of theirs.
-- row: publish_row
-- col revision: nullable
-- col mode: open
SELECT p.id, p.change_set, p.codebase, p.source_branch_url, p.source_branch_web_url, p.target_branch_url,
       p.target_branch_web_url, p.subpath, p.branch_name, p.main_branch_revision, p.revision, p.role, p.mode,
       p.merge_proposal_url, p.result_code, p.description, p.requester, p.timestamp
  FROM run AS r
  JOIN publish AS p ON p.revision = r.revision
 WHERE r.codebase = :codebase AND r.suite = :campaign AND p.result_code = 'success'
 ORDER BY p.timestamp DESC, p.id DESC
 LIMIT 1;

-- name: publish_list :each
-- doc: Tries that pass the filters, the newest first (one without a time counts as newest), from behind one on (keyset):
-- doc: `after` when that one has a time, `after_unknown` when it has none. A campaign is that of a run with the revision.
-- row: publish_row
-- param mode: nullable
-- param result_code: nullable
-- param codebase: nullable
-- param change_set: nullable
-- param role: nullable
-- param row_limit: nullable
-- col mode: open
SELECT p.id, p.change_set, p.codebase, p.source_branch_url, p.source_branch_web_url, p.target_branch_url,
       p.target_branch_web_url, p.subpath, p.branch_name, p.main_branch_revision, p.revision, p.role, p.mode,
       p.merge_proposal_url, p.result_code, p.description, p.requester, p.timestamp
  FROM publish AS p
 WHERE (:mode::publish_mode IS NULL OR p.mode = :mode)
   AND (:result_code::text IS NULL OR p.result_code = :result_code)
   AND (:codebase::text IS NULL OR p.codebase = :codebase)
   AND (:change_set::text IS NULL OR p.change_set = :change_set)
   AND (:role::text IS NULL OR p.role = :role)
   /*? revision */ AND p.revision = :revision /*?*/
   /*? merge_proposal_url */ AND p.merge_proposal_url = :merge_proposal_url /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/
   /*? after */ AND (p.timestamp, p.id) < (:after_time, :after_id) /*?*/
   /*? after_unknown */ AND (p.timestamp IS NOT NULL OR p.id < :after_id) /*?*/
 ORDER BY p.timestamp DESC, p.id DESC
 LIMIT :row_limit::bigint;

-- name: publish_count :one
-- doc: How many tries pass the filters of publish_list.
-- param mode: nullable
-- param result_code: nullable
-- param codebase: nullable
-- param change_set: nullable
-- param role: nullable
SELECT count(*) AS publishes
  FROM publish AS p
 WHERE (:mode::publish_mode IS NULL OR p.mode = :mode)
   AND (:result_code::text IS NULL OR p.result_code = :result_code)
   AND (:codebase::text IS NULL OR p.codebase = :codebase)
   AND (:change_set::text IS NULL OR p.change_set = :change_set)
   AND (:role::text IS NULL OR p.role = :role)
   /*? revision */ AND p.revision = :revision /*?*/
   /*? merge_proposal_url */ AND p.merge_proposal_url = :merge_proposal_url /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/;

-- name: publish_attempts :one
-- doc: How often it was tried to publish a revision, without tries that failed for want of the differ.
SELECT count(*) AS attempts FROM publish WHERE revision = :revision AND result_code <> 'differ-unreachable';

-- name: publish_tallies :each
-- doc: How many tries of which mode had which result, the most frequent first.
-- col mode: open
SELECT p.mode, p.result_code, count(*) AS publishes, count(DISTINCT p.codebase) AS codebases, max(p.timestamp) AS newest
  FROM publish AS p
 /*? campaign */ WHERE EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/
 GROUP BY p.mode, p.result_code
 ORDER BY publishes DESC, p.mode, p.result_code;
