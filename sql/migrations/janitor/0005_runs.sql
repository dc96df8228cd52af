-- migrate: tx=yes
-- up
-- What was tried, with which result, and what people and hosting sites made of it.

CREATE TABLE public.worker (
    name text NOT NULL,
    password text NOT NULL,
    link text,
    CONSTRAINT worker_name_key UNIQUE (name)
);
COMMENT ON TABLE public.worker IS 'A machine that may fetch work and report results.';
COMMENT ON COLUMN public.worker.password IS 'Hash made by pgcrypto''s crypt(), never the password.';
COMMENT ON COLUMN public.worker.link IS 'Page about the worker, for humans.';

CREATE TABLE public.change_set (
    id text NOT NULL,
    campaign public.campaign_name NOT NULL,
    state public.change_set_state NOT NULL DEFAULT 'created',
    CONSTRAINT change_set_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE public.change_set IS
    'Runs that belong together and are published together. A run that belongs to no larger set has one of its own, with the run''s id.';
COMMENT ON COLUMN public.change_set.state IS 'Kept by triggers through refresh_change_set_state; never moves backwards.';

CREATE TABLE public.result_tag (
    actual_name text,
    revision text NOT NULL
);
CREATE INDEX result_tag_revision_idx ON public.result_tag (revision);
COMMENT ON TABLE public.result_tag IS
    'Row type of the entries of run.result_tags; the table itself stays empty. As a row type it has no NOT NULL.';

CREATE TABLE public.result_branch (
    role text NOT NULL,
    remote_name text NOT NULL,
    base_revision text NOT NULL,
    revision text NOT NULL
);
COMMENT ON TABLE public.result_branch IS
    'Row type for the branches of a run as arrays; the table itself stays empty. As a row type it has no NOT NULL.';

CREATE TYPE public.result_branch_with_policy AS (
    role text,
    remote_name text,
    base_revision text,
    revision text,
    mode public.publish_mode,
    frequency_days integer
);
COMMENT ON TYPE public.result_branch_with_policy IS 'A branch of a run beside the publication rule for its role, if there is one.';

CREATE TABLE public.run (
    id text NOT NULL,
    command text,
    description text,
    start_time timestamp,
    finish_time timestamp,
    duration interval GENERATED ALWAYS AS (finish_time - start_time) STORED,
    result_code text NOT NULL,
    instigated_context text,
    context text,
    main_branch_revision text,
    revision text,
    result json,
    suite public.suite_name NOT NULL,
    vcs_type public.vcs_type,
    branch_url text,
    logfilenames text[] NOT NULL,
    publish_status public.publish_status NOT NULL DEFAULT 'unknown',
    value integer,
    worker text,
    worker_link text,
    result_tags public.result_tag[],
    subpath text,
    failure_stage text,
    failure_details json,
    target_branch_url text,
    failure_transient boolean,
    resume_from text,
    change_set text NOT NULL,
    codebase text NOT NULL,
    CONSTRAINT run_pkey PRIMARY KEY (id),
    CONSTRAINT run_check CHECK (finish_time >= start_time),
    CONSTRAINT run_check1 CHECK (result_code <> 'nothing-new-to-do' OR resume_from IS NOT NULL),
    CONSTRAINT run_check2 CHECK (publish_status <> 'approved' OR revision IS NOT NULL),
    CONSTRAINT run_worker_fkey FOREIGN KEY (worker) REFERENCES public.worker (name),
    CONSTRAINT run_resume_from_fkey FOREIGN KEY (resume_from) REFERENCES public.run (id) ON DELETE SET NULL,
    CONSTRAINT run_change_set_fkey FOREIGN KEY (change_set) REFERENCES public.change_set (id),
    CONSTRAINT run_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name)
);
CREATE INDEX run_codebase_suite_start_time_idx ON public.run (codebase, suite, start_time DESC);
CREATE INDEX run_start_time_idx ON public.run (start_time);
CREATE INDEX run_suite_start_time_idx ON public.run (suite, start_time);
CREATE INDEX run_codebase_suite_idx ON public.run (codebase, suite);
CREATE INDEX run_suite_idx ON public.run (suite);
CREATE INDEX run_result_code_idx ON public.run (result_code);
CREATE INDEX run_revision_idx ON public.run (revision);
CREATE INDEX run_main_branch_revision_idx ON public.run (main_branch_revision);
CREATE INDEX run_change_set_idx ON public.run (change_set);
CREATE INDEX run_publish_status_idx ON public.run (publish_status);
CREATE INDEX run_suite_revision_publish_status_idx ON public.run (suite, revision, publish_status);
CREATE INDEX run_codebase_suite_start_time_result_code_idx ON public.run (codebase, suite, start_time, result_code);
COMMENT ON TABLE public.run IS 'One try of a campaign on a codebase, finished, with its result.';
COMMENT ON COLUMN public.run.id IS 'Opaque text, the log id; UUIDs by custom.';
COMMENT ON COLUMN public.run.start_time IS 'UTC, as the worker reported it.';
COMMENT ON COLUMN public.run.finish_time IS 'UTC, as the worker reported it.';
COMMENT ON COLUMN public.run.result_code IS 'success, nothing-to-do, nothing-new-to-do, or the name of a failure.';
COMMENT ON COLUMN public.run.instigated_context IS 'Context of the queue item: what the scheduler expected to find.';
COMMENT ON COLUMN public.run.context IS 'Context that the worker reported: what it did find.';
COMMENT ON COLUMN public.run.main_branch_revision IS 'Revision of the target branch that the run started from.';
COMMENT ON COLUMN public.run.revision IS 'Tip of the main result branch.';
COMMENT ON COLUMN public.run.result IS 'What the change program itself reported; stored byte for byte.';
COMMENT ON COLUMN public.run.suite IS 'The campaign.';
COMMENT ON COLUMN public.run.worker_link IS 'Never written by the runner; see worker.link.';
COMMENT ON COLUMN public.run.failure_transient IS 'True when a retry may well succeed without any change; NULL when nobody said.';
COMMENT ON COLUMN public.run.resume_from IS
    'The run whose result this one continued. A run that found nothing new must have one, so its predecessor cannot be deleted before it.';
