-- What is taken away beside the ledger goes from the other rows of its ticket too: from steps, runs,
-- actions, requests to a model, and the built-in tickets. Rights stand at the end.

-- The texts in a value that somebody wrote: not what a pattern bounds, and not the name of a CI.
CREATE FUNCTION gate.words_of(p_action public.personas_action, p_digest text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT w.word ORDER BY w.word), '{}') FROM (
        SELECT btrim(line) AS word
          FROM jsonb_each_text(CASE WHEN p_action.args_digest = p_digest THEN p_action.args
                               ELSE '{}' END) a (name, said),
               regexp_split_to_table(a.said, '\n') line
         WHERE NOT coalesce(gate.verb_parameters(p_action.verb) -> a.name ? 'pattern', false)
        UNION
        SELECT btrim(line)
          FROM regexp_split_to_table(coalesce(p_action.result ->> 'said', ''), '\n') line
         WHERE p_action.said_digest = p_digest) w
     WHERE length(w.word) > 2 AND NOT EXISTS (SELECT 1 FROM public.cmdb_ci c WHERE c.ref = w.word)
$$;

-- A text with a mark in the place of each of these words, also where they are escaped as in JSON.
CREATE FUNCTION gate.text_without(p_text text, p_words text[], p_mark text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE v_word text; v_form text; v_text text := p_text;
BEGIN
    FOR v_word IN SELECT w FROM unnest(p_words) w ORDER BY length(w) DESC LOOP
        FOREACH v_form IN ARRAY ARRAY[v_word, substr(to_json(v_word)::text, 2,
                                      length(to_json(v_word)::text) - 2)] LOOP
            CONTINUE WHEN position(v_form IN v_text) = 0;
            v_text := regexp_replace(v_text, '(?<![[:alnum:]])'
                || regexp_replace(v_form, '([][(){}.*+?^$|\\])', '\\\1', 'g')
                || '(?![[:alnum:]])', p_mark, 'g');
        END LOOP;
    END LOOP;
    RETURN v_text;
END $$;

CREATE FUNCTION gate.json_without(p_value jsonb, p_words text[], p_mark text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(p_value)
        WHEN 'string' THEN to_jsonb(gate.text_without(p_value #>> '{}', p_words, p_mark))
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, gate.json_without(value, p_words,
                                   p_mark)), '{}') FROM jsonb_each(p_value))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(gate.json_without(value, p_words, p_mark)
                                  ORDER BY n), '[]')
                             FROM jsonb_array_elements(p_value) WITH ORDINALITY AS e (value, n))
        ELSE p_value END;
END $$;

-- Puts the mark in their place in every row of the ticket that holds them; returns how many rows.
CREATE FUNCTION gate.forget_words(p_ticket text, p_run uuid, p_words text[], p_mark text)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_runs uuid[] := ARRAY(SELECT id FROM public.personas_run
                            WHERE id = p_run OR (p_ticket <> '' AND ticket_ref = p_ticket));
    v_refs text[] := ARRAY(SELECT ref FROM public.tickets_ticket
                            WHERE p_ticket <> '' AND (ref = p_ticket OR parent_id = p_ticket));
    v_n int; v_found jsonb := '{}';
BEGIN
    UPDATE public.personas_step s SET question = n.question, answer = n.answer,
           checkpoint = n.checkpoint
      FROM (SELECT id, gate.json_without(question, p_words, p_mark) AS question,
                   gate.json_without(answer, p_words, p_mark) AS answer,
                   gate.json_without(checkpoint, p_words, p_mark) AS checkpoint
              FROM public.personas_step WHERE run_id = ANY (v_runs)) n
     WHERE n.id = s.id AND (s.question, s.answer, s.checkpoint)
           IS DISTINCT FROM (n.question, n.answer, n.checkpoint);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_found := v_found || jsonb_build_object('steps', v_n);
    UPDATE public.personas_run r SET summary = n.summary, checkpoint = n.checkpoint
      FROM (SELECT id, gate.text_without(summary, p_words, p_mark) AS summary,
                   gate.json_without(checkpoint, p_words, p_mark) AS checkpoint
              FROM public.personas_run WHERE id = ANY (v_runs)) n
     WHERE n.id = r.id AND (r.summary, r.checkpoint) IS DISTINCT FROM (n.summary, n.checkpoint);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_found := v_found || jsonb_build_object('runs', v_n);
    UPDATE public.personas_action a SET reason = n.reason, result = n.result
      FROM (SELECT id, gate.text_without(reason, p_words, p_mark) AS reason,
                   gate.json_without(result, p_words, p_mark) AS result
              FROM public.personas_action
             WHERE run_id = ANY (v_runs) OR (p_ticket <> '' AND ticket_ref = p_ticket)) n
     WHERE n.id = a.id AND (a.reason, a.result) IS DISTINCT FROM (n.reason, n.result);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_found := v_found || jsonb_build_object('actions', v_n);
    UPDATE public.gpu_job j SET request = n.request, partial = n.partial, answer = n.answer
      FROM (SELECT id, gate.json_without(request, p_words, p_mark) AS request,
                   gate.json_without(partial, p_words, p_mark) AS partial,
                   gate.json_without(answer, p_words, p_mark) AS answer
              FROM public.gpu_job
             WHERE run = ANY (v_runs) OR (p_ticket <> '' AND ticket_ref = p_ticket)) n
     WHERE n.id = j.id AND (j.request, j.partial, j.answer)
           IS DISTINCT FROM (n.request, n.partial, n.answer);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_found := v_found || jsonb_build_object('requests', v_n);
    UPDATE public.tickets_logline l SET text = n.text
      FROM (SELECT id, gate.text_without(text, p_words, p_mark) AS text
              FROM public.tickets_logline WHERE ticket_id = ANY (v_refs)) n
     WHERE n.id = l.id AND n.text <> l.text;
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_found := v_found || jsonb_build_object('lines', v_n);
    UPDATE public.tickets_ticket t SET title = left(n.title, 200), description = n.description,
           solution = n.solution
      FROM (SELECT ref, gate.text_without(title, p_words, p_mark) AS title,
                   gate.text_without(description, p_words, p_mark) AS description,
                   gate.text_without(solution, p_words, p_mark) AS solution
              FROM public.tickets_ticket WHERE ref = ANY (v_refs)) n
     WHERE n.ref = t.ref AND (t.title, t.description, t.solution)
           IS DISTINCT FROM (n.title, n.description, n.solution);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    RETURN v_found || jsonb_build_object('tickets', v_n);
