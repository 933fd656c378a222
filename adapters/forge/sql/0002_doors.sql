-- Who may do what with a pull request. Every rule about that stands here: whoever holds the login
-- of the desk or of the executor goes through these doors. Frozen: a later change is a new file
-- and migration.

CREATE SCHEMA IF NOT EXISTS reading;
CREATE SCHEMA forge;

-- ---------------------------------------------------------------- what does not change
CREATE FUNCTION forge.moves(p_old text, p_new text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_old, p_new) IN (('open', 'merging'), ('open', 'closed'), ('merging', 'merged'),
                              ('merging', 'open'))
$$;

CREATE FUNCTION forge.guard_pull() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_moving text[] := ARRAY['state', 'merged_as', 'ended_by', 'ended_why', 'ended_at'];
    v_pushed text[] := ARRAY['head', 'changes'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'a pull request stays: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (to_jsonb(OLD) - v_moving - v_pushed) <> (to_jsonb(NEW) - v_moving - v_pushed) THEN
        RAISE EXCEPTION 'what was opened does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.head <> OLD.head AND (OLD.state, NEW.state) <> ('open', 'open') THEN
        RAISE EXCEPTION 'only what is open has another head' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> OLD.state AND NOT forge.moves(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'pull request %: no move from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('merged', 'closed') THEN
        RAISE EXCEPTION 'what is over does not change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_pull BEFORE UPDATE OR DELETE ON public.forge_pullrequest
    FOR EACH ROW EXECUTE FUNCTION forge.guard_pull();

CREATE FUNCTION forge.write_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% stays: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER write_once BEFORE UPDATE OR DELETE ON public.forge_review
    FOR EACH ROW EXECUTE FUNCTION forge.write_once();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.forge_review
    FOR EACH STATEMENT EXECUTE FUNCTION forge.write_once();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.forge_pullrequest
    FOR EACH STATEMENT EXECUTE FUNCTION forge.write_once();
ALTER TABLE public.forge_pullrequest ENABLE ALWAYS TRIGGER guard_pull;
ALTER TABLE public.forge_pullrequest ENABLE ALWAYS TRIGGER no_truncate;
ALTER TABLE public.forge_review ENABLE ALWAYS TRIGGER write_once;
ALTER TABLE public.forge_review ENABLE ALWAYS TRIGGER no_truncate;

-- ---------------------------------------------------------------- who decides
-- A human of this desk with the permission, now: who has left does not stand for anything.
CREATE FUNCTION forge.may_review(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM public.auth_user u
         WHERE u.username = p_person AND u.is_active AND u.is_staff
           AND (u.is_superuser OR EXISTS (
                SELECT 1 FROM public.auth_permission p
                  JOIN public.django_content_type t ON t.id = p.content_type_id
                 WHERE t.app_label = 'forge' AND p.codename = 'approve_pull'
                   AND (EXISTS (SELECT 1 FROM public.auth_user_user_permissions up
                                 WHERE up.user_id = u.id AND up.permission_id = p.id)
                     OR EXISTS (SELECT 1 FROM public.auth_user_groups ug
                                  JOIN public.auth_group_permissions gp ON gp.group_id = ug.group_id
                                 WHERE ug.user_id = u.id AND gp.permission_id = p.id)))))
$$;

CREATE FUNCTION forge.is_behind(p public.forge_pullrequest, p_who text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_who = p.author OR p.behind ? p_who
$$;

-- The last word of each reviewer who counts: an approval is of one head, an objection of all.
CREATE FUNCTION forge.standing(p_number bigint)
RETURNS TABLE (approvers text[], objectors text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH last AS (
        SELECT DISTINCT ON (r.reviewer) r.reviewer, r.verdict, r.head = p.head AS current
          FROM public.forge_review r JOIN public.forge_pullrequest p ON p.number = r.pull_id
         WHERE p.number = p_number AND r.verdict <> 'commented'
           AND NOT forge.is_behind(p, r.reviewer) AND forge.may_review(r.reviewer)
         ORDER BY r.reviewer, r.id DESC)
    SELECT coalesce(array_agg(reviewer::text) FILTER (WHERE verdict = 'approved' AND current), '{}'),
           coalesce(array_agg(reviewer::text) FILTER (WHERE verdict = 'changes_requested'), '{}')
      FROM last
$$;

-- ---------------------------------------------------------------- doors
-- Each returns the code of its refusal, '' where it did what was asked.
CREATE FUNCTION forge.open_pull(p_key uuid, p_branch text, p_base text, p_head text, p_title text,
    p_body text, p_author text, p_behind jsonb, p_ticket text, p_changes jsonb)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_number bigint;
BEGIN
    INSERT INTO public.forge_pullrequest (key, branch, base, head, title, body, author, behind,
                                          ticket_ref, changes)
    VALUES (p_key, p_branch, p_base, p_head, p_title, p_body, p_author, p_behind, p_ticket,
            p_changes)
    ON CONFLICT (key) DO NOTHING RETURNING number INTO v_number;
    IF v_number IS NULL THEN
        SELECT number INTO STRICT v_number FROM public.forge_pullrequest WHERE key = p_key;
    END IF;
    RETURN v_number;
END $$;

-- The row, held until the caller's transaction ends, and why it is not as he thinks.
CREATE FUNCTION forge.hold(p_number bigint, p_head text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v public.forge_pullrequest%ROWTYPE;
BEGIN
    SELECT * INTO v FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    RETURN CASE WHEN v.number IS NULL THEN 'forge.not_found'
                WHEN v.head <> p_head THEN 'forge.head_moved'
                WHEN v.state <> 'open' THEN 'forge.not_open' ELSE '' END;
END $$;

CREATE FUNCTION forge.push_pull(p_number bigint, p_from text, p_head text, p_changes jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_code text := forge.hold(p_number, p_from);
BEGIN
    IF v_code = '' THEN
        UPDATE public.forge_pullrequest SET head = p_head, changes = p_changes
         WHERE number = p_number;
    END IF;
    RETURN v_code;
END $$;

CREATE FUNCTION forge.review_pull(p_number bigint, p_head text, p_by text, p_verdict text,
    p_why text)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_code text := forge.hold(p_number, p_head);
BEGIN
    IF v_code <> '' THEN
        RETURN v_code;
    ELSIF NOT forge.may_review(p_by) THEN
        RETURN 'forge.not_a_person';
    ELSIF (SELECT forge.is_behind(p, p_by) FROM public.forge_pullrequest p
            WHERE number = p_number) THEN
        RETURN 'forge.own_pull';
    END IF;
    INSERT INTO public.forge_review (pull_id, reviewer, verdict, head, why)
    VALUES (p_number, p_by, p_verdict, p_head, p_why);
    RETURN '';
END $$;

-- From here on nobody reviews and nothing is pushed, so that a merge that was cut off can be ended.
CREATE FUNCTION forge.begin_merge(p_number bigint, p_head text, p_by text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v public.forge_pullrequest%ROWTYPE;
    v_standing record;
    v_code text := forge.hold(p_number, p_head);
BEGIN
    SELECT * INTO v FROM public.forge_pullrequest WHERE number = p_number;
    IF v_code = 'forge.not_open' AND v.state IN ('merging', 'merged') THEN
        RETURN '';
    ELSIF v_code <> '' THEN
        RETURN v_code;
    ELSIF forge.is_behind(v, p_by) THEN
        RETURN 'forge.own_pull';
    END IF;
    SELECT * INTO v_standing FROM forge.standing(p_number);
    IF cardinality(v_standing.objectors) > 0 THEN
        RETURN 'forge.objected';
    ELSIF cardinality(v_standing.approvers) = 0 THEN
        RETURN 'forge.not_approved';
    END IF;
    UPDATE public.forge_pullrequest SET state = 'merging', ended_by = p_by WHERE number = p_number;
    RETURN '';
END $$;

-- Held until the caller's transaction ends, so that one process at a time merges it.
CREATE FUNCTION forge.hold_merging(p_number bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    SELECT state INTO v_state FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    RETURN v_state = 'merging';
END $$;

CREATE FUNCTION forge.end_merge(p_number bigint, p_merged_as text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.forge_pullrequest
       SET state = 'merged', merged_as = p_merged_as, ended_at = clock_timestamp()
     WHERE number = p_number AND state = 'merging'
$$;

CREATE FUNCTION forge.abandon_merge(p_number bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE public.forge_pullrequest SET state = 'open', ended_by = ''
     WHERE number = p_number AND state = 'merging'
$$;

CREATE FUNCTION forge.close_pull(p_number bigint, p_by text, p_why text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_state text;
BEGIN
    SELECT state INTO v_state FROM public.forge_pullrequest WHERE number = p_number FOR UPDATE;
    IF v_state = 'open' THEN
        UPDATE public.forge_pullrequest
           SET state = 'closed', ended_by = p_by, ended_why = p_why, ended_at = clock_timestamp()
         WHERE number = p_number;
    END IF;
    RETURN CASE WHEN v_state IS NULL THEN 'forge.not_found'
                WHEN v_state IN ('merging', 'merged') THEN 'forge.not_open' ELSE '' END;
END $$;

-- ---------------------------------------------------------------- reading
CREATE VIEW reading.pull AS
    SELECT number, key, title, body, author, behind, ticket_ref, branch, base, head, changes, state,
           merged_as, opened_at
    FROM public.forge_pullrequest;

CREATE VIEW reading.pull_review AS
    SELECT r.id, r.pull_id AS number, r.reviewer, r.verdict, r.head, r.why, r.at,
           forge.may_review(r.reviewer) AND NOT forge.is_behind(p, r.reviewer) AS counts
    FROM public.forge_review r JOIN public.forge_pullrequest p ON p.number = r.pull_id;

-- ---------------------------------------------------------------- rights
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA forge FROM PUBLIC;
GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT USAGE ON SCHEMA forge TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.pull, reading.pull_review TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON public.forge_pullrequest, public.forge_review TO ethops_app;
-- A view asks these in the name of who reads it. They tell who may review, and nothing else.
GRANT EXECUTE ON FUNCTION forge.may_review(text), forge.is_behind(public.forge_pullrequest, text)
    TO ethops_app, ethops_executor, ethops_agent;
GRANT EXECUTE ON FUNCTION forge.review_pull(bigint, text, text, text, text) TO ethops_app;
GRANT EXECUTE ON FUNCTION forge.close_pull(bigint, text, text) TO ethops_app, ethops_executor;
GRANT EXECUTE ON FUNCTION
    forge.open_pull(uuid, text, text, text, text, text, text, jsonb, text, jsonb),
    forge.hold(bigint, text), forge.push_pull(bigint, text, text, jsonb),
    forge.begin_merge(bigint, text, text), forge.hold_merging(bigint),
    forge.end_merge(bigint, text), forge.abandon_merge(bigint) TO ethops_executor;
