-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-06: last_run is brought up to date before the change set is looked at, so that its last successful run makes it
-- ready. Triggers of one event fire in the order of their names.
ALTER TRIGGER run_refresh_last_run ON public.run RENAME TO run_last_run_is_first;
ALTER TRIGGER new_result_branch_refresh_last_run ON public.new_result_branch
    RENAME TO new_result_branch_last_run_is_first;

-- verify
SELECT count(*) = 2 FROM pg_trigger
WHERE (tgrelid, tgname) IN ((to_regclass('public.run'), 'run_last_run_is_first'),
                            (to_regclass('public.new_result_branch'), 'new_result_branch_last_run_is_first'));

-- down
ALTER TRIGGER new_result_branch_last_run_is_first ON public.new_result_branch
    RENAME TO new_result_branch_refresh_last_run;
ALTER TRIGGER run_last_run_is_first ON public.run RENAME TO run_refresh_last_run;
