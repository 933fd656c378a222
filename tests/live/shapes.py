"""What every answer of Ollama must look like: the fields, their types, and nothing else.

Declared from what v0.11.4 and v0.32.15 say; a field that only one of them has may be absent.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Nanoseconds = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelName = Annotated[str, Field(pattern=r"^[^:]+(:[^:]+)?$")]
"""With its tag, but for the slots of our proxy, which have none."""

Vector = Annotated[list[float], Field(min_length=1)]


class Shape(BaseModel):
    """An object with exactly these fields."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


# ---------------------------------------------------------------- Ollama's own API


class Failed(Shape):
    """Any error, as a body or as a line within a stream."""

    error: str


class Version(Shape):
    """GET /api/version."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+")]


class Details(Shape):
    """What a model is."""

    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str
    context_length: Count | None = None
    embedding_length: Count | None = None


class Tag(Shape):
    """One model on disk."""

    name: ModelName
    model: ModelName
    modified_at: datetime
    size: Count
    digest: Digest
    details: Details
    capabilities: list[str] | None = None


class Tags(Shape):
    """GET /api/tags."""

    models: Annotated[list[Tag], Field(min_length=1)]


class Resident(Shape):
    """One model in memory."""

    name: ModelName
    model: ModelName
    size: Count
    digest: Digest
    details: Details
    expires_at: datetime
    size_vram: Annotated[int, Field(ge=0)]
    context_length: Count


class Residents(Shape):
    """GET /api/ps."""

    models: list[Resident]


class Tensor(Shape):
    """One tensor of a model, as `verbose` shows it."""

    name: str
    type: str
    shape: list[int]


class Show(Shape):
    """POST /api/show."""

    modelfile: str
    parameters: str | None = None
    template: str | None = None
    details: Details
    model_info: dict[str, Any]
    tensors: list[Tensor] | None = None
    capabilities: Annotated[list[str], Field(min_length=1)]
    modified_at: datetime


class Costs(Shape):
    """What stands on the last line of an answer that was generated."""

    total_duration: Nanoseconds
    load_duration: Nanoseconds
    prompt_eval_count: Count
    prompt_eval_duration: Annotated[int, Field(ge=0)]
    eval_count: Count
    eval_duration: Nanoseconds


class GeneratePart(Shape):
    """A line of a stream before the last."""

    model: str
    created_at: datetime
    response: str
    done: Literal[False]


class GenerateRaw(Costs):
    """The last line, or the whole answer, of a raw prompt."""

    model: str
    created_at: datetime
    response: str
    done: Literal[True]
    done_reason: Literal["stop", "length"]


class Generate(GenerateRaw):
    """The last line, or the whole answer, of a prompt that was rendered by the template."""

    context: Annotated[list[int], Field(min_length=1)]


class GenerateNothing(Shape):
    """The answer to an empty prompt: the model was loaded, or is let go."""

    model: str
    created_at: datetime
    response: Literal[""]
    done: Literal[True]
    done_reason: Literal["load", "unload"]


class Message(Shape):
    """What the model says."""

    role: Literal["assistant"]
    content: str


class ChatPart(Shape):
    """A line of a stream before the last."""

    model: str
    created_at: datetime
    message: Message
    done: Literal[False]


class Chat(Costs):
    """The last line, or the whole answer."""

    model: str
    created_at: datetime
    message: Message
    done: Literal[True]
    done_reason: Literal["stop", "length"]


class Silence(Message):
    """A message without a word."""

    content: Literal[""]


class ChatNothing(Shape):
    """The answer to no messages: the model was loaded, or is let go."""

    model: str
    created_at: datetime
    message: Silence
    done: Literal[True]
    done_reason: Literal["load", "unload"]


class Embed(Shape):
    """POST /api/embed."""

    model: str
    embeddings: Annotated[list[Vector], Field(min_length=1)]
    total_duration: Nanoseconds
    load_duration: Nanoseconds
    prompt_eval_count: Count


class EmbedNothing(Shape):
    """The answer to no input: the model was loaded."""

    model: str
    embeddings: Annotated[list[Vector], Field(max_length=0)]


class Embedding(Shape):
    """POST /api/embeddings, the older form; empty for an empty prompt."""

    embedding: list[float]


# ---------------------------------------------------------------- OpenAI's API


class Problem(Shape):
    """What went wrong, in OpenAI's words."""

    message: str
    type: Literal["invalid_request_error", "not_found_error", "api_error"]
    param: None
    code: None


class OpenFailed(Shape):
    """Any error below /v1."""

    error: Problem


class OpenModel(Shape):
    """One model; `created` is a Unix time."""

    id: str
    object: Literal["model"]
    created: Annotated[int, Field(ge=0)]
    owned_by: str


class OpenModels(Shape):
    """GET /v1/models."""

    object: Literal["list"]
    data: Annotated[list[OpenModel], Field(min_length=1)]


class Usage(Shape):
    """Tokens of an answer."""

    prompt_tokens: Count
    completion_tokens: Annotated[int, Field(ge=0)]
    total_tokens: Count


Finish = Literal["stop", "length"]


class OpenChoice(Shape):
    """The one choice of a chat."""

    index: Literal[0]
    message: Message
    finish_reason: Finish


class OpenChat(Shape):
    """POST /v1/chat/completions."""

    id: Annotated[str, Field(pattern=r"^chatcmpl-\w+$")]
    object: Literal["chat.completion"]
    created: Count
    model: str
    system_fingerprint: Literal["fp_ollama"]
    choices: Annotated[list[OpenChoice], Field(min_length=1, max_length=1)]
    usage: Usage


class Delta(Shape):
    """A piece of a message; newer servers say the role once."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class OpenPart(Shape):
    """A piece of the one choice of a chat."""

    index: Literal[0]
    delta: Delta
    finish_reason: Finish | None


class OpenChatPart(Shape):
    """An event of a streamed chat; the one with the usage, if asked for, has no choice."""

    id: Annotated[str, Field(pattern=r"^chatcmpl-\w+$")]
    object: Literal["chat.completion.chunk"]
    created: Count
    model: str
    system_fingerprint: Literal["fp_ollama"]
    choices: Annotated[list[OpenPart], Field(max_length=1)]
    usage: Usage | None = None


class OpenText(Shape):
    """The one choice of a completion."""

    text: str
    index: Literal[0]
    finish_reason: Finish | None


class OpenCompletion(Shape):
    """POST /v1/completions, and an event of its stream (without the usage, unless asked for)."""

    id: Annotated[str, Field(pattern=r"^cmpl-\w+$")]
    object: Literal["text_completion"]
    created: Count
    model: str
    system_fingerprint: Literal["fp_ollama"]
    choices: Annotated[list[OpenText], Field(max_length=1)]
    usage: Usage | None = None


class OpenVector(Shape):
    """One embedding."""

    object: Literal["embedding"]
    embedding: Vector
    index: Annotated[int, Field(ge=0)]


class EmbeddingUsage(Shape):
    """Tokens of the inputs."""

    prompt_tokens: Count
    total_tokens: Count


class OpenEmbeddings(Shape):
    """POST /v1/embeddings."""

    object: Literal["list"]
    data: Annotated[list[OpenVector], Field(min_length=1)]
    model: str
    usage: EmbeddingUsage
