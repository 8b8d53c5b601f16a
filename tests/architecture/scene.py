"""One patient with something of every kind, and an address for every route of the house."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import services as accounts
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from common.jobs.models import Job
from common.notices.models import Notice
from patients.models import Patient
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.records.release import making

FAMILY, GIVEN, WORD = "Qwxyzzy", "Zorblaxia", "brontosaurus"
API = "api/v1/"


@dataclass(frozen=True)
class Route:
    """One address pattern: its full name, its text, the names of its parts."""

    name: str
    text: str
    parts: tuple[str, ...]

    @property
    def is_api(self) -> bool:
        """Below /api/v1/."""
        return self.text.startswith(API)


def routes(
    resolver: URLResolver | URLPattern | None = None, before: str = "", space: str = ""
) -> Iterator[Route]:
    """Every address of the house."""
    resolver = resolver or get_resolver()
    text = before + str(resolver.pattern).removeprefix("^/")
    if isinstance(resolver, URLPattern):
        plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text).replace("^", "").replace("$", "")
        plain = re.sub(r"<\w+:(\w+)>", r"<\1>", plain)
        yield Route(f"{space}{resolver.name}", plain, tuple(re.findall(r"<(\w+)>", plain)))
        return
    inner = f"{space}{resolver.namespace}:" if resolver.namespace else space
    for part in resolver.url_patterns:
        yield from routes(part, text, inner)


@dataclass
class Scene:
    """The patient, the things about her, and the people around her."""

    patient: Patient
    values: dict[str, Any]
    people: dict[str, User] = field(default_factory=dict)

    @property
    def markers(self) -> tuple[str, ...]:
        """Text that is about this patient wherever it stands."""
        return (FAMILY, FAMILY.upper(), GIVEN, WORD, self.patient.mrn, self.patient.mrn_display)

    def address(self, route: Route) -> str:
        """The route's address about this patient. KeyError: say in `scene` what its part stands for."""
        text = route.text
        for part in route.parts:
            value = self.values.get(f"{route.name}.{part}") or self.values.get(
                f"{route.name.split(':')[0]}.{part}"
            )
            text = text.replace(f"<{part}>", str(value or self.values[part]))
        return f"/{text}"

    def query(self, route: Route) -> dict[str, str]:
        """What to ask so that this patient would be in the answer; never a whole marker, pages repeat the question."""
        mine = str(self.patient.pk)
        asked = {
            "patients:search": {"q": FAMILY[:4].lower()},
            "api-patients": {"q": FAMILY[:4].lower()},
            "api-encounters": {"patient": mine},
            "api-document-list": {"patient": mine},
            "documents:search": {"q": WORD[:-2]},
            "api-search": {"q": WORD, "patient": mine},
            "release:new": {"patient": mine},
            "review:log": {"patient": mine, "period": "all"},
            "review:export": {"patient": mine, "period": "all"},
            "audit-events": {"patient": mine},
        }
        return asked.get(route.name, {})

    def is_about(self, content: bytes) -> str:
        """The marker of this patient that stands in the answer, if one does."""
        return next((text for text in self.markers if text.encode() in content), "")

    def named_since(self, event_id: int, by: User) -> bool:
        """Whether an event after that one, by this person, names the patient."""
        later = Event.objects.filter(id__gt=event_id, actor_id=by.pk)
        return any(
            event.patient_id == self.patient.pk or self.patient.pk in (event.patient_ids or [])
            for event in later
        )


def content_of(answer: Any) -> bytes:
    """The whole body, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def browser(user: User) -> Client:
    """Signed in; faults become answers so that a walk sees them all."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def last_event() -> int:
    """The newest event's number."""
    newest: int = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest


def make() -> Scene:
    """A chart with an encounter, a document that was read, a built release, evidence, a job and a token."""
    people = {role.value: make_user(role) for role in Role if role is not Role.SERVICE}
    people["outsider"] = make_user(Role.CLINICIAN)
    patient = PatientFactory.create(family=FAMILY, given=GIVEN)
    encounter = EncounterFactory.create(patient=patient, attending=people["clinician"])
    clerk, roi = people["records_clerk"], people["roi_specialist"]
    document = file(clerk, patient, samples.text_pdf([["A letter", f"about a {WORD}"]]), title="Letter")
    work()
    release = making.built(roi, patient=patient)
    _, token = accounts.issue_token(by=clerk, user=clerk)
    event = Event.objects.filter(patient_id=patient.pk).latest("id")
    values: dict[str, Any] = {
        "patient_id": patient.pk,
        "encounter_id": encounter.pk,
        "document_id": document.pk,
        "request_id": release.request_id,
        "release_id": release.pk,
        "evidence_id": release.request.evidence.values_list("pk", flat=True)[0],
        "event_id": event.pk,
        "number": 1,
        "job_id": _job_of(clerk).pk,
        "notice_id": Notice.objects.of(roi.pk).latest("created_at").pk,
        "accounts.pk": make_user(Role.RECORDS_CLERK).pk,
        "accounts:token-revoke.pk": token.pk,
        "pk": document.pk,
    }
    return Scene(patient, values, people)


def _job_of(user: User) -> Job:
    job = Job.objects.filter(created_by=user.pk).first()
    assert job is not None
    return job