END $$;

-- Other values and entries of the ticket that hold them still: the first is for a person to take
-- away as well, the second can only go by retention.
CREATE FUNCTION gate.still_held(p_ticket text, p_digest text, p_words text[]) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'values', (SELECT coalesce(jsonb_agg(v.digest ORDER BY v.at), '[]')
                     FROM public.audit_value v
                     JOIN public.personas_action a ON v.about = a.id::text
                    WHERE p_ticket <> '' AND a.ticket_ref = p_ticket AND v.digest <> p_digest
                      AND gate.text_without(v.value, p_words, '') <> v.value),
        'entries', (SELECT coalesce(jsonb_agg(e.seq ORDER BY e.seq), '[]')
                      FROM public.audit_entry e
                     WHERE p_ticket <> '' AND e.ticket_ref = p_ticket AND e.kind <> 'pruned'
                       AND gate.text_without(convert_from(e.body, 'UTF8'), p_words, '')
                           <> convert_from(e.body, 'UTF8')))
$$;

-- Takes a value away from beside the ledger, and its words from the rows of its ticket.
CREATE FUNCTION gate.take_away(p_digest text, p_by text, p_why text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v public.personas_action%ROWTYPE; v_words text[] := '{}'; v_gone boolean;
    v_mark text := '[redacted ' || left(p_digest, 12) || ']'; v_reached jsonb := '{}';
BEGIN
    -- An open action still needs its arguments.
    IF EXISTS (SELECT 1 FROM public.personas_action WHERE args_digest = p_digest
                AND verdict = 'authorised' AND outcome = '') THEN
        RAISE EXCEPTION 'the action of this value is still open' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM public.personas_action
     WHERE p_digest <> '' AND p_digest IN (args_digest, said_digest) LIMIT 1;
    IF FOUND THEN v_words := gate.words_of(v, p_digest); END IF;
    v_gone := audit.redact(p_digest, p_by, p_why);
    UPDATE public.personas_action SET args = '{}', salt = NULL WHERE args_digest = p_digest;
    UPDATE public.personas_action SET result = '{"said": "redacted"}'
     WHERE said_digest = p_digest;
    IF v_words <> '{}' THEN
        v_reached := gate.forget_words(v.ticket_ref, v.run_id, v_words, v_mark);
    END IF;
    RETURN jsonb_build_object('gone', v_gone, 'ticket', coalesce(v.ticket_ref, ''),
        'verb', coalesce(v.verb, ''), 'reached', v_reached,
        'held', gate.still_held(coalesce(v.ticket_ref, ''), p_digest, v_words));
END $$;

CREATE OR REPLACE FUNCTION gate.redact(p_digest text, p_by text, p_why text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT (gate.take_away(p_digest, p_by, p_why) ->> 'gone')::boolean
$$;

-- What retention let go beside the ledger goes from the rows of its actions too.
CREATE FUNCTION gate.forget_pruned() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_count int;
BEGIN
    WITH gone AS (SELECT digest FROM public.audit_value WHERE salt IS NULL)
    UPDATE public.personas_action a
       SET args = CASE WHEN a.args_digest IN (SELECT digest FROM gone) THEN '{}' ELSE a.args END,
           salt = CASE WHEN a.args_digest IN (SELECT digest FROM gone) THEN NULL ELSE a.salt END,
           result = CASE WHEN a.said_digest IN (SELECT digest FROM gone)
                         THEN '{"said": "redacted"}' ELSE a.result END
     WHERE NOT (a.verdict = 'authorised' AND a.outcome = '')
       AND (a.args_digest IN (SELECT digest FROM gone)
            AND (a.args <> '{}' OR a.salt IS NOT NULL)
            OR a.said_digest IN (SELECT digest FROM gone)
            AND a.result <> '{"said": "redacted"}');
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

REVOKE ALL ON FUNCTION gate.words_of(public.personas_action, text),
    gate.text_without(text, text[], text), gate.json_without(jsonb, text[], text),
    gate.forget_words(text, uuid, text[], text), gate.still_held(text, text, text[]),
    gate.take_away(text, text, text), gate.forget_pruned() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.take_away(text, text, text) TO ethops_app;
