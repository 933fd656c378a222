-- What guards look at is read at once, in one statement: each of its own cost more than what it
-- found. Nothing else is decided. What is called only by doors whose path is pinned has neither a
-- path nor rights of its own: nobody else may call it. Frozen: a later change is a new file and
-- migration.

-- What is known of a proposal. Where a part is missing, nobody has looked: then guards refuse.
CREATE TYPE gate.known AS (
    stopped boolean, approved boolean, granted boolean, covered boolean,
    tokens_in bigint, tokens_out bigint, trust text, person text, major text,
    refusing boolean, confirming boolean, level text, risk text, policy jsonb, thought jsonb);
-- No guard reads the card itself.
ALTER TYPE gate.ask DROP ATTRIBUTE card, ADD ATTRIBUTE known gate.known;

-- How far a card may go with an entry on one CI: as far as on its class. NULL where nobody said.
CREATE FUNCTION gate.level_on(p_card text, p_entry text, p_class text, p_ci text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT u.level FROM public.personas_autonomy u
             WHERE u.card_id = p_card AND u.entry = p_entry AND u.ci_class = p_class);
END $$;

-- As before, and with what is known. Read after the run was locked.
CREATE OR REPLACE FUNCTION gate.asked(p_run public.personas_run, p_token text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS gate.ask
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ask gate.ask; v_item public.personas_catalogueentry; v_ci public.cmdb_ci;
    v_given jsonb := p_args; v_touches boolean := gate.touches_ci(p_verb);
BEGIN
    IF v_touches THEN
        SELECT * INTO v_ci FROM public.cmdb_ci WHERE ref = p_target AND NOT retired;
    END IF;
    IF p_verb = 'playbook.run' THEN
        SELECT * INTO v_item FROM public.personas_catalogueentry WHERE name = p_entry;
        -- A playbook's arguments are what the CI declares, never what an agent says.
        v_given := gate.args_from_ci(coalesce(v_item.parameters, '{}'), coalesce(v_ci.attributes, '{}'));
    END IF;
    SELECT p_run, i, p_token, p_verb, p_entry, p_target, p_args, v_item, v_ci, v_given, ROW(
        coalesce((SELECT s.stopped FROM public.personas_stop s WHERE s.id = 1), false),
        -- As gate.card_approved says.
        EXISTS (SELECT 1 FROM public.personas_card c
                  JOIN public.guardrails_cardapproval a ON a.card = c.name AND a.digest = c.digest
                   AND a.prompt_digest = coalesce(c.document ->> 'prompt_digest', '')
                 WHERE c.name = p_run.card_id AND c.enabled
                   AND coalesce(jsonb_typeof(c.document -> 'waiting'), 'null') = 'null'),
        EXISTS (SELECT 1 FROM public.personas_grant g
                 WHERE g.card_id = p_run.card_id AND g.verb = p_verb),
        NOT v_touches OR EXISTS (
            SELECT 1 FROM public.personas_grant g
             WHERE g.card_id = p_run.card_id AND g.verb = p_verb AND g.entry = p_entry
               AND g.ci_class = coalesce(v_ci.ci_class, g.ci_class)),
        coalesce(j.read, 0) + coalesce(n.tokens_in, 0),
        coalesce(j.written, 0) + coalesce(n.tokens_out, 0),
        -- As gate.taint_of, gate.held_by and gate.major_of say.
        coalesce((SELECT b.trust FROM public.approvals_taint b WHERE b.run_id = p_run.id
                   ORDER BY gate.trust_rank(b.trust) DESC LIMIT 1), 'declared'),
        coalesce(k.assignee, ''),
        coalesce((SELECT m.ticket_id FROM public.tickets_major m
                   WHERE m.ticket_id IN (k.ref, k.parent_id) AND m.ended_at IS NULL LIMIT 1), ''),
        coalesce(r.refusing, false), coalesce(r.confirming, false),
        CASE WHEN v_touches
             THEN gate.level_on(p_run.card_id, p_entry, v_ci.ci_class, v_ci.ref) END,
        CASE WHEN gate.is_of_catalogue(p_verb)
             THEN gate.risk_of(p_run.card_id, p_verb, p_entry) END,
        CASE WHEN gate.is_of_catalogue(p_verb) THEN coalesce(
            (SELECT jsonb_object_agg(y.name, y.value) FROM public.autonomy_policy y), '{}') END,
        coalesce(j.thought, '{}'))::gate.known
      INTO STRICT v_ask
      FROM public.personas_agentintent i
      LEFT JOIN public.tickets_ticket k ON k.ref = p_run.ticket_ref
      LEFT JOIN public.autonomy_spent n ON n.run_id = p_run.id
     CROSS JOIN (SELECT (sum(one.tokens_asked) FILTER (WHERE one.finished_at IS NULL))::bigint AS read,
                        (sum(one.tokens_done) FILTER (WHERE one.finished_at IS NULL))::bigint AS written,
                        -- As gate.thought says of the step that is being taken.
                        (array_agg(jsonb_build_object('inference', one.id, 'slot', one.slot,
                                                      'model_digest', one.model_digest)
                                   ORDER BY one.created_at)
                            FILTER (WHERE one.step = p_run.steps + 1))[1] AS thought
                   FROM public.gpu_job one WHERE one.run = p_run.id) j
     CROSS JOIN (SELECT bool_or(l.effect <> 'confirm') AS refusing,
                        bool_or(l.effect = 'confirm') AS confirming
                   FROM public.guardrails_rule l
                  WHERE l.enabled AND gate.takes_in(l.applies -> 'verbs', p_verb)
                    AND gate.takes_in(l.applies -> 'cards', p_run.card_id)
                    AND gate.takes_in(l.applies -> 'entries', p_entry)) r
     WHERE i.id = p_run.intent_id;
    RETURN v_ask;
END $$;

-- The numbers of the policy that nobody has set, apart from where those stand that somebody has.
CREATE FUNCTION gate.policy_default(p_name text) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_name
        WHEN 'ticket_runs' THEN 12
        WHEN 'ticket_changes' THEN 4
        WHEN 'fleet_changes_per_hour' THEN 30
        WHEN 'hour_share' THEN 0.5
        WHEN 'hour_reserve' THEN 0.25
        WHEN 'breaker_window_s' THEN 600
        WHEN 'breaker_failed' THEN 10
        WHEN 'breaker_denied' THEN 40
        WHEN 'breaker_abandoned' THEN 10
        WHEN 'breaker_calm_s' THEN 900
        WHEN 'breaker_probes' THEN 3
        WHEN 'veto_least' THEN 8
        WHEN 'veto_lower' THEN 0.6
        WHEN 'act_least' THEN 12
        WHEN 'act_lower' THEN 0.75
        WHEN 'reopened_within_s' THEN 86400
    END::double precision
$$;

-- As before.
CREATE OR REPLACE FUNCTION gate.policy(p_name text) RETURNS double precision
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT value FROM public.autonomy_policy WHERE name = p_name),
                    gate.policy_default(p_name))
$$;

-- A number of the policy out of what is known: as gate.policy gives it.
CREATE FUNCTION gate.policy_of(p gate.ask, p_name text) RETURNS double precision
LANGUAGE sql STABLE AS $$
    SELECT coalesce(((p.known).policy ->> p_name)::double precision, gate.policy_default(p_name))
$$;
