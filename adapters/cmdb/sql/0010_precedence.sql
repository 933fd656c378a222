-- Whose word counts for each attribute of a CI: only owners' words make a CI (decision 0290), so
-- foreign sources have no place here. The same as `adapters/cmdb/precedence.py`, by a test.
INSERT INTO public.cmdb_precedence (kind, place) VALUES ('site', 1), ('desk', 2), ('import', 3);
