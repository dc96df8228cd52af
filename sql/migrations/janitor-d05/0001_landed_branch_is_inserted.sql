-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-05: a branch that has landed already can be inserted. The trigger of the original looks at an old row, which an
-- insert does not have; whatever function stands behind it stays, and is asked for updates and deletes alone.
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE OR REPLACE TRIGGER new_result_branch_refresh_change_set_state '
                           'AFTER UPDATE OR DELETE ON public.new_result_branch FOR EACH ROW EXECUTE FUNCTION %s()',
                           tgfoid::regproc)
             FROM pg_trigger
             WHERE tgrelid = 'public.new_result_branch'::regclass
               AND tgname = 'new_result_branch_refresh_change_set_state');
END
$$;
CREATE FUNCTION holdfast.landed_branch_is_inserted() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_change_set_state(change_set) FROM public.run WHERE id = NEW.run_id;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.landed_branch_is_inserted() IS 'Trigger function of new_result_branch (D-05).';
CREATE TRIGGER new_result_branch_refresh_change_set_state_insert AFTER INSERT ON public.new_result_branch
    FOR EACH ROW WHEN (NEW.absorbed) EXECUTE FUNCTION holdfast.landed_branch_is_inserted();

-- verify
SELECT count(*) = 2 FROM pg_trigger
WHERE tgrelid = to_regclass('public.new_result_branch')
  AND (tgname, tgtype & 28) IN (('new_result_branch_refresh_change_set_state', 24),
                                ('new_result_branch_refresh_change_set_state_insert', 4));

-- down
DROP TRIGGER new_result_branch_refresh_change_set_state_insert ON public.new_result_branch;
DROP FUNCTION holdfast.landed_branch_is_inserted();
DO $$
BEGIN
    EXECUTE (SELECT format('CREATE OR REPLACE TRIGGER new_result_branch_refresh_change_set_state '
                           'AFTER INSERT OR UPDATE OR DELETE ON public.new_result_branch '
                           'FOR EACH ROW EXECUTE FUNCTION %s()', tgfoid::regproc)
             FROM pg_trigger
             WHERE tgrelid = 'public.new_result_branch'::regclass
               AND tgname = 'new_result_branch_refresh_change_set_state');
END
$$;
