-- What was tried: storing a run, and reading runs.

-- name: run_store :batch
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
-- col vcs_type: open  -- col publish_status: open
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

-- name: run_last :opt
-- doc: The newest run of a codebase in a campaign (which 0), the newest that counts (1), or that one while something of
-- doc: it is still to be absorbed (2).
-- row: run_row
-- col vcs_type: open  -- col publish_status: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM last_run AS l
  JOIN run AS r
    ON r.id = CASE :which::integer WHEN 0 THEN l.last_run_id
                                   WHEN 1 THEN l.last_effective_run_id
                                   ELSE l.last_unabsorbed_run_id END
 WHERE l.codebase = :codebase AND l.campaign = :campaign;

-- name: run_list :each
-- doc: Runs that pass the filters, the newest start first (one without a start counts as newest), from behind a run on
-- doc: (keyset): `after` when that run has a start, `after_unknown` when it has none.
-- row: run_row
-- param result_code: nullable
-- param worker: nullable
-- param publish_status: nullable
-- param failure_stage: nullable
-- param row_limit: nullable
-- col vcs_type: open  -- col publish_status: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM run AS r
 WHERE (:result_code::text IS NULL OR r.result_code = :result_code)
   AND (:worker::text IS NULL OR r.worker = :worker)
   AND (:publish_status::publish_status IS NULL OR r.publish_status = :publish_status)
   AND (:failure_stage::text IS NULL OR r.failure_stage = :failure_stage)
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? change_set */ AND r.change_set = :change_set /*?*/
   /*? after */ AND (r.start_time, r.id) < (:after_time, :after_id) /*?*/
   /*? after_unknown */ AND (r.start_time IS NOT NULL OR r.id < :after_id) /*?*/
 ORDER BY r.start_time DESC, r.id DESC
 LIMIT :row_limit::bigint;

-- name: run_finished :each
-- doc: Runs that ended at `since` or later, or without that `ago` before now or later, the earliest end first, from behind
-- doc: one on (keyset: its end and id). Those that took longer than `longest` are not looked for: the index goes by the
-- doc: start. Those without a start are.
-- row: run_row
-- param since: nullable
-- param row_limit: nullable
-- col start_time: nullable  -- col finish_time: nullable
-- col vcs_type: open  -- col publish_status: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM run AS r
 WHERE r.finish_time >= coalesce(:since::timestamp, now() AT TIME ZONE 'UTC' - :ago::interval)
   AND (r.start_time >= coalesce(:since, now() AT TIME ZONE 'UTC' - :ago) - :longest::interval OR r.start_time IS NULL)
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? result_code */ AND r.result_code = :result_code /*?*/
   /*? after */ AND (r.finish_time, r.id) > (:after_time, :after_id) /*?*/
 ORDER BY r.finish_time, r.id
 LIMIT :row_limit::bigint;

-- name: run_timeless :each
-- doc: Runs without an end that began `ago` and `longest` before now or later, or nobody knows when, by id, from behind
-- doc: one on (keyset).
-- row: run_row
-- param row_limit: nullable
-- col start_time: nullable  -- col finish_time: nullable
-- col vcs_type: open  -- col publish_status: open
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM run AS r
 WHERE r.finish_time IS NULL
   AND (r.start_time >= now() AT TIME ZONE 'UTC' - :ago::interval - :longest::interval OR r.start_time IS NULL)
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? result_code */ AND r.result_code = :result_code /*?*/
   /*? after */ AND r.id > :after_id /*?*/
 ORDER BY r.id
 LIMIT :row_limit::bigint;

-- name: run_start :opt
-- doc: When a run started: where a page goes on.
SELECT start_time FROM run WHERE id = :id;

-- name: run_result_codes :each
-- doc: How many runs had which result, the most frequent first.
SELECT result_code, count(*) AS runs, count(DISTINCT codebase) AS codebases, max(start_time) AS newest
  FROM run /*? campaign */ WHERE suite = :campaign /*?*/
 GROUP BY result_code
 ORDER BY runs DESC, result_code;

-- name: run_failure_stages :each
-- doc: In which stage how many runs failed, the most frequent first; NULL where nobody said.
SELECT failure_stage, count(*) AS runs, count(DISTINCT codebase) AS codebases, max(start_time) AS newest
  FROM run
 WHERE result_code NOT IN ('success', 'nothing-to-do', 'nothing-new-to-do')
   /*? campaign */ AND suite = :campaign /*?*/
 GROUP BY failure_stage
 ORDER BY runs DESC, failure_stage;

-- name: run_set_publish_status :opt
-- doc: Set whether a run may be published; what it was until then. The row is written also where nothing changes.
-- idempotent: yes
-- param publish_status: notnull
-- col before: open
WITH stands AS (SELECT id, publish_status FROM run WHERE id = :id FOR UPDATE)
UPDATE run AS r
   SET publish_status = :publish_status
  FROM stands
 WHERE r.id = stands.id
RETURNING r.codebase, r.suite::text AS campaign, stands.publish_status AS before;

-- name: run_update :execrows
-- doc: Correct parts of what a run says of itself. Triggers choose anew which run speaks for its codebase.
-- idempotent: yes
-- param result_code: nullable
-- param description: nullable
-- param failure_stage: nullable
-- param failure_details: nullable
-- param failure_transient: nullable
-- param logfilenames: nullable
UPDATE run
   SET result_code = CASE WHEN :set_result::boolean THEN :result_code ELSE result_code END,
       description = CASE WHEN :set_result THEN :description ELSE description END,
       failure_stage = CASE WHEN :set_failure::boolean THEN :failure_stage ELSE failure_stage END,
       failure_details = CASE WHEN :set_failure THEN :failure_details ELSE failure_details END,
       failure_transient = CASE WHEN :set_failure THEN :failure_transient ELSE failure_transient END,
       logfilenames = CASE WHEN :set_logs::boolean THEN :logfilenames ELSE logfilenames END
 WHERE id = :id;
