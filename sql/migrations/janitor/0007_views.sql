-- migrate: tx=yes
-- up

CREATE VIEW public.last_runs AS
SELECT run.* FROM public.last_run JOIN public.run ON run.id = last_run.last_run_id;
COMMENT ON VIEW public.last_runs IS 'The newest run of each codebase and campaign.';

CREATE VIEW public.last_effective_runs AS
SELECT run.* FROM public.last_run JOIN public.run ON run.id = last_run.last_effective_run_id;
COMMENT ON VIEW public.last_effective_runs IS 'The run that counts for each codebase and campaign; see last_run.last_effective_run_id.';

CREATE VIEW public.last_unabsorbed_runs AS
SELECT run.* FROM public.last_run JOIN public.run ON run.id = last_run.last_unabsorbed_run_id;
COMMENT ON VIEW public.last_unabsorbed_runs IS 'The effective runs with something left to land or to repair.';

CREATE VIEW public.campaigns AS
SELECT DISTINCT suite AS name FROM public.run;
COMMENT ON VIEW public.campaigns IS 'Campaigns that have ever run.';

CREATE VIEW public.perpetual_candidates AS
SELECT suite, codebase FROM public.candidate
UNION
SELECT suite, codebase FROM public.run;
COMMENT ON VIEW public.perpetual_candidates IS 'Every pair that is a candidate or ever ran.';

CREATE VIEW public.first_run_time AS
SELECT DISTINCT ON (codebase, suite) codebase, suite, start_time
FROM public.run
ORDER BY codebase, suite;
COMMENT ON VIEW public.first_run_time IS
    'The start of one run of each codebase and campaign. Of which is not defined: it need not be the first.';

CREATE VIEW public.queue_positions AS
SELECT
    id,
    codebase,
    suite,
    row_number() OVER place AS position,
    sum(estimated_duration) OVER place - coalesce(estimated_duration, interval '0') AS wait_time
FROM public.queue
WINDOW place AS (ORDER BY bucket, priority, id)
ORDER BY bucket, priority, id;
COMMENT ON VIEW public.queue_positions IS 'The queue in the order of service.';
COMMENT ON COLUMN public.queue_positions.position IS 'From 1, over the whole queue.';
COMMENT ON COLUMN public.queue_positions.wait_time IS
    'Sum of the estimates ahead, for a single worker. Items without an estimate add nothing, and it is NULL until the first item that has one.';

CREATE VIEW public.publish_ready AS
SELECT
    run.id,
    run.command,
    run.start_time,
    run.finish_time,
    run.duration,
    run.description,
    run.result_code,
    run.main_branch_revision,
    run.revision,
    run.context,
    run.result,
    run.suite,
    run.instigated_context,
    run.vcs_type,
    run.branch_url,
    run.logfilenames,
    run.worker,
    ARRAY(
        SELECT ROW(branch.role, branch.remote_name, branch.base_revision, branch.revision)::public.result_branch
        FROM public.new_result_branch AS branch
        WHERE branch.run_id = run.id
    ) AS result_branches,
    run.result_tags,
    run.value,
    candidate.command AS policy_command,
    policy.name AS publish_policy_name,
    policy.rate_limit_bucket,
    run.publish_status,
    ARRAY(
        SELECT ROW(branch.role, branch.remote_name, branch.base_revision, branch.revision,
                   entry.mode, entry.frequency_days)::public.result_branch_with_policy
        FROM public.new_result_branch AS branch
            LEFT JOIN unnest(policy.per_branch_policy) AS entry ON entry.role = branch.role
        WHERE branch.run_id = run.id AND branch.absorbed IS NOT TRUE
        ORDER BY branch.role = 'main'
    ) AS unpublished_branches,
    run.target_branch_url,
    run.change_set,
    change_set.state AS change_set_state,
    run.failure_transient,
    run.failure_stage,
    run.codebase
