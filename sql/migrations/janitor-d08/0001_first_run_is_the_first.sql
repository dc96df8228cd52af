-- migrate: tx=yes adopt=no needs=janitor:0007
-- up
-- D-08: first_run_time tells the earliest start of each pair. The view keeps its grants and what stands on it; as it was
-- it is kept beside, for the way down.
DO $$
BEGIN
    EXECUTE 'CREATE VIEW holdfast.first_run_time_before AS ' || pg_get_viewdef('public.first_run_time'::regclass);
    EXECUTE format('COMMENT ON VIEW holdfast.first_run_time_before IS %L',
                   obj_description('public.first_run_time'::regclass, 'pg_class'));
END
$$;
CREATE OR REPLACE VIEW public.first_run_time AS
SELECT DISTINCT ON (codebase, suite) codebase, suite, start_time
FROM public.run
ORDER BY codebase, suite, start_time;
COMMENT ON VIEW public.first_run_time IS 'The earliest start of a run of each codebase and campaign.';

-- verify
SELECT pg_get_viewdef(to_regclass('public.first_run_time')) ~ 'ORDER BY .*start_time;$'
    AND to_regclass('holdfast.first_run_time_before') IS NOT NULL;

-- down
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW public.first_run_time AS '
        || pg_get_viewdef('holdfast.first_run_time_before'::regclass);
    EXECUTE format('COMMENT ON VIEW public.first_run_time IS %L',
                   obj_description('holdfast.first_run_time_before'::regclass, 'pg_class'));
END
$$;
DROP VIEW holdfast.first_run_time_before;
