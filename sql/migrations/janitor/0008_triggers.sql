-- migrate: tx=yes
-- up
-- last_run and change_set.state follow the runs, their branches and their publications.
--
-- Two functions know the rules; the trigger functions only decide when to call them and for what. Some of those
-- decisions are the original's faults, kept because programs share this database; each is named where it stands.
-- Triggers of one event fire in the order of their names: on run and new_result_branch the change set is
-- looked at *before* last_run is brought up to date.

CREATE FUNCTION public.refresh_last_run(_codebase text, _campaign text) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    newest record;
    effective_id text;
    effective_code text;
BEGIN
    -- Descending order: a run without a start time counts as the newest.
    SELECT id, result_code, resume_from, failure_transient INTO newest
    FROM public.run
    WHERE codebase = _codebase AND suite = _campaign
    ORDER BY start_time DESC
    LIMIT 1;
    IF NOT FOUND THEN
        DELETE FROM public.last_run WHERE codebase = _codebase AND campaign = _campaign;
        RETURN;
    END IF;

    IF newest.result_code = 'nothing-new-to-do' THEN
        effective_id := newest.resume_from;
        effective_code := 'success';
    ELSIF newest.failure_transient THEN
        SELECT id, result_code INTO effective_id, effective_code
        FROM public.run
        WHERE codebase = _codebase AND suite = _campaign
            AND result_code <> 'nothing-new-to-do' AND failure_transient IS NOT TRUE
        ORDER BY start_time DESC
        LIMIT 1;
    ELSE
        effective_id := newest.id;
        effective_code := newest.result_code;
    END IF;

    INSERT INTO public.last_run (codebase, campaign, last_run_id, last_effective_run_id, last_unabsorbed_run_id)
    VALUES (
        _codebase, _campaign, newest.id, effective_id,
        CASE
            WHEN effective_code = 'nothing-to-do' THEN NULL
            WHEN effective_code <> 'success' THEN effective_id
            -- Only false is open work here; the views also take NULL for it.
            WHEN EXISTS (SELECT FROM public.new_result_branch
                         WHERE run_id = effective_id AND absorbed = false) THEN effective_id
        END)
    ON CONFLICT (codebase, campaign) DO UPDATE SET
        last_run_id = excluded.last_run_id,
        last_effective_run_id = excluded.last_effective_run_id,
        last_unabsorbed_run_id = excluded.last_unabsorbed_run_id;
END
$function$;
COMMENT ON FUNCTION public.refresh_last_run(text, text) IS
    'Bring the last_run row of a codebase and campaign up to date with their runs; without any run it goes away.';

CREATE FUNCTION public.refresh_last_run(_run_id text) RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM public.refresh_last_run(run.codebase, run.suite) FROM public.run WHERE run.id = _run_id;
END
$function$;
COMMENT ON FUNCTION public.refresh_last_run(text) IS
    'The same for the codebase and campaign of a run; nothing when there is no such run.';

CREATE FUNCTION public.refresh_change_set_state(_change_set_id text) RETURNS text
LANGUAGE plpgsql AS $function$
DECLARE
    stored public.change_set_state;
    reached public.change_set_state;
BEGIN
    SELECT state INTO STRICT stored FROM public.change_set WHERE id = _change_set_id;
    reached := stored;
    IF reached = 'created'
        AND EXISTS (SELECT FROM public.run WHERE change_set = _change_set_id)
    THEN
        reached := 'working';
    END IF;
    IF reached = 'working'
        AND EXISTS (SELECT FROM public.run WHERE change_set = _change_set_id AND result_code = 'success')
        AND NOT EXISTS (SELECT FROM public.change_set_todo WHERE change_set = _change_set_id)
    THEN
        reached := 'ready';
    END IF;
    IF reached = 'ready'
        AND EXISTS (SELECT FROM public.publish WHERE change_set = _change_set_id AND result_code = 'success')
    THEN
        reached := 'publishing';
    END IF;
    IF reached = 'publishing'
        AND NOT EXISTS (SELECT FROM public.change_set_unpublished WHERE change_set = _change_set_id)
    THEN
        reached := 'done';
    END IF;
    IF reached <> stored THEN
        UPDATE public.change_set SET state = reached WHERE id = _change_set_id;
    END IF;
    RETURN reached;
END
$function$;
COMMENT ON FUNCTION public.refresh_change_set_state(text) IS
    'Move a change set forward as far as its runs and publications allow, and say how far that is. '
    'No such change set: no_data_found.';

CREATE FUNCTION public.run_trigger_refresh_change_set_state() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM public.refresh_change_set_state(OLD.change_set);
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.change_set <> OLD.change_set THEN
        PERFORM public.refresh_change_set_state(NEW.change_set);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.run_trigger_refresh_change_set_state() IS 'Trigger function of run.';

CREATE FUNCTION public.run_trigger_refresh_last_run() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM public.refresh_last_run(OLD.codebase, OLD.suite);
    ELSE
        -- A run that moves to another codebase or campaign leaves the row of the old pair as it was.
        PERFORM public.refresh_last_run(NEW.codebase, NEW.suite);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.run_trigger_refresh_last_run() IS 'Trigger function of run.';

CREATE FUNCTION public.new_result_branch_trigger_refresh_change_set_state() RETURNS trigger
LANGUAGE plpgsql AS $function$
DECLARE
    set_of_run text;
