-- How far confidence carries a proposal, as before, and of commands by the risk of their scope. Who
-- only looks states nothing that could come true or not: there the level alone counts. What was asked
-- for with the run, word for word, rests on whoever asked, and a person decides about it in any case.
CREATE OR REPLACE FUNCTION gate.confidence_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_said jsonb; v_engine text := 'rules'; v_sure double precision := 1; v_risk text;
BEGIN
    IF NOT gate.touches_ci(p.verb) OR gate.would_only_look(p) THEN RETURN 'act'; END IF;
    v_risk := coalesce((p.item).risk, gate.risk_of((p.run).card_id, p.verb, p.entry));
    SELECT j.answer INTO v_said FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
     WHERE j.run = (p.run).id AND j.step = (p.run).steps + 1 AND w.state = 'done'
       AND j.answer IS NOT NULL ORDER BY j.created_at LIMIT 1;
    IF FOUND THEN
        -- Which command of a scope a choice stands for is the step's own affair.
        IF p.verb = 'playbook.run' AND v_said ->> 'choice' IS DISTINCT FROM p.entry THEN
            RETURN 'observe';
        END IF;
        v_engine := coalesce(nullif(left(v_said ->> 'engine', 120), ''), 'a model');
        v_sure := CASE WHEN jsonb_typeof(v_said -> 'confidence') = 'number'
                       THEN (v_said ->> 'confidence')::double precision ELSE 0 END;
    END IF;
    IF gate.uncalibrated((p.run).card_id, v_engine) IS NOT NULL THEN
        RETURN CASE WHEN gate.was_asked_for(p) THEN 'propose' ELSE 'observe' END;
    END IF;
    IF v_sure < gate.least_confidence(v_risk)
            OR gate.unproven((p.run).card_id, v_engine, v_risk) IS NOT NULL THEN
        RETURN 'propose';
    END IF;
    RETURN 'act';
END $$;
