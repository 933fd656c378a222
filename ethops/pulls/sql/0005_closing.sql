-- A person closes a pull request that nobody is to merge: on record, and its ticket is told as of
-- every end. Frozen: a later change is a new file and migration.

-- Whoever may review closes it, and also who is behind it, if he is such a person: to take back what
-- one asked for needs nobody else. No code: nothing is done, and it can be proposed again.
CREATE FUNCTION gate.close_pull(p_person text, p_number bigint, p_head text, p_why text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v public.forge_pullrequest%ROWTYPE; v_ruling gate.ruling; v_said text;
BEGIN
    SELECT * INTO v FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    v_ruling := CASE
        WHEN v.number IS NULL THEN ('forge.not_found', 'there is no such pull request')::gate.ruling
        WHEN NOT forge.may_review(p_person) THEN ('forge.not_a_person',
            'only a person of the desk who may approve pull requests does that')::gate.ruling
        WHEN v.head <> p_head THEN ('forge.head_moved',
            'it has another head than the one that was shown')::gate.ruling
        WHEN v.state <> 'open' THEN ('forge.not_open', format('it is %s', v.state))::gate.ruling
        WHEN btrim(p_why) = '' THEN ('forge.no_reason', 'say why')::gate.ruling END;
    IF v_ruling.code IS NULL THEN
        -- First on record, so that what is told of it comes after.
        PERFORM audit.put_pending('person.closed_pull', v.key::text, v.ticket_ref,
            jsonb_build_object('person', p_person, 'pull', v.number, 'head', v.head,
                               'why', left(p_why, 500)));
        v_said := forge.close_pull(p_number, p_person, left(p_why, 500));
        RETURN QUERY SELECT 'ok', v_said;
        RETURN;
    END IF;
    PERFORM gate.refuse_reviewer(v, p_number, p_person, '', v_ruling);
    RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
END $$;

REVOKE ALL ON FUNCTION gate.close_pull(text, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.close_pull(text, bigint, text, text) TO ethops_app;
