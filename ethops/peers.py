"""Which peers the environment names: a Neo4j, a forge, knowledge, an audit, a server of models.

What a peer knows us by lies in a file that a variable names; it is read where it is used.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from ethops.env import EnvError

NEO4J_URI: Final = "NEO4J_URI"
NEO4J_USER: Final = "NEO4J_USER"
NEO4J_PASSWORD_FILE: Final = "NEO4J_PASSWORD_FILE"  # noqa: S105 - the name of a file, not what is in it
NEO4J_DATABASE: Final = "NEO4J_DATABASE"
GRAPH_SITE: Final = "ETHOPS_GRAPH_SITE"
FORGE: Final = "ETHOPS_FORGE"
FORGE_URL: Final = "ETHOPS_FORGE_URL"
FORGE_REPOSITORY: Final = "ETHOPS_FORGE_REPOSITORY"
FORGE_BRANCH: Final = "ETHOPS_FORGE_BRANCH"
FORGE_TOKEN_FILE: Final = "ETHOPS_FORGE_TOKEN_FILE"  # noqa: S105
FORGE_MACHINES: Final = "ETHOPS_FORGE_MACHINES"
INFERENCE_URL: Final = "ETHOPS_INFERENCE_URL"
INFERENCE_MODEL: Final = "ETHOPS_INFERENCE_MODEL"
INFERENCE_KEY_FILE: Final = "ETHOPS_INFERENCE_KEY_FILE"
OLLAMA: Final = "OLLAMA_HOST"
KNOWLEDGE_REPOSITORY: Final = "ETHOPS_KNOWLEDGE_REPOSITORY"
KNOWLEDGE_BRANCH: Final = "ETHOPS_KNOWLEDGE_BRANCH"
KNOWLEDGE_SLOT: Final = "ETHOPS_KNOWLEDGE_SLOT"
NO_SLOT: Final = "none"
CISO_URL: Final = "ETHOPS_CISO_URL"
CISO_AUDIT: Final = "ETHOPS_CISO_AUDIT"
CISO_TOKEN_FILE: Final = "ETHOPS_CISO_TOKEN_FILE"  # noqa: S105

BOLT: Final = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
FORGES: Final = {"gitea": "gitea", "forgejo": "gitea", "github": "github"}
"""What a site calls its forge -> the adapter that speaks to it."""
MOST_URL: Final = 200
MOST_PATH: Final = 400
"""A card has room for no more of its server's address, and of the path of its key."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
Said = Mapping[str, str]
Options = dict[str, Any]


def chosen(said: Said, scap_results: Path | None = None) -> dict[str, Options]:
    """Return contract -> its adapter, with what that is told; the embedded one where none is named.

    `scap_results` is the folder of a scanner's results, which is read from this host.

    Raises:
        EnvError: a peer is named wrongly, or by half.
    """
    return {
        "graph": _graph(said),
        "forge": _forge(said),
        "knowledge": _knowledge(said),
        "compliance": _compliance(said, scap_results),
    }


def inference(said: Said) -> dict[str, str]:
    """Return where a server of OpenAI's API is, its model and its key's file; {} where it is none.

    Raises:
        EnvError: it is named wrongly, or by half.
    """
    url = said.get(INFERENCE_URL, "").rstrip("/").removesuffix("/v1")
    if not url:
        rest = (INFERENCE_MODEL, INFERENCE_KEY_FILE)
        _alone(said, rest, f"name the server as well: {INFERENCE_URL}=https://HOST")
        return {}
    parts = _address(INFERENCE_URL, url, ("https", "http"), INFERENCE_KEY_FILE)
    if len(url) > MOST_URL or not re.match("https?://", url):
        mend = f"write http or https in small letters, and {MOST_URL} characters at most"
        raise EnvError(INFERENCE_URL, url, mend)
    model, key = said.get(INFERENCE_MODEL, ""), _file(said, INFERENCE_KEY_FILE)
    if len(key) > MOST_PATH:
        raise EnvError(INFERENCE_KEY_FILE, key, f"give a path of {MOST_PATH} characters at most")
    if not re.fullmatch(r"[!-~]{1,200}", model):
        mend = f"{INFERENCE_URL} needs the name of a model there, as `GET /v1/models` lists it"
        raise EnvError(INFERENCE_MODEL, model, mend)
    if key and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise EnvError(INFERENCE_URL, url, "say https: the key goes over no other line")
    if said.get(OLLAMA):
        raise EnvError(INFERENCE_URL, url, f"{OLLAMA} names a card too: name both in gpu.yaml")
    return {"url": url, "model": model, "key_file": key}


