"""Who lives around the demonstration hospital and what brought them there: all from one seed, without a
database.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from demo.words import people as names
from demo.words.clinical import CONDITIONS, Condition

MIDDLE = "ABCDEFGHJKLMNPRSTW"


@dataclass(frozen=True)
class EncounterPlan:
    """A visit or stay to be. `ended_at` None: the patient is in the house now."""

    number: str
    kind: str
    location: str
    attending: str
    started_at: datetime
    ended_at: datetime | None
    condition: Condition


@dataclass(frozen=True)
class DocumentSketch:
    """A document to be, of one encounter."""

    writer: str
    type_code: str
    title: str
    service_date: date
    encounter: int
    author: str
    medium: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class PersonPlan:
    """One person with everything that will be filed about her."""

    legacy_number: str
    family: str
    given: str
    middle: str
    sex: str
    birth_date: date
    street: str
    city: str
    postal_code: str
    phone: str
    insurer: str
    member_id: str
    employer: str
    encounters: tuple[EncounterPlan, ...]
    documents: tuple[DocumentSketch, ...]


# writer, LOINC code, title, whether it comes on paper
_KINDS = {
    "history": ("34117-2", "History and physical", False),
    "progress": ("11506-3", "Progress note", False),
    "discharge": ("18842-5", "Discharge summary", False),
    "emergency": ("34111-5", "Emergency department note", False),
    "operative": ("11504-8", "Operative note", False),
    "laboratory": ("11502-2", "Laboratory report", False),
    "imaging": ("18748-4", "Imaging report", False),
    "letter": ("52033-8", "Letter to the referring physician", False),
    "instructions": ("74213-0", "Discharge instructions", False),
    "consent": ("64293-4", "Procedure consent", True),
    "referral": ("57133-1", "Referral", True),
    "insurance": ("64291-8", "Coverage form with card", True),
    "outside": ("11503-0", "Records from outside", True),
}
_OF_STAY = ("history", "laboratory", "progress", "imaging", "discharge", "instructions", "laboratory", "progress",
            "insurance", "letter")  # fmt: skip
_OF_VISIT = ("progress", "laboratory", "letter", "referral", "laboratory", "outside", "insurance", "imaging")
_OF_EMERGENCY = ("emergency", "laboratory", "imaging", "instructions", "insurance", "emergency")
_KINDS_OF_ENCOUNTER = ("inpatient", "inpatient", "emergency", "outpatient", "outpatient", "observation")
_LABELS = ("behavioral", "hiv", "part2", "vip")


def plan_people(*, seed: int, today: date, patients: int, documents: int) -> list[PersonPlan]:
    """So many people with so many documents in all, some with much, most with little. Same arguments, same
    plan.
    """
    rng = random.Random(f"{seed} shares")
    weights = [rng.paretovariate(1.6) for _ in range(patients)]
    whole = sum(weights)
    shares = [int(documents * weight / whole) for weight in weights]
    for index in range(documents - sum(shares)):
        shares[index % patients] += 1
    return [_person(seed, index, today, shares[index]) for index in range(patients)]


def _person(seed: int, index: int, today: date, documents: int) -> PersonPlan:
    rng = random.Random(f"{seed} person {index}")
    sex = rng.choice(("female", "male"))
    age = min(96, max(8, int(rng.gauss(54, 21))))
    birth_date = today - timedelta(days=age * 365 + rng.randrange(365))
    given = rng.choice(names.FEMALE_NAMES if sex == "female" else names.MALE_NAMES)
    city, postal_code = rng.choice(names.TOWNS)
    insurer, prefix = rng.choice(names.INSURERS)
    encounters = tuple(_encounters(rng, index, sex, age, today, documents))
    return PersonPlan(
        legacy_number=f"HF{seed:02d}{index:06d}",
        family=names.FAMILY_NAMES[
            (index * 37 + rng.randrange(len(names.FAMILY_NAMES))) % len(names.FAMILY_NAMES)
        ],
        given=given,
        middle=rng.choice(MIDDLE) if rng.random() < 0.6 else "",
        sex=sex,
        birth_date=birth_date,
        street=f"{rng.randrange(1, 2400)} {rng.choice(names.STREETS)} {rng.choice(names.STREET_KINDS)}",
        city=city,
        postal_code=postal_code,
        phone=f"(555) 01{rng.randrange(10)}-{rng.randrange(10_000):04d}",
        insurer=insurer,
        member_id=f"{prefix}{rng.randrange(10**8, 10**9)}",
        employer="student" if age < 19 else rng.choice(names.EMPLOYERS),
        encounters=encounters,
        documents=tuple(_documents(rng, encounters, documents, today)),
    )


def _encounters(
    rng: random.Random, index: int, sex: str, age: int, today: date, documents: int
) -> list[EncounterPlan]:
    fitting = [row for row in CONDITIONS if age >= row.least_age and row.only_sex in ("", sex)]
    count = 1 + min(4, documents // 5) + (rng.random() < 0.4)
    days = sorted(rng.sample(range(3, 720), count), reverse=True)
    plans = []
    for number, ago in enumerate(days):
        is_last = number == count - 1
        is_open = is_last and index % 10 < 2
        condition = rng.choice(fitting)
        kind = "inpatient" if is_open else rng.choice(_KINDS_OF_ENCOUNTER)
        start = datetime(
            today.year, today.month, today.day, rng.randint(6, 20), rng.randrange(60), tzinfo=UTC
        )
        start -= timedelta(days=rng.randint(1, 4) if is_open else ago)
        hours = {"inpatient": rng.randint(40, 150), "observation": rng.randint(8, 30)}.get(
            kind, rng.randint(1, 6)
        )
        username, location = _who(rng, kind, is_open, index)
        plans.append(
            EncounterPlan(
                number=f"V{index:05d}-{number + 1}",
                kind=kind,
                location=location,
                attending=username,
                started_at=start,
                ended_at=None if is_open else min(start + timedelta(hours=hours), _midnight(today)),
                condition=condition,
            )
        )
    return plans


def _midnight(today: date) -> datetime:
    return datetime(today.year, today.month, today.day, tzinfo=UTC)


def _who(rng: random.Random, kind: str, is_open: bool, index: int) -> tuple[str, str]:
    """The attending's user name and her unit: the two demonstration physicians have the most to do."""
    if kind == "emergency":
        return "clinician2", "Emergency"
    if kind == "outpatient":
        row = rng.choice([row for row in names.PHYSICIANS if row[4].startswith("Clinic")])
        return row[0], row[4]
    if is_open and index % 20 == 0:
        return "clinician", "4 West"
    row = rng.choice([row for row in names.PHYSICIANS if row[4] not in ("Emergency", "Clinic A", "Clinic B")])
    return row[0], row[4]


