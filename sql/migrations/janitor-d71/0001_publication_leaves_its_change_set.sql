-- migrate: tx=yes adopt=no needs=janitor:0008
-- up
-- D-71: a successful publication that moves to another change set, or goes away, has the one that it left looked at too.
CREATE FUNCTION holdfast.publication_leaves_its_change_set() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_change_set_state(id) FROM public.change_set WHERE id = OLD.change_set;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.publication_leaves_its_change_set() IS 'Trigger function of publish (D-71).';
CREATE TRIGGER publish_leaves_its_change_set AFTER UPDATE ON public.publish FOR EACH ROW
    WHEN (OLD.change_set <> NEW.change_set AND (OLD.result_code = 'success' OR NEW.result_code = 'success'))
    EXECUTE FUNCTION holdfast.publication_leaves_its_change_set();
CREATE TRIGGER publish_goes_away AFTER DELETE ON public.publish FOR EACH ROW
    WHEN (OLD.result_code = 'success')
    EXECUTE FUNCTION holdfast.publication_leaves_its_change_set();

-- verify
SELECT count(*) = 2 FROM pg_trigger
WHERE tgrelid = to_regclass('public.publish')
  AND tgname IN ('publish_leaves_its_change_set', 'publish_goes_away');

-- down
DROP TRIGGER publish_goes_away ON public.publish;
DROP TRIGGER publish_leaves_its_change_set ON public.publish;
DROP FUNCTION holdfast.publication_leaves_its_change_set();