COMMENT ON COLUMN public.run.codebase IS 'Name of the codebase.';

CREATE TABLE public.new_result_branch (
    run_id text NOT NULL,
    role text NOT NULL,
    remote_name text,
    base_revision text,
    revision text,
    absorbed boolean DEFAULT false,
    CONSTRAINT new_result_branch_run_id_role_key UNIQUE (run_id, role),
    CONSTRAINT new_result_branch_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run (id) ON DELETE CASCADE
);
CREATE INDEX new_result_branch_revision_idx ON public.new_result_branch (revision);
CREATE INDEX new_result_branch_absorbed_idx ON public.new_result_branch (absorbed);
COMMENT ON TABLE public.new_result_branch IS 'A branch that a run produced, one row per role.';
COMMENT ON COLUMN public.new_result_branch.remote_name IS 'Name of the branch in the target repository, where it has one.';
COMMENT ON COLUMN public.new_result_branch.absorbed IS
    'Whether upstream has the change. Views read NULL as no; refresh_last_run does not count a NULL as open work.';

CREATE TABLE public.last_run (
    codebase text NOT NULL,
    campaign public.campaign_name NOT NULL,
    last_run_id text,
    last_effective_run_id text,
    last_unabsorbed_run_id text,
    CONSTRAINT last_run_codebase_campaign_key UNIQUE (codebase, campaign),
    CONSTRAINT last_run_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name),
    CONSTRAINT last_run_last_run_id_fkey FOREIGN KEY (last_run_id) REFERENCES public.run (id),
    CONSTRAINT last_run_last_effective_run_id_fkey FOREIGN KEY (last_effective_run_id) REFERENCES public.run (id),
    CONSTRAINT last_run_last_unabsorbed_run_id_fkey FOREIGN KEY (last_unabsorbed_run_id) REFERENCES public.run (id)
);
COMMENT ON TABLE public.last_run IS
    'The runs that speak for a codebase in a campaign. Written by triggers only, through refresh_last_run. '
    'A run that stands here cannot be deleted before its row is.';
