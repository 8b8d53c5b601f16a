"""Documents that arrive on paper: preprinted forms filled in by hand, and records of other hospitals."""

from __future__ import annotations

import random
from datetime import timedelta

from ..facts import DocumentPlan, EncounterFacts, PatientFacts
from ..words import clinical as words
from ..words.people import HOSPITAL
from . import letterheads
from .notes import Writer
from .sheet import LEFT, PAPER, RIGHT, Sheet


def _identity(sheet: Sheet, patient: PatientFacts) -> None:
    sheet.y = 684
    sheet.field("Patient name (last, first, middle)", patient.filed_name, wide=300)
    sheet.field("Medical record number", patient.mrn, x=LEFT + 300, wide=196)
    sheet.y -= 38
    sheet.field("Date of birth", f"{patient.birth_date:%m/%d/%Y}", wide=120)
    sheet.field("Sex", patient.sex, x=LEFT + 120, wide=90)
    sheet.field("Telephone", patient.phone, x=LEFT + 210, wide=286)
    sheet.y -= 38


def _signatures(sheet: Sheet, plan: DocumentPlan, rng: random.Random, roles: tuple[str, ...]) -> None:
    for role in roles:
        sheet.need(60)
        sheet.field(role, "", wide=320)
        sheet.signature(rng, x=LEFT, wide=260)
        sheet.field("Date", f"{plan.service_date:%m/%d/%y}", x=LEFT + 330, wide=166)
        sheet.y -= 48


