-- Guards: a card that somebody has approved, commands within their scope, and the rules.

-- Whether a card is on, can be dispatched, and was approved as it is loaded, prompts included.
CREATE FUNCTION gate.card_approved(p_card text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM public.personas_card c
          JOIN public.guardrails_cardapproval a ON a.card = c.name AND a.digest = c.digest
           AND a.prompt_digest = coalesce(c.document ->> 'prompt_digest', '')
         WHERE c.name = p_card AND c.enabled
           AND coalesce(jsonb_typeof(c.document -> 'waiting'), 'null') = 'null')
$$;

CREATE FUNCTION gate.guard_card(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN NOT gate.card_approved((p.run).card_id) THEN
        format('nobody has approved the card %s as it is loaded', (p.run).card_id) END
$$;

CREATE FUNCTION gate.scope_of(p gate.ask) RETURNS public.guardrails_commandscope
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.* FROM public.guardrails_commandscope s
     WHERE p.verb = 'command.run' AND s.card_id = (p.run).card_id AND s.name = p.entry
$$;

-- Why a command is not within its scope.
CREATE FUNCTION gate.scope_fault(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_scope public.guardrails_commandscope := gate.scope_of(p);
    v_argv text[] := gate.argv_of(p.given ->> 'argv');
BEGIN
    IF v_scope.id IS NULL THEN
        RETURN format('%s is no scope of commands of %s', p.entry, (p.run).card_id);
    END IF;
    IF v_argv IS NULL THEN
        RETURN 'argv is no list of plain texts';
    END IF;
    IF NOT gate.scope_covers(v_scope, v_argv, (p.ci).attributes) THEN
        RETURN format('%s covers no such command: %s', p.entry,
                      left(array_to_string(v_argv, ' '), 200));
    END IF;
    RETURN NULL;
END $$;

-- Whether it is the very command that whoever asked for the run wanted done.
CREATE FUNCTION gate.was_asked_for(p gate.ask) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(p.verb = 'command.run'
        AND (p.intent).inputs #>> '{command,scope}' = p.entry
        AND (p.intent).inputs #> '{command,argv}'
            = to_jsonb(gate.argv_of(p.given ->> 'argv')), false)
$$;

-- Whoever has read what others wrote chooses no change of his own any more.
CREATE FUNCTION gate.guard_command(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(gate.scope_fault(p), CASE
        WHEN (gate.scope_of(p)).risk <> 'none' AND gate.taint_of((p.run).id) <> 'declared'
                AND NOT gate.was_asked_for(p)
            THEN 'the run has read what others wrote: it changes only what was asked for with it'
        END)
$$;

-- How often a scope was used. Locked, so that two runs that ask at once are counted one after the
-- other.
CREATE FUNCTION gate.guard_command_uses(p gate.ask) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_scope public.guardrails_commandscope; v_count int; v_since timestamptz;
BEGIN
    SELECT s.* INTO v_scope FROM public.guardrails_commandscope s
     WHERE s.card_id = (p.run).card_id AND s.name = p.entry FOR UPDATE;
    SELECT count(*) INTO v_count FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.ticket_ref = (p.run).ticket_ref AND a.verb = 'command.run' AND a.entry = p.entry
       AND r.card_id = (p.run).card_id AND a.verdict = 'authorised'
       AND a.outcome NOT IN ('void', 'expired');
    IF v_count >= v_scope.max_per_ticket THEN
        RETURN format('%s was already used %s of %s times on this ticket', p.entry, v_count,
                      v_scope.max_per_ticket);
    END IF;
    -- One moment: compared with a clock that goes on, more than the hour would be read.
    v_since := clock_timestamp() - interval '1 hour';
    SELECT count(*) INTO v_count FROM public.personas_action a
      JOIN public.personas_run r ON r.id = a.run_id
     WHERE a.verb = 'command.run' AND a.entry = p.entry AND a.entry <> ''
       AND r.card_id = (p.run).card_id AND a.verdict = 'authorised' AND a.decided_at > v_since;
    IF v_count >= v_scope.max_per_hour THEN
        RETURN format('%s was used %s times in an hour: a person must look', p.entry, v_count);
    END IF;
    RETURN NULL;
END $$;

-- ---------------------------------------------------------------- what rules may look at

-- What rules are told of a command.
CREATE FUNCTION gate.argv_facts(p_argv text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN p_argv IS NULL THEN '{}'::jsonb ELSE jsonb_build_object(
        'tool', p_argv[1], 'argv', to_jsonb(p_argv), 'text', array_to_string(p_argv, ' '),
        'words', coalesce((SELECT jsonb_agg(e.one ORDER BY e.place)
                             FROM unnest(p_argv[2:]) WITH ORDINALITY AS e(one, place)
                            WHERE NOT starts_with(e.one, '-')), '[]'),
        'options', coalesce((SELECT jsonb_agg(e.one ORDER BY e.place)
                               FROM unnest(p_argv[2:]) WITH ORDINALITY AS e(one, place)
                              WHERE starts_with(e.one, '-')), '[]')) END
$$;

-- Until when a CI's owner works on it; what he wrote and nobody can read holds for ever.
CREATE FUNCTION gate.in_maintenance(p_attributes jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
    SELECT CASE
        WHEN p_attributes ->> 'maintenance_until' IS NULL THEN false
        WHEN NOT pg_input_is_valid(p_attributes ->> 'maintenance_until', 'timestamptz') THEN true
        ELSE clock_timestamp() < (p_attributes ->> 'maintenance_until')::timestamptz END
$$;

-- The plain values of an object, under names that begin alike.
CREATE FUNCTION gate.family(p_name text, p_values jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(p_name || v.key, v.value), '{}')
      FROM jsonb_each(CASE jsonb_typeof(p_values) WHEN 'object' THEN p_values ELSE '{}' END) v
     WHERE jsonb_typeof(v.value) IN ('string', 'number', 'boolean')
$$;

CREATE FUNCTION gate.guardrail_facts(p gate.ask) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET timezone = 'UTC' AS $$
DECLARE v_ticket public.tickets_ticket%ROWTYPE; v_facts jsonb;
BEGIN
    SELECT * INTO v_ticket FROM public.tickets_ticket WHERE ref = (p.run).ticket_ref;
    v_facts := jsonb_build_object('verb', p.verb, 'card', (p.run).card_id, 'entry', p.entry,
        'risk', coalesce((p.item).risk, (gate.scope_of(p)).risk,
                         CASE WHEN starts_with(p.verb, 'ticket.') THEN 'none' ELSE 'high' END),
        'run.priority', (p.intent).priority, 'run.joined', (p.intent).joined,
        'time.date', to_char(clock_timestamp(), 'YYYY-MM-DD'),
        'time.hour', extract(hour FROM clock_timestamp())::int,
        'time.weekday', to_char(clock_timestamp(), 'dy'),
        'text', coalesce((SELECT string_agg(v.value, ' ' ORDER BY v.key)
                            FROM jsonb_each_text(p.given) v), ''))
        || gate.argv_facts(CASE WHEN p.verb = 'command.run'
                                THEN gate.argv_of(p.given ->> 'argv') END)
        || gate.family('args.', p.given) || gate.family('intent.', (p.intent).inputs);
    IF (p.ci).ref IS NOT NULL THEN
        v_facts := v_facts || jsonb_build_object('ci.ref', (p.ci).ref,
            'ci.class', (p.ci).ci_class, 'ci.impact', (p.ci).impact,
            'ci.user_facing', (p.ci).user_facing, 'ci.lifeline', (p.ci).lifeline,
            'ci.maintenance', gate.in_maintenance((p.ci).attributes))
            || gate.family('ci.attribute.', (p.ci).attributes);
    END IF;
    IF v_ticket.ref IS NOT NULL THEN
        v_facts := v_facts || jsonb_build_object('ticket.class', v_ticket.ticket_class,
            'ticket.state', v_ticket.state, 'ticket.priority', v_ticket.priority,
            'ticket.team', v_ticket.team, 'ticket.impact', v_ticket.impact,
            'ticket.urgency', v_ticket.urgency);
    END IF;
    RETURN v_facts;
END $$;

CREATE FUNCTION gate.guard_guardrail(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.id || ': ' || f.say FROM gate.firing(gate.guardrail_facts(p)) f
     WHERE f.effect <> 'confirm' LIMIT 1
$$;

-- How far the rules let an action go: `propose` where one of them wants a person's word.
CREATE FUNCTION gate.guardrail_ceiling(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT 1 FROM gate.firing(gate.guardrail_facts(p)) f
                              WHERE f.effect = 'confirm') THEN 'propose' ELSE 'act' END
$$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (65, 'card', '{}', 'somebody has approved the card as it is loaded'),
    (82, 'command', '{command.run}', 'the command is within its scope'),
    (85, 'guardrail', '{}', 'no rule speaks against it'),
    (141, 'command_uses', '{command.run}', 'uses of the scope are within bounds');

-- As before, for whatever touches a CI.
CREATE OR REPLACE FUNCTION gate.level_given(p gate.ask) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN NOT gate.touches_ci(p.verb) THEN 'act' ELSE coalesce((
        SELECT level FROM public.personas_autonomy
         WHERE card_id = (p.run).card_id AND entry = p.entry AND ci_class = (p.ci).ci_class),
        'observe') END
$$;

-- The level that people gave, no further than confidence carries it, and never further than the
-- rules let it go.
CREATE OR REPLACE FUNCTION gate.level_of(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_level text := gate.level_given(p); v_most text;
BEGIN
    IF v_level = 'observe' THEN RETURN v_level; END IF;
    v_most := gate.confidence_ceiling(p);
    IF gate.how_far(v_most) < gate.how_far(v_level) THEN v_level := v_most; END IF;
    IF v_level IN ('veto', 'act') AND gate.guardrail_ceiling(p) = 'propose' THEN
        RETURN 'propose';
    END IF;
    RETURN v_level;
END $$;

-- No run is born of a card that nobody has approved as it is loaded, or that nobody can ask
-- anything yet, whoever bears it.
CREATE FUNCTION gate.refuse_unapproved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT gate.card_approved(NEW.card_id) THEN
        RAISE EXCEPTION 'nobody has approved the card % as it is loaded', NEW.card_id
            USING ERRCODE = 'foreign_key_violation',
                  HINT = 'manage.py personas approve CARD --why ...';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_unapproved BEFORE INSERT ON public.personas_agentintent
    FOR EACH ROW EXECUTE FUNCTION gate.refuse_unapproved();
ALTER TABLE public.personas_agentintent ENABLE ALWAYS TRIGGER refuse_unapproved;

-- Fail closed, as before, and: a command is as risky as its scope says.
CREATE OR REPLACE FUNCTION gate.is_risky(p_action uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT CASE
            WHEN a.verb IN ('ticket.comment', 'ticket.assign', 'ticket.resolve',
                            'ticket.escalate', 'notify') THEN false
            WHEN a.verb = 'playbook.run' THEN coalesce(e.risk NOT IN ('none', 'low'), true)
            WHEN a.verb = 'command.run' THEN coalesce(s.risk NOT IN ('none', 'low'), true)
            ELSE true END
          FROM public.personas_action a
          LEFT JOIN public.personas_run r ON r.id = a.run_id
          LEFT JOIN public.personas_catalogueentry e ON e.name = a.entry
          LEFT JOIN public.guardrails_commandscope s
                 ON s.card_id = r.card_id AND s.name = a.entry
         WHERE a.id = p_action), true)
$$;

-- As before, and: what bounds a command is its scope.
CREATE OR REPLACE FUNCTION gate.bounds_of(p_card text, p_verb text, p_entry text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE p_verb
        WHEN 'command.run' THEN (SELECT to_jsonb(s) - 'id' FROM public.guardrails_commandscope s
                                  WHERE s.card_id = p_card AND s.name = p_entry)
        ELSE (SELECT to_jsonb(e) - 'loaded_at' FROM public.personas_catalogueentry e
               WHERE gate.is_of_catalogue(p_verb) AND e.name = p_entry) END
$$;

CREATE OR REPLACE FUNCTION gate.risk_of(p_card text, p_verb text, p_entry text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT CASE p_verb
        WHEN 'command.run' THEN (SELECT s.risk FROM public.guardrails_commandscope s
                                  WHERE s.card_id = p_card AND s.name = p_entry)
        ELSE (SELECT e.risk FROM public.personas_catalogueentry e
               WHERE gate.is_of_catalogue(p_verb) AND e.name = p_entry) END
$$;
