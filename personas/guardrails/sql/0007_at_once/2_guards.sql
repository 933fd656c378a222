-- Guards as before, but of what is known. Where nobody has looked they refuse.

CREATE OR REPLACE FUNCTION gate.guard_stop(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce((p.known).stopped, true)
                THEN 'ethops is stopped; only a named person resumes' END
$$;

CREATE OR REPLACE FUNCTION gate.guard_person(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.known).person IS NULL THEN 'nobody has looked who has the ticket'
                WHEN (p.known).person <> '' THEN (p.known).person || ' has the ticket' END
$$;

CREATE FUNCTION gate.over_tokens(p gate.ask) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_in bigint := (p.known).tokens_in; v_out bigint := (p.known).tokens_out;
    v_limit text; v_limits jsonb := gate.run_limits((p.run).id);
BEGIN
    v_limit := CASE WHEN v_in IS NULL OR v_in > (v_limits ->> 'tokens_in')::bigint THEN 'tokens_in'
                    WHEN v_out IS NULL OR v_out > (v_limits ->> 'tokens_out')::bigint
                        THEN 'tokens_out' END;
    IF v_limit IS NOT NULL THEN
        RETURN format('the run is over its limit %s of %s', v_limit, v_limits ->> v_limit);
    END IF;
    RETURN NULL;
END $$;

-- Who has spent nothing is over no limit, and there is no limit below nothing.
CREATE OR REPLACE FUNCTION gate.guard_tokens(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.known).tokens_in = 0 AND (p.known).tokens_out = 0 THEN NULL
                ELSE gate.over_tokens(p) END
$$;

CREATE OR REPLACE FUNCTION gate.guard_grant(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT coalesce((p.known).granted, false)
            THEN format('no grant for %s covers %s', (p.run).card_id, p.verb)
        WHEN gate.touches_ci(p.verb) AND NOT coalesce((p.known).covered, false)
            THEN format('no grant for %s covers %s on a CI of class %s', (p.run).card_id, p.entry,
                        coalesce((p.ci).ci_class, 'unknown'))
    END
$$;

CREATE OR REPLACE FUNCTION gate.guard_card(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT coalesce((p.known).approved, false) THEN
        format('nobody has approved the card %s as it is loaded', (p.run).card_id) END
$$;

-- What is wrong with one argument.
CREATE FUNCTION gate.bad_arg(p_key text, p_rule jsonb, p_value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_rule IS NULL THEN format('argument %s is not declared', p_key)
        WHEN jsonb_typeof(p_value) <> 'string' THEN format('argument %s is not a string', p_key)
        WHEN length(p_value #>> '{}') > coalesce((p_rule ->> 'max')::int, 250)
            THEN format('argument %s is too long', p_key)
        WHEN p_rule ? 'pattern' AND (p_value #>> '{}' ~ '[[:cntrl:]]'
                OR p_value #>> '{}' !~ ('^(?:' || (p_rule ->> 'pattern') || ')$'))
            THEN format('argument %s does not match its pattern', p_key)
    END
$$;

CREATE OR REPLACE FUNCTION gate.bad_args(p_parameters jsonb, p_args jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_parameters IS NULL THEN RETURN 'unknown verb'; END IF;
    IF jsonb_typeof(p_args) IS DISTINCT FROM 'object' THEN
        RETURN 'arguments are not an object';
    END IF;
    IF p_parameters = '{}' AND p_args = '{}' THEN RETURN NULL; END IF;
    RETURN coalesce(
        (SELECT b.said FROM (SELECT gate.bad_arg(a.key, p_parameters -> a.key, a.value) AS said
                               FROM jsonb_each(p_args) a) b WHERE b.said IS NOT NULL LIMIT 1),
        (SELECT format('argument %s is missing', r.key) FROM jsonb_each(p_parameters) r
          WHERE (r.value ->> 'required')::boolean AND NOT p_args ? r.key LIMIT 1));
END $$;

-- Facts are put down first: asked for in place, they would be told anew for each rule.
CREATE FUNCTION gate.refused_by_rule(p gate.ask) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_facts jsonb := gate.guardrail_facts(p);
BEGIN
    RETURN (SELECT f.id || ': ' || f.say FROM gate.firing(v_facts) f
             WHERE f.effect <> 'confirm' LIMIT 1);
END $$;

CREATE OR REPLACE FUNCTION gate.guard_guardrail(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce((p.known).refusing, true) THEN gate.refused_by_rule(p) END
$$;

CREATE OR REPLACE FUNCTION gate.guardrail_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE v_facts jsonb;
BEGIN
    IF NOT coalesce((p.known).confirming, true) THEN RETURN 'act'; END IF;
    v_facts := gate.guardrail_facts(p);
    RETURN CASE WHEN EXISTS (SELECT 1 FROM gate.firing(v_facts) f
                              WHERE f.effect = 'confirm') THEN 'propose' ELSE 'act' END;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_major(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.verb IN ('ticket.comment', 'ticket.escalate', 'ticket.ask')
                  OR (p.known).major = '' OR coalesce((p.known).risk = 'none', false) THEN NULL
                ELSE format('%s is a major incident: agents only look, and tell people',
                            coalesce((p.known).major, 'the ticket')) END
$$;

CREATE FUNCTION gate.was_planned(p gate.ask) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM public.approvals_runplan f
                    WHERE f.run_id = (p.run).id AND f.offers @> jsonb_build_array(
                        jsonb_build_object('verb', p.verb, 'entry', p.entry, 'target', p.target)));
END $$;

CREATE OR REPLACE FUNCTION gate.guard_taint(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN (p.known).trust = 'declared' THEN NULL
        WHEN p.verb IN ('ticket.comment', 'ticket.escalate', 'ticket.ask') THEN NULL
        WHEN gate.was_planned(p) THEN NULL
        ELSE format('the run has read what others wrote, and %s was not planned before it',
                    btrim(concat_ws(' ', p.verb, p.entry, 'on', p.target))) END
$$;

CREATE OR REPLACE FUNCTION gate.level_given(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT gate.touches_ci(p.verb) THEN 'act'
                ELSE coalesce((p.known).level, 'observe') END
$$;

CREATE FUNCTION gate.alone_on_lifeline(p_target text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN (SELECT single FROM public.approvals_profile WHERE id = 1)
        THEN format('%s is a lifeline, and one person operates here: by hand, then on record',
                    p_target) END;
END $$;

CREATE OR REPLACE FUNCTION gate.guard_lifeline(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT coalesce((p.ci).lifeline, false) THEN NULL
        WHEN gate.level_given(p) <> 'propose'
            THEN format('%s is a lifeline: never without a person, so only at level propose',
                        p.target)
        ELSE gate.alone_on_lifeline(p.target) END
$$;

CREATE OR REPLACE FUNCTION gate.guard_ledger(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN gate.is_high(coalesce((p.item).risk, (p.known).risk)) AND NOT audit.trusted()
                THEN 'the ledger does not verify: a named person must acknowledge it' END
$$;

CREATE OR REPLACE FUNCTION gate.would_only_look(p gate.ask) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(p.verb = 'command.run' AND gate.only_looks(p.verb, (p.known).risk), false)
$$;

CREATE FUNCTION gate.broken_off() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF gate.mind_breaker() = 'closed' OR NOT gate.breaker_open() THEN RETURN NULL; END IF;
    RETURN (SELECT format('the breaker of the fleet is %s: %s', replace(state, '_', ' '), reason)
              FROM public.autonomy_breaker WHERE id = 1);
END $$;

CREATE OR REPLACE FUNCTION gate.guard_breaker(p gate.ask) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN gate.is_change(p.verb) THEN gate.broken_off() END
$$;
