"""The package, made without a database: stamps, order, cleaning, images, the same bytes again."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

from records.release.packaging.assembly import build_package
from records.release.packaging.facts import BadPart, CoverFacts, Package, Part
from records.release.packaging.gate import closed_gate
from records.release.packaging.growing import Growing

NUMBER = "R-2026-000123"
FACTS = CoverFacts(
    number=NUMBER,
    facility="Test Hospital",
    facility_lines=("1 Way", "(555) 010-0140"),
    requester_lines=("Łukasz Żak <of> Law & Co",),
    patient_name="TESTPERSON, Ada",
    patient_birth_date="29 Feb 1980",
    patient_mrn="12-34-56-78",
    basis="45 CFR 164.524",
    purpose="my own file",
    received_on="05 Jan 2026",
    made_at=datetime(2026, 1, 6, 10, tzinfo=UTC),
)


@pytest.fixture
def part(tmp_path: Path) -> Callable[..., Part]:
    def of(content: bytes, media_type: str = "application/pdf", **changes: Any) -> Part:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_bytes(content)
        facts: dict[str, Any] = {
            "document_id": path.name,
            "version_id": path.name,
            "title": f"Letter {path.name}",
            "kind": "Letter",
            "service_date": date(2026, 1, 2),
            "media_type": media_type,
            "path": path,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return Part(**{**facts, **changes})

    return of


def build(tmp_path: Path, *parts: Part) -> tuple[Package, Path]:
    out = tmp_path / "package.out"
    return build_package(FACTS, parts, out), out


def texts(path: Path) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]


def picture(path: Path, page: int) -> Image.Image:
    image: Image.Image = pypdfium2.PdfDocument(path)[page].render(scale=1).to_pil().convert("L")
    return image


def a_pdf(
    *lines: str, change: Callable[[Pdf], None] | None = None, size: tuple[float, float] = (612, 792)
) -> bytes:
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=size, invariant=1)
    for line in lines:
        canvas.drawString(size[0] * 0.1, size[1] - 40, line)
        canvas.showPage()
    canvas.save()
    if change is None:
        return made.getvalue()
    with Pdf.open(io.BytesIO(made.getvalue())) as pdf:
        change(pdf)
        changed = io.BytesIO()
        pdf.save(changed)
    return changed.getvalue()


def assert_stamped(path: Path) -> list[str]:
    found = texts(path)
    for number, text in enumerate(found, 1):
        assert NUMBER in text
        assert f"page {number} of {len(found)}" in text
    return found


def test_every_page_is_stamped_and_in_order(tmp_path: Path, part: Callable[..., Part]) -> None:
    package, out = build(tmp_path, part(a_pdf("alpha", "beta")), part(a_pdf("gamma")))
    found = assert_stamped(out)
    assert len(found) == package.pages == 4
    for word, text in zip(("alpha", "beta", "gamma"), found[1:], strict=True):
        assert word in text
    assert [entry["pages"] for entry in package.manifest["parts"]] == [[2, 3], [4, 4]]
    assert package.size_bytes == out.stat().st_size


def test_the_cover_says_who_what_and_how_much(tmp_path: Path, part: Callable[..., Part]) -> None:
    _, out = build(tmp_path, part(a_pdf("x"), title="Discharge summary"))
    cover = texts(out)[0]
    for words in (
        "TESTPERSON, Ada",
        "12-34-56-78",
        "Law & Co",
        "Discharge summary",
        "2 pages",
        "Confidential",
    ):
        assert words in cover
    assert "Łukasz Zak <of>" in cover  # the font has no Ż: its base letter stands for it


def test_a_cover_of_several_pages_counts_itself(tmp_path: Path, part: Callable[..., Part]) -> None:
    package, out = build(tmp_path, *(part(a_pdf(f"document {number}")) for number in range(80)))
    found = assert_stamped(out)
    assert package.manifest["cover_pages"] > 1
    assert f"{len(found)} pages with this cover" in found[0]
    first = package.manifest["parts"][0]["pages"][0]
    assert "document 0" in found[first - 1]


def test_the_same_input_makes_the_same_bytes(tmp_path: Path, part: Callable[..., Part]) -> None:
    parts = [part(a_pdf("alpha")), part(a_tiff(), "image/tiff")]
    first, second = tmp_path / "first", tmp_path / "second"
    build_package(FACTS, parts, first)
    build_package(FACTS, parts, second)
    assert first.read_bytes() == second.read_bytes()


def _rotate(degrees: int) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        pdf.pages[0].obj.Rotate = degrees

    return change


def _boxes(pdf: Pdf) -> None:
    page = pdf.pages[0].obj
    page.MediaBox = Array([-100, -50, 512, 742])
    page.CropBox = Array([-80, 0, 500, 760])


def _prefix(stream: bytes) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        page = pdf.pages[0]
        page.contents_add(pdf.make_stream(stream), prepend=True)

    return change


def _suffix(stream: bytes) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        pdf.pages[0].contents_add(pdf.make_stream(stream))

    return change


@pytest.mark.parametrize(
    "change",
    [
        _rotate(90),
        _rotate(180),
        _rotate(270),
        _rotate(-90),
        _boxes,
        _prefix(b"q q q 0.5 0 0 0.5 100 100 cm "),
        _suffix(b" Q Q Q Q 3 0 0 3 50 50 cm 1 0 0 RG"),
    ],
    ids=["90", "180", "270", "-90", "boxes", "open q", "too many Q"],
)
def test_a_page_looks_as_before_and_the_stamp_stands_below_it(
    change: Callable[[Pdf], None], tmp_path: Path, part: Callable[..., Part]
) -> None:
    content = a_pdf("the content", change=change)
    _, out = build(tmp_path, part(content))
    assert_stamped(out)
    before = pypdfium2.PdfDocument(content)[0].render(scale=1).to_pil().convert("L")
    after = picture(out, 1)
    assert after.height > before.height
    assert after.width == before.width
    same = after.crop((0, 0, before.width, before.height))
    assert (
        abs(sum(before.histogram()[:128]) - sum(same.histogram()[:128])) < 60
    )  # the ink of the content, no more
    strip = after.crop((0, before.height + 2, after.width, after.height))
    assert strip.getextrema()[0] < 100  # the stamp


@pytest.mark.parametrize("size", [(792, 612), (60, 40), (200, 3000), (5000, 7000)])
def test_pages_of_any_size_carry_a_readable_stamp(
    size: tuple[float, float], tmp_path: Path, part: Callable[..., Part]
) -> None:
    _, out = build(tmp_path, part(a_pdf("x", size=size)))
    assert_stamped(out)
    with Pdf.open(out) as pdf:
        _, _, wide, high = (float(edge) for edge in pdf.pages[1].mediabox)
    assert wide >= size[0]
    assert high > size[1]


def _armed(pdf: Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=pikepdf.String("app.alert('here')"))
    pdf.Root.OpenAction = script
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([pikepdf.String("a"), script])))
    pdf.attachments["secret.txt"] = b"hidden-attachment"
    page = pdf.pages[0].obj
    page.AA = Dictionary(O=script)
    page.Annots = Array(
        [
            pdf.make_indirect(
                Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=script)
            )
        ]
    )
    page.PieceInfo = Dictionary(Private=pikepdf.String("private-data"))


def test_scripts_actions_and_attachments_stay_behind(tmp_path: Path, part: Callable[..., Part]) -> None:
    _, out = build(tmp_path, part(a_pdf("harmless", change=_armed)))
    with Pdf.open(out) as pdf:
        plain = io.BytesIO()
        pdf.save(plain, qdf=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
        assert not pdf.attachments
    for trace in (
        b"JavaScript",
        b"app.alert",
        b"EmbeddedFile",
        b"hidden-attachment",
        b"OpenAction",
        b"private-data",
    ):
        assert trace not in plain.getvalue()
    assert "harmless" in texts(out)[1]


def test_what_was_filled_into_a_form_is_seen_in_the_copy(tmp_path: Path, part: Callable[..., Part]) -> None:
    made = io.BytesIO()
    canvas = Canvas(made, invariant=1)
    canvas.acroForm.textfield(name="allergy", value="PENICILLIN", x=72, y=600, width=200, height=20)
    canvas.showPage()
    canvas.save()
    _, out = build(tmp_path, part(made.getvalue()))
    assert "PENICILLIN" in texts(out)[1]
    with Pdf.open(out) as pdf:
        assert Name.AcroForm not in pdf.Root


def _hidden_layer(pdf: Pdf) -> None:
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=pikepdf.String("draft")))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
    page = pdf.pages[0]
    page.obj.Resources.Properties = Dictionary(Draft=layer)
    page.contents_add(pdf.make_stream(b"/OC /Draft BDC 0 g 100 100 400 400 re f EMC"))


def test_a_layer_that_was_hidden_stays_hidden(tmp_path: Path, part: Callable[..., Part]) -> None:
    _, out = build(tmp_path, part(a_pdf("above", change=_hidden_layer)))
    assert picture(out, 1).getpixel((300, 500)) == 255


def a_scan(mode: str = "1") -> Image.Image:
    image = Image.new("L", (850, 1100), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 100, 300, 200), fill=0)
    draw.rectangle((600, 900, 700, 1000), fill=0)
    return image.convert(mode)


def a_tiff(frames: int = 2, **options: Any) -> bytes:
    made = io.BytesIO()
    images = [a_scan(options.pop("mode", "1"))] * frames
    options.setdefault("compression", "group4")
    images[0].save(made, "TIFF", save_all=True, append_images=images[1:], dpi=(100, 100), **options)
    return made.getvalue()


def an_image(kind: str, mode: str, **options: Any) -> bytes:
    made = io.BytesIO()
    a_scan(mode).save(made, kind, dpi=(100, 100), **options)
    return made.getvalue()


IMAGES = {
    "G4, one strip": ("image/tiff", a_tiff(1, tiffinfo={278: 1100})),
    "G4, many strips": ("image/tiff", a_tiff(1)),
    "LZW grey": ("image/tiff", a_tiff(1, mode="L", compression="tiff_lzw")),
    "colour TIFF": ("image/tiff", a_tiff(1, mode="RGB", compression="tiff_adobe_deflate")),
    "grey JPEG": ("image/jpeg", an_image("JPEG", "L", quality=90)),
    "colour JPEG": ("image/jpeg", an_image("JPEG", "RGB", quality=90)),
    "CMYK JPEG": ("image/jpeg", an_image("JPEG", "CMYK", quality=90)),
    "grey PNG": ("image/png", an_image("PNG", "L")),
    "bitonal PNG": ("image/png", an_image("PNG", "1")),
    "palette PNG": ("image/png", an_image("PNG", "P")),
    "transparent PNG": ("image/png", an_image("PNG", "RGBA")),
    "16 bit PNG": ("image/png", an_image("PNG", "I;16")),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_pictures_become_pages_that_look_the_same(
    kind: str, tmp_path: Path, part: Callable[..., Part]
) -> None:
    media_type, content = IMAGES[kind]
    _, out = build(tmp_path, part(content, media_type, pages=1))
    assert_stamped(out)
    page = picture(out, 1)
    assert abs(page.width - 612) <= 1  # 850 pixels at 100 dpi
    seen = [page.getpixel(place) for place in ((140, 100), (468, 684), (400, 400))]
    expected = [0, 0, 255] if kind != "16 bit PNG" else [0, 0, 0]  # Pillow's own 16 bits hold 255 of 65,535
    assert all(abs(int(is_seen) - wanted) < 40 for is_seen, wanted in zip(seen, expected, strict=True))


def test_each_frame_of_a_tiff_is_a_page(tmp_path: Path, part: Callable[..., Part]) -> None:
    package, out = build(tmp_path, part(a_tiff(3), "image/tiff", pages=3))
    assert package.pages == len(assert_stamped(out)) == 4


def test_scans_are_copied_without_decoding(tmp_path: Path, part: Callable[..., Part]) -> None:
    jpeg = an_image("JPEG", "L", quality=90)
    _, out = build(tmp_path, part(jpeg, "image/jpeg"), part(IMAGES["G4, one strip"][1], "image/tiff"))
    filters = []
    with Pdf.open(out) as pdf:
        for page in pdf.pages[1:]:
            form = page.obj.Resources.XObject.Copy
            filters.append(str(form.Resources.XObject.Image.Filter))
    assert filters == ["/DCTDecode", "/CCITTFaxDecode"]


def test_a_telephones_notes_do_not_travel_with_its_picture(tmp_path: Path, part: Callable[..., Part]) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken-at-home"
    exif[0x0112] = 6  # lies on its side
    content = an_image("JPEG", "RGB", exif=exif)
    assert b"taken-at-home" in content
    _, out = build(tmp_path, part(content, "image/jpeg"))
    assert b"taken-at-home" not in out.read_bytes()
    page = picture(out, 1)
    assert page.width > 700  # turned upright as the camera asked
    assert page.getpixel((684, 144)) < 60


def _locked() -> bytes:
    with Pdf.open(io.BytesIO(a_pdf("x"))) as pdf:
        made = io.BytesIO()
        pdf.save(made, encryption=pikepdf.Encryption(owner="a", user="b"))
    return made.getvalue()


BROKEN = {
    "no PDF": (b"%PDF-1.7 and nothing else", "application/pdf", "damaged"),
    "HTML": (b"<html><body>no</body></html>", "application/pdf", "damaged"),
    "empty": (b"", "application/pdf", "damaged"),
    "locked": (_locked(), "application/pdf", "password"),
    "half a JPEG": (an_image("JPEG", "L")[:2000], "image/jpeg", "damaged"),
    "half a PNG": (an_image("PNG", "L")[:300], "image/png", "damaged"),
    "half a TIFF": (a_tiff(2)[:400], "image/tiff", "damaged"),
    "a film": (b"\0" * 99, "video/mp4", "cannot be put on pages"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_read_is_named(kind: str, tmp_path: Path, part: Callable[..., Part]) -> None:
    content, media_type, why = BROKEN[kind]
    with pytest.raises(BadPart, match=f"“Referral” of 02 Jan 2026 cannot be added: .*{why}") as refused:
        build(tmp_path, part(a_pdf("fine")), part(content, media_type, title="Referral"))
    assert refused.value.document_id == "1"


def test_a_document_that_has_lost_pages_is_refused(tmp_path: Path, part: Callable[..., Part]) -> None:
    with pytest.raises(BadPart, match="3 pages were filed, but 1 can be read"):
        build(tmp_path, part(a_pdf("x"), pages=3))


@pytest.mark.parametrize("has_broken", [False, True])
def test_the_child_process_says_how_it_goes(
    has_broken: bool, tmp_path: Path, part: Callable[..., Part]
) -> None:
    parts = [part(a_pdf("x")), *([part(b"junk")] if has_broken else [])]
    job = tmp_path / "job.json"
    order = {
        "facts": FACTS.to_json(),
        "parts": [item.to_json() for item in parts],
        "out": str(tmp_path / "out"),
        "gate": str(tmp_path / "gate"),
        "memory_bytes": 2_000_000_000,
        "cpu_seconds": 60,
    }
    job.write_text(json.dumps(order))
    (tmp_path / "gate").touch()
    with subprocess.Popen(
        [sys.executable, "-m", "records.release.packaging"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[3],
        text=True,
    ) as workshop:
        assert workshop.stdin is not None
        assert workshop.stdout is not None
        lines: list[dict[str, Any]] = []
        for _ in range(2):  # the same process takes the next order
            workshop.stdin.write(f"{job}\n")
            workshop.stdin.flush()
            lines = [json.loads(workshop.stdout.readline())]
            while "ended" not in lines[-1]:
                lines.append(json.loads(workshop.stdout.readline()))
    assert lines.pop() == {"ended": 0}
    if has_broken:
        assert "cannot be added" in lines[-1]["refused"]
        return
    assert lines[0]["progress"] == [0, 1, "Adding document 1 of 1"]
    assert lines[-1]["package"][0] == (tmp_path / "out").stat().st_size


def test_an_order_larger_than_its_memory_makes_no_package(tmp_path: Path, part: Callable[..., Part]) -> None:
    order = {
        "facts": FACTS.to_json(),
        "parts": [part(a_pdf("x")).to_json()],
        "out": str(tmp_path / "out"),
        "gate": str(tmp_path / "gate"),
        "memory_bytes": 1_000_000,  # less than the process has already
        "cpu_seconds": 60,
    }
    job = tmp_path / "job.json"
    job.write_text(json.dumps(order))
    (tmp_path / "gate").touch()
    done = subprocess.run(
        [sys.executable, "-c", CLOSING],
        input=f"{job}\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert not (tmp_path / "out").exists()
    assert '"package"' not in done.stdout


# One order, then the end is awaited before the input closes.
CLOSING = """
import sys
from records.release.packaging import __main__ as workshop
workshop._say(ended=workshop._in_child(sys.stdin.readline().rstrip()))
"""


WAITING = """
import sys
from pathlib import Path
from records.release.packaging.gate import waiting_at
with waiting_at(Path(sys.argv[1])) as until_whole:
    until_whole(0)
    print("first", flush=True)
    until_whole(1)
    print(Path(sys.argv[2]).read_text())
