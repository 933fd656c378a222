-- Readers see who has ended a pull request, too. Frozen: a later change is a new file and migration.
CREATE OR REPLACE VIEW reading.pull AS
    SELECT number, key, title, body, author, behind, ticket_ref, branch, base, head, changes, state,
           merged_as, opened_at, ended_by
    FROM public.forge_pullrequest;
