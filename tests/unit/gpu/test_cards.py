"""Which cards there are: of the declared file, or the one that OLLAMA_HOST names."""

from pathlib import Path
from typing import Any

import pytest

from gpu.cards import (
    CardsFile,
    NamedServer,
    as_url,
    declared_cards,
    read_cards,
    served,
    strangers,
)
from gpu.checks import check_cards, check_keys
from gpu.profile import Profile, read_profile

VLLM = "{name: b, url: 'https://vllm.example', models: {ops-8b: Qwen/Qwen3-8B}}"


def test_one_line_adds_a_card(tmp_path: Path) -> None:
    path = tmp_path / "gpu.yaml"
    path.write_text(
        "cards:\n"
        "  - {name: a, url: 'http://10.0.0.1:11434'}\n"
        "  - {name: b, url: 'http://10.0.0.2:11434', elsewhere: true}\n",
        encoding="utf-8",
    )
    found = read_cards(path).value
    assert found is not None
    assert [(card.name, card.elsewhere) for card in found.cards] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{name: a, url: 'http://x:1'}", "second card a"),
        ("{name: b, url: 'ftp://x:1'}", "url"),
        ("{name: b}", "url"),
        ("{name: b, url: 'http://x:1', key: secret}", "key"),
        ("{name: 'B 1', url: 'http://x:1'}", "name"),
        ("{name: b, url: 'https://ada:word@x'}", "holds a login"),
        ("{name: b, url: 'https://x', key_file: k}", "wants no key"),
        ("{name: b, url: 'http://x', models: {ops: m}, key_file: k}", "in the clear"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "gpu.yaml"
    path.write_text(f"cards:\n  - {{name: a, url: 'http://x:1'}}\n  - {line}\n", encoding="utf-8")
    (fault,) = read_cards(path).faults
    assert "gpu.yaml:3" in str(fault)
    assert says in str(fault)


def test_the_file_goes_before_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "gpu.yaml"
    path.write_text("cards: [{name: mine, url: 'http://x:1'}]\n", encoding="utf-8")
    found = declared_cards(path, "elsewhere:11434", "simulated").value
    assert found is not None
    assert [card.name for card in found.cards] == ["mine"]


def test_the_variable_alone_names_a_card(tmp_path: Path) -> None:
    found = declared_cards(tmp_path / "gpu.yaml", "box:11434", "simulated").value
    assert found is not None
    assert [(card.name, card.url) for card in found.cards] == [("card0", "http://box:11434")]
    assert found.profile == "simulated"


def test_without_either_there_is_none(tmp_path: Path) -> None:
    found = declared_cards(tmp_path / "gpu.yaml", "", "").value
    assert found is not None
    assert found.cards == ()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("box", "http://box:11434"),
        ("box:1234", "http://box:1234"),
        ("http://box", "http://box:80"),
        ("https://box", "https://box:443"),
        ("https://box:8443/", "https://box:8443"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - as Ollama spells it
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::1]:11434", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("http://box/ollama", "http://box/ollama"),
    ],
)
def test_a_host_is_read_as_ollamas_own_clients_do(host: str, url: str) -> None:
    assert as_url(host) == url


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "gpu.yaml"
    path.write_text("cards:\n" + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return path


def cards(tmp_path: Path, *lines: str) -> CardsFile:
    found = read_cards(written(tmp_path, *lines))
    assert found.value is not None, found.faults
    return found.value


def profile() -> Profile:
    found = read_profile("simulated").value
    assert found is not None
    return found


def test_a_server_of_openais_api_serves_the_slots_that_it_names(tmp_path: Path) -> None:
    (slot,) = served(profile(), cards(tmp_path, VLLM))
    assert (slot.name, slot.model) == ("ops-8b", "Qwen/Qwen3-8B")


def test_beside_an_ollama_each_has_its_own_name_for_a_model(tmp_path: Path) -> None:
    found = served(profile(), cards(tmp_path, "{name: a, url: 'http://x:1'}", VLLM))
    assert [slot.model for slot in found] == [slot.model for slot in profile().slots]


def test_a_slot_that_the_profile_has_not_is_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, VLLM.replace("ops-8b", "opera"))
    (fault,) = strangers(profile(), read_cards(path))
    assert (fault.file, fault.line) == (str(path), 2)
    assert fault.what == "b serves opera, which the profile simulated has not."


def test_a_server_that_variables_name_answers_every_chat_slot(tmp_path: Path) -> None:
    named = NamedServer("https://vllm.example", "Qwen/Qwen3-8B", "/etc/ethops/vllm.key")
    found = declared_cards(tmp_path / "gpu.yaml", "", "simulated", named).value
    assert found is not None
    (card,) = found.cards
    assert (card.url, card.key_file) == (named.url, named.key_file)
    assert set(card.models) == {slot.name for slot in profile().slots if slot.kind == "chat"}
    assert set(card.models.values()) == {named.model}


def test_an_unknown_profile_is_a_fault_of_the_server_too(tmp_path: Path) -> None:
    found = declared_cards(tmp_path / "gpu.yaml", "", "nobody", NamedServer("https://x", "m"))
    assert found.value is None
    assert found.faults


def test_a_key_that_is_not_there_refuses_the_start(settings: Any, tmp_path: Path) -> None:
    key = tmp_path / "key"
    settings.ETHOPS_INFERENCE_SERVER = {"url": "https://x", "model": "m", "key_file": str(key)}
    (found,) = check_keys()
    assert (found.id, found.msg.startswith("ETHOPS_INFERENCE_URL: ")) == ("gpu.E001", True)
    assert f"{key}: it cannot be read" in found.msg
    key.write_text("hush", encoding="utf-8")
    key.chmod(0o600)
    assert check_keys() == []
    key.write_text("hush\nword", encoding="utf-8")
    (found,) = check_keys()
    assert (found.id, "hush" in found.msg, "not one line" in found.msg) == ("gpu.E001", False, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cards:\n  - {name: a, uri: 'http://x:1'}\n", "gpu.yaml:2"),
        ("cards: [", "gpu.yaml:"),
        ("profile: nobody\ncards: [{name: a, url: 'http://x:1'}]\n", "nobody.yaml"),
        (
            "cards: [{name: a, url: 'http://x:1', models: {nothing: m}}]\n",
            "gpu.yaml:1: a serves nothing",
        ),
    ],
)
def test_check_names_each_fault_of_the_file(
    settings: Any, tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "gpu.yaml"
    settings.ETHOPS_GPU = path
    path.write_text(text, encoding="utf-8")
    found = check_cards()
    assert {one.id for one in found} == {"gpu.E002"}
    assert says in "\n".join(one.msg for one in found)
    assert all(one.hint for one in found)
    path.write_text("cards: [{name: a, url: 'http://x:1'}]\n", encoding="utf-8")
    assert check_cards() == []
