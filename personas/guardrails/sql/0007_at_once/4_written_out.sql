-- Guards stand in one expression as long as their verbs are the same: each of its own was made
-- ready anew at each proposal. The first that speaks is the last that is asked, as before.
CREATE OR REPLACE FUNCTION gate.write_out_guards() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_asks text; v_always boolean; v_verbs text[];
BEGIN
    SELECT string_agg(format($q$
    IF %s THEN
        v_said := coalesce(%s);
        IF v_said IS NOT NULL THEN RETURN gate.denied_as(v_said); END IF;
    END IF;$q$, CASE WHEN r.verbs = '{}' THEN 'true'
                     ELSE format('p.verb = ANY (%L::text[])', r.verbs) END, r.asks),
                '' ORDER BY r.first),
           bool_or(r.verbs = '{}')
      INTO v_asks, v_always
      FROM (SELECT n.verbs, min(n.position) AS first, string_agg(
                       format('%L || gate.%I(p)', n.name || ' ', 'guard_' || n.name), $q$,
            $q$ ORDER BY n.position) AS asks
              FROM (SELECT g.*, row_number() OVER (ORDER BY g.position)
                         - row_number() OVER (PARTITION BY g.verbs ORDER BY g.position) AS row
                      FROM gate.guard g) n
             GROUP BY n.verbs, n.row) r;
    SELECT array_agg(DISTINCT u.verb ORDER BY u.verb) INTO v_verbs
      FROM gate.guard g, unnest(g.verbs) u(verb);
    EXECUTE format($q$
CREATE OR REPLACE FUNCTION gate.denied_by(p gate.ask) RETURNS gate.decision
LANGUAGE plpgsql AS $f$
-- Written out from gate.guard by gate.write_out_guards, whenever a row of it changes.
DECLARE v_said text;
BEGIN
    IF NOT (%L::boolean OR p.verb = ANY (%L::text[])) THEN
        RETURN gate.deny('guard', 'no guard stands');
    END IF;%s
    RETURN NULL;
END $f$ $q$, coalesce(v_always, false), coalesce(v_verbs, '{}'), coalesce(v_asks, ''));
    RETURN NULL;
END $$;

-- What a guard says, after its name.
CREATE FUNCTION gate.denied_as(p_said text) RETURNS gate.decision LANGUAGE sql IMMUTABLE AS $$
    SELECT gate.deny(split_part(p_said, ' ', 1), substr(p_said, strpos(p_said, ' ') + 1))
$$;
UPDATE gate.guard SET says = says;

-- As before, of what was asked.
DROP FUNCTION gate.judge(public.personas_run, text, text, text, text, jsonb);
CREATE FUNCTION gate.judge(p gate.ask) RETURNS gate.decision
LANGUAGE plpgsql AS $$
DECLARE v_denied gate.decision := gate.denied_by(p); v_level text;
BEGIN
    IF v_denied.verdict IS NOT NULL THEN RETURN v_denied; END IF;
    v_level := gate.level_of(p);
    IF p.verb = 'playbook.run' AND v_level IN ('veto', 'act')
            AND gate.kept_to_proposals(p.entry, p.target) IS NOT NULL THEN
        v_level := 'propose';
    END IF;
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                (p.run).card_id, v_level, p.entry, (p.ci).ci_class), v_level, p.given,
                coalesce((p.item).approved_hash, ''))::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, p.given,
            coalesce((p.item).approved_hash, ''))::gate.decision;
END $$;

-- As before, with what is known of it.
CREATE OR REPLACE FUNCTION gate.judge_in_hand(p_action uuid) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v gate.ask; v_action public.personas_action%ROWTYPE; v_run public.personas_run%ROWTYPE;
BEGIN
    SELECT a.* INTO v_action FROM public.personas_action a
      JOIN public.audit_work w ON w.id = a.id
     WHERE a.id = p_action AND w.kind = 'effect' AND w.state = 'leased';
    IF NOT FOUND THEN RETURN 'nobody holds this effect'; END IF;
    IF v_action.run_id IS NULL THEN RETURN NULL; END IF;
    IF gate.called_off(p_action) THEN RETURN 'its run was called off'; END IF;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = v_action.run_id;
    v := gate.asked(v_run, NULL, v_action.verb, v_action.entry, v_action.target, v_action.args);
    v.given := v_action.args;
    RETURN coalesce(gate.guard_card(v), gate.guard_grant(v), gate.guard_scope(v),
        gate.guard_major(v),
        CASE WHEN v.verb = 'command.run' THEN
            coalesce(gate.guard_lifeline(v), gate.scope_fault(v),
                CASE WHEN gate.level_of(v) = 'observe' THEN
                    format('%s may only observe with %s by now', (v.run).card_id, v.entry) END) END,
        gate.guard_guardrail(v));
END $$;
