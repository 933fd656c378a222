-- The door as before: what is known is read once, and what a worker has signed is checked and
-- counted in one statement.

-- Whether a text is nothing but so many small hexadecimal digits.
CREATE FUNCTION gate.is_hex(p_text text, p_digits int) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT length(p_text) = p_digits AND translate(p_text, '0123456789abcdef', '') = ''
$$;

-- What is signed last, and by whom: one statement, so that no two go on from the same.
CREATE OR REPLACE FUNCTION gate.take_statement(p_run uuid, p_statement text, p_signature text,
    p_said jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE v public.personas_incarnation%ROWTYPE;
BEGIN
    IF p_statement IS NULL OR p_signature IS NULL OR p_said <> jsonb_strip_nulls(p_said)
            OR octet_length(p_statement) > 4000 OR NOT gate.is_hex(p_signature, 128)
            OR NOT pg_input_is_valid(p_statement, 'jsonb') THEN
        RETURN NULL;
    END IF;
    UPDATE public.personas_incarnation n
       SET signed = n.signed + 1, last = sha256(convert_to(p_statement, 'UTF8'))
     WHERE n.run_id = p_run AND n.ended_at IS NULL
       AND p_statement::jsonb = p_said || jsonb_build_object('v', 1, 'instance', n.id,
               'instance_seq', n.signed + 1, 'instance_prev', encode(n.last, 'hex'))
    RETURNING n.* INTO v;
    IF NOT FOUND THEN RETURN NULL; END IF;
    RETURN jsonb_build_object('instance', v.id, 'instance_seq', v.signed,
        'instance_prev', p_statement::jsonb -> 'instance_prev', 'signed', jsonb_build_object(
            'key', encode(v.public_key, 'hex'), 'statement', p_statement,
            'signature', p_signature));
END $$;

-- The fields of what was asked.
CREATE FUNCTION gate.asked_body(p gate.ask, p_step int, p_key text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('run', (p.run).id, 'step', p_step, 'card', (p.run).card_id,
        'key', left(p_key, 60), 'verb', left(p.verb, 40), 'entry', left(p.entry, 60),
        'target', left(p.target, 200),
        'cis', CASE WHEN gate.touches_ci(p.verb) THEN jsonb_build_array(left(p.target, 200))
                    ELSE (p.intent).scope END,
        'documents', '[]'::jsonb)
        || CASE WHEN p_step = (p.run).steps + 1 THEN (p.known).thought
                ELSE gate.thought((p.run).id, p_step) END
$$;

-- As before.
CREATE OR REPLACE FUNCTION gate.propose(p_run uuid, p_token text, p_step int, p_key text, p_verb text,
    p_entry text, p_target text, p_args text, p_salt text, p_statement text, p_signature text)
RETURNS TABLE (action_id uuid, verdict text, guard text, reason text, level text, counted boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_run public.personas_run%ROWTYPE; v_old public.personas_action%ROWTYPE;
    v_decision gate.decision; v_id uuid := gen_random_uuid(); v_work uuid; v_signed jsonb;
    v_salt bytea; v_asked text := ''; v_args text := ''; v_deadline timestamptz; v_risk text;
    v_given jsonb; v_unread text; v_known boolean; v_approval public.approvals_approval%ROWTYPE;
    v_veto boolean; v_ask gate.ask;
BEGIN
    p_step := coalesce(p_step, 0);
    p_key := left(coalesce(p_key, ''), 60);
    p_verb := coalesce(p_verb, '');
    p_entry := coalesce(p_entry, '');
    p_target := coalesce(p_target, '');
    p_args := coalesce(p_args, '');
    -- Locked and counted at once; who is told something old, or nothing is written of, is not counted.
    UPDATE public.personas_run r SET actions = r.actions + 1 WHERE r.id = p_run RETURNING r.* INTO v_run;
    IF NOT FOUND THEN
        PERFORM gate.note_stranger(p_run, p_verb);
        RETURN QUERY SELECT v_id, 'denied'::text, 'run'::text, 'no such run'::text, ''::text, false;
        RETURN;
    END IF;
    v_run.actions := v_run.actions - 1;
    SELECT * INTO v_given, v_unread FROM gate.read_args(p_args);
    v_ask := gate.asked(v_run, p_token, p_verb, p_entry, p_target, v_given);
    v_decision := gate.judge(v_ask);
    IF v_unread <> '' AND (v_decision.verdict <> 'denied' OR v_decision.guard = 'arguments') THEN
        v_decision := gate.deny('arguments', format('%s: %s', p_verb, v_unread));
    END IF;
    -- A step repeated by another worker gets its first verdict back; but only its holder does.
    v_known := v_decision.guard NOT IN ('run', 'token');
    IF v_known THEN
        SELECT * INTO v_old FROM public.personas_action
         WHERE run_id = p_run AND step_number = p_step AND key = p_key;
        IF FOUND THEN
            UPDATE public.personas_run r SET actions = v_run.actions WHERE r.id = p_run;
            RETURN QUERY SELECT v_old.id, v_old.verdict::text, v_old.guard::text, v_old.reason,
                                v_old.level::text, false;
            RETURN;
        END IF;
        IF p_step IS DISTINCT FROM v_run.steps + 1 THEN
            v_decision := gate.deny('token', format('step %s is not being taken', p_step));
            v_known := false;
        END IF;
    END IF;
    -- Past its budget and some more a run is told, but no longer written down.
    IF v_run.actions >= v_run.max_actions + 20 THEN
        UPDATE public.personas_run r SET actions = v_run.actions WHERE r.id = p_run;
        RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                            v_decision.level, false;
        RETURN;
    END IF;
    IF v_known AND gate.is_hex(p_salt, 32) THEN
        v_salt := decode(p_salt, 'hex');
        v_asked := audit.commitment(v_salt, p_args);
        v_signed := gate.take_statement(p_run, p_statement, p_signature, jsonb_build_object(
            'kind', 'propose', 'run', p_run, 'step', p_step, 'card', v_run.card_id, 'key', p_key,
            'verb', p_verb, 'entry', p_entry, 'target', p_target, 'asked_digest', v_asked));
    END IF;
    IF v_decision.verdict <> 'denied' AND (v_decision.level <> 'act' OR p_entry <> '') THEN
        v_decision := gate.weighed(v_decision, v_run, p_verb, p_entry, p_target);
    END IF;
    -- What nobody signed is not permitted; that it was asked is on record all the same.
    IF v_signed IS NULL AND v_decision.verdict <> 'denied' THEN
        v_decision := gate.deny('signature', 'not signed by who takes this step');
    END IF;
    v_risk := coalesce((v_ask.known).risk, '');
    IF v_decision.verdict <> 'denied' THEN
        -- A playbook's arguments come from the CI: they are not what was asked.
        v_args := CASE WHEN v_decision.args = v_given
                       THEN audit.keep_value(p_args, v_id::text, v_salt)
                       ELSE audit.keep_value(v_decision.args::text, v_id::text) END;
    END IF;
    IF v_decision.verdict = 'authorised' THEN
        v_veto := v_decision.level = 'veto';
        v_deadline := clock_timestamp() + interval '10 minutes';
        -- Where people may object first, it begins when their time is over.
        IF v_veto THEN v_deadline := v_deadline + gate.veto_window(); END IF;
        INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at,
                                       not_before)
        VALUES (v_id, 'effect', gate.queue_of(p_verb), 'waiting', left(p_target, 200), 3,
                v_deadline, clock_timestamp()
                    + CASE WHEN v_veto THEN gate.veto_window() ELSE interval '0' END);
        v_work := v_id;
        v_deadline := v_deadline + gate.time_to_act(p_verb, p_entry);
    END IF;
    INSERT INTO public.personas_action (id, run_id, step_number, key, principal, ticket_ref, verb,
        entry, target, args, level, verdict, guard, reason, tree_hash, work_id, risk, deadline,
        incarnation_id, statement, signature, salt, asked_digest, args_digest)
    VALUES (v_id, p_run, p_step,
        CASE WHEN v_decision.guard IN ('run', 'token') THEN v_id::text ELSE p_key END,
        'run:' || p_run, v_run.ticket_ref, left(p_verb, 40), left(p_entry, 60),
        left(p_target, 200),
        CASE WHEN v_decision.verdict = 'denied' THEN '{}'::jsonb ELSE v_decision.args END,
        v_decision.level, v_decision.verdict, v_decision.guard, v_decision.reason,
        v_decision.tree_hash, v_work, v_risk, v_deadline, (v_signed ->> 'instance')::uuid,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_statement END,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_signature END,
        CASE WHEN v_decision.verdict <> 'denied' THEN v_salt END, v_asked, v_args);
    IF v_decision.verdict = 'proposed' OR v_veto THEN
        v_approval := gate.put_approval(v_id, CASE WHEN v_veto THEN 'veto' ELSE 'propose' END);
    END IF;
    PERFORM audit.put_pending('action.' || v_decision.verdict, v_id::text, v_run.ticket_ref,
        gate.asked_body(v_ask, p_step, p_key)
        || jsonb_build_object('level', v_decision.level, 'guard', v_decision.guard,
            'reason', v_decision.reason, 'tree_hash', v_decision.tree_hash, 'risk', v_risk,
            'approval', CASE WHEN v_decision.verdict = 'proposed' THEN 'waits for a person'
                             WHEN v_decision.tree_hash <> '' THEN 'catalogue:' || p_entry
                             ELSE '' END,
            'asked_digest', CASE WHEN v_asked <> '' THEN v_asked
                                 ELSE gate.sha256_hex(p_args) END)
        || CASE WHEN v_deadline IS NULL THEN '{}'
                ELSE jsonb_build_object('deadline', audit.moment(v_deadline)) END
        || CASE WHEN v_args = '' THEN '{}'
                ELSE jsonb_build_object('values', jsonb_build_object('args', v_args)) END
        || CASE WHEN v_approval.action_id IS NULL THEN '{}'
                ELSE jsonb_build_object('change_class', v_approval.change_class,
                    'shown_sha256', v_approval.shown_sha256, 'pins', v_approval.pins,
                    'expires_at', audit.moment(v_approval.expires_at)) END
        || coalesce(v_signed, '{}'), v_work);
    RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                        v_decision.level, v_signed IS NOT NULL;
END $$;
