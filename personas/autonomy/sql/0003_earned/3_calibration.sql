-- Confidence counts as far as it came true.

-- From how sure acting costs less than asking a person; the costs stand in
-- personas/evaluation/calibration.py. A risk that nobody declared: never.
CREATE FUNCTION gate.least_confidence(p_risk text) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE p_risk
        WHEN 'none' THEN (2.0 - 1) / (2.0 - 0)
        WHEN 'low' THEN (5.0 - 1) / (5.0 - 0)
        WHEN 'medium' THEN (20.0 - 1) / (20.0 - 0.1)
        WHEN 'high' THEN (100.0 - 1) / (100.0 - 0.2) END::double precision, 1.0)
$$;

-- The figures of one engine in the hands of one card: its own plays of ninety days, and the
-- evaluation set's cases until there are fifty of those. `over` is the part of the ECE that comes
-- from having been surer than right; who is surer of himself than he says does no harm.
CREATE FUNCTION gate.calibration(p_card text, p_engine text)
RETURNS TABLE (outcomes bigint, plays bigint, sound bigint, brier double precision,
    ece double precision, over double precision, lower double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH plays AS (
        SELECT confidence, verdict = 'right' AS came_true FROM public.autonomy_judgement
         WHERE card_id = p_card AND engine = p_engine AND confidence IS NOT NULL
           AND verdict <> 'unknown' AND NOT healed_alone
           AND acted_at > clock_timestamp() - interval '90 days'),
    seen AS (
        SELECT confidence, came_true FROM plays
        UNION ALL
        SELECT confidence, e.sound FROM public.autonomy_evaluated e
         WHERE e.card = p_card AND e.engine = p_engine AND (SELECT count(*) FROM plays) < 50),
    bins AS (
        SELECT count(*) AS n, avg(confidence) - avg(came_true::int) AS gap
          FROM seen GROUP BY least(floor(confidence * 10)::int, 9))
    SELECT count(*), (SELECT count(*) FROM plays), count(*) FILTER (WHERE came_true),
           avg(power(confidence - came_true::int, 2)),
           (SELECT sum(n * abs(gap)) FROM bins) / nullif(count(*), 0),
           (SELECT sum(n * greatest(gap, 0)) FROM bins) / nullif(count(*), 0),
           gate.wilson(count(*) FILTER (WHERE came_true), count(*))
      FROM seen
$$;

-- Why the confidence of an engine does not count at all, NULL where it does.
CREATE FUNCTION gate.uncalibrated(p_card text, p_engine text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record;
BEGIN
    SELECT * INTO v FROM gate.calibration(p_card, p_engine);
    RETURN CASE
        WHEN v.outcomes < 50 THEN
            format('%s outcomes of %s, 50 are asked for', v.outcomes, p_engine)
        WHEN v.over > 0.1 THEN
            format('%s was surer than right by %s of 1000', p_engine, round(1000 * v.over)) END;
END $$;

-- Why what came true does not carry acts of this risk, NULL where it does.
CREATE FUNCTION gate.unproven(p_card text, p_engine text, p_risk text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v record; v_least double precision := gate.least_confidence(p_risk);
BEGIN
    SELECT * INTO v FROM gate.calibration(p_card, p_engine);
    RETURN CASE WHEN v.lower < v_least THEN
        format('%s came true %s of %s times, which proves %s of 1000: %s are asked for at risk %s',
            p_engine, v.sound, v.outcomes, floor(1000 * v.lower), ceil(1000 * v_least),
            coalesce(nullif(p_risk, ''), 'unknown')) END;
END $$;

-- How far confidence carries this proposal. Who thought is what the gate itself saw: a model's
-- answer to the question of this very step, else the rules. Uncalibrated, or not what was chosen:
-- observe. Not sure enough for what a wrong act of this risk costs: a person is asked.
CREATE FUNCTION gate.confidence_ceiling(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_said jsonb; v_engine text := 'rules'; v_sure double precision := 1;
BEGIN
    IF p.verb <> 'playbook.run' THEN RETURN 'act'; END IF;
    SELECT j.answer INTO v_said FROM public.gpu_job j JOIN public.audit_work w ON w.id = j.id
     WHERE j.run = (p.run).id AND j.step = (p.run).steps + 1 AND w.state = 'done'
       AND j.answer IS NOT NULL ORDER BY j.created_at LIMIT 1;
    IF FOUND THEN
        IF v_said ->> 'choice' IS DISTINCT FROM p.entry THEN RETURN 'observe'; END IF;
        v_engine := coalesce(nullif(left(v_said ->> 'engine', 120), ''), 'a model');
        v_sure := CASE WHEN jsonb_typeof(v_said -> 'confidence') = 'number'
                       THEN (v_said ->> 'confidence')::double precision ELSE 0 END;
    END IF;
    IF gate.uncalibrated((p.run).card_id, v_engine) IS NOT NULL THEN RETURN 'observe'; END IF;
    IF v_sure < gate.least_confidence((p.item).risk)
            OR gate.unproven((p.run).card_id, v_engine, (p.item).risk) IS NOT NULL THEN
        RETURN 'propose';
    END IF;
    RETURN 'act';
END $$;

-- The level that people gave, and no further than confidence carries it.
ALTER FUNCTION gate.level_of(gate.ask) RENAME TO level_given;
CREATE FUNCTION gate.level_of(p gate.ask) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_given text := gate.level_given(p); v_most text;
BEGIN
    IF v_given = 'observe' THEN RETURN v_given; END IF;
    v_most := gate.confidence_ceiling(p);
    RETURN CASE WHEN gate.how_far(v_most) < gate.how_far(v_given) THEN v_most ELSE v_given END;
END $$;
