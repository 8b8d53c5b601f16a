"""What a file is, by its content; and names that came from outside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadFile
from records.documents.names import MAX_LENGTH, NAMELESS, display_name
from records.documents.sniffing import JPEG, KINDS, PDF, PNG, TIFF, Kind, kind_of
from tests.records.documents import samples


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (samples.text_pdf(), PDF),
        (b"\r\nsent by a scanner\n" + samples.text_pdf(), PDF),
        (samples.as_file(samples.scan(), "PNG"), PNG),
        (samples.as_file(samples.scan(), "JPEG"), JPEG),
        (samples.tiff([samples.scan()]), TIFF),
        (b"MM\x00*" + bytes(20), TIFF),
    ],
)
def test_kinds_that_a_chart_takes(data: bytes, kind: Kind) -> None:
    assert kind_of(data[:4096], len(data)) is kind


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<!DOCTYPE html><html><body>%PDF-1.7</body></html>", "web page"),
        (b"\xef\xbb\xbf\n  <HTML>", "web page"),
        (b"<svg onload='x'>", "web page"),
        (b"PK\x03\x04" + bytes(30) + b"%PDF-1.7", "ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office document"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "telephone"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"MZ\x90\x00", "program"),
        (b"just some words", "cannot tell"),
        (b"\x00" * 5000 + b"%PDF-1.7", "cannot tell"),
    ],
)
def test_what_a_chart_does_not_take_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence) as refused:
        kind_of(data[:4096], len(data))
    assert refused.value.status == 415
    assert "PDF, TIFF, JPEG and PNG" in refused.value.message


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadFile, match="0 bytes") as refused:
        kind_of(b"", 0)
    assert refused.value.status == 400


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_known_kind_or_refused(data: bytes) -> None:
    try:
        kind = kind_of(data, len(data))
    except BadFile:
        return
    assert kind in KINDS.values()


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("letter.pdf", "letter.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\scans\\Befund Müller.pdf", "Befund Müller.pdf"),
        ("evil\r\nSet-Cookie: a=b.pdf", "evil Set-Cookie: a=b.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200b\u200f\x00\x07b.pdf", "ab.pdf"),
        ("..", NAMELESS),
        ("/", NAMELESS),
        ("", NAMELESS),
        (None, NAMELESS),
        ("\ud800.pdf", "pdf"),
    ],
)
def test_names_are_shown_safely(given_name: str | None, shown: str) -> None:
    assert display_name(given_name) == shown


def test_a_long_name_keeps_its_ending() -> None:
    name = display_name("x" * 300 + ".tiff")
    assert len(name) == MAX_LENGTH
    assert name.endswith("….tiff")


@given(st.text(max_size=400))
def test_any_name_is_one_short_visible_line(given_name: str) -> None:
    name = display_name(given_name)
    assert 0 < len(name) <= MAX_LENGTH
    assert "/" not in name
    assert "\\" not in name
    assert not {unicodedata.category(letter) for letter in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert display_name(name) == name
