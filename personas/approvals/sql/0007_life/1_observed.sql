-- What the probes of a CI say, as it is put before a person; and what that does to what waits for
-- him: a CI that has healed by itself is left alone, and on an old look nobody acts. Frozen: a later
-- change is a new file and migration.

-- Of each probe one word that does not flicker: while its alert fires, what the alert is about.
CREATE FUNCTION gate.observed(p_target text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'ill', coalesce(bool_or(a.status = 'firing' OR a.last_symptom NOT IN ('', 'ok')), false),
        'probes', coalesce(jsonb_agg(jsonb_build_object('name', p.name,
            'firing', coalesce(a.status = 'firing', false),
            'says', CASE WHEN a.status = 'firing' AND a.symptom <> '' THEN a.symptom
                         WHEN coalesce(a.last_symptom, '') = '' THEN 'not looked yet'
                         WHEN a.last_symptom = 'ok' THEN 'ok' ELSE 'not well' END)
            ORDER BY p.name), '[]'::jsonb))
      FROM public.monitoring_probe p
      LEFT JOIN public.monitoring_alertstate a ON a.probe_id = p.name
     WHERE p.ci_ref = p_target AND NOT p.retired
$$;

-- Which probes of a CI have gone silent, by the same measure as a step's facts; NULL where none.
CREATE FUNCTION gate.unseen(p_target text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT string_agg(p.name, ', ' ORDER BY p.name)
      FROM public.monitoring_probe p
      JOIN public.monitoring_alertstate a ON a.probe_id = p.name
     WHERE p.ci_ref = p_target AND NOT p.retired
       AND a.last_sample_at < clock_timestamp() - make_interval(secs => 3 * p.interval_s + 10)
$$;

-- Whether the CI was ill when it was proposed and is well now, every probe having looked lately.
CREATE FUNCTION gate.healed(p public.approvals_approval) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((p.facts #>> '{observed,ill}')::boolean, false)
       AND gate.unseen(p.target) IS NULL
       AND NOT (gate.observed(p.target) -> 'ill')::boolean
$$;

-- What a person is shown: the facts of before, and what the probes say.
CREATE FUNCTION gate.shown_facts(p_action public.personas_action, p_kind text, p_class text,
    p_pins jsonb)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gate.approval_facts(p_action, p_kind, p_class, p_pins)
        || jsonb_build_object('v', 2, 'observed', gate.observed(p_action.target))
$$;

-- The same as it is now. Pins are those of the proposal: what no longer has them is void.
CREATE FUNCTION gate.facts_now(p public.approvals_approval) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gate.shown_facts(a, p.kind, p.change_class, p.pins)
      FROM public.personas_action a WHERE a.id = p.action_id
$$;

-- Which facts differ, by their names.
CREATE FUNCTION gate.differing(p_before jsonb, p_now jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(k ORDER BY k), '{}')
      FROM (SELECT jsonb_object_keys(p_before) AS k UNION SELECT jsonb_object_keys(p_now)) keys
     WHERE k <> 'v' AND p_before -> k IS DISTINCT FROM p_now -> k
$$;

-- What whoever decides now must have been shown, its hash, and what of it is not as when it was
-- proposed. No row where no person has to decide.
CREATE FUNCTION gate.shown_now(p_action uuid)
RETURNS TABLE (shown text, sha256 text, changed text[], unseen text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.facts::text, gate.sha256_hex(f.facts::text), gate.differing(p.facts, f.facts),
           coalesce(gate.unseen(p.target), '')
      FROM public.approvals_approval p, LATERAL (SELECT gate.facts_now(p) AS facts) f
     WHERE p.action_id = p_action
$$;
