-- Words and vectors of passages, and who may read and write the index. What is in it was merged, and
-- can be made anew from the repository. Frozen: a later change is a new file and migration.

CREATE SCHEMA IF NOT EXISTS reading;

-- Kept by PostgreSQL, so that no writer can leave words beside a text that it does not have.
ALTER TABLE public.knowledge_chunk ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english', about), 'A') || setweight(to_tsvector('english', text), 'B')
) STORED;
CREATE INDEX knowledge_by_words ON public.knowledge_chunk USING gin (words);

-- A model's vectors are all of one length. They are plain numbers here and become vectors in a
-- question, so that a PostgreSQL without pgvector keeps the same tables.
CREATE FUNCTION public.knowledge_vector_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(NEW.numbers) IS DISTINCT FROM
            (SELECT numbers FROM public.knowledge_vectormodel WHERE digest = NEW.model_id)
       OR array_position(NEW.numbers, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'a vector of % has not as many numbers as its model makes', NEW.model_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fits BEFORE INSERT OR UPDATE ON public.knowledge_vector
    FOR EACH ROW EXECUTE FUNCTION public.knowledge_vector_fits();
ALTER TABLE public.knowledge_vector ALTER COLUMN numbers SET STORAGE EXTERNAL;

-- ---------------------------------------------------------------- reading
CREATE VIEW reading.knowledge_index AS
    SELECT commit, indexed_at, looked_at FROM public.knowledge_index;

CREATE VIEW reading.knowledge_document AS
    SELECT ref, path, blob, title, kind, owner, review_due, tags, text
    FROM public.knowledge_document;

CREATE VIEW reading.knowledge_passage AS
    SELECT c.ref, c.document_id AS document, c.place, c.heading, c.text, c.first_line, c.last_line,
           c.words, d.title, d.path, d.tags, d.review_due
    FROM public.knowledge_chunk c JOIN public.knowledge_document d ON d.ref = c.document_id;

CREATE VIEW reading.knowledge_vector AS
    SELECT v.chunk_id AS passage, v.model_id AS model, v.numbers FROM public.knowledge_vector v;

CREATE VIEW reading.knowledge_model AS
    SELECT digest AS model, numbers FROM public.knowledge_vectormodel;

CREATE VIEW reading.knowledge_fault AS
    SELECT path, line, what, mend FROM public.knowledge_fault;

GRANT USAGE ON SCHEMA reading TO ethops_app, ethops_executor, ethops_agent;
GRANT SELECT ON reading.knowledge_index, reading.knowledge_document, reading.knowledge_passage,
    reading.knowledge_vector, reading.knowledge_model, reading.knowledge_fault
    TO ethops_app, ethops_executor, ethops_agent;

-- The desk's clock reads the repository. Nothing here is evidence: it may all be written anew.
REVOKE ALL ON FUNCTION public.knowledge_vector_fits() FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.knowledge_index, public.knowledge_document,
    public.knowledge_chunk, public.knowledge_vector, public.knowledge_vectormodel,
    public.knowledge_fault TO ethops_app;
GRANT USAGE ON SEQUENCE public.knowledge_vector_id_seq, public.knowledge_fault_id_seq TO ethops_app;