FROM public.last_effective_runs AS run
    JOIN public.candidate ON candidate.codebase = run.codebase AND candidate.suite = run.suite
    JOIN public.named_publish_policy AS policy ON policy.name = candidate.publish_policy
    JOIN public.change_set ON change_set.id = run.change_set
WHERE run.result_code = 'success'
    AND EXISTS (
        SELECT FROM public.new_result_branch AS branch
        WHERE branch.run_id = run.id AND branch.absorbed IS NOT TRUE
    );
COMMENT ON VIEW public.publish_ready IS
    'Effective successful runs with a branch that has not landed, and the rules for publishing it. '
    'Approval is not looked at: see publish_status. A pair with candidates in several change sets appears once for each.';
COMMENT ON COLUMN public.publish_ready.result_branches IS 'All branches of the run, in no order.';
COMMENT ON COLUMN public.publish_ready.policy_command IS 'What the candidate asks for now, which may differ from what ran.';
COMMENT ON COLUMN public.publish_ready.unpublished_branches IS
    'The branches that have not landed, main last, each with the rule for its role (NULL without one).';

CREATE VIEW public.change_set_todo AS
SELECT candidate.*
FROM public.candidate
WHERE candidate.change_set IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM public.last_effective_runs AS run
        WHERE run.change_set = candidate.change_set
            AND run.codebase = candidate.codebase
            AND run.suite = candidate.suite
            AND run.result_code IN ('success', 'nothing-to-do')
    );
COMMENT ON VIEW public.change_set_todo IS 'Candidates of a change set that have not been dealt with yet.';

CREATE VIEW public.change_set_unpublished AS
SELECT run.change_set, run.id, branch.role
FROM public.last_unabsorbed_runs AS run
    JOIN public.new_result_branch AS branch ON branch.run_id = run.id
WHERE run.result_code = 'success' AND branch.absorbed IS NOT TRUE;
COMMENT ON VIEW public.change_set_unpublished IS 'Branches of a change set that have not landed.';

CREATE VIEW public.absorbed_runs AS
SELECT
    'propose' AS mode,
    run.change_set,
    run.codebase,
    proposal.merged_at - run.finish_time AS delay,
    run.suite AS campaign,
    run.result::jsonb AS result,
    run.id,
    proposal.merged_at AS absorbed_at,
    proposal.merged_by,
    proposal.url AS merge_proposal_url,
    run.revision
FROM public.merge_proposal AS proposal JOIN public.run ON run.revision = proposal.revision
WHERE run.result_code = 'success' AND run.suite NOT IN ('unchanged', 'control')
UNION
SELECT
    'push',
    run.change_set,
    run.codebase,
    publish.timestamp - run.finish_time,
    run.suite,
    run.result::jsonb,
    run.id,
    publish.timestamp,
    NULL,
    NULL,
    run.revision
FROM public.publish JOIN public.run ON run.revision = publish.revision
WHERE publish.mode = 'push' AND publish.result_code = 'success'
    AND run.result_code = 'success' AND run.suite NOT IN ('unchanged', 'control');
COMMENT ON VIEW public.absorbed_runs IS
    'Successful runs whose change was pushed, or proposed: proposals are listed whatever their status, with NULL times until they merge.';
COMMENT ON COLUMN public.absorbed_runs.delay IS 'From the end of the run to its arrival.';

-- verify
SELECT count(*) = 11 FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
  AND relname IN ('last_runs', 'last_effective_runs', 'last_unabsorbed_runs', 'campaigns', 'perpetual_candidates',
                  'first_run_time', 'queue_positions', 'publish_ready', 'change_set_todo', 'change_set_unpublished',
                  'absorbed_runs');

-- down
DROP VIEW public.absorbed_runs, public.change_set_unpublished, public.change_set_todo, public.publish_ready,
    public.queue_positions, public.first_run_time, public.perpetual_candidates, public.campaigns,
    public.last_unabsorbed_runs, public.last_effective_runs, public.last_runs;
