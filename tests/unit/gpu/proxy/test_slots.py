"""Names, rights and options of slots."""

import pytest

from gpu.proxy import slots
from gpu.proxy.answers_ollama import OllamaChat
from gpu.proxy.errors import RefusedError
from gpu.proxy.wanted import Wanted
from gpu.states import JobKind
from tests.unit.gpu.proxy.made import client, slot

OPS = slot()
LONG = slot("ops-long", options={"num_ctx": 16384}, context=16384, tiers=["research"])
EMBED = slot("embed", model="nomic", kind="embed", tiers=["embedding"])
ALL = [EMBED, OPS, LONG]


def wanted(model="ops", kind=JobKind.CHAT, **options):
    return Wanted(kind, model, OllamaChat(model), options=options)


def refused(wanted, who=None, known=None):
    with pytest.raises(RefusedError) as no:
        slots.chosen(wanted, who or client(), known or ALL)
    return no.value


@pytest.mark.parametrize("name", ["ops", "qwen3:8b"])
def test_a_slot_has_two_names(name):
    assert slots.chosen(wanted(name), client(), ALL) is OPS


def test_a_model_has_a_tag_even_where_none_is_said():
    known = [slot("a", model="nomic"), slot("b", model="other:latest")]
    assert slots.named("nomic:latest", known) == [known[0]]
    assert slots.named("other", known) == [known[1]]
    assert slots.named("nomic:v2", known) == []


def test_where_a_model_has_two_slots_its_options_decide():
    assert slots.chosen(wanted("qwen3:8b", num_ctx=16384), client(), ALL) is LONG
    assert slots.chosen(wanted("qwen3:8b", num_ctx=4096), client(), ALL) is OPS


def test_a_name_that_nobody_has_is_404_in_ollamas_words():
    no = refused(wanted("gpt"))
    assert no.status == 404
    assert no.message.startswith("model 'gpt' not found")
    assert "ops (qwen3:8b)" in no.message
    assert "embed" not in no.message


def test_no_name_is_400():
    assert refused(wanted("")).status == 400


def test_the_slot_of_another_tier_is_403():
    no = refused(wanted("embed"))
    assert no.status == 403
    assert "research" in no.message


def test_a_slot_that_the_key_does_not_name_is_403():
    assert refused(wanted("ops-long"), client(slots=["ops"])).status == 403


def test_a_key_without_slots_is_told_so():
    assert "no slot" in refused(wanted("gpt"), client(slots=["gone"])).message


def test_chatting_with_an_embedder_is_400():
    who = client(tier="embedding")
    assert "does not support chat" in refused(wanted("embed"), who).message
    found = slots.chosen(wanted("embed", JobKind.EMBED), who, ALL)
    assert found is EMBED
    assert "does not support embeddings" in refused(wanted("ops", JobKind.EMBED)).message


def test_a_slot_with_a_fault_is_503():
    no = refused(wanted(), known=[slot(fault="another digest")])
    assert no.status == 503
    assert no.headers["Retry-After"]


@pytest.mark.parametrize("options", [{"num_ctx": 8192}, {"num_gpu": 1}, {"luck": 7}, {"top_p": 7}])
def test_options_that_are_not_the_requests_to_set_are_400_and_named(options):
    with pytest.raises(RefusedError) as no:
        slots.sampling(wanted(**options), OPS)
    assert no.value.status == 400
    assert next(iter(options)) in no.value.message
    assert "temperature" in no.value.message


def test_the_slots_own_options_may_be_repeated():
    said = slots.sampling(wanted(num_ctx=4096, seed=3, stop=None), OPS)
    assert said == {"seed": 3}
