"""Which cards there are: of the declared file, or the one that OLLAMA_HOST names."""

from pathlib import Path

import pytest

from gpu.cards import as_url, declared_cards, read_cards


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
