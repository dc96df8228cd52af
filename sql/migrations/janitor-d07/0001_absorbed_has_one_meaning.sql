-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-07: a branch of which nobody knows whether it landed (absorbed is NULL) has not landed, for last_run as for the
-- views, and each change of `absorbed` is noticed. What stands behind refresh_last_run() is asked first, by another name.
ALTER FUNCTION public.refresh_last_run(text, text) RENAME TO refresh_last_run_known_branches;
CREATE FUNCTION public.refresh_last_run(_codebase text, _campaign text) RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_last_run_known_branches(_codebase, _campaign);
    UPDATE public.last_run AS pair
    SET last_unabsorbed_run_id = effective.id
    FROM public.run AS newest, public.run AS effective
    WHERE pair.codebase = _codebase AND pair.campaign = _campaign AND pair.last_unabsorbed_run_id IS NULL
        AND newest.id = pair.last_run_id AND effective.id = pair.last_effective_run_id
        AND (effective.result_code = 'success' OR newest.result_code = 'nothing-new-to-do')
        AND EXISTS (SELECT FROM public.new_result_branch WHERE run_id = effective.id AND absorbed IS NULL);
END
$function$;
COMMENT ON FUNCTION public.refresh_last_run(text, text) IS
    'Bring the last_run row of a codebase and campaign up to date with their runs; without any run it goes away.';

CREATE FUNCTION holdfast.absorbed_has_one_meaning() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_last_run(OLD.run_id);
    PERFORM public.refresh_change_set_state(change_set) FROM public.run WHERE id = OLD.run_id;
    IF TG_OP = 'UPDATE' AND NEW.run_id <> OLD.run_id THEN
        PERFORM public.refresh_last_run(NEW.run_id);
        PERFORM public.refresh_change_set_state(change_set) FROM public.run WHERE id = NEW.run_id;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.absorbed_has_one_meaning() IS 'Trigger function of new_result_branch (D-07).';
CREATE TRIGGER new_result_branch_absorbed_changes AFTER UPDATE ON public.new_result_branch FOR EACH ROW
    WHEN (OLD.absorbed IS DISTINCT FROM NEW.absorbed OR OLD.run_id <> NEW.run_id)
    EXECUTE FUNCTION holdfast.absorbed_has_one_meaning();
CREATE TRIGGER new_result_branch_goes_away AFTER DELETE ON public.new_result_branch FOR EACH ROW
    EXECUTE FUNCTION holdfast.absorbed_has_one_meaning();

-- verify
SELECT to_regprocedure('public.refresh_last_run_known_branches(text, text)') IS NOT NULL AND count(*) = 2
FROM pg_trigger
WHERE tgrelid = to_regclass('public.new_result_branch')
  AND tgname IN ('new_result_branch_absorbed_changes', 'new_result_branch_goes_away');

-- down
DROP TRIGGER new_result_branch_goes_away ON public.new_result_branch;
DROP TRIGGER new_result_branch_absorbed_changes ON public.new_result_branch;
DROP FUNCTION holdfast.absorbed_has_one_meaning();
DROP FUNCTION public.refresh_last_run(text, text);
ALTER FUNCTION public.refresh_last_run_known_branches(text, text) RENAME TO refresh_last_run;