BEGIN
    IF TG_OP = 'INSERT' AND NEW.absorbed THEN
        -- There is no old row on insert, so no run is found and the insert fails with no_data_found.
        SELECT change_set INTO STRICT set_of_run FROM public.run WHERE id = OLD.run_id;
        PERFORM public.refresh_change_set_state(set_of_run);
    ELSIF TG_OP = 'UPDATE' AND OLD.absorbed <> NEW.absorbed THEN
        SELECT change_set INTO STRICT set_of_run FROM public.run WHERE id = OLD.run_id;
        PERFORM public.refresh_change_set_state(set_of_run);
        IF NEW.run_id <> OLD.run_id THEN
            SELECT change_set INTO STRICT set_of_run FROM public.run WHERE id = NEW.run_id;
            PERFORM public.refresh_change_set_state(set_of_run);
        END IF;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.new_result_branch_trigger_refresh_change_set_state() IS
    'Trigger function of new_result_branch. Inserting a branch that is already absorbed always fails.';

CREATE FUNCTION public.new_result_branch_trigger_refresh_last_run() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    -- Neither a new open branch, nor NULL to true, nor true to false refreshes anything.
    IF TG_OP = 'DELETE' THEN
        IF OLD.absorbed THEN
            PERFORM public.refresh_last_run(OLD.run_id);
        END IF;
    ELSIF NEW.absorbed AND (TG_OP = 'INSERT' OR NOT OLD.absorbed) THEN
        PERFORM public.refresh_last_run(NEW.run_id);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.new_result_branch_trigger_refresh_last_run() IS 'Trigger function of new_result_branch.';

CREATE FUNCTION public.publish_trigger_refresh_change_set_state() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    -- A publication that moves to another change set refreshes only the new one.
    IF NEW.result_code = 'success' OR OLD.result_code = 'success' THEN
        PERFORM public.refresh_change_set_state(NEW.change_set);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.publish_trigger_refresh_change_set_state() IS 'Trigger function of publish.';

CREATE FUNCTION public.expire_site_session_delete_old_rows() RETURNS trigger
LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM public.site_session WHERE timestamp < now() - interval '1 week';
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION public.expire_site_session_delete_old_rows() IS 'Trigger function of site_session.';

CREATE TRIGGER run_refresh_change_set_state AFTER INSERT OR UPDATE OR DELETE ON public.run
    FOR EACH ROW EXECUTE FUNCTION public.run_trigger_refresh_change_set_state();
CREATE TRIGGER run_refresh_last_run AFTER INSERT OR UPDATE OR DELETE ON public.run
    FOR EACH ROW EXECUTE FUNCTION public.run_trigger_refresh_last_run();
CREATE TRIGGER new_result_branch_refresh_change_set_state AFTER INSERT OR UPDATE OR DELETE ON public.new_result_branch
    FOR EACH ROW EXECUTE FUNCTION public.new_result_branch_trigger_refresh_change_set_state();
CREATE TRIGGER new_result_branch_refresh_last_run AFTER INSERT OR UPDATE OR DELETE ON public.new_result_branch
    FOR EACH ROW EXECUTE FUNCTION public.new_result_branch_trigger_refresh_last_run();
CREATE TRIGGER publish_refresh_change_set_state AFTER INSERT OR UPDATE ON public.publish
    FOR EACH ROW EXECUTE FUNCTION public.publish_trigger_refresh_change_set_state();
CREATE TRIGGER expire_site_session_delete_old_rows_trigger AFTER INSERT ON public.site_session
    FOR EACH STATEMENT EXECUTE FUNCTION public.expire_site_session_delete_old_rows();

-- verify
SELECT count(*) = 6 FROM pg_trigger
WHERE NOT tgisinternal
  AND (tgrelid, tgname) IN (
      (to_regclass('public.run'), 'run_refresh_change_set_state'),
      (to_regclass('public.run'), 'run_refresh_last_run'),
      (to_regclass('public.new_result_branch'), 'new_result_branch_refresh_change_set_state'),
      (to_regclass('public.new_result_branch'), 'new_result_branch_refresh_last_run'),
      (to_regclass('public.publish'), 'publish_refresh_change_set_state'),
      (to_regclass('public.site_session'), 'expire_site_session_delete_old_rows_trigger'));

-- down
DROP TRIGGER expire_site_session_delete_old_rows_trigger ON public.site_session;
DROP TRIGGER publish_refresh_change_set_state ON public.publish;
DROP TRIGGER new_result_branch_refresh_last_run ON public.new_result_branch;
DROP TRIGGER new_result_branch_refresh_change_set_state ON public.new_result_branch;
DROP TRIGGER run_refresh_last_run ON public.run;
DROP TRIGGER run_refresh_change_set_state ON public.run;
DROP FUNCTION public.expire_site_session_delete_old_rows(), public.publish_trigger_refresh_change_set_state(),
    public.new_result_branch_trigger_refresh_last_run(), public.new_result_branch_trigger_refresh_change_set_state(),
    public.run_trigger_refresh_last_run(), public.run_trigger_refresh_change_set_state(),
    public.refresh_change_set_state(text), public.refresh_last_run(text), public.refresh_last_run(text, text);
