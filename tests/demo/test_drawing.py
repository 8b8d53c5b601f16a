"""The drawn documents: the same from the same seed, true to their patient, believable on paper."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from demo.drawing import WRITERS, draw, notes
from demo.facts import DocumentPlan, EncounterFacts, PatientFacts
from demo.people import plan_people
from demo.words.clinical import CONDITIONS

DAY = date(2026, 11, 24)
PATIENT = PatientFacts(
    given="José", family="Nightingale", middle="Q", sex="male", birth_date=date(1961, 4, 3), mrn="12-34-56-78",
    street="12 Alder Lane", town="Harrow Falls, NE 00412", phone="(555) 010-2222",
    insurer="Prairie Mutual Health Plan", member_id="PMH448812", employer="Gristmill Foods",
)  # fmt: skip
ENCOUNTER = EncounterFacts(
    number="V00001-1",
    kind="inpatient",
    location="4 West",
    attending="clinician",
    attending_name="Marguerite Halloran, MD",
    start=datetime(2026, 11, 2, 9, tzinfo=UTC),
    end=datetime(2026, 11, 5, 12, tzinfo=UTC),
    condition=CONDITIONS[2],
)


def plan(writer: str, medium: str = "pdf", seed: str = "one") -> DocumentPlan:
    return DocumentPlan(writer, "52033-8", "A document", DAY, 0, "Marguerite Halloran, MD", medium, seed)


@pytest.mark.parametrize("medium", ["pdf", "scan-pdf", "scan-tiff"])
@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_the_same_seed_draws_the_same_bytes(writer: str, medium: str) -> None:
    first, second = (draw(plan(writer, medium), PATIENT, ENCOUNTER) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_another_seed_draws_another_document(writer: str) -> None:
    drawn = [draw(plan(writer, "scan-tiff", seed), PATIENT, ENCOUNTER).content for seed in ("one", "two")]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_every_page_says_whose_it_is(writer: str) -> None:
    pages = draw(plan(writer), PATIENT, ENCOUNTER).pages
    assert "nightingale" in pages[0].lower()
    if writer != "outside":  # another practice knows no number of ours
        assert PATIENT.mrn in pages[0]


@pytest.mark.parametrize("writer", sorted(notes.WRITERS))
def test_the_text_supplied_is_the_text_of_the_file(writer: str) -> None:
    drawn = draw(plan(writer), PATIENT, ENCOUNTER)
    pdf = pypdfium2.PdfDocument(drawn.content)
    assert len(pdf) == len(drawn.pages)
    for page, text in zip(pdf, drawn.pages, strict=True):
        in_file = set(page.get_textpage().get_text_bounded().split())
        assert not set(text.split()) - in_file


@pytest.mark.parametrize("medium", ["scan-pdf", "scan-tiff"])
def test_a_scan_is_dark_writing_on_light_paper_a_little_askew(medium: str) -> None:
    drawn = draw(plan("consent", medium), PATIENT, ENCOUNTER)
    if medium == "scan-pdf":
        image: Any = pypdfium2.PdfDocument(drawn.content)[0].render(scale=1).to_pil().convert("L")
    else:
        image = Image.open(io.BytesIO(drawn.content)).convert("L").resize((612, 792))
    dark = sum(image.histogram()[:100]) / (image.width * image.height)
    assert 0.002 < dark < 0.2


def test_boxes_of_words_lie_on_the_ink_of_a_scan() -> None:
    """Words that were found are marked on the picture: the boxes must follow the skew."""
    drawn = draw(plan("referral", "scan-tiff"), PATIENT, ENCOUNTER)
    with Image.open(io.BytesIO(drawn.content)) as scan:
        image = scan.convert("L")
    on_ink = 0
    for _, left, top, right, bottom in drawn.words[0]:
        box = (left * image.width // 10_000, top * image.height // 10_000,
               right * image.width // 10_000 + 1, bottom * image.height // 10_000 + 1)  # fmt: skip
        on_ink += image.crop(box).getextrema()[0] == 0
    assert on_ink >= 0.95 * len(drawn.words[0])


@pytest.mark.parametrize(("patients", "documents"), [(1, 0), (1, 7), (40, 200), (200, 1000)])
def test_the_plan_has_exactly_what_was_asked_for_and_makes_sense(patients: int, documents: int) -> None:
    people = plan_people(seed=3, today=DAY, patients=patients, documents=documents)
    assert people == plan_people(seed=3, today=DAY, patients=patients, documents=documents)
    assert len({person.legacy_number for person in people}) == patients
    assert sum(len(person.documents) for person in people) == documents
    for person in people:
        assert person.birth_date < DAY
        for row in person.encounters:
            assert person.birth_date < row.started_at.date() <= DAY
            assert row.ended_at is None or row.ended_at >= row.started_at
        for sketch in person.documents:
            encounter = person.encounters[sketch.encounter]
            assert encounter.started_at.date() <= sketch.service_date <= DAY


def test_some_are_in_the_house_and_each_demonstration_physician_has_patients() -> None:
    people = plan_people(seed=7, today=DAY, patients=200, documents=1000)
    attending = [row.attending for person in people for row in person.encounters]
    assert sum(row.ended_at is None for person in people for row in person.encounters) >= 20
    assert min(attending.count("clinician"), attending.count("clinician2")) >= 10
