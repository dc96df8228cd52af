-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-04: a branch that is stored after its run is open work of last_run at once, not when the run is next touched.
CREATE FUNCTION holdfast.new_branch_is_noticed() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_last_run(NEW.run_id);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.new_branch_is_noticed() IS 'Trigger function of new_result_branch (D-04).';
CREATE TRIGGER new_result_branch_is_noticed AFTER INSERT ON public.new_result_branch FOR EACH ROW
    WHEN (NEW.absorbed IS NOT TRUE)
    EXECUTE FUNCTION holdfast.new_branch_is_noticed();

-- verify
SELECT count(*) = 1 FROM pg_trigger
WHERE tgrelid = to_regclass('public.new_result_branch') AND tgname = 'new_result_branch_is_noticed';

-- down
DROP TRIGGER new_result_branch_is_noticed ON public.new_result_branch;
DROP FUNCTION holdfast.new_branch_is_noticed();
