"""The papers of one hospital: each department has its own head, all say whose page it is."""

from __future__ import annotations

from collections.abc import Callable

from reportlab.pdfbase.pdfmetrics import stringWidth

from ..facts import EncounterFacts, PatientFacts
from ..words.people import HOSPITAL, HOSPITAL_LINES
from .sheet import LEFT, RIGHT, WIDTH, Sheet

Furniture = Callable[[Sheet, int], None]


def clinical(title: str, department: str, patient: PatientFacts, encounter: EncounterFacts) -> Furniture:
    """Head of a chart document: hospital, title, and the block that says whose page this is."""

    def draw(sheet: Sheet, number: int) -> None:
        bold = sheet.face.bold
        sheet.at(LEFT, 756, HOSPITAL, font=bold, size=13)
        sheet.at(LEFT, 743, department, size=8.5)
        sheet.right(RIGHT, 756, title, font=bold, size=12)
        sheet.line((LEFT, 736), (RIGHT, 736), width=1.2)
        sheet.at(LEFT, 723, patient.filed_name, font=bold, size=9.5)
        sheet.at(
            LEFT, 711, f"Born {patient.birth_date:%m/%d/%Y}   Sex {patient.sex}   MRN {patient.mrn}", size=8.5
        )
        sheet.right(RIGHT, 723, f"Encounter {encounter.number}   {encounter.location}", size=8.5)
        sheet.right(RIGHT, 711, f"Attending {encounter.attending_name}", size=8.5)
        sheet.line((LEFT, 704), (RIGHT, 704), width=0.5, grey=0.4)
        _foot(sheet, number, f"{patient.family.upper()}   MRN {patient.mrn}")

    return draw


def laboratory(patient: PatientFacts, encounter: EncounterFacts, collected: str) -> Furniture:
    def draw(sheet: Sheet, number: int) -> None:
        sheet.box(LEFT - 6, 700, RIGHT - LEFT + 12, 74)
        sheet.at(LEFT, 760, "Department of Laboratory Medicine", font=sheet.face.bold, size=12)
        sheet.at(LEFT, 748, f"{HOSPITAL}   {HOSPITAL_LINES[0]}", size=7.5)
        sheet.at(LEFT, 730, f"Patient: {patient.filed_name}", font=sheet.face.bold, size=9)
        sheet.at(
            LEFT, 718, f"MRN: {patient.mrn}   DOB: {patient.birth_date:%m/%d/%Y}   Sex: {patient.sex}", size=9
        )
        sheet.at(LEFT, 706, f"Ordered by: {encounter.attending_name}", size=9)
        sheet.right(RIGHT, 730, f"Encounter: {encounter.number}", size=9)
        sheet.right(RIGHT, 718, f"Collected: {collected}", size=9)
        sheet.right(RIGHT, 706, f"Location: {encounter.location}", size=9)
        _foot(sheet, number, "Laboratory director: Otis Fairbanks, MD")

    return draw


def letter(department: str) -> Furniture:
    def draw(sheet: Sheet, number: int) -> None:
        if number == 1:
            for text, size, y, font in (
                (HOSPITAL, 17, 748, sheet.face.bold),
                (department, 10, 733, sheet.face.italic),
                ("   ".join(HOSPITAL_LINES), 7.5, 721, sheet.face.regular),
            ):
                sheet.at((WIDTH - stringWidth(text, font, size)) / 2, y, text, font=font, size=size)
            sheet.line((LEFT + 90, 713), (RIGHT - 90, 713), width=0.8, grey=0.3)
        _foot(sheet, number, "Private and confidential")

    return draw


def form(title: str, code: str) -> Furniture:
    """A preprinted form of the hospital, filled in by hand and scanned."""

    def draw(sheet: Sheet, number: int) -> None:
        sheet.at(LEFT, 752, HOSPITAL.upper(), font=sheet.face.bold, size=12)
        sheet.at(LEFT, 739, HOSPITAL_LINES[0], size=7.5)
        sheet.right(RIGHT, 752, code, size=8)
        sheet.line((LEFT, 732), (RIGHT, 732), width=1.6)
        sheet.at(LEFT, 712, title, font=sheet.face.bold, size=14)
        _foot(sheet, number, code)

    return draw


def _foot(sheet: Sheet, number: int, left: str) -> None:
    sheet.line((LEFT, 50), (RIGHT, 50), width=0.4, grey=0.5)
    sheet.at(LEFT, 40, left, size=7)
    sheet.right(RIGHT, 40, f"Page {number}", size=7)
