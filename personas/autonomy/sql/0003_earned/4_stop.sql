-- The stop, as before, and: by which door. The doors of before are these with a default.

DROP FUNCTION gate.press_stop(text, text);
CREATE FUNCTION gate.press_stop(p_by text, p_why text, p_via text DEFAULT 'command') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE public.personas_stop SET stopped = true, by = left(p_by, 150), why = left(p_why, 2000),
           at = clock_timestamp() WHERE id = 1;
    PERFORM audit.put_pending('person.stopped', 'ethops', '', jsonb_build_object(
        'person', left(p_by, 150), 'why', left(p_why, 500), 'via', p_via));
END $$;

-- A stop that was pressed by file alone, once the database hears of it: p_at is when the file was
-- laid down. One from before the stop was last lifted is what somebody forgot to remove.
CREATE FUNCTION gate.note_stop_file(p_says text, p_at timestamptz, p_via text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.personas_stop%ROWTYPE;
BEGIN
    SELECT * INTO STRICT v FROM public.personas_stop WHERE id = 1 FOR UPDATE;
    IF v.stopped OR p_at <= v.at AND v."by" <> '' THEN RETURN false; END IF;
    PERFORM gate.press_stop(left(coalesce(nullif(btrim(p_says), ''), 'file'), 150),
        format('by %s, laid down at %s', p_via, audit.moment(p_at)), p_via);
    RETURN true;
END $$;
