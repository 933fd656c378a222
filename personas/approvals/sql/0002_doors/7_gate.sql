-- The gate with people in it: a proposal may wait for one, and a permit holds only as long as what
-- he was shown is still so.

-- How far a level goes, the least first.
CREATE FUNCTION gate.level_rank(p_level text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['observe', 'propose', 'veto', 'act'], p_level)
$$;

-- What the level makes of a proposal that no guard has denied. A change that is not standard is
-- proposed at most, however far the card may go.
CREATE FUNCTION gate.weighed(p_decision gate.decision, p_run public.personas_run, p_verb text,
    p_entry text, p_target text)
RETURNS gate.decision
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v gate.decision := p_decision; v_risk text; v_class text := 'standard';
BEGIN
    IF v.verdict = 'denied' THEN RETURN v; END IF;
    -- A ticket is moved by no entry, whatever is said.
    IF p_entry <> '' AND gate.is_of_catalogue(p_verb) THEN
        SELECT risk INTO v_risk FROM public.personas_catalogueentry WHERE name = p_entry;
        v_class := gate.change_class(v_risk, p_run.ticket_ref);
    END IF;
    IF v_class <> 'standard' AND v.level IN ('veto', 'act') THEN v.level := 'propose'; END IF;
    IF v.level = 'propose' THEN
        v.verdict := 'proposed'; v.guard := 'approval';
        v.reason := format('%s change: a person approves it', v_class);
    ELSIF v.level = 'veto' THEN
        v.verdict := 'authorised'; v.guard := ''; v.reason := '';
    END IF;
    IF v.level IN ('propose', 'veto') AND EXISTS (SELECT 1 FROM public.approvals_approval
            WHERE state = 'waiting' AND ticket_ref = p_run.ticket_ref AND entry = p_entry
              AND target = p_target) THEN
        RETURN gate.deny('approval', format('%s on %s waits for a person already', p_entry,
                                            p_target));
    END IF;
    RETURN v;
END $$;

-- Puts a proposal before people: facts, digests, how long it waits.
CREATE FUNCTION gate.put_approval(p_action uuid, p_kind text) RETURNS public.approvals_approval
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_action public.personas_action%ROWTYPE; v_class text; v_pins jsonb; v_facts jsonb;
    v public.approvals_approval%ROWTYPE; v_profile public.approvals_profile%ROWTYPE;
    v_now timestamptz := clock_timestamp(); v_deadline timestamptz;
BEGIN
    SELECT * INTO STRICT v_action FROM public.personas_action WHERE id = p_action;
    SELECT * INTO STRICT v_profile FROM public.approvals_profile WHERE id = 1;
    SELECT deadline INTO v_deadline FROM public.personas_run WHERE id = v_action.run_id;
    v_class := gate.change_class(v_action.risk, v_action.ticket_ref);
    v_pins := gate.pins(v_action);
    v_facts := gate.approval_facts(v_action, p_kind, v_class, v_pins);
    INSERT INTO public.approvals_approval (action_id, kind, change_class, run_id, ticket_ref, entry,
        target, author, asked_by, facts, shown, shown_sha256, pins, tree_hash, args_digest,
        proposed_at, not_before, expires_at)
    VALUES (p_action, p_kind, v_class, v_action.run_id, v_action.ticket_ref, v_action.entry,
        v_action.target, v_action.principal, gate.behind(v_action.run_id, v_action.tree_hash),
        v_facts, v_facts::text, gate.sha256_hex(v_facts::text), v_pins, v_action.tree_hash,
        v_action.args_digest, v_now,
        CASE p_kind WHEN 'veto' THEN v_now + make_interval(secs => v_profile.veto_s) END,
        CASE p_kind WHEN 'veto' THEN v_now + make_interval(secs => v_profile.veto_s)
                                     + interval '10 minutes'
             ELSE least(v_deadline, v_now + make_interval(secs => v_profile.expires_s)) END)
    RETURNING * INTO v;
    PERFORM gate.tell_of_approval(v, '');
    RETURN v;
END $$;

CREATE FUNCTION gate.veto_window() RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT make_interval(secs => veto_s) FROM public.approvals_profile WHERE id = 1
$$;

-- p_args is the text whose commitment under p_salt was signed. `counted` tells the signer whether
-- the statement is in its chain now.
CREATE OR REPLACE FUNCTION gate.propose(p_run uuid, p_token text, p_step int, p_key text, p_verb text,
    p_entry text, p_target text, p_args text, p_salt text, p_statement text, p_signature text)
