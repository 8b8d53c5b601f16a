"""The child process that reads files: what it makes of good files, and how it survives the others."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from common.errors import BadFile
from records.documents import languages, sniffing
from records.documents.reader import crew, refusals
from records.documents.reading import (
    ROOT,
    FileFacts,
    Message,
    Order,
    PageFailed,
    PageRead,
    ReadingFailed,
    read_file,
)
from tests.records.documents import samples


@pytest.fixture(scope="session")
def tessdata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return languages.prepare(tmp_path_factory.mktemp("tessdata"))


Read = Callable[..., list[Message]]


@pytest.fixture
def read(tmp_path: Path, tessdata: Path) -> Read:
    """Read bytes like the job does."""

    def read_bytes(data: bytes, **changes: object) -> list[Message]:
        path, work = tmp_path / "original", tmp_path / "pages"
        path.write_bytes(data)
        work.mkdir(exist_ok=True)
        kind = sniffing.kind_of(data[:4096], len(data))
        return list(read_file(replace(Order(path, kind.media_type, work, tessdata), **changes)))  # type: ignore[arg-type]

    return read_bytes


def pages_of(messages: list[Message]) -> list[PageRead]:
    return sorted((m for m in messages if isinstance(m, PageRead)), key=lambda page: page.number)


def facts_of(messages: list[Message]) -> FileFacts:
    return next(m for m in messages if isinstance(m, FileFacts))


def test_the_english_model_is_the_one_that_was_taken_and_has_its_licence() -> None:
    folder = languages.PACKED.parent
    digest, name = (folder / "SHA256SUMS").read_text().split()
    assert name == languages.PACKED.name
    assert hashlib.sha256(languages.PACKED.read_bytes()).hexdigest() == digest
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "MIT License" in (folder / "LICENSE").read_text()


def test_further_languages_come_from_a_folder(tmp_path: Path) -> None:
    further = tmp_path / "further"
    further.mkdir()
    (further / "xyz.traineddata").write_bytes(gzip.decompress(languages.PACKED.read_bytes()))
    place = languages.prepare(tmp_path / "cache", further)
    assert {path.name for path in place.iterdir()} == {"eng.traineddata", "xyz.traineddata"}
    assert languages.prepare(tmp_path / "cache", further) == place


def test_a_digital_pdf_gives_its_own_text_and_pictures(read: Read) -> None:
    messages = read(samples.text_pdf([samples.LETTER_TEXT, ["Second page", "Signed by the attending"]]))
    assert facts_of(messages) == FileFacts(2, [])
    first, second = pages_of(messages)
    assert first.source == "layer"
    assert first.confidence is None
    assert "Metformin 500 mg was continued" in first.text
    assert "Signed by the attending" in second.text
    with Image.open(first.view) as view, Image.open(first.thumbnail) as small:
        assert view.size == (first.width, first.height)
        assert 1100 <= view.width <= 1400
        assert small.width <= 160


def test_words_stand_where_they_are_on_the_picture(read: Read) -> None:
    (page,) = pages_of(read(samples.text_pdf([["Hydroxychloroquinesulfate"]])))
    assert page.source == "layer"
    ((text, left, top, right, bottom),) = page.words
    assert text == "Hydroxychloroquinesulfate"
    with Image.open(page.view) as view:
        box = (left * view.width // 10_000, top * view.height // 10_000,
               right * view.width // 10_000 + 1, bottom * view.height // 10_000 + 1)  # fmt: skip
        grey = view.convert("L")
        assert grey.crop(box).getextrema()[0] < 100
        grey.paste(255, box)
        assert grey.getextrema()[0] > 150


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_scan_is_read_whichever_way_it_lies(read: Read, turn: int) -> None:
    (page,) = pages_of(read(samples.as_file(samples.scan(turn=turn), "PNG", dpi=(150, 150))))
    assert page.source == "ocr"
    assert page.confidence is not None
    assert page.confidence > 80
    assert "amoxicillin" in page.text
    assert page.height > page.width
    place = {word[0]: word[2] for word in page.words}
    assert place["Discharge"] < place["Follow"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_mark_is_obeyed(read: Read, orientation: int) -> None:
    turns = {
        1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    picture = samples.scan(dpi=100)
    for each in turns[orientation]:
        picture = picture.transpose(each)
    exif = Image.Exif()
    exif[0x0112] = orientation
    (page,) = pages_of(read(samples.as_file(picture, "JPEG", exif=exif, quality=90)))
    assert page.height > page.width
    assert "Discharge" in page.text


def test_a_scanned_pdf_is_read_although_it_has_no_text(read: Read) -> None:
    (page,) = pages_of(read(samples.scanned_pdf([samples.scan()])))
    assert page.source == "ocr"
    assert "pneumonia" in page.text


def test_a_few_words_on_an_empty_sheet_need_no_ocr(read: Read) -> None:
    (page,) = pages_of(read(samples.text_pdf([["Page 7"]])))
    assert (page.source, page.text) == ("layer", "Page 7")


def test_a_fax_line_over_a_scan_does_not_hide_what_the_scan_says(read: Read) -> None:
    fax = samples.text_pdf([["FAX 03/05/2026 10:12 from 555-0100 to Medical Records page 1 of 1"]])

    def underlay(pdf: pikepdf.Pdf) -> None:
        with pikepdf.open(BytesIO(samples.scanned_pdf([samples.scan()]))) as scan:
            pdf.pages[0].add_underlay(scan.pages[0])

    (page,) = pages_of(read(samples.changed(fax, underlay)))
    assert page.source == "ocr"
    assert "amoxicillin" in page.text


def test_a_tiff_of_300_frames_is_read(read: Read) -> None:
    blank = Image.new("L", (200, 260), 255)
    messages = read(samples.tiff([blank] * 299 + [samples.scan(dpi=100)], compression="tiff_lzw"))
    pages = pages_of(messages)
    assert facts_of(messages).pages == 300
    assert [page.number for page in pages] == list(range(1, 301))
    assert pages[0].source == "blank"
    assert "Discharge" in pages[-1].text


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "LA", "P", "CMYK", "I;16"])
def test_pictures_of_every_mode_are_read(read: Read, mode: str) -> None:
    grey = samples.scan(dpi=100)
    if mode == "I;16":
        picture = grey.convert("I").point(lambda value: value * 256).convert("I;16")
    elif mode in {"LA", "RGBA"}:
        picture = Image.new(mode, grey.size, (0, 0) if mode == "LA" else (0, 0, 0, 0))
        picture.putalpha(grey.point(lambda value: 255 - value))
    else:
        picture = grey.convert(mode)
    (page,) = pages_of(read(samples.as_file(picture, "TIFF" if mode == "CMYK" else "PNG")))
    assert "Discharge" in page.text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (samples.encrypted_pdf("secret"), refusals.LOCKED),
        (samples.empty_pdf(), refusals.EMPTY),
        (samples.text_pdf()[:300], refusals.DAMAGED),
        (b"%PDF-1.7\n" + os.urandom(20_000), refusals.DAMAGED),
        (samples.long_pdf(5_000), "5,000 pages, more than the 2,000"),
        (samples.as_file(samples.scan(), "PNG")[:20], "damaged"),
        (b"II*\x00" + os.urandom(3_000), "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_ends_in_a_clear_sentence(read: Read, data: bytes, sentence: str) -> None:
    with pytest.raises(ReadingFailed) as failed:
        read(data)
    assert sentence in str(failed.value)
    assert str(failed.value).endswith(".")


def test_a_pdf_that_only_forbids_things_is_read_and_says_so(read: Read) -> None:
    messages = read(samples.encrypted_pdf(user_password=""))
    assert facts_of(messages).flags == ["encrypted"]
    assert "Metformin" in pages_of(messages)[0].text


def test_what_remains_of_a_truncated_pdf_is_shown_and_said(read: Read) -> None:
    whole = samples.text_pdf([samples.LETTER_TEXT] * 3)
    messages = read(whole[: int(len(whole) * 0.9)])
    assert "damaged" in facts_of(messages).flags
    assert "amoxicillin" in pages_of(messages)[0].text


def test_a_page_of_20000_points_is_drawn_smaller_not_larger(read: Read) -> None:
    started = time.monotonic()
    (page,) = pages_of(read(samples.huge_page_pdf()))
    assert max(page.width, page.height) <= 1_800
    assert "surgical" in page.text
    assert time.monotonic() - started < 30


def test_a_page_of_one_point_is_still_a_page(read: Read) -> None:
    (page,) = pages_of(
        read(
            samples.changed(samples.long_pdf(1), lambda pdf: setattr(pdf.pages[0], "MediaBox", [0, 0, 1, 1]))
        )
    )
    assert page.width >= 1


def test_scripts_and_files_inside_are_named_and_never_run(read: Read) -> None:
    messages = read(samples.active_pdf())
    assert set(facts_of(messages).flags) == {"attachments", "javascript"}
    (page,) = pages_of(messages)
    assert "gotcha" not in page.text


def test_a_dynamic_form_says_how_to_file_it(read: Read) -> None:
    messages = read(samples.xfa_pdf())
    assert "xfa" in facts_of(messages).flags
    assert [m.error for m in messages if isinstance(m, PageFailed)] == [refusals.FORM]


def test_a_decompression_bomb_costs_its_page_only(read: Read) -> None:
    messages = read(samples.bomb_png())
    (failed,) = [m for m in messages if isinstance(m, PageFailed)]
    assert "400 megapixels" in failed.error


def test_a_page_that_unpacks_to_gigabytes_costs_that_page_only(read: Read) -> None:
    messages = read(samples.bomb_pdf(), seconds=10)
    assert [page.number for page in pages_of(messages)] == [2]
    (failed,) = [m for m in messages if isinstance(m, PageFailed)]
    assert failed.error in {refusals.TOO_SLOW, refusals.TOO_MUCH_MEMORY, refusals.BROKEN_PAGE}


def test_pages_that_are_there_already_are_left_out(read: Read) -> None:
    messages = read(samples.text_pdf([["one"], ["two"], ["three"]]), have=frozenset({1, 3}))
    assert [page.number for page in pages_of(messages)] == [2]


def test_a_page_that_takes_too_long_costs_that_page_only() -> None:
    def prepare() -> crew.ReadPage:
        return lambda number: (signal.pause() or "") if number == 2 else ""

    outcomes = {o.page: o.error for o in crew.run([1, 2, 3], prepare, size=2, seconds=1.0) if o.page}
    assert outcomes == {1: "", 2: refusals.TOO_SLOW, 3: ""}


def test_a_page_that_kills_its_worker_costs_that_page_only() -> None:
    def prepare() -> crew.ReadPage:
        return lambda number: os._exit(9) if number == 2 else ""

    outcomes = {o.page: o.error for o in crew.run([1, 2, 3, 4], prepare, size=2, seconds=30.0)}
    assert outcomes == {1: "", 2: refusals.BROKEN_PAGE, 3: "", 4: ""}


def test_leaving_early_ends_the_child(tmp_path: Path, tessdata: Path) -> None:
    path, work = tmp_path / "original", tmp_path / "pages"
    path.write_bytes(samples.long_pdf(1500))
    work.mkdir()
    reading = read_file(Order(path, "application/pdf", work, tessdata))
    next(reading)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    assert children.read_text().split()
    reading.close()
    assert not [pid for pid in children.read_text().split() if "records.documents.reader" in command_of(pid)]


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def test_the_child_knows_no_django_and_no_secrets(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import records.documents.reader.__main__, records.documents.reader.pages\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in {'django', 'psycopg2', 'celery'}]\n"
        "assert 'common.keyring' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


DATA = ROOT / "tests" / "data"


@pytest.mark.parametrize("path", sorted((DATA / "malformed").glob("*.pdf")), ids=lambda path: path.stem)
def test_malformed_files_from_the_wild_end_in_pages_or_a_sentence(read: Read, path: Path) -> None:
    sentence, messages = "", []
    try:
        messages = read(path.read_bytes(), seconds=20)
    except (ReadingFailed, BadFile) as refused:
        sentence = str(refused)
    ended = [m for m in messages if isinstance(m, (PageRead, PageFailed))]
    assert sentence.endswith(".") or (ended and len(ended) == facts_of(messages).pages)


@pytest.mark.parametrize("name", ["phototest-rotated-180.png", "phototest-rotated-L.png"])
def test_a_true_scan_is_read_word_for_word(read: Read, name: str) -> None:
    (page,) = pages_of(read((DATA / "scans" / name).read_bytes()))
    truth = (DATA / "scans" / "phototest.gold.txt").read_text().split()
    assert page.text.split() == truth
