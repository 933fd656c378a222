"""A house that has had many tickets: its rows, laid down past every door, and its lists.

Nothing here is an example of how rows come about: triggers and foreign keys are asleep meanwhile,
so that a hundred thousand tickets take a minute and not a night.
"""

import json
from typing import Final

import psycopg

from ethops.sla import terms
from ethops.sla.calendars import ALWAYS
from ethops.sla.terms import Given

REQUESTER: Final = "rhea"
"""She has asked for every twentieth ticket."""
CIS: Final = 500

TICKETS = """
CREATE TEMP TABLE crowd ON COMMIT DROP AS
SELECT n, kind, state, standing = 0 AS is_open, opened_at,
       CASE kind WHEN 'incident' THEN 'INC-' WHEN 'problem' THEN 'PRB-' WHEN 'change' THEN 'CHG-'
                 ELSE 'REQ-' END || lpad(n::text, greatest(5, length(n::text)), '0') AS ref
  FROM (SELECT n, kind, standing,
               clock_timestamp() - (%(last)s - n) * interval '5 minutes' AS opened_at,
               CASE WHEN standing = 0 THEN CASE kind
                        WHEN 'incident'
                        THEN ('{new,assigned,pending,escalated}'::text[])[1 + n / 400 %% 4]
                        WHEN 'problem' THEN 'assigned' WHEN 'change' THEN 'planned'
                        ELSE 'waiting_for_approval' END
                    WHEN standing = 1 AND kind <> 'change' THEN 'resolved'
                    ELSE 'closed' END AS state
          FROM (SELECT n, CASE WHEN n %% 20 = 0 THEN 'problem' WHEN n %% 20 = 1 THEN 'change'
                               WHEN n %% 20 IN (2, 3) THEN 'request' ELSE 'incident' END AS kind,
                       n / 20 %% 20 AS standing
                  FROM generate_series(%(first)s, %(last)s) AS n) AS kinds) AS states;
INSERT INTO tickets_ticket (ref, ticket_class, title, description, state, priority, impact, urgency,
       team, assignee, requester, cause_key, opened_at, detected_at, assigned_at, resolved_at,
       closed_at, updated_at, solution)
SELECT ref, kind, 'Service ' || n %% 997 || ' does not answer on host-' || n %% 500,
       repeat('What an alert says of it. ', 8), state,
       ('{P1,P2,P3,P4}'::text[])[1 + least(3, n %% 40 / 4)], 1 + n %% 3, 1 + n / 3 %% 3,
       CASE WHEN n %% 3 = 0 THEN 'people' ELSE 'responders' END,
       CASE WHEN n %% 7 = 0 THEN 'otto' ELSE '' END,
       CASE WHEN n %% 20 = 2 THEN %(requester)s WHEN n %% 20 = 3 THEN 'person-' || n %% 50
            ELSE '' END,
       CASE WHEN kind = 'incident' THEN 'cause ' || n END, opened_at, opened_at,
       opened_at + interval '1 minute',
       CASE WHEN NOT is_open THEN opened_at + interval '1 hour' END,
       CASE WHEN state = 'closed' THEN opened_at + interval '8 days' END, opened_at,
       CASE WHEN NOT is_open THEN 'It was started again.' ELSE '' END
  FROM crowd
"""

BESIDE = """
INSERT INTO tickets_ticketci (ticket_id, ci_ref)
SELECT ref, 'ci-' || n %% %(cis)s FROM crowd WHERE kind IN ('incident', 'change');
INSERT INTO tickets_problem (ticket_id) SELECT ref FROM crowd WHERE kind = 'problem';
INSERT INTO tickets_change (ticket_id, change_type, planned_start, planned_end)
SELECT ref, 'normal', opened_at, opened_at + interval '1 hour' FROM crowd WHERE kind = 'change';
INSERT INTO tickets_request (ticket_id, model_id, answers, approver_role)
SELECT ref, 'crowd', '{}', 'leads' FROM crowd WHERE kind = 'request';
INSERT INTO tickets_logline (ticket_id, n, at, author, author_kind, visibility, text, tainted)
SELECT ref, line, opened_at + line * interval '1 minute',
       CASE WHEN line = 1 AND kind = 'request' THEN %(requester)s ELSE 'dispatcher' END,
       CASE WHEN line = 1 AND kind = 'request' THEN 'person' ELSE 'rule' END,
       CASE WHEN line %% 2 = 1 THEN 'public' ELSE 'private' END,
       'Line ' || line || ' of ' || ref || ': ' || repeat('what was looked at and found, ', 3),
       line = 2
  FROM crowd, generate_series(1, 5) AS line;
INSERT INTO tickets_deed (key, verb, outcome, ticket_id, state, stimulus, line, at)
SELECT gen_random_uuid(), CASE line WHEN 1 THEN 'open' ELSE 'move' END,
       CASE line WHEN 1 THEN 'opened' ELSE 'moved' END, ref, state,
       CASE line WHEN 1 THEN '' WHEN 2 THEN 'ev_assign' ELSE 'ev_resolve' END, line,
       opened_at + line * interval '1 minute'
  FROM crowd, generate_series(1, 3) AS line WHERE line < 3 OR NOT is_open;
INSERT INTO sla_stopwatch (ticket_ref, kind, ticket_class, priority, terms_id, target_s, phase,
       used_s, since, due_at, warn_at, warn_told, breach_told)
SELECT ref, clock, kind, 'P3', %(digest)s, 3600,
       CASE WHEN is_open AND clock = 'ttr' THEN 'running' ELSE 'stopped' END, 60, opened_at,
       CASE WHEN is_open AND clock = 'ttr' THEN opened_at + interval '8 hours' END, NULL, true, true
  FROM crowd, unnest('{tto,ttr}'::text[]) AS clock;
INSERT INTO sla_followed (ticket_ref, is_open) SELECT ref, is_open FROM crowd;
INSERT INTO desk_delivery (id, sender, digest, raw, state, received_at)
SELECT n, 'crowd', md5(n::text), '{}', 'read', opened_at FROM crowd WHERE kind = 'incident';
INSERT INTO desk_event (delivery_id, fingerprint, starts_at, status, labels, annotations, joined,
       ci_ref, cause_key, meaning, decision, ticket_ref, at)
SELECT n, md5(n::text), opened_at::text, 'firing',
       jsonb_build_object('alertname', 'Crowd' || n %% 50, 'severity', 'warning'), '{}', 'joined',
       'ci-' || n %% %(cis)s, 'cause ' || n, 'warning', 'opened', ref, opened_at
  FROM crowd WHERE kind = 'incident';
INSERT INTO notify_notice (id, key, rule, ticket_ref, "to", kind, target, title, text, made_at,
       told)
SELECT gen_random_uuid(), 'crowd ' || n, 'escalation', ref, 'people', 'http', 'http://localhost/',
       ref || ' wants a person', 'It was escalated.', opened_at, 1
  FROM crowd WHERE kind = 'incident'
"""