RETURNS TABLE (action_id uuid, verdict text, guard text, reason text, level text, counted boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_run public.personas_run%ROWTYPE; v_old public.personas_action%ROWTYPE;
    v_decision gate.decision; v_id uuid := gen_random_uuid(); v_work uuid; v_signed jsonb;
    v_salt bytea; v_asked text := ''; v_args text := ''; v_deadline timestamptz; v_risk text;
    v_known boolean; v_approval public.approvals_approval%ROWTYPE; v_veto boolean;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM gate.note_stranger(p_run, p_verb);
        RETURN QUERY SELECT v_id, 'denied'::text, 'run'::text, 'no such run'::text, ''::text, false;
        RETURN;
    END IF;
    v_decision := gate.judge(v_run, p_token, p_verb, coalesce(p_entry, ''),
                             coalesce(p_target, ''), p_args::jsonb);
    -- A step repeated by another worker gets its first verdict back; but only its holder does.
    v_known := v_decision.guard NOT IN ('run', 'token');
    IF v_known THEN
        SELECT * INTO v_old FROM public.personas_action
         WHERE run_id = p_run AND step_number = p_step AND key = p_key;
        IF FOUND THEN
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
        RETURN QUERY SELECT v_id, v_decision.verdict, v_decision.guard, v_decision.reason,
                            v_decision.level, false;
        RETURN;
    END IF;
    IF v_known AND p_salt ~ '^[0-9a-f]{32}$' THEN
        v_salt := decode(p_salt, 'hex');
        v_asked := audit.commitment(v_salt, p_args);
        v_signed := gate.take_statement(p_run, p_statement, p_signature, jsonb_build_object(
            'kind', 'propose', 'run', p_run, 'step', p_step, 'card', v_run.card_id, 'key', p_key,
            'verb', p_verb, 'entry', p_entry, 'target', p_target, 'asked_digest', v_asked));
    END IF;
    v_decision := gate.weighed(v_decision, v_run, p_verb, coalesce(p_entry, ''),
                               coalesce(p_target, ''));
    -- What nobody signed is not permitted; that it was asked is on record all the same.
    IF v_signed IS NULL AND v_decision.verdict <> 'denied' THEN
        v_decision := gate.deny('signature', 'not signed by who takes this step');
    END IF;
    SELECT coalesce(max(risk), '') INTO v_risk
      FROM public.personas_catalogueentry WHERE p_verb = 'playbook.run' AND name = p_entry;
    IF v_decision.verdict <> 'denied' THEN
        -- A playbook's arguments come from the CI: they are not what was asked.
        v_args := CASE WHEN v_decision.args = p_args::jsonb
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
        CASE WHEN v_decision.guard IN ('run', 'token') THEN v_id::text ELSE left(p_key, 60) END,
        'run:' || p_run, v_run.ticket_ref, left(p_verb, 40), left(coalesce(p_entry, ''), 60),
        left(coalesce(p_target, ''), 200),
        CASE WHEN v_decision.verdict = 'denied' THEN '{}'::jsonb ELSE v_decision.args END,
        v_decision.level, v_decision.verdict, v_decision.guard, v_decision.reason,
        v_decision.tree_hash, v_work, v_risk, v_deadline, (v_signed ->> 'instance')::uuid,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_statement END,
        CASE WHEN v_signed IS NULL THEN '' ELSE p_signature END,
        CASE WHEN v_decision.verdict <> 'denied' THEN v_salt END, v_asked, v_args);
    UPDATE public.personas_run SET actions = actions + 1 WHERE id = p_run;
    IF v_decision.verdict = 'proposed' OR v_veto THEN
        v_approval := gate.put_approval(v_id, CASE WHEN v_veto THEN 'veto' ELSE 'propose' END);
    END IF;
    PERFORM audit.put_pending('action.' || v_decision.verdict, v_id::text, v_run.ticket_ref,
        gate.asked_body(v_run, p_step, p_key, p_verb, coalesce(p_entry, ''),
                        coalesce(p_target, ''))
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

-- Whether a permit would still be given: its run lives; what a person had to approve he approved as it
-- is now; and for a playbook the entry is there as approved, the CI is no lifeline, and the card may
-- still go as far as it went.
CREATE OR REPLACE FUNCTION gate.still_permitted(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT (a.run_id IS NULL OR r.state IN ('pending', 'starting', 'running', 'waiting',
                                                'paused', 'retrying'))
           AND gate.approval_stands(a.id)
           AND (a.verb <> 'playbook.run' OR EXISTS (
                SELECT 1 FROM public.personas_catalogueentry e, public.cmdb_ci c,
                       public.personas_autonomy u, public.personas_card p
                 WHERE e.name = a.entry AND e.enabled AND e.approved_hash = a.tree_hash
                   AND c.ref = a.target AND NOT c.lifeline AND NOT c.retired
                   AND p.name = r.card_id AND p.enabled
                   AND u.card_id = r.card_id AND u.entry = a.entry
                   AND u.ci_class = c.ci_class
                   AND gate.level_rank(u.level) >= gate.level_rank(a.level)
                   AND u.level <> 'observe'))
          FROM public.personas_action a LEFT JOIN public.personas_run r ON r.id = a.run_id
         WHERE a.id = p_action), false)
