-- Incarnations: one worker process taking one step of a run. It signs what it asks; the gate
-- holds the chain of its statements together, and who acts checks the signature (Ed25519 is not
-- PostgreSQL's business). Frozen: a later change is a new file and migration.

CREATE FUNCTION gate.bear_incarnation(p_run public.personas_run, p_work public.audit_work,
    p_instance uuid, p_public_key bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_instance IS NULL OR octet_length(p_public_key) IS DISTINCT FROM 32 THEN
        RAISE EXCEPTION 'a step is taken by who has a key: an id and 32 bytes'
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO public.personas_incarnation (id, run_id, step, work_id, public_key, holder)
    VALUES (p_instance, (p_run).id, ((p_work).payload ->> 'number')::int, (p_work).id,
            p_public_key, (p_work).holder);
    PERFORM audit.put_pending('run.incarnation', p_instance::text, (p_run).ticket_ref,
        jsonb_build_object('run', (p_run).id, 'card', (p_run).card_id,
            'step', ((p_work).payload ->> 'number')::int, 'instance', p_instance,
            'instance_key', encode(p_public_key, 'hex'), 'holder', (p_work).holder));
END $$;

-- Ends whoever still signs for a run: `lost` where its worker never said so itself.
CREATE FUNCTION gate.end_incarnation(p_run uuid, p_ending text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_incarnation%ROWTYPE; v_run public.personas_run%ROWTYPE;
BEGIN
    UPDATE public.personas_incarnation SET ended_at = clock_timestamp(), ending = p_ending
     WHERE run_id = p_run AND ended_at IS NULL RETURNING * INTO v;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = p_run;
    PERFORM audit.put_pending('run.incarnation_end', v.id::text, v_run.ticket_ref,
        jsonb_build_object('run', p_run, 'card', v_run.card_id, 'step', v.step,
            'instance', v.id, 'count', v.signed, 'last', encode(v.last, 'hex'),
            'ending', p_ending));
END $$;

-- Takes a signed statement, if it is exactly what its signer should have said next; returns what
-- the entry says of it, or NULL. p_said is all of it but the signer's place in its own chain.
CREATE FUNCTION gate.take_statement(p_run uuid, p_statement text, p_signature text, p_said jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_incarnation%ROWTYPE;
BEGIN
    SELECT * INTO v FROM public.personas_incarnation
     WHERE run_id = p_run AND ended_at IS NULL FOR UPDATE;
    IF NOT FOUND OR p_statement IS NULL OR p_signature IS NULL
            OR octet_length(p_statement) > 4000 OR p_signature !~ '^[0-9a-f]{128}$'
            OR NOT pg_input_is_valid(p_statement, 'jsonb') THEN
        RETURN NULL;
    END IF;
    IF p_statement::jsonb IS DISTINCT FROM p_said || jsonb_build_object('v', 1,
            'instance', v.id, 'instance_seq', v.signed + 1,
            'instance_prev', encode(v.last, 'hex')) THEN
        RETURN NULL;
    END IF;
    UPDATE public.personas_incarnation
       SET signed = signed + 1, last = sha256(convert_to(p_statement, 'UTF8')) WHERE id = v.id;
    RETURN jsonb_build_object('instance', v.id, 'instance_seq', v.signed + 1,
        'instance_prev', encode(v.last, 'hex'), 'signed', jsonb_build_object(
            'key', encode(v.public_key, 'hex'), 'statement', p_statement,
            'signature', p_signature));
END $$;

-- What the step thought with, where a model was asked: for entries about what followed from it.
CREATE FUNCTION gate.thought(p_run uuid, p_step int) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT jsonb_build_object('inference', j.id, 'slot', j.slot,
                                  'model_digest', j.model_digest)
          FROM public.gpu_job j WHERE j.run = p_run AND j.step = p_step
         ORDER BY j.created_at LIMIT 1), '{}'::jsonb)
$$;

-- Risk classes beyond these wait while the ledger does not verify.
CREATE FUNCTION gate.is_high(p_risk text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_risk NOT IN ('', 'none', 'low', 'standard') $$;