WORKED = """
CREATE TEMP TABLE worked ON COMMIT DROP AS
SELECT n, ref, opened_at, md5('intent' || n)::uuid AS intent, md5('run' || n)::uuid AS run,
       md5('action' || n)::uuid AS action
  FROM crowd WHERE kind = 'incident' AND state <> 'new' AND n %% 7 <> 0;
INSERT INTO personas_agentintent (id, card_id, ticket_ref, priority, scope, joined, inputs, dedup,
       created_at)
SELECT intent, 'crowd', ref, 2, '[]', 'joined', '{}', 'crowd ' || n, opened_at FROM worked;
INSERT INTO personas_run (id, intent_id, card_id, ticket_ref, state, steps, max_steps, max_actions,
       deadline, started_at, summary, created_at, ended_at)
SELECT run, intent, 'crowd', ref, 'succeeded', 3, 9, 9, opened_at, opened_at, 'It was started.',
       opened_at, opened_at + interval '1 minute' FROM worked;
INSERT INTO audit_work (id, kind, queue, state, subject, created_at, settled_at)
SELECT action, 'effect', 'executor.plays', 'done', 'ci-' || n %% %(cis)s, opened_at, opened_at
  FROM worked;
INSERT INTO personas_action (id, run_id, step_number, key, principal, ticket_ref, verb, entry,
       target, verdict, risk, work_id, outcome, decided_at, settled_at)
SELECT action, run, 1, 'restart', 'run:' || run, ref, 'playbook.run', 'restart',
       'ci-' || n %% %(cis)s, 'authorised', 'low', action, 'done', opened_at, opened_at
  FROM worked;
INSERT INTO audit_entry (seq, prev, hash, body, kind, subject, ticket_ref, at)
SELECT 2 * n + part, sha256(('p' || n || part)::bytea), sha256(('h' || n || part)::bytea),
       convert_to(jsonb_build_object('kind', kind, 'persona', 'crowd')::text, 'utf8'), kind,
       action::text, ref, opened_at
  FROM worked, (VALUES (0, 'action.authorised'), (1, 'action.outcome')) AS parts (part, kind)
"""

ONCE = """
INSERT INTO tickets_requestmodel (slug, title, approver_role, impact, urgency, fields, steps)
VALUES ('crowd', 'Something', 'leads', 3, 3, '[]', '[]') ON CONFLICT DO NOTHING;
INSERT INTO sla_terms (digest, body) VALUES (%(digest)s, %(body)s) ON CONFLICT DO NOTHING;
INSERT INTO personas_card (name, title, purpose, team, digest, limits, document)
VALUES ('crowd', 'Crowd', 'Mends.', 'responders', 'd', '{}', '{}') ON CONFLICT DO NOTHING;
INSERT INTO guardrails_cardapproval (card, digest, prompt_digest, by, why)
SELECT 'crowd', 'd', '', 'ada', 'a test'
 WHERE NOT EXISTS (SELECT 1 FROM guardrails_cardapproval WHERE card = 'crowd');
INSERT INTO cmdb_ci (ref, name, ci_class, impact, urgency, source)
SELECT 'ci-' || n, 'ci-' || n, 'service', 2, 2, 'crowd' FROM generate_series(0, %(cis)s - 1) AS n
ON CONFLICT DO NOTHING
"""


def fill(link: psycopg.Connection, *, first: int, last: int) -> None:
    """Lay down the tickets of these numbers, with all that hangs on them; as the superuser."""
    body = terms.body(Given(3600, "always", ALWAYS))
    given = {
        "first": first, "last": last, "cis": CIS, "requester": REQUESTER,
        "digest": terms.digest(body), "body": json.dumps(body),
    }  # fmt: skip
    with link.transaction():
        link.execute("SET LOCAL session_replication_role = replica")
        for part in (ONCE, TICKETS, BESIDE, WORKED):
            psycopg.ClientCursor(link).execute(part, given)
    link.execute("ANALYZE")
