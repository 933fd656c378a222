-- What a hostile process with an agent's login may write stays readable to who verifies: it can be
-- refused, but it cannot make a whole ledger look damaged. Frozen: a later change is a new file.

-- As before, and: a reason quotes what was asked, so it is cut. A longer one would push the
-- signed statement out of its entry.
CREATE OR REPLACE FUNCTION gate.deny(p_guard text, p_reason text) RETURNS gate.decision
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('denied', p_guard, left(p_reason, 500), '', '{}'::jsonb, '')::gate.decision
$$;

-- As before, and: nothing that is not there is signed. The entry would show it as empty.
CREATE OR REPLACE FUNCTION gate.take_statement(p_run uuid, p_statement text, p_signature text,
    p_said jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_incarnation%ROWTYPE;
BEGIN
    SELECT * INTO v FROM public.personas_incarnation
     WHERE run_id = p_run AND ended_at IS NULL FOR UPDATE;
    IF NOT FOUND OR p_statement IS NULL OR p_signature IS NULL
            OR p_said <> jsonb_strip_nulls(p_said)
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

-- As before, and: also where the value was taken away already. Who chooses a salt can ask for the
-- same words again.
CREATE OR REPLACE FUNCTION gate.redact(p_digest text, p_by text, p_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_gone boolean;
BEGIN
    -- An open action still needs its arguments.
    IF EXISTS (SELECT 1 FROM public.personas_action WHERE args_digest = p_digest
                AND verdict = 'authorised' AND outcome = '') THEN
        RAISE EXCEPTION 'the action of this value is still open' USING ERRCODE = 'check_violation';
    END IF;
    v_gone := audit.redact(p_digest, p_by, p_why);
    UPDATE public.personas_action SET args = '{}', salt = NULL WHERE args_digest = p_digest;
    UPDATE public.personas_action SET result = '{"said": "redacted"}'
     WHERE said_digest = p_digest;
    RETURN v_gone;
END $$;
