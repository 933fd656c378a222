"""Our templates, stylesheet and script: nothing inline, nothing of another host."""

import re
from pathlib import Path

import pytest

import ethops
from ethops.pages import gpu_words, telling, words
from gpu.tiers import TIERS

ROOT = Path(ethops.__file__).parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "static" / "ethops"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_nothing_inline(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_marks_nothing_of_strangers_as_safe(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape\s+off|mark_safe|\|\s*safeseq", text)


@pytest.mark.parametrize("name", ["ethops.css", "live.js", "gpu.js", "marks.svg", "icon.svg"])
def test_nothing_comes_from_another_host(name):
    text = (STATIC / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//[a-z]+\.[a-z]", text)


@pytest.mark.parametrize("name", ["live.js", "gpu.js"])
def test_a_script_builds_no_code_from_text(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    assert not re.search(r"\beval\b|new Function|setTimeout\(['\"]|document\.write", text)


def marks():
    text = (STATIC / "marks.svg").read_text(encoding="utf-8")
    return set(re.findall(r'<symbol id="([a-z]+)"', text))


def test_every_mark_that_is_named_is_in_the_sprite():
    named = {glyph for glyph, _ in telling.GLYPHS.values()} | set(telling.BY.values())
    for table in (
        words.TICKET_STATES, words.RUN_STATES, words.WORK_STATES, words.JOB_STATES, words.OUTCOMES,
    ):  # fmt: skip
        named |= {state.glyph for state in table.values()}
    named |= {state.glyph for state in gpu_words.DOING.values()} | set(TIERS)
    for path in TEMPLATES:
        named |= set(re.findall(r'glyph="([a-z]+)"', path.read_text(encoding="utf-8")))
    assert named <= marks()


def test_every_colour_of_the_stylesheet_is_a_token():
    text = (STATIC / "ethops.css").read_text(encoding="utf-8")
    rules = text[text.index("/* ---- frame */") :]
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", rules)


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def tokens():
    text = (STATIC / "ethops.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", text)
    return {name: colours for name, *colours in pairs}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "panel"])
@pytest.mark.parametrize("text", ["ink", "quiet", "run", "ok", "no", "doubt"])
def test_text_can_be_read_on_every_ground(text, ground, scheme):
    found = tokens()
    assert contrast(found[text][scheme], found[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["bg", "panel"])
@pytest.mark.parametrize("tier", ["ops", "embedding", "research", "load"])
def test_what_is_drawn_of_a_tier_can_be_seen(tier, ground, scheme):
    found = tokens()
    assert contrast(found[tier][scheme], found[ground][scheme]) >= 3


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"), [("no", "tint-no"), ("doubt", "tint-doubt"), ("ink", "tint-run")]
)
def test_text_can_be_read_on_its_tint(text, ground, scheme):
    found = tokens()
    assert contrast(found[text][scheme], found[ground][scheme]) >= 4.5
