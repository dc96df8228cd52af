-- migrate: tx=yes
-- up
-- What is worth trying, and what will be tried next.

CREATE TABLE public.queue (
    id serial NOT NULL,
    bucket public.queue_bucket NOT NULL DEFAULT 'default',
    codebase text NOT NULL,
    branch_url text,
    suite public.suite_name NOT NULL,
    command text,
    priority bigint NOT NULL DEFAULT 0,
    context text,
    estimated_duration interval,
    refresh boolean DEFAULT false,
    requester text,
    change_set text,
    CONSTRAINT queue_command_check CHECK (command <> ''),
    CONSTRAINT queue_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name) ON DELETE CASCADE,
    CONSTRAINT queue_change_set_fkey FOREIGN KEY (change_set) REFERENCES public.change_set (id) ON DELETE CASCADE
);
-- One place per codebase, campaign and change set; no change set counts as one.
CREATE UNIQUE INDEX queue_codebase_suite_set ON public.queue (codebase, suite, coalesce(change_set, ''));
CREATE INDEX queue_change_set_idx ON public.queue (change_set);
CREATE INDEX queue_priority_id_idx ON public.queue (priority, id);
CREATE INDEX queue_bucket_priority_id_idx ON public.queue (bucket, priority, id);
CREATE INDEX queue_bucket_idx ON public.queue (bucket);
CREATE INDEX queue_codebase_idx ON public.queue (codebase);
CREATE INDEX queue_suite_priority_id_idx ON public.queue (suite, priority, id);
COMMENT ON TABLE public.queue IS
    'Work to hand out, served by (bucket, priority, id) ascending. A claim is not recorded here: the row stays until the run is stored.';
COMMENT ON COLUMN public.queue.id IS 'Tells items apart and breaks ties; replaced items leave gaps. Nothing but the sequence makes it unique.';
COMMENT ON COLUMN public.queue.branch_url IS 'Never written.';
COMMENT ON COLUMN public.queue.priority IS 'Smaller is sooner, inside the bucket. A new item is placed relative to the smallest priority of the whole queue.';
COMMENT ON COLUMN public.queue.context IS 'What the scheduler expects the run to find; becomes run.instigated_context.';
COMMENT ON COLUMN public.queue.refresh IS 'Start from scratch rather than resume an earlier result.';
COMMENT ON COLUMN public.queue.requester IS 'Who or what asked for it.';

CREATE TABLE public.candidate (
    suite public.suite_name NOT NULL,
    context text,
    value integer,
    success_chance double precision,
    command text NOT NULL,
    publish_policy text,
    change_set text,
    codebase text NOT NULL,
    id serial NOT NULL,
    CONSTRAINT candidate_pkey PRIMARY KEY (id),
    CONSTRAINT candidate_value_check CHECK (value > 0),
    CONSTRAINT candidate_command_check CHECK (command <> ''),
    CONSTRAINT candidate_publish_policy_fkey FOREIGN KEY (publish_policy) REFERENCES public.named_publish_policy (name),
    CONSTRAINT candidate_change_set_fkey FOREIGN KEY (change_set) REFERENCES public.change_set (id) ON DELETE CASCADE,
    CONSTRAINT candidate_codebase_fkey FOREIGN KEY (codebase) REFERENCES public.codebase (name) ON DELETE CASCADE
);
CREATE UNIQUE INDEX candidate_codebase_suite_set ON public.candidate (codebase, suite, coalesce(change_set, ''));
CREATE INDEX candidate_suite_idx ON public.candidate (suite);
CREATE INDEX candidate_change_set_idx ON public.candidate (change_set);
COMMENT ON TABLE public.candidate IS 'A codebase worth trying in a campaign, once per change set.';
COMMENT ON COLUMN public.candidate.value IS 'How much a success would be worth; greater is more.';
COMMENT ON COLUMN public.candidate.success_chance IS 'Estimate of whoever proposed the candidate, 0 to 1.';
COMMENT ON COLUMN public.candidate.publish_policy IS 'Without one, results are never offered for publication.';

CREATE TABLE public.followup (
    origin text NOT NULL,
    candidate integer,
    CONSTRAINT followup_origin_candidate_key UNIQUE (origin, candidate),
    CONSTRAINT followup_origin_fkey FOREIGN KEY (origin) REFERENCES public.run (id),
    CONSTRAINT followup_candidate_fkey FOREIGN KEY (candidate) REFERENCES public.candidate (id)
);
COMMENT ON TABLE public.followup IS 'Which run gave rise to which candidate.';
COMMENT ON COLUMN public.followup.origin IS 'Id of the run.';

-- verify
SELECT pg_get_serial_sequence('public.queue', 'id') = 'public.queue_id_seq'
   AND pg_get_serial_sequence('public.candidate', 'id') = 'public.candidate_id_seq';

-- down
DROP TABLE public.followup, public.candidate, public.queue;
