-- What an approval rests on: facts that the gate computes and no model writes, and the digests of
-- everything that must still be so when it is used. Frozen: a later change is a new file.

INSERT INTO public.approvals_profile (id) VALUES (1);

CREATE FUNCTION gate.rows_digest(p_rows jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT gate.sha256_hex(coalesce(p_rows, 'null'::jsonb)::text)
$$;

-- The ticket as a person would read it; lines of its worklog change nothing about what was asked.
CREATE FUNCTION gate.ticket_pin(p_ticket text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gate.rows_digest((
        SELECT jsonb_build_array(t.ref, t.state, t.team, t.assignee, t.impact, t.urgency, t.title,
                t.description, (SELECT jsonb_agg(c.ci_ref ORDER BY c.ci_ref)
                                  FROM public.tickets_ticketci c WHERE c.ticket_id = t.ref))
          FROM public.tickets_ticket t WHERE t.ref = p_ticket))
$$;

-- Digests of everything that an approval holds still: playbook, arguments, CI, host, ticket.
CREATE FUNCTION gate.pins(p_action public.personas_action) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_entry public.personas_catalogueentry%ROWTYPE; v_ci public.cmdb_ci%ROWTYPE;
    v_host public.cmdb_host%ROWTYPE; v_args jsonb := p_action.args;
BEGIN
    SELECT * INTO v_entry FROM public.personas_catalogueentry WHERE name = p_action.entry;
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
        'entry', gate.rows_digest(to_jsonb(v_entry) - 'loaded_at'),
        'ci', gate.rows_digest(to_jsonb(v_ci)),
        'host', gate.rows_digest(to_jsonb(v_host)),
        'ticket', gate.ticket_pin(p_action.ticket_ref));
END $$;

-- Which of the pins no longer hold, in words; NULL where all do.
CREATE FUNCTION gate.loose_pins(p_action uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT string_agg(was.key, ', ' ORDER BY was.key)
      FROM public.approvals_approval p JOIN public.personas_action a ON a.id = p.action_id,
           LATERAL gate.pins(a) AS now_is, LATERAL jsonb_each_text(p.pins) AS was
     WHERE p.action_id = p_action AND now_is ->> was.key IS DISTINCT FROM was.value
$$;

-- What else breaks when this CI does: what shares its host, as far as the CMDB knows.
CREATE FUNCTION gate.blast_radius(p_target text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH near AS (
        SELECT o.* FROM public.cmdb_ci c JOIN public.cmdb_ci o
               ON o.inventory_host_id = c.inventory_host_id AND o.ref <> c.ref AND NOT o.retired
         WHERE c.ref = p_target)
    SELECT jsonb_build_object(
        'host', (SELECT inventory_host_id FROM public.cmdb_ci WHERE ref = p_target),
        'same_host', coalesce((SELECT jsonb_agg(jsonb_build_object('ref', ref, 'name', name,
            'class', ci_class, 'user_facing', user_facing, 'lifeline', lifeline) ORDER BY ref)
            FROM near), '[]'::jsonb),
        'user_facing', (SELECT count(*) FROM near WHERE user_facing),
        'lifelines', (SELECT count(*) FROM near WHERE lifeline))
$$;

-- What else is on its way to this CI or its host: permits that are open, proposals that wait.
CREATE FUNCTION gate.planned_near(p_action uuid, p_target text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH near AS (
        SELECT p_target AS ref
        UNION SELECT o.ref FROM public.cmdb_ci c JOIN public.cmdb_ci o
               ON o.inventory_host_id = c.inventory_host_id WHERE c.ref = p_target)
    SELECT coalesce(jsonb_agg(jsonb_build_object('action', a.id, 'entry', a.entry,
            'target', a.target, 'ticket', a.ticket_ref,
            'state', coalesce(w.state::text, 'waits for a person')) ORDER BY a.decided_at), '[]')
      FROM public.personas_action a LEFT JOIN public.audit_work w ON w.id = a.work_id
     WHERE a.id <> p_action AND a.entry <> '' AND a.outcome = ''
       AND a.verdict IN ('authorised', 'proposed') AND a.target IN (SELECT ref FROM near)
$$;

CREATE FUNCTION gate.used_so_far(p_action public.personas_action) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'on_ticket', count(*) FILTER (WHERE a.ticket_ref = p_action.ticket_ref
                                        AND a.target = p_action.target),
        'in_an_hour', count(*) FILTER (WHERE a.decided_at
                                             > clock_timestamp() - interval '1 hour'))
      FROM public.personas_action a
     WHERE a.entry = p_action.entry AND a.verdict = 'authorised'
       AND a.outcome NOT IN ('void', 'expired')
$$;

-- Everything that is put before a person about a proposal. Titles of tickets, what hosts said and
-- what a model wrote are none of it.
CREATE FUNCTION gate.approval_facts(p_action public.personas_action, p_kind text, p_class text,
    p_pins jsonb)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object('v', 1, 'action', p_action.id, 'kind', p_kind,
        'change_class', p_class, 'verb', p_action.verb, 'entry', p_action.entry,
        'title', coalesce(e.title, ''), 'risk', coalesce(e.risk, ''),
        'timeout_s', coalesce(e.timeout_s, 0),
        'rollback', coalesce(e.document -> 'rollback', 'null'),
        'sudo', coalesce(e.document -> 'sudo', 'null'),
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
      LEFT JOIN public.personas_catalogueentry e ON e.name = p_action.entry
      LEFT JOIN public.cmdb_ci c ON c.ref = p_action.target
      LEFT JOIN public.cmdb_host h ON h.name = c.inventory_host_id
      LEFT JOIN public.approvals_tree t ON t.tree_hash = p_action.tree_hash
      LEFT JOIN public.tickets_ticket k ON k.ref = p_action.ticket_ref
     WHERE r.id = p_action.run_id
$$;

-- A change that is not standard is normal, and an emergency while its incident is of the first rank.
CREATE FUNCTION gate.change_class(p_risk text, p_ticket text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN NOT gate.is_high(coalesce(p_risk, 'unknown')) THEN 'standard'
        WHEN EXISTS (SELECT 1 FROM public.tickets_ticket
                      WHERE ref = p_ticket AND priority = 'P1') THEN 'emergency'
        ELSE 'normal' END
$$;

-- The persons who stand behind a proposal: who asked for its run (said so with the intent, opened
-- the ticket, or was the last to speak in it before), and who is known to have written what runs.
CREATE FUNCTION gate.behind(p_run uuid, p_tree_hash text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH run AS (
        SELECT r.*, i.inputs FROM public.personas_run r
          JOIN public.personas_agentintent i ON i.id = r.intent_id WHERE r.id = p_run),
    words AS (
        SELECT l.n, l.author FROM public.tickets_logline l JOIN run ON l.ticket_id = run.ticket_ref
         WHERE l.author_kind = 'person' AND l.at <= run.created_at)
    SELECT coalesce(array_agg(DISTINCT who ORDER BY who), '{}') FROM (
        SELECT inputs ->> 'asked_by' AS who FROM run
        UNION SELECT author FROM words WHERE n = 1
        UNION SELECT author FROM words WHERE n = (SELECT max(n) FROM words)
        UNION SELECT a.person FROM public.approvals_author a
               WHERE a.kind = 'tree' AND a.digest = p_tree_hash
        UNION SELECT a.person FROM public.approvals_author a, run
                JOIN public.personas_card c ON c.name = run.card_id
               WHERE a.kind = 'card' AND a.digest = c.digest) found
     WHERE coalesce(btrim(who), '') <> ''
$$;
