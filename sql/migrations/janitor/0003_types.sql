-- migrate: tx=yes
-- up
-- Enumerations compare and sort in the order in which their labels stand here.

CREATE TYPE public.vcs_type AS ENUM ('bzr', 'git', 'svn', 'mtn', 'hg', 'arch', 'cvs', 'darcs');
COMMENT ON TYPE public.vcs_type IS 'Version control system of a branch.';

CREATE TYPE public.merge_proposal_status AS ENUM ('open', 'closed', 'merged', 'applied', 'abandoned', 'rejected');
COMMENT ON TYPE public.merge_proposal_status IS 'State of a proposal on its hosting site.';

CREATE TYPE public.verdict AS ENUM ('approved', 'rejected', 'abstained');
COMMENT ON TYPE public.verdict IS 'What a reviewer says about a run.';

CREATE TYPE public.change_set_state AS ENUM ('created', 'working', 'ready', 'publishing', 'done');
COMMENT ON TYPE public.change_set_state IS 'Progress of a change set; it only ever moves forward, from left to right.';

CREATE TYPE public.publish_status AS ENUM
    ('unknown', 'blocked', 'needs-manual-review', 'rejected', 'approved', 'ignored');
COMMENT ON TYPE public.publish_status IS 'Whether the result of a run may be published.';

CREATE TYPE public.publish_mode AS ENUM
    ('push', 'attempt-push', 'propose', 'build-only', 'push-derived', 'skip', 'bts');
COMMENT ON TYPE public.publish_mode IS 'How one branch of a result leaves the platform.';

CREATE TYPE public.review_policy AS ENUM ('not-required', 'required');
COMMENT ON TYPE public.review_policy IS 'Whether results need a review; no column uses it.';

CREATE TYPE public.queue_bucket AS ENUM
    ('update-existing-mp', 'manual', 'control', 'hook', 'reschedule', 'update-new-mp', 'missing-deps', 'default');
COMMENT ON TYPE public.queue_bucket IS
    'Queue class. The queue is served bucket by bucket in this order; priorities count inside a bucket only.';

-- One pattern, three domains: at least two characters, no upper case, no underscore, no slash. The range + to .
-- is the four characters "+", ",", "-" and ".". NULL passes.
CREATE DOMAIN public.codebase_name AS text
    CONSTRAINT codebase_name_check CHECK (VALUE SIMILAR TO '[a-z0-9][a-z0-9+-.]+');
COMMENT ON DOMAIN public.codebase_name IS
    'Name of a codebase: two or more of a-z, 0-9, "+", ",", "-", ".", beginning with a letter or a digit.';

CREATE DOMAIN public.suite_name AS text
    CONSTRAINT suite_name_check CHECK (VALUE SIMILAR TO '[a-z0-9][a-z0-9+-.]+');
COMMENT ON DOMAIN public.suite_name IS 'Name of a campaign, in the columns that call it a suite. Same pattern as codebase_name.';

CREATE DOMAIN public.campaign_name AS text
    CONSTRAINT campaign_name_check CHECK (VALUE SIMILAR TO '[a-z0-9][a-z0-9+-.]+');
COMMENT ON DOMAIN public.campaign_name IS 'Name of a campaign. Same pattern as codebase_name.';

-- verify
SELECT count(*) = 11 FROM pg_type
WHERE typnamespace = 'public'::regnamespace
  AND typname IN ('vcs_type', 'merge_proposal_status', 'verdict', 'change_set_state', 'publish_status', 'publish_mode',
                  'review_policy', 'queue_bucket', 'codebase_name', 'suite_name', 'campaign_name');

-- down
DROP DOMAIN public.campaign_name, public.suite_name, public.codebase_name;
DROP TYPE public.queue_bucket, public.review_policy, public.publish_mode, public.publish_status,
    public.change_set_state, public.verdict, public.merge_proposal_status, public.vcs_type;