def procedure_consent(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(PAPER, letterheads.form("Consent to a procedure", "Form HF-210 (rev. 4)"), 9.5)
    _identity(sheet, patient)
    sheet.field("Procedure", what.procedure or what.study)
    sheet.y -= 38
    sheet.field("To be performed by", encounter.attending_name, wide=300)
    sheet.field("Place", encounter.location, x=LEFT + 300, wide=196)
    sheet.y -= 44
    sheet.paragraph(
        "I have been told in words I understand what will be done, why, what else could be done, and what "
        "may go wrong. I could ask questions and they were answered. I know that I may change my mind "
        "until it begins."
    )
    for label in (
        "I agree to the procedure named above",
        "I agree to anesthesia as explained to me",
        "I agree to receive blood if my life depends on it",
        "Students may be present",
    ):
        sheet.tick(label, rng.random() < 0.85)
        sheet.y -= 20
    sheet.y -= 14
    _signatures(sheet, plan, rng, ("Patient or representative", "Physician", "Witness"))
    return sheet


def referral(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(PAPER, letterheads.form("Referral", "Form HF-044"), 9.5)
    _identity(sheet, patient)
    sheet.field("Refer to", what.service, wide=250)
    sheet.field("Referred by", encounter.attending_name, x=LEFT + 250, wide=246)
    sheet.y -= 38
    for label, value in (
        ("Reason", what.complaint),
        ("Working diagnosis", what.name),
        ("Present medicines", what.medicines[0]),
        ("Allergies", rng.choice(words.ALLERGIES)),
    ):
        sheet.field(label, value)
        sheet.y -= 38
    for number, label in enumerate(("Routine", "Within two weeks", "Urgent")):
        sheet.tick(label, number == plan.service_date.day % 3, x=LEFT + number * 150)
    sheet.y -= 40
    sheet.paragraph(" ".join(what.history))
    _signatures(sheet, plan, rng, ("Referring physician",))
    return sheet


def insurance_form(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    sheet = Sheet(PAPER, letterheads.form("Coverage information", "Form HF-006"), 9.5)
    _identity(sheet, patient)
    sheet.field("Home address", f"{patient.street}, {patient.town}")
    sheet.y -= 38
    sheet.field("Employer", patient.employer, wide=250)
    sheet.field(
        "Relationship to subscriber", rng.choice(("self", "spouse", "self", "child")), x=LEFT + 250, wide=246
    )
    sheet.y -= 60
    sheet.box(LEFT + 60, sheet.y - 120, 330, 150)  # the card, copied onto the form
    sheet.at(LEFT + 76, sheet.y + 8, patient.insurer, font=sheet.face.bold, size=13)
    sheet.at(LEFT + 76, sheet.y - 22, f"Member {patient.name}", size=10)
    sheet.at(LEFT + 76, sheet.y - 40, f"Member ID {patient.member_id}", size=10)
    sheet.at(LEFT + 76, sheet.y - 58, f"Group {rng.randrange(10_000, 99_999)}    Plan PPO", size=10)
    sheet.at(
        LEFT + 76,
        sheet.y - 90,
        f"Office ${rng.choice((15, 20, 30))}   Emergency $150   Rx BIN 000{rng.randrange(100, 999)}",
        size=8,
    )
    sheet.y -= 160
    sheet.paragraph(
        "I ask that payment be made to the hospital and agree to pay what my plan does not cover."
    )
    _signatures(sheet, plan, rng, ("Subscriber",))
    return sheet


def outside_records(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    """Faxed pages of another practice: typed, several pages, no form of ours."""
    what = encounter.condition
    practice = rng.choice(("Port Ambrose Family Practice", "Saint Orrin Clinic", "Larkhaven Urgent Care"))

    def head(sheet: Sheet, number: int) -> None:
        sheet.at(
            LEFT,
            770,
            f"FAX  {plan.service_date:%m/%d/%Y}  {practice}   TO {HOSPITAL}   P.{number:02d}",
            size=7,
        )
        sheet.at(LEFT, 740, practice, font=sheet.face.bold, size=12)
        sheet.at(LEFT, 724, f"{patient.filed_name}   DOB {patient.birth_date:%m/%d/%Y}", size=9)
        sheet.line((LEFT, 718), (RIGHT, 718), width=0.8)

    sheet = Sheet(PAPER, head, 9.5)
    for visit in range(rng.randint(3, 6)):
        day = plan.service_date - timedelta(days=37 * (6 - visit) + rng.randint(0, 20))
        sheet.heading(f"Visit {day:%m/%d/%Y}")
        sheet.paragraph(" ".join(rng.sample(words.REVIEW, 3)) + " " + " ".join(rng.sample(words.PAST, 2)))
        sheet.paragraph(rng.choice(what.history) + " " + rng.choice(what.findings))
        sheet.paragraph(f"Advised: {rng.choice(what.advice)} Prescribed {rng.choice(what.medicines)}.")
    _signatures(sheet, plan, rng, ("Physician",))
    return sheet


def authorization(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    """A patient's permission to send copies to somebody else. The recipient stands in the plan's title
    after a colon.
    """
    recipient = plan.title.partition(": ")[2] or "the person named in the request"
    sheet = Sheet(
        PAPER, letterheads.form("Permission to release health information", "Form HF-900 (rev. 7)"), 9
    )
    _identity(sheet, patient)
    for label, value in (
        ("Who may release", HOSPITAL),
        ("To whom", recipient),
        ("What may be released", "all notes, reports and summaries of the dates requested"),
        ("Purpose", "claim and legal matters"),
        ("Ends on", f"{plan.service_date + timedelta(days=365):%m/%d/%Y}"),
    ):
        sheet.field(label, value)
        sheet.y -= 36
    for text in (
        (
            "I may take this permission back at any time by writing to Health Information Management, except "
            "for what was already sent in reliance on it."
        ),
        "My treatment, payment, enrollment and benefits do not depend on my signing.",
        "What is sent may be passed on by the person who receives it and may then no longer be protected.",
    ):
        sheet.tick("", True)
        sheet.paragraph(text, indent=18)
    sheet.y -= 10
    _signatures(sheet, plan, rng, ("Patient",))
    return sheet


WRITERS: dict[str, Writer] = {
    "consent": procedure_consent,
    "referral": referral,
    "insurance": insurance_form,
    "outside": outside_records,
    "authorization": authorization,
}