$$;

-- As before, and: what people may object to not before they had their time; who carries it out is
-- written into its approval.
CREATE OR REPLACE FUNCTION gate.claim_effect(p_queue text, p_holder text, p_lease_s double precision)
RETURNS TABLE (action_id uuid, fence bigint, verb text, entry text, target text, args jsonb,
    ticket_ref text, card text, run_id uuid, principal text, tree_hash text, entry_seq bigint,
    attempts int, timeout_s int, parameters jsonb, document jsonb, holder text,
    signed jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_id uuid;
BEGIN
    PERFORM set_config('synchronous_commit', 'on', true);
    IF p_queue NOT IN ('executor.light', 'executor.plays') OR gate.stopped() THEN RETURN; END IF;
    UPDATE public.audit_work w
       SET state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1, holder = p_holder,
           lease_until = clock_timestamp() + make_interval(secs => p_lease_s),
           claimed_at = clock_timestamp()
     WHERE w.id = ANY (ARRAY(
            SELECT c.id FROM public.audit_work c
             WHERE c.queue = p_queue AND c.state = 'ready' AND c.kind = 'effect'
               AND c.not_before <= clock_timestamp() AND c.expires_at > clock_timestamp()
               AND c.entry_seq IS NOT NULL AND c.entry_lsn <= pg_current_wal_flush_lsn()
               AND EXISTS (SELECT 1 FROM public.personas_action a
                            WHERE a.id = c.id AND a.verdict = 'authorised' AND a.outcome = '')
               AND gate.still_permitted(c.id)
               AND gate.held_back(c.id, c.entry_seq) IS NULL
               AND gate.veto_pending(c.id) IS NULL
               AND (c.queue <> 'executor.plays' OR NOT EXISTS (
                    SELECT 1 FROM public.audit_work o
                     WHERE o.subject = c.subject AND o.kind = 'effect'
                       AND o.queue = 'executor.plays' AND o.state IN ('leased', 'in_doubt')))
             ORDER BY c.priority, c.created_at LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING w.id INTO v_id;
    IF v_id IS NULL THEN RETURN; END IF;
    UPDATE public.approvals_approval
       SET implementer = CASE implementer WHEN '' THEN left('executor:' || p_holder, 240)
                         ELSE implementer END,
           state = CASE WHEN kind = 'veto' AND state = 'waiting' THEN 'unopposed' ELSE state END,
           decided_at = coalesce(decided_at, clock_timestamp())
     WHERE action_id = v_id;
    RETURN QUERY SELECT * FROM gate.effect_facts(v_id);
EXCEPTION WHEN unique_violation THEN
    RETURN;  -- another play on the same CI was claimed in this instant
END $$;

-- As before, and: a run waits while a proposal of its waits for a person.
CREATE OR REPLACE FUNCTION gate.advance(p_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND OR v_run.state NOT IN ('running', 'waiting') THEN RETURN; END IF;
    IF EXISTS (SELECT 1 FROM public.audit_work WHERE kind = 'step' AND subject = p_run::text
                AND state IN ('waiting', 'ready', 'leased')) THEN RETURN; END IF;
    IF v_run.state = 'running' THEN
        UPDATE public.personas_run SET state = 'waiting', token_hash = NULL WHERE id = p_run;
    END IF;
    -- A doubt that the probe could not settle does not hold the run: it looks at the CI instead.
    IF EXISTS (SELECT 1 FROM public.personas_action a
                 LEFT JOIN public.audit_work w ON w.id = a.work_id
                WHERE a.run_id = p_run AND a.verdict IN ('authorised', 'proposed')
                  AND a.outcome = ''
                  AND NOT (w.state = 'in_doubt' AND a.result <> '{}')) THEN
        RETURN;
    END IF;
    IF v_run.steps >= v_run.max_steps THEN
        PERFORM gate.end_run(p_run, 'failed',
            format('stopped at its limit of %s steps', v_run.max_steps), 'max_steps');
        RETURN;
    END IF;
    PERFORM gate.next_step(p_run, v_run.steps + 1,
        greatest(coalesce(v_run.resume_at, clock_timestamp()), clock_timestamp()));
END $$;
