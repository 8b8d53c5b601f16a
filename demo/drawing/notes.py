"""Documents that were born digital: notes, summaries, reports, letters."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from ..facts import DocumentPlan, EncounterFacts, PatientFacts
from ..words import clinical as words
from ..words.people import HOSPITAL
from . import letterheads
from .sheet import LEFT, SANS, SERIF, TYPED, Sheet

Writer = Callable[[DocumentPlan, PatientFacts, EncounterFacts, random.Random], Sheet]


def _who(patient: PatientFacts, plan: DocumentPlan) -> str:
    return f"{patient.age_on(plan.service_date)}-year-old {'woman' if patient.sex == 'female' else 'man'}"


def _signed(sheet: Sheet, plan: DocumentPlan, rng: random.Random) -> None:
    at = f"{plan.service_date:%m/%d/%Y} {rng.randint(7, 18):02d}:{rng.randint(0, 59):02d}"
    sheet.need(40)
    sheet.y -= 8
    sheet.paragraph(f"Electronically signed by {plan.author}, {at}", font=sheet.face.italic)


def _vitals(rng: random.Random) -> str:
    return (
        f"Temperature {rng.uniform(36.4, 38.4):.1f} C, heart rate {rng.randint(62, 108)}, "
        f"blood pressure {rng.randint(104, 158)}/{rng.randint(58, 94)}, respirations {rng.randint(12, 22)}, "
        f"oxygen saturation {rng.randint(92, 100)} percent, weight {rng.uniform(52, 108):.1f} kg."
    )


def history_and_physical(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(SANS, letterheads.clinical(plan.title, what.service, patient, encounter), 9.5)
    sheet.heading("Chief complaint")
    sheet.paragraph(f"{what.complaint.capitalize()}.")
    sheet.heading("History of present illness")
    sheet.paragraph(f"{_who(patient, plan)} presenting with {what.complaint}. " + " ".join(what.history))
    sheet.heading("Past history")
    sheet.bullets(rng.sample(words.PAST, 3))
    sheet.heading("Medications and allergies")
    sheet.paragraph(", ".join(what.medicines[-2:]) + ". " + rng.choice(words.ALLERGIES))
    sheet.heading("Social history")
    sheet.paragraph(" ".join(rng.sample(words.SOCIAL, 2)) + f" Occupation: {patient.employer}.")
    sheet.heading("Review of systems")
    sheet.paragraph(" ".join(rng.sample(words.REVIEW, 4)))
    sheet.heading("Examination")
    sheet.paragraph(_vitals(rng))
    sheet.bullets(what.findings)
    sheet.heading("Studies")
    sheet.paragraph(f"{what.study}: {what.impression[0]}")
    sheet.heading("Assessment and plan")
    sheet.paragraph(
        f"{what.name}. Start {what.medicines[0]}. Admit to {encounter.location} under {what.service}."
    )
    sheet.bullets(
        ("Laboratory: " + what.panel + " this evening and tomorrow morning.", "Fall and clot prevention.")
    )
    _signed(sheet, plan, rng)
    return sheet


def progress_note(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(TYPED, letterheads.clinical(plan.title, what.service, patient, encounter), 9.5)
    for head, text in (
        ("Subjective", " ".join(rng.sample(words.PROGRESS, 2))),
        ("Objective", _vitals(rng) + " " + rng.choice(what.findings)),
        (
            "Assessment",
            f"{what.name}, {rng.choice(('improving', 'stable', 'slowly improving', 'as expected'))}.",
        ),
        (
            "Plan",
            rng.choice(what.course) + f" Continue {rng.choice(what.medicines)}. " + rng.choice(what.advice),
        ),
    ):
        sheet.heading(head)
        sheet.paragraph(text)
    _signed(sheet, plan, rng)
    return sheet


def discharge_summary(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    left = encounter.end or encounter.start + timedelta(days=2)
    sheet = Sheet(SERIF, letterheads.clinical(plan.title, what.service, patient, encounter), 10.5)
    sheet.paragraph(
        f"Admitted {encounter.start:%m/%d/%Y}. Discharged {left:%m/%d/%Y}, "
        f"{rng.choice(('home', 'home with services'))}."
    )
    sheet.heading("Principal diagnosis")
    sheet.paragraph(what.name)
    sheet.heading("Reason for admission")
    sheet.paragraph(f"{_who(patient, plan)} with {what.complaint}. " + " ".join(what.history))
    if what.procedure:
        sheet.heading("Procedures")
        sheet.paragraph(f"{what.procedure}, {encounter.start:%m/%d/%Y}.")
    sheet.heading("Hospital course")
    for text in what.course:
        sheet.paragraph(text)
    sheet.paragraph(" ".join(rng.sample(words.PROGRESS, 3)))
    sheet.heading("Pertinent results")
    sheet.table(
        (0, 190, 280, 390),
        [("Test", "Value", "Unit", "Reference"), *(row[:4] for row in _results(what.panel, rng)[:6])],
    )
    sheet.paragraph(f"{what.study}: " + " ".join(what.study_findings) + " " + " ".join(what.impression))
    sheet.heading("Medications at discharge")
    sheet.bullets(what.medicines)
    sheet.heading("Condition and instructions")
    sheet.paragraph("Stable, afebrile, tolerating diet. " + " ".join(what.advice))
    sheet.paragraph(f"Follow-up with {what.service} in {rng.choice(('one week', 'two weeks', 'ten days'))}.")
    _signed(sheet, plan, rng)
    return sheet


def emergency_note(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(SANS, letterheads.clinical(plan.title, "Emergency Department", patient, encounter), 9.5)
    came = rng.choice(("by private car", "by ambulance", "walking in", "with a neighbor"))
    sheet.paragraph(f"Arrived {encounter.start:%m/%d/%Y %H:%M} {came}. Triage level {rng.randint(2, 4)}.")
    sheet.heading("History")
    sheet.paragraph(f"{_who(patient, plan)} with {what.complaint}. " + " ".join(what.history))
    sheet.heading("Examination")
    sheet.paragraph(_vitals(rng) + " " + " ".join(what.findings))
    sheet.heading("Decision making")
    sheet.paragraph(
        f"Findings point to {what.name.lower()}. {what.study} was obtained. " + " ".join(what.impression)
    )
    sheet.heading("Disposition")
    sheet.paragraph(f"{what.course[0]} {what.advice[0]}")
    _signed(sheet, plan, rng)
    return sheet


def operative_note(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    procedure = what.procedure or "Diagnostic laparoscopy"
    sheet = Sheet(SERIF, letterheads.clinical(plan.title, what.service, patient, encounter), 10.5)
    sheet.table(
        (0, 140),
        [
            ("Item", "Entry"),
            ("Preoperative diagnosis", what.name),
            ("Postoperative diagnosis", "Same"),
            ("Procedure", procedure),
            ("Surgeon", plan.author),
            ("Anesthesia", rng.choice(("General endotracheal", "Spinal", "Regional block with sedation"))),
            ("Estimated blood loss", f"{rng.randrange(10, 350, 10)} mL"),
            ("Specimens", rng.choice(("None", "Sent to pathology in formalin"))),
            ("Counts", "Correct twice"),
        ],
    )
    sheet.heading("Findings")
    sheet.bullets(what.findings + what.impression)
    sheet.heading("Description")
    sheet.paragraph(
        "The patient was brought to the room, identity, site and procedure were confirmed by the whole "
        f"team, and antibiotics were given within the hour. {what.course[0]} Hemostasis was confirmed. "
        f"The patient left for recovery in good condition after {rng.randint(35, 140)} minutes."
    )
    _signed(sheet, plan, rng)
    return sheet


def _results(panel: str, rng: random.Random) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for name, unit, low, high, places in words.PANELS[panel]:
        spread = high - low
        value = max(0.0, rng.gauss((low + high) / 2, spread * 0.36))
        flag = "H" if value > high else "L" if value < low else ""
        rows.append((name, f"{value:.{places}f}", unit, f"{low:.{places}f} - {high:.{places}f}", flag))
    return rows


def laboratory_report(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    collected = f"{plan.service_date:%m/%d/%Y} {rng.randint(5, 21):02d}:{rng.randint(0, 59):02d}"
    sheet = Sheet(SANS, letterheads.laboratory(patient, encounter, collected), 9.5)
    for panel in dict.fromkeys((encounter.condition.panel, rng.choice(sorted(words.PANELS)))):
        rows = _results(panel, rng)
        sheet.heading(panel.capitalize())
        marked = [number for number, row in enumerate(rows, 1) if row[4]]
        sheet.table(
            (0, 190, 250, 330, 440), [("Test", "Result", "Unit", "Reference", "Flag"), *rows], bold=marked
        )
    sheet.paragraph("H above, L below the reference range. Results were verified by a second technologist.")
    if rng.random() < 0.4:
        sheet.heading("Microbiology")
        cultures = (
            "Culture: no growth at 48 hours.",
            "Culture: mixed skin flora, no pathogen.",
            "Gram stain: few white cells, no organisms seen.",
        )
        sheet.paragraph(rng.choice(cultures))
    sheet.paragraph(f"Accession L-{rng.randrange(100_000, 999_999)}   Reported to {encounter.location}")
    return sheet


def imaging_report(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(SERIF, letterheads.clinical(plan.title, "Diagnostic Imaging", patient, encounter), 10.5)
    sheet.paragraph(f"{what.study}, {plan.service_date:%m/%d/%Y}", font=sheet.face.bold)
    sheet.heading("Clinical information")
    sheet.paragraph(f"{_who(patient, plan)}, {what.complaint}.")
    sheet.heading("Comparison")
    sheet.paragraph(
        rng.choice(("None available.", f"Study of {plan.service_date.year - 1}.", "Outside films, undated."))
    )
    sheet.heading("Findings")
    for text in what.study_findings:
        sheet.paragraph(text)
    sheet.heading("Impression")
    sheet.bullets(what.impression)
    _signed(sheet, plan, rng)
    return sheet


def letter_to_physician(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(SERIF, letterheads.letter(f"Department of {what.service}"), 11)
    sheet.y = 690
    sheet.paragraph(f"{plan.service_date:%B %d, %Y}")
    sheet.paragraph("Rosalind Teague, MD")
    sheet.paragraph("Clinic A, Harrow Falls, NE 00412")
    sheet.y -= 8
    sheet.paragraph(
        f"Re: {patient.name}, born {patient.birth_date:%m/%d/%Y}, MRN {patient.mrn}", font=sheet.face.bold
    )
    sheet.paragraph("Dear Dr. Teague,")
    sheet.paragraph(
        f"Thank you for sending this {_who(patient, plan)}, whom I saw for {what.complaint}. "
        + " ".join(what.history)
    )
    sheet.paragraph("On examination: " + " ".join(what.findings))
    sheet.paragraph(f"{what.study} showed the following. " + " ".join(what.study_findings + what.impression))
    sheet.paragraph(f"My impression is {what.name.lower()}. " + rng.choice(what.course))
    sheet.paragraph("I suggest " + "; ".join(what.medicines) + ". " + " ".join(what.advice))
    sheet.paragraph("With kind regards,")
    sheet.signature(rng, x=LEFT, wide=160)
    sheet.y -= 34
    sheet.paragraph(plan.author)
    sheet.paragraph(f"{what.service}, {HOSPITAL}")
    return sheet


def discharge_instructions(
    plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts, rng: random.Random
) -> Sheet:
    what = encounter.condition
    sheet = Sheet(SANS, letterheads.clinical(plan.title, "Nursing", patient, encounter), 11)
    sheet.heading(f"{patient.given}, you were treated for:")
    sheet.paragraph(what.name)
    sheet.heading("What to do at home")
    sheet.bullets(what.advice)
    sheet.heading("Your medicines")
    sheet.table(
        (0, 300),
        [("Medicine", "Next dose")]
        + [(name, rng.choice(("tonight", "tomorrow morning"))) for name in what.medicines],
    )
    sheet.heading("Call us or come back when")
    sheet.bullets(
        ("you feel worse instead of better", "fever above 38.3 C", "you cannot take your medicines")
    )
    sheet.paragraph(f"Appointments: {what.service}, telephone (555) 010-01{rng.randint(10, 99)}.")
    return sheet


WRITERS: dict[str, Writer] = {
    "history": history_and_physical,
    "progress": progress_note,
    "discharge": discharge_summary,
    "emergency": emergency_note,
    "operative": operative_note,
    "laboratory": laboratory_report,
    "imaging": imaging_report,
    "letter": letter_to_physician,
    "instructions": discharge_instructions,
}
