-- migrate: tx=yes
-- up
-- Source trees, the rules by which their results are published, and what became of it on hosting sites.

CREATE TABLE public.codebase (
    name public.codebase_name,
    branch_url text,
    url text,
    branch text,
    subpath text,
    vcs_last_revision text,
    last_scanned timestamp,
    web_url text,
    vcs_type public.vcs_type,
    value integer,
    inactive boolean NOT NULL DEFAULT false,
    -- From behind the last "://", past an optional "user@", up to the next slash.
    hostname text GENERATED ALWAYS AS (substring(branch_url FROM '.*://(?:[^/@]*@)?([^/]*)')) STORED,
    CONSTRAINT codebase_branch_url_subpath_key UNIQUE (branch_url, subpath),
    CONSTRAINT codebase_name_key UNIQUE (name),
    CONSTRAINT codebase_check CHECK (name IS NOT NULL OR branch_url IS NOT NULL),
    CONSTRAINT codebase_check1 CHECK ((branch_url IS NULL) = (url IS NULL))
);
CREATE INDEX codebase_branch_url_idx ON public.codebase (branch_url);
CREATE INDEX codebase_inactive_idx ON public.codebase (inactive);
COMMENT ON TABLE public.codebase IS
    'A source tree. There is no primary key: other tables refer to the name, and a tree known only by its URL has none.';
COMMENT ON COLUMN public.codebase.branch_url IS
    'URL of the branch with the branch name as a segment parameter; queue filters and cotenant checks read it.';
COMMENT ON COLUMN public.codebase.url IS 'URL of the repository; set exactly when branch_url is.';
COMMENT ON COLUMN public.codebase.branch IS 'Branch name inside the repository; NULL for its default branch.';
COMMENT ON COLUMN public.codebase.subpath IS
    'Directory inside the tree: empty for the root, NULL when unknown. Rows with NULL never collide on (branch_url, subpath).';
COMMENT ON COLUMN public.codebase.vcs_last_revision IS 'Tip revision seen at the last scan.';
COMMENT ON COLUMN public.codebase.last_scanned IS 'When the branch was last looked at, UTC.';
COMMENT ON COLUMN public.codebase.value IS 'How much a change here is worth, on an arbitrary scale; may be zero or negative.';
COMMENT ON COLUMN public.codebase.inactive IS 'Marked as abandoned. Scheduling does not look at it.';
COMMENT ON COLUMN public.codebase.hostname IS
    'Host (and port) of branch_url; NULL when it has no "://", empty for file URLs. Letter case is kept.';

CREATE TABLE public.merge_proposal (
    codebase text,
    url text NOT NULL,
    target_branch_url text,
    status public.merge_proposal_status,
    revision text,
    merged_by text,
    merged_at timestamp,
    last_scanned timestamp,
    can_be_merged boolean,
    rate_limit_bucket text,
    CONSTRAINT merge_proposal_pkey PRIMARY KEY (url),
    CONSTRAINT merge_proposal_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name) ON DELETE SET NULL
);
CREATE INDEX merge_proposal_revision_idx ON public.merge_proposal (revision);
CREATE INDEX merge_proposal_status_idx ON public.merge_proposal (status);
CREATE INDEX merge_proposal_status_rate_limit_bucket_idx ON public.merge_proposal (status, rate_limit_bucket);
CREATE INDEX merge_proposal_can_be_merged_idx ON public.merge_proposal (can_be_merged);
COMMENT ON TABLE public.merge_proposal IS 'A proposal on a hosting site, as of its last scan.';
COMMENT ON COLUMN public.merge_proposal.url IS 'Where a human reads the proposal; its identity.';
COMMENT ON COLUMN public.merge_proposal.revision IS 'Tip of the proposed branch; ties the proposal to the run that made it.';
COMMENT ON COLUMN public.merge_proposal.can_be_merged IS 'What the hosting site says about conflicts; NULL when it does not say.';
COMMENT ON COLUMN public.merge_proposal.rate_limit_bucket IS 'Proposals of one bucket share a limit on how many may be open.';

CREATE TABLE public.branch_publish_policy (
    role text NOT NULL,
    mode public.publish_mode DEFAULT 'build-only',
    frequency_days integer,
    CONSTRAINT branch_publish_policy_role_key UNIQUE (role)
);
COMMENT ON TABLE public.branch_publish_policy IS
    'Row type of the entries of named_publish_policy.per_branch_policy; the table itself stays empty. As a row type it has neither NOT NULL nor default.';
COMMENT ON COLUMN public.branch_publish_policy.role IS 'Which branch of a result the entry is about; main is the primary one.';
COMMENT ON COLUMN public.branch_publish_policy.frequency_days IS 'At most one publication in so many days; NULL for no limit.';

CREATE TABLE public.named_publish_policy (
    name text NOT NULL,
    per_branch_policy public.branch_publish_policy[],
    rate_limit_bucket text,
    CONSTRAINT named_publish_policy_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE public.named_publish_policy IS 'A set of publication rules that candidates name.';
COMMENT ON COLUMN public.named_publish_policy.per_branch_policy IS 'One entry per role; a role without an entry has no mode.';

-- verify
SELECT to_regclass('public.codebase') IS NOT NULL AND to_regclass('public.named_publish_policy') IS NOT NULL;

-- down
DROP TABLE public.named_publish_policy, public.branch_publish_policy, public.merge_proposal, public.codebase;