"""


def test_a_part_is_read_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.write_text("half")
    with closed_gate(tmp_path / "gate", 2) as is_whole:
        is_whole(0)
        with subprocess.Popen(
            [sys.executable, "-c", WAITING, str(tmp_path / "gate"), str(second)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[3],
            text=True,
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "first\n"
            second.write_text("whole")
            is_whole(1)
            assert reader.stdout.read() == "whole\n"


def test_what_was_told_of_a_growing_file_stands(tmp_path: Path) -> None:
    told: list[tuple[int, bytes]] = []
    path = tmp_path / "growing"
    content = bytes(range(256)) * 40_000
    with Growing(path, lambda size: told.append((size, path.read_bytes()))) as target:
        for start in range(0, len(content), 1_000_000):
            target.write(content[start : start + 1_000_000])
        with pytest.raises(io.UnsupportedOperation, match="from start to end"):
            target.seek(0)
    assert path.read_bytes() == content
    assert len(told) >= 3
    assert all(content[:size] == standing for size, standing in told)


def test_a_package_that_was_kept_in_part_gets_no_manifest(tmp_path: Path, part: Callable[..., Part]) -> None:
    package, out = build(tmp_path, part(a_pdf("x")))
    content = out.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    kept = package.kept_as(sha256, len(content))
    assert kept["package"] == {"sha256": sha256, "size_bytes": len(content)}
    with pytest.raises(ValueError, match="were kept"):
        package.kept_as(sha256, len(content) - 1)
