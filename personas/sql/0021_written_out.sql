-- Guards are rows still, and are asked as one function that is written out from them: a call that
-- is made anew for each guard at each proposal was planned anew each time, which cost more than
-- all that the guards look at.

-- Writes out what the rows of gate.guard say now, in their order.
CREATE FUNCTION gate.write_out_guards() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_asks text; v_always boolean; v_verbs text[];
BEGIN
    SELECT string_agg(format($q$
    IF %s THEN
        v_no := gate.%I(p);
        IF v_no IS NOT NULL THEN RETURN gate.deny(%L, v_no); END IF;
    END IF;$q$, CASE WHEN g.verbs = '{}' THEN 'true'
                     ELSE format('p.verb = ANY (%L::text[])', g.verbs) END,
                'guard_' || g.name, g.name), '' ORDER BY g.position),
           bool_or(g.verbs = '{}')
      INTO v_asks, v_always FROM gate.guard g;
    SELECT array_agg(DISTINCT u.verb ORDER BY u.verb) INTO v_verbs
      FROM gate.guard g, unnest(g.verbs) u(verb);
    EXECUTE format($q$
CREATE OR REPLACE FUNCTION gate.denied_by(p gate.ask) RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
-- Written out from gate.guard by gate.write_out_guards, whenever a row of it changes.
DECLARE v_no text;
BEGIN
    IF NOT (%L::boolean OR p.verb = ANY (%L::text[])) THEN
        RETURN gate.deny('guard', 'no guard stands');
    END IF;%s
    RETURN NULL;
END $f$ $q$, coalesce(v_always, false), coalesce(v_verbs, '{}'), coalesce(v_asks, ''));
    RETURN NULL;
END $$;

CREATE TRIGGER write_out AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON gate.guard
    FOR EACH STATEMENT EXECUTE FUNCTION gate.write_out_guards();
ALTER TABLE gate.guard ENABLE ALWAYS TRIGGER write_out;
UPDATE gate.guard SET says = says;

-- As before: the first guard that speaks decides; then the level, no further than review and people
-- let it go. p_run has been locked by the caller.
CREATE OR REPLACE FUNCTION gate.judge(p_run public.personas_run, p_token text, p_verb text,
    p_entry text, p_target text, p_args jsonb)
RETURNS gate.decision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ask gate.ask := gate.asked(p_run, p_token, p_verb, p_entry, p_target, p_args);
    v_denied gate.decision := gate.denied_by(v_ask); v_level text;
BEGIN
    IF v_denied.verdict IS NOT NULL THEN RETURN v_denied; END IF;
    v_level := gate.level_of(v_ask);
    IF p_verb = 'playbook.run' AND v_level IN ('veto', 'act')
            AND gate.kept_to_proposals(p_entry, p_target) IS NOT NULL THEN
        v_level := 'propose';
    END IF;
    IF v_level <> 'act' THEN
        RETURN ('observed', 'autonomy', format('%s may only %s with %s on a CI of class %s',
                p_run.card_id, v_level, p_entry, (v_ask.ci).ci_class), v_level, v_ask.given,
                coalesce((v_ask.item).approved_hash, ''))::gate.decision;
    END IF;
    RETURN ('authorised', '', '', v_level, v_ask.given,
            coalesce((v_ask.item).approved_hash, ''))::gate.decision;
END $$;

-- As before. The hour begins at one moment: compared with a clock that goes on, every use there
-- ever was would be read, and not those of the hour.
CREATE OR REPLACE FUNCTION gate.guard_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int; v_since timestamptz;
BEGIN
    -- Locked, so that two runs that ask at once are counted one after the other.
    PERFORM 1 FROM public.personas_catalogueentry WHERE name = p.entry FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.entry = p.entry AND a.target = p.target
       AND a.verdict = 'authorised' AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= (p.item).max_per_ticket THEN
        RETURN format('%s was already used %s of %s times on this ticket', p.entry, v_count,
                      (p.item).max_per_ticket);
    END IF;
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_count FROM public.personas_action a
     WHERE a.entry = p.entry AND a.entry <> '' AND a.verdict = 'authorised'
       AND a.decided_at > v_since;
    IF v_count >= (p.item).max_per_hour THEN
        RETURN format('%s was used %s times in an hour: a person must look', p.entry, v_count);
    END IF;
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION gate.write_out_guards(), gate.denied_by(gate.ask) FROM PUBLIC;
