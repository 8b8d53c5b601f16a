"""Putting the planned people on the index and their documents into their charts, by the rooms' own verbs."""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from demo import drawn
from demo.facts import DocumentPlan, EncounterFacts, PatientFacts
from demo.people import PersonPlan, physician
from demo.words.people import HOSPITAL, STATE
from patients.models import Encounter, Identifier, Location, Patient
from patients.services import open_encounter, register_patient
from records.documents.models import Document
from records.documents.services.importing import ReadDocument, import_read_documents

LEGACY = "Harrow Falls legacy number"


@dataclass
class Chart:
    """A person of the plan who is on the index, with her encounters in the order of the plan."""

    plan: PersonPlan
    patient: Patient
    encounters: list[Encounter]


def find_or_register(
    plan: PersonPlan, *, by: User, attendings: dict[str, User], places: dict[str, Location]
) -> Chart:
    """The chart of a planned person; made in one transaction, so that a killed load leaves whole people
    only.
    """
    known = (
        Identifier.objects.select_related("patient").filter(system=LEGACY, value=plan.legacy_number).first()
    )
    if known:
        numbers = [encounter.number for encounter in plan.encounters]
        rows = {row.number: row for row in known.patient.encounters.filter(number__in=numbers)}
        return Chart(plan, known.patient, [rows[number] for number in numbers])
    with transaction.atomic():
        patient = register_patient(
            by=by,
            family=plan.family,
            given=plan.given,
            middle=plan.middle,
            birth_date=plan.birth_date,
            sex=plan.sex,
            identifiers=[{"system": LEGACY, "value": plan.legacy_number}],
            telecoms=[{"system": "phone", "value": plan.phone}],
            addresses=[
                {"line": plan.street, "city": plan.city, "state": STATE, "postal_code": plan.postal_code}
            ],
            override_duplicates="Invented for the demonstration.",
        )
        encounters = [
            open_encounter(
                by=by,
                patient_id=patient.pk,
                kind=row.kind,
                location=places[row.location],
                attending=attendings[row.attending],
                started_at=row.started_at,
                ended_at=row.ended_at,
                number=row.number,
            )
            for row in plan.encounters
        ]
    return Chart(plan, patient, encounters)


def all_places() -> dict[str, Location]:
    """The hospital's units by name."""
    return {row.name: row for row in Location.objects.filter(facility__name=HOSPITAL)}


def facts_of(chart: Chart) -> tuple[PatientFacts, list[EncounterFacts]]:
    """What the chart's documents say of the person and the encounters."""
    plan, patient = chart.plan, chart.patient
    person = PatientFacts(
        given=plan.given,
        family=plan.family,
        middle=plan.middle,
        sex=plan.sex,
        birth_date=plan.birth_date,
        mrn=patient.mrn_display,
        street=plan.street,
        town=f"{plan.city}, {STATE} {plan.postal_code}",
        phone=plan.phone,
        insurer=plan.insurer,
        member_id=plan.member_id,
        employer=plan.employer,
    )
    encounters = [
        EncounterFacts(
            number=row.number,
            kind=row.kind,
            location=row.location,
            attending=row.attending,
            attending_name=physician(row.attending),
            start=row.started_at,
            end=row.ended_at,
            condition=row.condition,
        )
        for row in plan.encounters
    ]
    return person, encounters


def start_drawing(chart: Chart, pool: ProcessPoolExecutor) -> Future[list[drawn.Finished]]:
    """Have the chart's documents drawn by another process."""
    person, encounters = facts_of(chart)
    tasks = []
    for number, row in enumerate(chart.plan.documents):
        plan = DocumentPlan(
            writer=row.writer,
            type_code=row.type_code,
            title=row.title,
            service_date=row.service_date,
            encounter=row.encounter,
            author=row.author,
            medium=row.medium,
            seed=f"{chart.plan.legacy_number} {number}",
        )
        tasks.append((plan, person, encounters[row.encounter]))
    return pool.submit(drawn.finish_all, tasks)


def file_drawn(chart: Chart, finished: list[drawn.Finished], *, by: User) -> list[Document]:
    """File the drawn documents into the chart, all at once."""
    documents = [
        ReadDocument(
            original=file.original,
            filename=file.filename,
            type_code=row.type_code,
            title=row.title,
            service_date=row.service_date,
            pages=file.pages,
            author=row.author,
            encounter_id=chart.encounters[row.encounter].pk,
            labels=row.labels,
            written_by_id=chart.encounters[row.encounter].attending_id
            if "psychotherapy" in row.labels
            else None,
        )
        for row, file in zip(chart.plan.documents, finished, strict=True)
    ]
    return import_read_documents(by=by, patient_id=chart.patient.pk, documents=documents)
