"""Many charts quickly, for measurements: rows in bulk, one event a batch with the ids it made."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from audit.services import record
from demo import charts, drawn, staff
from demo.facts import DocumentPlan, EncounterFacts, PatientFacts
from demo.people import PersonPlan, physician, plan_people
from demo.words.clinical import CONDITIONS
from demo.words.people import STATE
from patients import mrn, names
from patients.models import HOUSE, Address, Encounter, Identifier, Patient, PatientName
from records.documents.models import Blob, Document, DocumentType, DocumentVersion, Page, Processing, Source

BATCH = 1000
TEMPLATES = 24  # documents drawn once; their pictures serve all, their words are each chart's own
Say = Callable[[str], None]


def load(*, patients: int, documents: int, seed: int, today: date, say: Say) -> None:
    """Add so many people, one encounter each, and so many documents spread over them, some charts large."""
    staff.make_accounts()
    staff.make_places()
    clerk = staff.person("clerk")
    rng = random.Random(f"{seed} bulk")
    plans = plan_people(seed=seed, today=today, patients=patients, documents=0)
    made: list[tuple[Patient, Encounter]] = []
    for start in range(0, patients, BATCH):
        made += _add_people(plans[start : start + BATCH], clerk)
        say(f"{len(made)} patients")
    templates = _templates(today, seed) if documents else []
    weights = [rng.paretovariate(1.2) for _ in made]
    for start in range(0, documents, BATCH):
        count = min(BATCH, documents - start)
        chosen = [*made[:1] * min(30, count), *rng.choices(made, weights, k=max(0, count - 30))]
        _add_documents(chosen, templates, clerk, rng, today)
        say(f"{start + count} documents")


def _number() -> int:
    """The first free number: earlier runs may have left some."""
    last = Patient.objects.order_by("-mrn").values_list("mrn", flat=True).first()
    return int(last[:-1]) + 1 if last else 1


@transaction.atomic
def _add_people(plans: list[PersonPlan], clerk: User) -> list[tuple[Patient, Encounter]]:
    attendings = {user.username: user for user in User.objects.all()}
    places = charts.all_places()
    first = max(_number(), 5_000_000)  # far from the numbers that registration gives
    people, aliases, numbers, homes, stays = [], [], [], [], []
    for offset, plan in enumerate(plans):
        patient = Patient(
            family=plan.family,
            given=plan.given,
            middle=plan.middle,
            family_key=names.key(plan.family)[:80],
            given_key=names.key(f"{plan.given} {plan.middle}")[:170],
            mrn=mrn.make(first + offset),
            birth_date=plan.birth_date,
            sex=plan.sex,
        )
        people.append(patient)
        aliases.append(
            PatientName(
                patient=patient,
                family=plan.family,
                given=plan.given,
                middle=plan.middle,
                family_key=patient.family_key,
                given_key=patient.given_key,
            )
        )
        numbers.append(Identifier(patient=patient, system=HOUSE, value=patient.mrn))
        homes.append(
            Address(
                patient=patient, line=plan.street, city=plan.city, state=STATE, postal_code=plan.postal_code
            )
        )
        visit = plan.encounters[-1]
        stays.append(
            Encounter(
                patient=patient,
                number=f"B{first + offset}",
                kind=visit.kind,
                location=places[visit.location],
                attending=attendings[visit.attending],
                started_at=visit.started_at,
                ended_at=visit.ended_at,
            )
        )
    Patient.objects.bulk_create(people)
    PatientName.objects.bulk_create(aliases)
    Identifier.objects.bulk_create(numbers)
    Address.objects.bulk_create(homes)
    Encounter.objects.bulk_create(stays)
    ids = [patient.pk for patient in people]
    record("demo.charts_made", by=clerk, patients=ids, reason="invented for measurements")
    return list(zip(people, stays, strict=True))


def _templates(today: date, seed: int) -> list[tuple[DocumentPlan, drawn.Finished]]:
    """A few documents of different writers, drawn and kept."""
    start = datetime(today.year, today.month, today.day, 9, tzinfo=UTC) - timedelta(days=30)
    nobody = PatientFacts(
        "Sample", "Pattern", "", "female", date(1970, 1, 1), "00-00-00-00", "1 Alder Lane",
        "Harrow Falls", "(555) 010-0000", "Bluestem Choice", "BSC0", "retired",
    )  # fmt: skip
    writers = (
        ("progress", "11506-3"),
        ("laboratory", "11502-2"),
        ("imaging", "18748-4"),
        ("letter", "52033-8"),
    )
    made = []
    for number in range(TEMPLATES):
        condition = CONDITIONS[number % len(CONDITIONS)]
        writer, code = writers[number % len(writers)]
        encounter = EncounterFacts(
            "B0", "inpatient", "4 West", "clinician", physician("clinician"), start, None, condition
        )
        plan = DocumentPlan(
            writer,
            code,
            writer.capitalize(),
            today,
            0,
            physician("clinician"),
            "pdf",
            f"{seed} bulk {number}",
        )
        made.append((plan, drawn.finish(plan, nobody, encounter)))
    return made


@transaction.atomic
def _add_documents(
    chosen: list[tuple[Patient, Encounter]],
    templates: list[tuple[DocumentPlan, drawn.Finished]],
    clerk: User,
    rng: random.Random,
    today: date,
) -> None:
    types = {row.code: row for row in DocumentType.objects.all()}
    files = {
        kept.sha256: kept.as_row()
        for _, finished in templates
        for kept in (
            finished.original,
            *(file for page in finished.pages for file in (page.view, page.thumbnail)),
        )
    }
    documents, versions, pages = [], [], []
    for patient, encounter in chosen:
        plan, finished = rng.choice(templates)
        document = Document(
            patient=patient,
            encounter=encounter,
            type=types[plan.type_code],
            title=plan.title,
            service_date=today - timedelta(days=rng.randrange(700)),
            author=plan.author,
            source=Source.IMPORT,
            filed_by=clerk,
        )
        version = DocumentVersion(
            document=document,
            patient=patient,
            blob_id=finished.original.sha256,
            filename=finished.filename,
            filed_by=clerk,
            processing=Processing.DONE,
            page_count=len(finished.pages),
        )
        documents.append(document)
        versions.append(version)
        for number, page in enumerate(finished.pages, 1):
            pages.append(
                Page(
                    of=version,
                    patient=patient,
                    number=number,
                    view_id=page.view.sha256,
                    thumbnail_id=page.thumbnail.sha256,
                    width=page.width,
                    height=page.height,
                    source=page.source,
                    text=page.text.replace("PATTERN, Sample", patient.display_name),
                    packed_words=Page.pack(page.words),
                )
            )
    Blob.objects.bulk_create(files.values(), ignore_conflicts=True)
    Document.objects.bulk_create(documents)
    DocumentVersion.objects.bulk_create(versions)
    for document, version in zip(documents, versions, strict=True):
        document.current = version
    Document.objects.bulk_update(documents, ["current"], batch_size=BATCH)
    Page.objects.bulk_create(pages)
    record(
        "demo.charts_made",
        by=clerk,
        patients={patient.pk for patient, _ in chosen},
        reason="invented for measurements",
        detail={"documents": len(documents)},
    )