def _graph(said: Said) -> Options:
    uri = said.get(NEO4J_URI, "")
    rest = (NEO4J_USER, NEO4J_PASSWORD_FILE, NEO4J_DATABASE, GRAPH_SITE)
    if not uri:
        _alone(said, rest, f"name the server as well: {NEO4J_URI}=bolt://HOST:7687")
        return {"adapter": "adapters.graph.embedded"}
    _address(NEO4J_URI, uri, BOLT, f"{NEO4J_USER} and {NEO4J_PASSWORD_FILE}")
    for one, other in ((NEO4J_USER, NEO4J_PASSWORD_FILE), (NEO4J_PASSWORD_FILE, NEO4J_USER)):
        if said.get(one) and not said.get(other):
            raise EnvError(one, said[one], f"it goes with {other}: set both, or neither")
    return {
        "adapter": "adapters.graph.neo4j",
        "uri": uri,
        "user": said.get(NEO4J_USER, ""),
        "password_file": _file(said, NEO4J_PASSWORD_FILE),
        "database": _name(said, NEO4J_DATABASE, "neo4j", "the name of a database, such as neo4j"),
        "site": _name(said, GRAPH_SITE, "ethops", "a short name of this house, such as ethops"),
    }


def _forge(said: Said) -> Options:
    kind = said.get(FORGE, "")
    rest = (FORGE_URL, FORGE_REPOSITORY, FORGE_BRANCH, FORGE_TOKEN_FILE, FORGE_MACHINES)
    if not kind:
        _alone(said, rest, f"say what it is as well: {FORGE}=gitea, forgejo or github")
        return {"adapter": "adapters.forge.embedded"}
    if kind not in FORGES:
        raise EnvError(FORGE, kind, f"choose one of {', '.join(sorted(FORGES))}")
    needed = {
        FORGE_URL: "https://git.example.org",
        FORGE_REPOSITORY: "owner/name",
        FORGE_TOKEN_FILE: "/etc/ethops/forge.token",
    }
    if kind == "github":
        # GitHub's own address is known; one of a company is not.
        del needed[FORGE_URL]
    for variable, example in needed.items():
        if not said.get(variable):
            raise EnvError(variable, "", f"{FORGE}={kind} needs it, such as {example}")
    return {
        "adapter": f"adapters.forge.{FORGES[kind]}",
        "url": _web(said, FORGE_URL, FORGE_TOKEN_FILE),
        "repository": _repository(said),
        "base": _branch(said, FORGE_BRANCH),
        "token_file": _file(said, FORGE_TOKEN_FILE),
        "machines": said.get(FORGE_MACHINES, "").replace(",", " ").split(),
    }


def _knowledge(said: Said) -> Options:
    embedded: Options = {"adapter": "adapters.knowledge.embedded", **_slot(said)}
    if not said.get(KNOWLEDGE_REPOSITORY):
        _alone(said, (KNOWLEDGE_BRANCH,), f"name the repository as well: {KNOWLEDGE_REPOSITORY}")
        return embedded
    return {
        **embedded,
        "repository": _file(said, KNOWLEDGE_REPOSITORY),
        "branch": _branch(said, KNOWLEDGE_BRANCH),
    }


