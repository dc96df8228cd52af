-- What scheduling reads: candidates' gaps, the history of runs, averages.

-- name: schedule_gaps :each
-- doc: The candidate, if any, of each (codebase, campaign, change set) in order.
SELECT n.place, c.id IS NOT NULL AS found, c.value, c.success_chance, c.command, c.context
  FROM unnest(:codebases::text[], :campaigns::text[], :change_sets::text[]) WITH ORDINALITY
       AS n (codebase, campaign, change_set, place)
  LEFT JOIN candidate AS c
    ON c.codebase = n.codebase AND c.suite = n.campaign AND coalesce(c.change_set, '') = coalesce(n.change_set, '')
 ORDER BY n.place;

-- name: schedule_histories :each
-- doc: Runs that were not transient failures, newest first: all, or those of some codebases. One pass in the order of an
-- doc: index; to send pairs to join with costs several times as much. details: only where unsatisfied dependencies may
-- doc: matter.
-- row: schedule_histories_row
SELECT r.codebase, r.suite::text AS campaign, r.start_time, r.finish_time - r.start_time AS duration,
       r.result_code = 'success' AS success, r.result_code = 'worker-failure' AS worker_failure,
       r.instigated_context, r.context,
       CASE WHEN r.result_code = 'install-deps-unsatisfied-dependencies' THEN r.failure_details END AS details
  FROM run AS r
 WHERE r.failure_transient IS NOT TRUE
   /*? codebases */ AND r.codebase = ANY (:codebases::text[]) /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
 ORDER BY r.start_time DESC;

-- name: schedule_all_histories :each
-- doc: schedule_histories of all, as fast as they come.
-- row: schedule_histories_row
-- stream: copy
SELECT r.codebase, r.suite::text AS campaign, r.start_time, r.finish_time - r.start_time AS duration,
       r.result_code = 'success' AS success, r.result_code = 'worker-failure' AS worker_failure,
       r.instigated_context, r.context,
       CASE WHEN r.result_code = 'install-deps-unsatisfied-dependencies' THEN r.failure_details END AS details
  FROM run AS r
 WHERE r.failure_transient IS NOT TRUE
 ORDER BY r.start_time DESC;

-- name: schedule_codebase_averages :each
-- doc: The average duration of each codebase's runs that were not transient failures, in any campaign.
SELECT codebase, avg(finish_time - start_time) AS average
  FROM run
 WHERE failure_transient IS NOT TRUE AND codebase = ANY (:codebases::text[])
 GROUP BY codebase;

-- name: schedule_campaign_averages :each
-- doc: The average duration of each campaign's runs that were not transient failures, of any codebase.
SELECT suite::text AS campaign, avg(finish_time - start_time) AS average
  FROM run
 WHERE failure_transient IS NOT TRUE AND suite = ANY (:campaigns::text[])
 GROUP BY suite;

-- name: schedule_history :each
-- doc: The runs of one codebase in one campaign that were not transient failures, newest first.
-- row: schedule_histories_row
SELECT r.codebase, r.suite::text AS campaign, r.start_time, r.finish_time - r.start_time AS duration,
       r.result_code = 'success' AS success, r.result_code = 'worker-failure' AS worker_failure,
       r.instigated_context, r.context,
       CASE WHEN r.result_code = 'install-deps-unsatisfied-dependencies' THEN r.failure_details END AS details
  FROM run AS r
 WHERE r.codebase = :codebase AND r.suite = :campaign AND r.failure_transient IS NOT TRUE
 ORDER BY r.start_time DESC;

-- name: schedule_average :one
-- doc: The average duration of runs that were not transient failures, of one codebase and campaign where given.
-- param codebase: nullable
-- param campaign: nullable
SELECT avg(finish_time - start_time) AS average
  FROM run
 WHERE failure_transient IS NOT TRUE
   AND (:codebase::text IS NULL OR codebase = :codebase)
   AND (:campaign::text IS NULL OR suite = :campaign);

-- name: schedule_has_versions :one
-- doc: Is there a table of available Debian versions, and our way to it? It is not part of the schema; archives that
-- doc: have one add it.
SELECT to_regclass('public.all_debian_versions') IS NOT NULL
       AND to_regprocedure('holdfast.debian_versions(text[])') IS NOT NULL AS present;

-- name: schedule_versions :each
-- doc: The versions of these sources in that table.
SELECT source, version FROM holdfast.debian_versions(:sources::text[]);
