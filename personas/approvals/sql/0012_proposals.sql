-- A person decides about what discovery proposes. Accepting is saying a CI at the desk: by who may
-- declare CIs, with his second factor. Frozen: a later change is a new file and migration.

-- `p_shown` is the digest of what he was shown (`cmdb.proposal_digest`). Nothing is raised, so that a
-- wrong code stays counted.
CREATE FUNCTION gate.accept_proposal(p_person text, p_id bigint, p_why text, p_code text,
    p_shown text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_bad text; v_key text; v_ref text; v_said jsonb; v_code text; v_reason text;
BEGIN
    -- In this order, as whoever declares a CI does.
    LOCK TABLE public.cmdb_ci IN SHARE ROW EXCLUSIVE MODE;
    SELECT p.key, p.ref, p.said INTO v_key, v_ref, v_said FROM public.cmdb_proposal p
     WHERE p.id = p_id FOR UPDATE;
    v_bad := cmdb.bad_decision(p_id, p_shown, true);
    IF v_bad IS NOT NULL AND gate.may_declare(p_person) THEN
        RETURN QUERY SELECT 'approvals.unfit_ci', v_bad;
        RETURN;
    END IF;
    SELECT d.code, d.reason INTO v_code, v_reason
      FROM gate.declare_ci(p_person, coalesce(v_ref, ''), cmdb.said_if_accepted(p_id), p_why,
                           p_code, cmdb.words_digest(coalesce(v_ref, ''))) d;
    IF v_code = 'ok' THEN
        PERFORM audit.put_pending('person.decided_proposal', v_key, '', jsonb_build_object(
            'person', left(p_person, 150), 'what', 'accepted', 'why', left(p_why, 500),
            'is', v_said::text));
        UPDATE public.cmdb_proposal SET state = 'accepted', decided_by = left(p_person, 150),
               decided_at = clock_timestamp(), why = left(p_why, 500) WHERE id = p_id;
    END IF;
    RETURN QUERY SELECT v_code, v_reason;
END $$;

-- That it is none to be: nothing is made of it, so no code is asked for.
CREATE FUNCTION gate.decline_proposal(p_person text, p_id bigint, p_why text, p_shown text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_bad text; v_key text; v_said jsonb;
BEGIN
    SELECT p.key, p.said INTO v_key, v_said FROM public.cmdb_proposal p WHERE p.id = p_id FOR UPDATE;
    IF NOT gate.may_declare(p_person) THEN
        v_bad := format('%s may not declare CIs', p_person);
        PERFORM audit.put_pending('person.refused', left(coalesce(v_key, ''), 200), '',
            jsonb_build_object('person', left(p_person, 150), 'entry', '', 'target', '',
                'shown_sha256', '', 'code', 'approvals.forbidden', 'reason', left(v_bad, 500)));
        RETURN QUERY SELECT 'approvals.forbidden', v_bad;
        RETURN;
    END IF;
    v_bad := CASE WHEN coalesce(btrim(p_why), '') = '' THEN 'nobody says why'
                  ELSE cmdb.bad_decision(p_id, p_shown, false) END;
    IF v_bad IS NOT NULL THEN
        RETURN QUERY SELECT 'approvals.unfit_ci', v_bad;
        RETURN;
    END IF;
    PERFORM audit.put_pending('person.decided_proposal', v_key, '', jsonb_build_object(
        'person', left(p_person, 150), 'what', 'declined', 'why', left(p_why, 500),
        'is', v_said::text));
    UPDATE public.cmdb_proposal SET state = 'declined', decided_by = left(p_person, 150),
           decided_at = clock_timestamp(), why = left(p_why, 500) WHERE id = p_id;
    RETURN QUERY SELECT 'ok', 'declined';
END $$;

REVOKE ALL ON FUNCTION gate.accept_proposal(text, bigint, text, text, text),
    gate.decline_proposal(text, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.accept_proposal(text, bigint, text, text, text),
    gate.decline_proposal(text, bigint, text, text) TO ethops_app;
