"""What the knowledge contract could not do."""

from typing import ClassVar

from adapters.errors import AdapterError


class KnowledgeError(AdapterError):
    """The base of the knowledge contract's errors."""

    code: ClassVar[str] = "knowledge.error"


class DocumentNotFoundError(KnowledgeError):
    """No document that is merged and without a fault has this id."""

    code: ClassVar[str] = "knowledge.not_found"
    hint: ClassVar[str] = "Ids are given in front matter; see what is left out, and why: faults()."


class QueryRefusedError(KnowledgeError):
    """The question asks for nothing, or for more than one answer holds."""

    code: ClassVar[str] = "knowledge.query_refused"
    hint: ClassVar[str] = "Ask by words, tags or both, within the bounds in port.py."


class RepositoryAwayError(KnowledgeError):
    """The repository cannot be read, so the index stays as it is."""

    code: ClassVar[str] = "knowledge.repository_away"
    hint: ClassVar[str] = "See the message; what is found is as old as freshness() says."


class IndexBusyError(KnowledgeError):
    """Another process brings the index up to date at this moment."""

    code: ClassVar[str] = "knowledge.busy"
    hint: ClassVar[str] = "Nothing is to be done: it is being read."


class EmbedderAwayError(KnowledgeError):
    """The model that turns text into numbers cannot be asked now."""

    code: ClassVar[str] = "knowledge.embedder_away"
    hint: ClassVar[str] = "Passages are found by words meanwhile, and the answer says so."
