-- What bounds an action is asked in one place, so that a later verb may be bounded by something else
-- than the catalogue. Frozen: a later change is a new file and migration.

-- What bounds an action of this card: its catalogue entry; NULL where there is none.
CREATE FUNCTION gate.bounds_of(p_card text, p_verb text, p_entry text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT to_jsonb(e) - 'loaded_at' FROM public.personas_catalogueentry e
     WHERE gate.is_of_catalogue(p_verb) AND e.name = p_entry
$$;

-- How risky it is, as its bounds say; NULL where nobody says it.
CREATE FUNCTION gate.risk_of(p_card text, p_verb text, p_entry text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.risk FROM public.personas_catalogueentry e
     WHERE gate.is_of_catalogue(p_verb) AND e.name = p_entry
$$;

-- As before, and: the risk of whatever bounds it.
CREATE OR REPLACE FUNCTION gate.propose(p_run uuid, p_token text, p_step int, p_key text, p_verb text,
    p_entry text, p_target text, p_args text, p_salt text, p_statement text, p_signature text)
RETURNS TABLE (action_id uuid, verdict text, guard text, reason text, level text, counted boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_run public.personas_run%ROWTYPE; v_old public.personas_action%ROWTYPE;
    v_decision gate.decision; v_id uuid := gen_random_uuid(); v_work uuid; v_signed jsonb;
    v_salt bytea; v_asked text := ''; v_args text := ''; v_deadline timestamptz; v_risk text;
    v_given jsonb; v_unread text; v_known boolean; v_approval public.approvals_approval%ROWTYPE;
    v_veto boolean;
BEGIN
    p_step := coalesce(p_step, 0);
    p_key := left(coalesce(p_key, ''), 60);
    p_verb := coalesce(p_verb, '');
    p_entry := coalesce(p_entry, '');
    p_target := coalesce(p_target, '');
    p_args := coalesce(p_args, '');
    SELECT * INTO v_run FROM public.personas_run WHERE id = p_run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM gate.note_stranger(p_run, p_verb);
        RETURN QUERY SELECT v_id, 'denied'::text, 'run'::text, 'no such run'::text, ''::text, false;
        RETURN;
    END IF;
    SELECT * INTO v_given, v_unread FROM gate.read_args(p_args);
    v_decision := gate.judge(v_run, p_token, p_verb, p_entry, p_target, v_given);
    IF v_unread <> '' AND (v_decision.verdict <> 'denied' OR v_decision.guard = 'arguments') THEN
        v_decision := gate.deny('arguments', format('%s: %s', p_verb, v_unread));
    END IF;
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
    v_decision := gate.weighed(v_decision, v_run, p_verb, p_entry, p_target);
    -- What nobody signed is not permitted; that it was asked is on record all the same.
    IF v_signed IS NULL AND v_decision.verdict <> 'denied' THEN
        v_decision := gate.deny('signature', 'not signed by who takes this step');
    END IF;
    v_risk := coalesce(gate.risk_of(v_run.card_id, p_verb, p_entry), '');
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
    UPDATE public.personas_run SET actions = actions + 1 WHERE id = p_run;
    IF v_decision.verdict = 'proposed' OR v_veto THEN
        v_approval := gate.put_approval(v_id, CASE WHEN v_veto THEN 'veto' ELSE 'propose' END);
    END IF;
    PERFORM audit.put_pending('action.' || v_decision.verdict, v_id::text, v_run.ticket_ref,
        gate.asked_body(v_run, p_step, p_key, p_verb, p_entry, p_target)
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

-- As before, by what bounds it.
CREATE OR REPLACE FUNCTION gate.weighed(p_decision gate.decision, p_run public.personas_run, p_verb text,
    p_entry text, p_target text)
RETURNS gate.decision
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v gate.decision := p_decision; v_class text := 'standard';
BEGIN
    IF v.verdict = 'denied' THEN RETURN v; END IF;
    -- A ticket is moved by no entry, whatever is said.
    IF p_entry <> '' AND gate.is_of_catalogue(p_verb) THEN
        v_class := gate.change_class(gate.risk_of(p_run.card_id, p_verb, p_entry),
                                     p_run.ticket_ref);
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

-- As before, by what bounds it.
CREATE OR REPLACE FUNCTION gate.needs_approval(p_action public.personas_action) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p_action.run_id IS NOT NULL AND (p_action.level IN ('propose', 'veto')
        OR (p_action.entry <> '' AND gate.is_of_catalogue(p_action.verb)
            AND gate.change_class(gate.risk_of((SELECT r.card_id FROM public.personas_run r
                    WHERE r.id = p_action.run_id), p_action.verb, p_action.entry),
                p_action.ticket_ref) <> 'standard'))
$$;

-- As before, and: whatever bounds it is held still.
CREATE OR REPLACE FUNCTION gate.pins(p_action public.personas_action) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_entry public.personas_catalogueentry%ROWTYPE; v_ci public.cmdb_ci%ROWTYPE;
    v_host public.cmdb_host%ROWTYPE; v_args jsonb := p_action.args; v_bounds jsonb;
BEGIN
    SELECT * INTO v_entry FROM public.personas_catalogueentry WHERE name = p_action.entry;
    v_bounds := gate.bounds_of((SELECT r.card_id FROM public.personas_run r
                                 WHERE r.id = p_action.run_id), p_action.verb, p_action.entry);
    SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_action.target;
    SELECT * INTO v_host FROM public.cmdb_host WHERE name = v_ci.inventory_host_id;
    IF p_action.verb = 'playbook.run' THEN
        v_args := gate.args_from_ci(coalesce(v_entry.parameters, '{}'),
                                    coalesce(v_ci.attributes, '{}'));
    END IF;
    RETURN jsonb_build_object(
        'tree', CASE WHEN v_entry.tree_hash = v_entry.approved_hash AND v_entry.enabled
                     THEN v_entry.approved_hash ELSE '' END,
        'args', gate.rows_digest(v_args),
        'entry', gate.rows_digest(v_bounds),
        'ci', gate.rows_digest(to_jsonb(v_ci)),
        'host', gate.rows_digest(to_jsonb(v_host)),
        'ticket', gate.ticket_pin(p_action.ticket_ref));
END $$;

-- As before, of whatever bounds it.
CREATE OR REPLACE FUNCTION gate.approval_facts(p_action public.personas_action, p_kind text,
    p_class text, p_pins jsonb)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('v', 1, 'action', p_action.id, 'kind', p_kind,
        'change_class', p_class, 'verb', p_action.verb, 'entry', p_action.entry,
        'title', coalesce(b.by ->> 'title', ''), 'risk', coalesce(b.by ->> 'risk', ''),
        'timeout_s', coalesce((b.by -> 'timeout_s')::int, 0),
        'rollback', coalesce(b.by #> '{document,rollback}', 'null'),
        'sudo', coalesce(b.by #> '{document,sudo}', 'null'),
        'target', jsonb_build_object('ref', p_action.target, 'name', c.name, 'class', c.ci_class,
            'impact', c.impact, 'user_facing', c.user_facing, 'lifeline', c.lifeline,
            'maintenance_until', c.attributes -> 'maintenance_until'),
        'hosts', CASE WHEN h.name IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
            jsonb_build_object('name', h.name, 'address', h.address, 'connection', h.connection,
                               'user', h."user")) END,
        'arguments', p_action.args, 'tree_hash', p_action.tree_hash,
        'files', coalesce((SELECT jsonb_agg(jsonb_build_object('path', f ->> 'path',
            'sha256', f ->> 'sha256')) FROM jsonb_array_elements(t.files) f), '[]'::jsonb),
        'tree_before', coalesce(t.before, ''), 'diff_sha256', coalesce(t.diff_sha256, ''),
        'blast_radius', gate.blast_radius(p_action.target),
        'planned', gate.planned_near(p_action.id, p_action.target),
        'used', gate.used_so_far(p_action),
        'ticket', jsonb_build_object('ref', p_action.ticket_ref, 'state', k.state,
            'priority', k.priority, 'assignee', k.assignee),
        'run', p_action.run_id, 'card', r.card_id, 'card_digest', d.digest, 'pins', p_pins,
        'read', coalesce((SELECT jsonb_agg(jsonb_build_object('source', x.source,
            'trust', x.trust) ORDER BY x.source) FROM public.approvals_taint x
             WHERE x.run_id = p_action.run_id), '[]'::jsonb))
      FROM public.personas_run r
      JOIN public.personas_card d ON d.name = r.card_id
     CROSS JOIN LATERAL (SELECT gate.bounds_of(r.card_id, p_action.verb, p_action.entry) AS by) b
      LEFT JOIN public.cmdb_ci c ON c.ref = p_action.target
      LEFT JOIN public.cmdb_host h ON h.name = c.inventory_host_id
      LEFT JOIN public.approvals_tree t ON t.tree_hash = p_action.tree_hash
      LEFT JOIN public.tickets_ticket k ON k.ref = p_action.ticket_ref
     WHERE r.id = p_action.run_id
$$;

REVOKE ALL ON FUNCTION gate.bounds_of(text, text, text), gate.risk_of(text, text, text) FROM PUBLIC;
