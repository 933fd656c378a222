"""A letter may hold anything: what it says is found, and nothing in it makes reading fail."""

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethops.mail import letter


def made(text="Hello", **headers):
    message = EmailMessage()
    message["From"], message["To"] = "Mia <Mia@Example.org>", "desk@example.org"
    message["Subject"] = "It hangs"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text is not None:
        message.set_content(text)
    return message


def test_a_plain_letter_says_what_it_says():
    found = letter.read(made("Größe\n", Message_ID="<a@b>", References="<c@d>").as_bytes())
    assert (found.sender, found.subject, found.text) == ("mia@example.org", "It hangs", "Größe")
    assert (found.message_id, found.references.split()) == ("<a@b>", ["<c@d>"])


def test_of_text_written_twice_the_plain_one_is_read():
    message = made("plain")
    message.add_alternative("<p>page</p>", subtype="html")
    assert letter.read(message.as_bytes()).text == "plain"


def test_a_page_is_its_text_alone():
    message = made(None)
    message.set_content(
        "<html><head><title>t</title><style>p{}</style></head><body><script>alert(1)</script>"
        "<p onclick='x()'>It &lt;hangs&gt;<br>since noon</p><img src=http://evil.example/x.png>"
        "<noscript>n</noscript><iframe src=x>inner</iframe></body></html>",
        subtype="html",
    )
    assert letter.read(message.as_bytes()).text == "It <hangs>\nsince noon"


def test_files_come_with_their_names_and_bytes():
    message = made()
    message.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="../a.png")
    message.add_attachment(made("inner"), filename="old.eml")
    found = letter.read(message.as_bytes())
    assert [(one.name, one.media_type) for one in found.files] == [
        ("../a.png", "image/png"), ("old.eml", "message/rfc822"),
    ]  # fmt: skip
    assert found.files[0].content == b"\x00\x01"
    assert b"inner" in found.files[1].content


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe" * 500,
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n--x",
        b"Content-Type: multipart/mixed\n\nno boundary at all",
        b"Content-Type: text/plain; charset=no-such-charset\n\nHello",
        b"Content-Type: text/plain; charset=\"\xff\"\n\nHello",
        b"Content-Transfer-Encoding: base64\n\n!!!not base64!!!",
        b"Subject: =?utf-8?b?////?= =?x?q?y?=\nFrom: <<<>>>, a@b, \"\n\nHello",
        b"From: =?utf-8?q?=00=0A?= <a@b>\nSubject: " + b"x" * 100_000 + b"\n\nHello",
        b"Content-Disposition: attachment; filename*=utf-8''%ff%00; filename*0*=x\n\nHello",
        b"Content-Type: multipart/mixed; boundary=a\n\n"
        + b"".join(b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" for _ in range(3_000)),
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000)
        ),
        b"Content-Type: text/html\n\n" + b"<div>" * 50_000 + b"<![CDATA[" + b"<!" * 1_000,
        b"Received: x\n" * 5_000 + b"\nHello",
        b"Date: \xf0\x9f\nMessage-ID: " + b"<" * 20_000 + b"\n\nHello",
    ],
    ids=range(15),
)  # fmt: skip
def test_broken_letters_are_read_as_far_as_they_go(raw):
    found = letter.read(raw)
    assert isinstance(found.text, str)
    assert len(found.files) <= letter.MOST_FILES
    assert all(len(value) <= letter.LONGEST_HEADER for value in found.headers.values())


@given(st.binary(max_size=2_000), st.sampled_from([b"", made().as_bytes()]))
def test_no_bytes_make_reading_fail(junk, before):
    letter.read(before + junk)
    letter.read(junk + before)


def test_two_senders_are_nobody():
    raw = b"From: a@example.org, b@example.org\n\nHello"
    assert letter.read(raw).sender == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes.\n\nOn Monday, the desk wrote:\n> Is it plugged in?\n> Bye\n", "Yes."),
        ("Yes.\n\n> Is it plugged in?", "Yes."),
        ("> Is it?\nYes.\n> And now?\nNo.", "> Is it?\nYes.\n> And now?\nNo."),
        ("> all of it\n> is quoted", "> all of it\n> is quoted"),
        ("No quotes: none.", "No quotes: none."),
        ("", ""),
    ],
)
def test_an_answer_is_read_without_what_it_quotes_at_its_end(text, kept):
    assert letter.without_quotes(text) == kept
