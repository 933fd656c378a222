-- What was shown and decided stays as it was, at whoever's word: triggers that are always on.

CREATE FUNCTION gate.approval_moves(p_old text, p_new text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_old, p_new) IN (
        ('waiting', 'approved'), ('waiting', 'rejected'), ('waiting', 'vetoed'),
        ('waiting', 'unopposed'), ('waiting', 'expired'), ('waiting', 'withdrawn'),
        ('waiting', 'void'), ('approved', 'void'), ('approved', 'expired'))
$$;

CREATE FUNCTION gate.guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_moving text[] := ARRAY['state', 'implementer'];
    v_deciding text[] := ARRAY['approver', 'why', 'factor', 'factor_step', 'independent',
                               'decided_at'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'an approval stays: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (to_jsonb(OLD) - v_moving - v_deciding) <> (to_jsonb(NEW) - v_moving - v_deciding) THEN
        RAISE EXCEPTION 'what was proposed and shown does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> 'waiting' AND (to_jsonb(OLD) - v_moving) <> (to_jsonb(NEW) - v_moving) THEN
        RAISE EXCEPTION 'what was decided does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state <> OLD.state AND NOT gate.approval_moves(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'approval of %: no move from % to %', OLD.action_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.implementer <> OLD.implementer AND OLD.implementer <> '' THEN
        RAISE EXCEPTION 'who carried it out does not change'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_approval BEFORE UPDATE OR DELETE ON public.approvals_approval
    FOR EACH ROW EXECUTE FUNCTION gate.guard_approval();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.approvals_approval
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE public.approvals_approval ENABLE ALWAYS TRIGGER guard_approval;
ALTER TABLE public.approvals_approval ENABLE ALWAYS TRIGGER no_truncate;

-- While it is open, the effect is word for word what the approval is about.
CREATE FUNCTION gate.guard_approved_action() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.approvals_approval WHERE action_id = OLD.id) THEN
        RAISE EXCEPTION 'action % waits for a person or was approved: it stays as it is', OLD.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_approved BEFORE UPDATE ON public.personas_action
    FOR EACH ROW WHEN (OLD.outcome = '' AND (
        (OLD.run_id, OLD.step_number, OLD.key, OLD.principal, OLD.ticket_ref, OLD.verb, OLD.entry,
         OLD.target, OLD.args, OLD.tree_hash, OLD.args_digest, OLD.level, OLD.risk)
        IS DISTINCT FROM
        (NEW.run_id, NEW.step_number, NEW.key, NEW.principal, NEW.ticket_ref, NEW.verb, NEW.entry,
         NEW.target, NEW.args, NEW.tree_hash, NEW.args_digest, NEW.level, NEW.risk)))
    EXECUTE FUNCTION gate.guard_approved_action();
ALTER TABLE public.personas_action ENABLE ALWAYS TRIGGER guard_approved;

-- Trees, authors, notices and fixed plans are written once.
CREATE FUNCTION gate.write_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is written once: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
DO $$
DECLARE v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['approvals_tree', 'approvals_author', 'approvals_told',
                                   'approvals_runplan'] LOOP
        EXECUTE format('CREATE TRIGGER write_once BEFORE UPDATE OR DELETE ON public.%I
            FOR EACH ROW EXECUTE FUNCTION gate.write_once()', v_table);
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.%I
            FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', v_table);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER write_once', v_table);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER no_truncate', v_table);
    END LOOP;
END $$;
