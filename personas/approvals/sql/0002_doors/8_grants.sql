-- Who may use which door. An agent gets none of these, and no factor is readable to anybody.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gate.approve(uuid, text, text, text, text, text),
    gate.reject(uuid, text, text),
    gate.may_approve(text),
    gate.sweep_approvals(),
    gate.told_of_veto(uuid, text),
    gate.taint_of(uuid)
    TO ethops_app;
GRANT EXECUTE ON FUNCTION gate.approval_stands(uuid) TO ethops_app, ethops_executor;
-- Worse is all that an agent can say of what it has read.
GRANT EXECUTE ON FUNCTION gate.taint(uuid, text, text) TO ethops_agent;

GRANT SELECT ON public.approvals_approval, public.approvals_told, public.approvals_tree,
    public.approvals_author, public.approvals_profile, public.approvals_runplan,
    public.approvals_taint TO ethops_app;
GRANT SELECT (person, confirmed_at, last_step, failures, locked_until, enrolled_by, enrolled_at)
    ON public.approvals_factor TO ethops_app;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (105, 'taint', '{}', 'what was planned before others'' text was read, or a note to a person');
