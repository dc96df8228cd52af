-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-65: a run that moves to another codebase or campaign is no longer the last one of those that it left.
CREATE FUNCTION holdfast.run_leaves_its_old_pair() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_last_run(OLD.codebase, OLD.suite);
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.run_leaves_its_old_pair() IS 'Trigger function of run (D-65).';
CREATE TRIGGER run_leaves_its_old_pair AFTER UPDATE ON public.run FOR EACH ROW
    WHEN (OLD.codebase <> NEW.codebase OR OLD.suite <> NEW.suite)
    EXECUTE FUNCTION holdfast.run_leaves_its_old_pair();

-- verify
SELECT count(*) = 1 FROM pg_trigger
WHERE tgrelid = to_regclass('public.run') AND tgname = 'run_leaves_its_old_pair';

-- down
DROP TRIGGER run_leaves_its_old_pair ON public.run;
DROP FUNCTION holdfast.run_leaves_its_old_pair();
