-- What was tried: storing a run, and reading runs.

-- name: run_store :one
-- doc: Everything that one run leaves behind, in one statement: a change set of its own unless it has one, the run, its
-- doc: branches, its Debian build, and its queue entry gone. Triggers run when all rows stand, so last_run sees branches.
-- param change_set: nullable
-- param queue_id: nullable
-- param build_version: nullable
-- param build_distribution: nullable
-- param build_source: nullable
-- param build_binary_packages: nullable
-- param build_lintian_result: nullable
WITH own_set AS (
    INSERT INTO change_set (id, campaign)
    SELECT :id, :campaign WHERE :change_set::text IS NULL
    ON CONFLICT DO NOTHING
    RETURNING id
), stored AS (
    INSERT INTO run (id, codebase, suite, command, description, start_time, finish_time, result_code, instigated_context,
                     context, main_branch_revision, revision, result, vcs_type, branch_url, subpath, logfilenames, value,
                     worker, result_tags, failure_stage, failure_details, target_branch_url, failure_transient,
                     resume_from, change_set)
    VALUES (:id, :codebase, :campaign, :command, :description, :start_time, :finish_time, :result_code,
            :instigated_context, :context, :main_branch_revision, :revision, :result, :vcs_type, :branch_url, :subpath,
            :logfilenames, :value, :worker, :result_tags, :failure_stage, :failure_details, :target_branch_url,
            :failure_transient, :resume_from, coalesce(:change_set, :id))
    RETURNING id
), branches AS (
    INSERT INTO new_result_branch (run_id, role, remote_name, base_revision, revision)
    SELECT stored.id, b.role, b.remote_name, b.base_revision, b.revision
      FROM stored, unnest(:branches::result_branch[]) AS b
    RETURNING role
), build AS (
    INSERT INTO debian_build (run_id, version, distribution, source, binary_packages, lintian_result)
    SELECT stored.id, :build_version::text::debversion, :build_distribution, :build_source, :build_binary_packages,
           :build_lintian_result
      FROM stored
     WHERE :build_version::text IS NOT NULL
    RETURNING run_id
), dequeued AS (
    DELETE FROM queue WHERE id = :queue_id RETURNING id
)
SELECT (SELECT count(*) FROM branches) AS branches, EXISTS (SELECT FROM build) AS built,
       EXISTS (SELECT FROM dequeued) AS dequeued
  FROM stored;

-- name: run_store_branches :execrows
-- doc: Branches alone, after their run: as the original stores them (D-04), so that last_run does not see them.
INSERT INTO new_result_branch (run_id, role, remote_name, base_revision, revision)
SELECT :id, b.role, b.remote_name, b.base_revision, b.revision
  FROM unnest(:branches::result_branch[]) AS b;

-- name: run_by_id :opt
-- doc: One run with its branches, `main` first.
-- row: run_row
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM run AS r
 WHERE r.id = :id;
