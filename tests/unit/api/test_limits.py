"""A body is bounded before anybody reads it."""

import asyncio

import pytest

from ethops.api.limits import CUT, DRAINED, BodyLimit


class Heard(list):
    """An application that reads everything, and says how much that was."""

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            self.append(scope["type"])
            return
        more = True
        while more:
            message = await receive()
            self.append(len(message["body"]))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})


LIMIT, UPLOAD = 10, 20
UPLOADS = ["/api/v1/tickets/INC-00001/attachments", "/tickets/INC-00001/attachments/"]
FORMS = ["/portal/new/", "/portal/new/gpu/", "/portal/tickets/INC-00001/"]
OTHERS = [
    "/portal/new/gpu/more/", "/portal/tickets/INC-00001/files/1/", "/x/portal/new/",
    "/tickets/INC-00001/", "/api/v1/tickets/INC-00001/attachments/1", "/attachments/of/all",
    "/attachmentsx", "/tickets/attachments\n", "",
]  # fmt: skip


def sent(app, pieces, headers=(), kind="http", path="/", scope=None):
    """Send the pieces through the limit; return the statuses answered."""
    answered = []

    async def receive():
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message):
        answered.append(message)

    limited = BodyLimit(app, limit=LIMIT, upload=UPLOAD)
    scope = {} if scope is None else scope
    scope |= {"type": kind, "path": path, "headers": list(headers)}
    asyncio.run(limited(scope, receive, send))
    return [message["status"] for message in answered if "status" in message]


def test_a_body_within_the_limit_passes_whole():
    app = Heard()
    assert sent(app, [b"12345", b"67890"]) == [200]
    assert sum(app) == 10


def test_a_body_that_says_it_is_too_large_is_never_read():
    app = Heard()
    assert sent(app, [b"x"], [(b"content-length", b"11")]) == [413]
    assert app == []


@pytest.mark.parametrize("pieces", [[b"x" * 99], [b"x" * 9, b"x" * 9, b"x" * 9]])
def test_a_body_that_does_not_say_is_cut_one_byte_past_the_limit(pieces):
    app = Heard()
    sent(app, pieces)
    assert sum(app) == 11


def test_a_length_that_is_no_number_is_counted_instead():
    app = Heard()
    sent(app, [b"x" * 99], [(b"content-length", b"many")])
    assert sum(app) == 11


def test_other_kinds_of_connection_pass():
    app = Heard()
    sent(app, [], kind="lifespan")
    assert app == ["lifespan"]


@pytest.mark.parametrize("path", UPLOADS)
def test_a_file_may_be_larger_where_files_are_taken(path):
    app = Heard()
    assert sent(app, [b"x" * UPLOAD], [(b"content-length", b"20")], path=path) == [200]
    assert sum(app) == UPLOAD


@pytest.mark.parametrize("path", UPLOADS)
def test_what_says_it_is_larger_than_any_file_is_never_read(path):
    app = Heard()
    assert sent(app, [b"x"], [(b"content-length", b"21")], path=path) == [413]
    assert app == []


@pytest.mark.parametrize("path", UPLOADS)
def test_what_does_not_say_is_cut_one_byte_past_the_largest_file(path):
    app = Heard()
    sent(app, [b"x" * 15, b"x" * 15], path=path)
    assert sum(app) == UPLOAD + 1


@pytest.mark.parametrize("path", OTHERS)
def test_elsewhere_nothing_may_be_larger(path):
    app = Heard()
    assert sent(app, [b"x"], [(b"content-length", b"11")], path=path) == [413]


@pytest.mark.parametrize("path", FORMS)
def test_of_a_form_that_is_too_large_the_beginning_is_read_and_the_rest_heard(path):
    app, scope = Heard(), dict[str, object]()
    pieces = [b"x" * 15, b"x" * 15, b"x" * 15]
    assert sent(app, pieces, [(b"content-length", b"45")], path=path, scope=scope) == [200]
    assert (sum(app), scope[CUT]) == (UPLOAD + 1, True)
    assert not pieces


@pytest.mark.parametrize("path", FORMS)
def test_a_form_beyond_all_measure_is_never_read(path):
    app, said = Heard(), str(UPLOAD + DRAINED + 1).encode()
    assert sent(app, [b"x"], [(b"content-length", said)], path=path) == [413]
    assert app == []


def test_a_form_that_fits_is_not_cut():
    app, scope = Heard(), dict[str, object]()
    assert sent(app, [b"x" * UPLOAD], path=FORMS[0], scope=scope) == [200]
    assert CUT not in scope


def test_an_installation_without_files_has_one_limit():
    assert BodyLimit(Heard(), limit=LIMIT).upload == LIMIT