def physician(username: str) -> str:
    """`Marguerite Halloran, MD`."""
    row = next(row for row in names.PHYSICIANS if row[0] == username)
    return f"{row[1]} {row[2]}, MD"


def _documents(
    rng: random.Random, encounters: tuple[EncounterPlan, ...], count: int, today: date
) -> list[DocumentSketch]:
    made: list[DocumentSketch] = []
    turn = [0] * len(encounters)
    for number in range(count):
        which = number % len(encounters)
        encounter = encounters[which]
        pools = {"emergency": _OF_EMERGENCY, "outpatient": _OF_VISIT}
        pool = pools.get(encounter.kind, _OF_STAY)
        writer = pool[turn[which] % len(pool)]
        if writer == "imaging" and encounter.condition.procedure and turn[which] % 2:
            writer = rng.choice(("operative", "consent"))
        if writer == "discharge" and encounter.ended_at is None:
            writer = "progress"
        turn[which] += 1
        made.append(_sketch(rng, writer, which, encounter, today))
    return made


def _sketch(
    rng: random.Random, writer: str, which: int, encounter: EncounterPlan, today: date
) -> DocumentSketch:
    code, title, is_paper = _KINDS[writer]
    end = (encounter.ended_at or _midnight(today)).date()
    first = encounter.started_at.date()
    day = first + timedelta(days=rng.randint(0, max((end - first).days, 0)))
    if writer in ("discharge", "instructions"):
        day = end
    elif writer in ("history", "emergency", "insurance", "consent"):
        day = first
    details = {
        "laboratory": encounter.condition.panel,
        "imaging": encounter.condition.study,
        "operative": encounter.condition.procedure,
    }
    detail = details.get(writer, "")
    labels: tuple[str, ...] = ()
    if writer == "progress" and rng.random() < 0.05:
        labels = (rng.choice(_LABELS),)
        if rng.random() < 0.25:
            labels, title = ("psychotherapy",), "Counseling session note"
    return DocumentSketch(
        writer=writer,
        type_code=code,
        title=f"{title}: {detail}" if detail else title,
        service_date=min(day, today),
        encounter=which,
        author=physician(encounter.attending),
        medium=("scan-tiff" if writer == "outside" or rng.random() < 0.3 else "scan-pdf")
        if is_paper
        else "pdf",
        labels=labels,
    )