def _slot(said: Said) -> Options:
    value = said.get(KNOWLEDGE_SLOT)
    if not value:
        return {}
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,19}", value):
        mend = f"name a slot of the card's profile, or say {NO_SLOT}: words alone are to answer"
        raise EnvError(KNOWLEDGE_SLOT, value, mend)
    return {"slot": "" if value == NO_SLOT else value}


def _compliance(said: Said, scap_results: Path | None) -> Options:
    folder = {"folder": str(scap_results)} if scap_results else {}
    if not said.get(CISO_URL):
        mend = f"name the CISO Assistant as well: {CISO_URL}=https://ciso.example.org"
        _alone(said, (CISO_AUDIT, CISO_TOKEN_FILE), mend)
        return {"adapter": f"adapters.compliance.{'openscap' if folder else 'embedded'}", **folder}
    for variable, example in (
        (CISO_AUDIT, "the id of an audit, as its page's address ends"),
        (CISO_TOKEN_FILE, "/etc/ethops/ciso.token"),
    ):
        if not said.get(variable):
            raise EnvError(variable, "", f"{CISO_URL} needs it, such as {example}")
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said[CISO_AUDIT]):
        raise EnvError(CISO_AUDIT, said[CISO_AUDIT], "give the id of the audit: a UUID")
    return {
        "adapter": "adapters.compliance.ciso_assistant",
        "url": _web(said, CISO_URL, CISO_TOKEN_FILE),
        "audit": said[CISO_AUDIT],
        "token_file": _file(said, CISO_TOKEN_FILE),
        **folder,
    }


def _alone(said: Said, variables: Sequence[str], mend: str) -> None:
    """Refuse what says more of a peer that nobody names: somebody believes that it is in use."""
    for variable in variables:
        if said.get(variable):
            raise EnvError(variable, said[variable], f"{mend}, or take this one away")


def _address(variable: str, url: str, schemes: Sequence[str], login: str) -> SplitResult:
    if "@" in url:
        # What stands before it is a secret, and told neither here nor by a parser that quotes it.
        raise EnvError(variable, "...", f"no login stands in it: {login} name that")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as fault:
        raise EnvError(variable, url, f"not a URL ({fault})") from fault
    if parts.scheme not in schemes:
        raise EnvError(variable, url, f"begin it with {' or '.join(f'{s}:' for s in schemes)}")
    if not parts.hostname or not re.fullmatch(r"[!-~]{1,300}", url):
        raise EnvError(variable, url, "name a host, as in SCHEME://HOST:PORT")
    return parts


def _web(said: Said, variable: str, token_file: str) -> str:
    url = said.get(variable, "").rstrip("/")
    if not url:
        return ""
    parts = _address(variable, url, ("https", "http"), token_file)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise EnvError(variable, url, "say https: the token goes over no other line")
    return url


def _repository(said: Said) -> str:
    value = said[FORGE_REPOSITORY]
    if not re.fullmatch(r"\w[\w.-]{0,99}/\w[\w.-]{0,99}", value, re.ASCII):
        raise EnvError(FORGE_REPOSITORY, value, "name it as the forge does: owner/name")
    return value


def _branch(said: Said, variable: str) -> str:
    value = said.get(variable) or "main"
    wrong = ".." in value or "//" in value or value.endswith(("/", ".lock", "."))
    if wrong or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}", value):
        raise EnvError(variable, value, "name a branch, such as main")
    return value


def _name(said: Said, variable: str, default: str, mend: str) -> str:
    value = said.get(variable) or default
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise EnvError(variable, value, f"give {mend}")
    return value


def _file(said: Said, variable: str) -> str:
    value = said.get(variable, "")
    if "\0" in value:
        raise EnvError(variable, value, "a path holds no NUL")
    return str(Path(value).expanduser().absolute()) if value else ""