COMMENT ON COLUMN public.last_run.last_run_id IS 'The newest run.';
COMMENT ON COLUMN public.last_run.last_effective_run_id IS
    'The newest run that says something: looks through "nothing new" to what it resumed, and past transient failures.';
COMMENT ON COLUMN public.last_run.last_unabsorbed_run_id IS
    'The effective run while it still has a branch to land or a failure to repair; NULL when nothing is left.';

CREATE TABLE public.publish (
    id text NOT NULL,
    change_set text NOT NULL,
    source_branch_url text,
    source_branch_web_url text,
    target_branch_url text NOT NULL,
    target_branch_web_url text,
    subpath text,
    branch_name text,
    main_branch_revision text,
    revision text,
    role text,
    mode public.publish_mode NOT NULL,
    merge_proposal_url text,
    result_code text NOT NULL,
    description text,
    requester text,
    codebase text,
    timestamp timestamp DEFAULT now(),
    CONSTRAINT publish_change_set_fkey FOREIGN KEY (change_set) REFERENCES public.change_set (id),
    CONSTRAINT publish_merge_proposal_url_fkey FOREIGN KEY (merge_proposal_url) REFERENCES public.merge_proposal (url),
    CONSTRAINT publish_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name) ON DELETE SET NULL
);
CREATE INDEX publish_revision_idx ON public.publish (revision);
CREATE INDEX publish_merge_proposal_url_idx ON public.publish (merge_proposal_url);
CREATE INDEX publish_timestamp_idx ON public.publish (timestamp);
COMMENT ON TABLE public.publish IS 'An attempt to publish one branch, with its outcome. History: nothing makes the id unique.';
COMMENT ON COLUMN public.publish.revision IS 'Tip that was published; ties the row to the run that made it.';
COMMENT ON COLUMN public.publish.timestamp IS 'Meant as UTC, which the default gives only in a session whose time zone is UTC.';

CREATE TABLE public.review (
    run_id text NOT NULL,
    comment text,
    reviewer text,
    verdict public.verdict NOT NULL,
    reviewed_at timestamp NOT NULL DEFAULT now(),
    CONSTRAINT review_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run (id)
);
CREATE INDEX review_run_id_idx ON public.review (run_id);
CREATE UNIQUE INDEX review_run_id_reviewer_idx ON public.review (run_id, reviewer);
COMMENT ON TABLE public.review IS 'A verdict on a run; one per reviewer, any number of anonymous ones.';
COMMENT ON COLUMN public.review.reviewed_at IS 'Meant as UTC, which the default gives only in a session whose time zone is UTC.';

CREATE TABLE public.site_session (
    id text NOT NULL,
    timestamp timestamp NOT NULL DEFAULT now(),
    userinfo json,
    CONSTRAINT site_session_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE public.site_session IS 'Logins on the web site; each new one sweeps those older than a week.';
COMMENT ON COLUMN public.site_session.userinfo IS 'What the login provider said about the user.';

-- verify
SELECT count(*) = 10 FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  AND relname IN ('worker', 'change_set', 'result_tag', 'result_branch', 'run', 'new_result_branch', 'last_run', 'publish',
                  'review', 'site_session');

-- down
DROP TABLE public.site_session, public.review, public.publish, public.last_run, public.new_result_branch, public.run;
DROP TYPE public.result_branch_with_policy;
DROP TABLE public.result_branch, public.result_tag, public.change_set, public.worker;
