"""One patient with something of every kind, and an address for every route of the house."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import authenticators
from accounts import services as accounts
from accounts.models import (
    BrowserSession,
    Draft,
    HospitalRole,
    HouseEmergency,
    ReviewItem,
    RoleChange,
    User,
)
from accounts.roles import Role
from audit.feeds import fhir
from audit.models import Event
from audit.review import services as review
from audit.review import services as services_of_log
from audit.review.models import CaseEvidence, DayState, DrawnAccess, GlassReview, SignOff, end_of
from audit.review.services import deciding
from common.ids import uuid7
from common.jobs.models import Job
from common.notices.models import Notice
from common.notices.services import notify
from patients import services as opening
from patients.models import Encounter, Patient
from patients.services import break_glass
from records.documents import files
from records.release.services import evidence
from tests.accounts.making import make_role
from tests.accounts.softkey import code_of
from tests.audit.cases.making import FACTORS, breach, complaint
from tests.audit.watch.making import MONDAY, alert_of
from tests.conftest import confirmed
from tests.factories import EncounterFactory, PatientFactory, UserFactory, make_user
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


class Own(dict[UUID, Any]):
    """A thing that everybody has one of, by the owner's id: a token, a job, a session."""


@dataclass
class Scene:
    """The patient, the things about her, and the people around her.

    `people` has one person a role, all of whom attend the patient (which opens her chart to a clinician and to nobody
    else), and `outsider`, a clinician who does not; `colleagues` has one a role who never met her. `others` are one
    with a role that the hospital made (it reads every chart), and an interface that works as a records clerk.
    """

    patient: Patient
    values: dict[str, Any]
    people: dict[str, User] = field(default_factory=dict)
    colleagues: dict[str, User] = field(default_factory=dict)
    others: dict[str, User] = field(default_factory=dict)
    word: str = WORD
    secrets: tuple[str, ...] = ()

    @property
    def markers(self) -> tuple[str, ...]:
        """Text that is about this patient wherever it stands."""
        family, given = self.patient.family, self.patient.given
        return (family, family.upper(), given, self.word, self.patient.mrn, self.patient.mrn_display)

    def value(self, route: Route, part: str) -> Any:
        """What a part of this route's address stands for. KeyError: say so in `make`."""
        for name in (f"{route.name}.{part}", f"{route.name.split(':')[0]}.{part}"):
            if name in self.values:
                return self.values[name]
        return self.values[part]

    def address(self, route: Route, whose: User | None = None) -> str:
        """The route's address about this patient; about `whose` own thing, where everybody has one."""
        text = route.text
        for part in route.parts:
            value = self.value(route, part)
            if isinstance(value, Own):
                value = value[(whose or self.people["records_clerk"]).pk]
            text = text.replace(f"<{part}>", str(value))
        return f"/{text}"

    def query(self, route: Route) -> dict[str, str]:
        """What to ask so that this patient would be in the answer; never a whole marker, pages repeat the question."""
        mine = str(self.patient.pk)
        asked = {
            "patients:search": {"q": FAMILY[:4].lower()},
            "api-patients": {"q": FAMILY[:4].lower()},
            "api-encounters": {"patient": mine},
            "api-document-list": {"patient": mine},
            "documents:list": {"patient": mine},
            "documents:search": {"q": WORD[:-2]},
            "api-search": {"q": WORD, "patient": mine},
            "patients:outside": {"q": FAMILY[:4].lower()},
            "release:new": {"patient": mine},
            "review:log": {"patient": mine, "period": "all"},
            "review:export": {"patient": mine, "period": "all"},
            "review:print": {"patient": mine, "period": "all"},
            "review:person": {"who": self.people["records_clerk"].username},
            "audit-events": {"patient": mine},
            "review:watch": {"week": str(MONDAY)},
            "audit-alerts": {"week": str(MONDAY)},
            "audit-fhir-events": {"patient": mine},
            "audit-export": {"patient": mine},
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
    confirmed(client)
    return client


def last_event() -> int:
    """The newest event's number."""
    newest: int = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest


def make(family: str = FAMILY, given: str = GIVEN, word: str = WORD) -> Scene:
    """A chart with an encounter, a document that was read, a request that is ready, a built release, evidence;
    and of everybody's own things a job and a token each.
    """
    roles = [role for role in Role if role is not Role.SERVICE]
    people = {role.value: make_user(role) for role in roles}
    colleagues = {role.value: make_user(role) for role in roles}
    people["outsider"] = colleagues["clinician"]
    patient = PatientFactory.create(family=family, given=given)
    encounter = EncounterFactory.create(patient=patient, attending=people["clinician"], number=f"{given}-1")
    for role in roles:
        if role is not Role.CLINICIAN:
            EncounterFactory.create(patient=patient, attending=people[role])
    clerk, roi = people["records_clerk"], people["roi_specialist"]
    document = file(
        clerk, patient, samples.text_pdf([["A letter", f"about a {word}"]]), title=f"About {given}"
    )
    work()
    asks = {"name": f"{given} {family}", "address": "1 Alder Lane"}
    release = making.built(roi, patient=patient, requester=asks)
    ready = making.cleared(roi, making.pdf_of(f"Another {word}"), patient=patient, requester=asks)
    form = evidence.add_evidence(
        by=roi,
        request_id=ready.pk,
        kind="authorization",
        fields=making.authorization(),
        file=files.stage([making.pdf_of(f"The form of {family}")], "form.pdf"),
    )
    others = _others(people["administrator"], patient)
    everybody = [*people.values(), colleagues["records_clerk"], *others.values()]
    notify([user.pk for user in everybody], kind="test.told", text="Something happened.", url="/account/")
    glass = break_glass(
        by=make_user(Role.CLINICIAN),
        patient_id=patient.pk,
        reason_code="consult",
        reason="asked to see her in the ward",
    )
    drill = HouseEmergency.objects.standing().first() or accounts.declare_emergency(
        by=make_user(Role.RECORDS_SUPERVISOR),
        reason="exercise of the night shift",
        roles=[Role.CLINICIAN],
        hours=1,
        is_drill=True,
    )
    event = Event.objects.filter(patient_id=patient.pk).latest("id")
    somebody = make_user(Role.RECORDS_CLERK)
    issued = {user.pk: accounts.issue_token(by=user, user=user) for user in everybody}
    program = accounts.make_program(
        by=people["administrator"], username=f"feed.{patient.pk}", name="A feed", roles=[Role.CLINICIAN]
    )
    values: dict[str, Any] = {
        "patient_id": patient.pk,
        "encounter_id": encounter.pk,
        "document_id": document.pk,
        "request_id": ready.pk,
        "release:detail.request_id": release.request_id,
        "request.request_id": release.request_id,
        "release_id": release.pk,
        "evidence_id": form.pk,
        "event_id": event.pk,
        "resource_id": fhir.resource_id(event.pk),
        **_openings(patient, encounter, people),
        "emergency_id": drill.pk,
        "glass_id": glass.pk,
        "review_id": GlassReview.objects.get(glass=glass).pk,
        **_cases(patient),
        "alert_id": alert_of(make_user(Role.RECORDS_CLERK), patient, events=[event]).pk,
        "decoy_id": review.mark_decoy(
            by=make_user(Role.COMPLIANCE_OFFICER), patient_id=PatientFactory.create().pk, why="nobody's"
        ).pk,
        **_sign_offs(patient),
        "review.name": "roles",
        "question_id": services_of_log.save_question(
            by=people["compliance_officer"],
            name="Kept by the scene",
            patient_id=patient.pk,
            conditions={"period": "week"},
        ).pk,
        "number": 1,
        "job_id": Own({user.pk: _job_of(user).pk for user in everybody}),
        "notice_id": Own({user.pk: Notice.objects.of(user.pk).latest("created_at").pk for user in everybody}),
        "accounts.name": _role(people["administrator"]).group.name,
        "accounts.item_id": _review_item(people["administrator"], people["records_supervisor"]).pk,
        "accounts:welcome.text": accounts.new_link(
            by=people["administrator"], user_id=make_user(Role.RECORDS_CLERK).pk
        ),
        "accounts.change_id": _role_change(people["administrator"]).pk,
        "accounts.pk": somebody.pk,
        "user_id": somebody.pk,
        "accounts:token-revoke.pk": Own({key: token.pk for key, (_, token) in issued.items()}),
        "accounts:factor-remove.pk": Own({user.pk: _app_of(user).pk for user in everybody}),
        "accounts:draft-take.pk": Own({user.pk: _draft_of(user).pk for user in everybody}),
        "accounts:draft-discard.pk": Own({user.pk: _draft_of(user).pk for user in everybody}),
        "accounts:program.pk": program.pk,
        "accounts:program-token.pk": program.pk,
        "accounts:program-token-revoke.pk": program.pk,
        "accounts:program-token-revoke.token_id": accounts.issue_token(by=program, user=program)[1].pk,
        "accounts:program-switch.pk": program.pk,
        "accounts:session-end.number": Own({user.pk: _sitting_of(user).number for user in everybody}),
        "accounts:user-session-end.number": _sitting_of(somebody).number,
        "accounts:user-token-revoke.token_id": accounts.issue_token(by=somebody, user=somebody)[1].pk,
        "pk": document.pk,
    }
    secrets = tuple(text for text, _ in issued.values())
    return Scene(patient, values, people, colleagues, others, word, secrets)


HOSPITAL_ROLE, INTERFACE = "hospital_role", "interface"
READS = [
    "patients.search_patients",
    "patients.view_chart",
    "patients.open_every_chart",
    "documents.view_document",
]


def _others(administrator: User, patient: Patient) -> dict[str, User]:
    """Somebody with a role of the hospital's own, and an interface."""
    reader = make_role(administrator, f"Reader of {administrator.username}", READS)
    return {
        HOSPITAL_ROLE: UserFactory.create(roles=[reader.group.name]),
        INTERFACE: accounts.make_program(
            by=administrator, username=f"scanner.{patient.pk}", name="A scanner", roles=[Role.RECORDS_CLERK]
        ),
    }


def _role(administrator: User) -> HospitalRole:
    return make_role(administrator, f"Desk of {administrator.username}", ["patients.search_patients"])


def _review_item(administrator: User, manager: User) -> ReviewItem:
    person = make_user(Role.RECORDS_CLERK)
    accounts.change_user(
        by=administrator, user_id=person.pk, name="P", email="", roles=person.role_names, manager=manager
    )
    accounts.open_reviews()
    return ReviewItem.objects.get(person=person)


def _role_change(administrator: User) -> RoleChange:
    person = make_user(Role.RECORDS_CLERK)
    return accounts.change_roles(by=administrator, user=person, roles=[Role.COMPLIANCE_OFFICER])


def _app_of(user: User) -> Authenticator:
    """An authenticator app as a second factor."""
    secret = authenticators.new_secret()
    accounts.add_app(by=user, secret=secret, code=code_of(secret))
    return Authenticator.objects.get(user=user, type="totp")


def _draft_of(user: User) -> Draft:
    """What she had typed on a page."""
    accounts.keep_draft(by=user, path=f"/account/?{uuid7()}", forms=[])
    return Draft.objects.filter(user=user).latest("created_at")


def _sitting_of(user: User) -> BrowserSession:
    """Another browser in which she is signed in."""
    until = timezone.now() + timedelta(hours=1)
    return BrowserSession.objects.create(
        session_key=uuid7().hex, user=user, number=uuid7(), device="Firefox on Linux", expire_date=until
    )


def _openings(patient: Patient, encounter: Encounter, people: dict[str, User]) -> dict[str, Any]:
    """What somebody decided about who opens the chart: for other people than those who walk."""
    supervisor, clinician = people["records_supervisor"], people["clinician"]
    nurse = make_user(Role.CLINICIAN)
    grant = opening.grant_chart(
        by=supervisor, patient_id=patient.pk, user=nurse.username, reason="helps out",
        expires_at=timezone.now() + timedelta(days=9),
    )  # fmt: skip
    restriction = opening.restrict_chart(
        by=supervisor, patient_id=patient.pk, kind="person", why="her wish", user=nurse.username
    )
    own = opening.set_own_entry(by=supervisor, patient_id=patient.pk, user=nurse.username)
    member = opening.join_care_team(
        by=supervisor, encounter_id=encounter.pk, user=nurse.username, function="nurse"
    )
    consult = opening.ask_consult(
        by=clinician, patient_id=patient.pk, user=nurse.username, question="What of the rash?"
    )
    return {
        "grant_id": grant.pk,
        "restriction_id": restriction.pk,
        "entry_id": own.pk,
        "member_id": member.pk,
        "consult_id": consult.pk,
    }


def _cases(patient: Patient) -> dict[str, Any]:
    """Cases in every state, of an officer who walks nowhere, about a colleague who does not either."""
    officer, subject = make_user(Role.COMPLIANCE_OFFICER), make_user(Role.RECORDS_CLERK)
    today = timezone.localdate()
    opened, violation, whole = (complaint(officer, subject, patient) for _ in range(3))
    for case in (violation, whole):
        deciding.decide_case(
            by=officer,
            case_id=case.pk,
            outcome="violation",
            conclusion="Curiosity.",
            assessment=deciding.Assessment(ground="low", **FACTORS),
        )
    deciding.record_sanction(by=officer, case_id=whole.pk, sanction="warned", note="rule 7", on=today)
    CaseEvidence.objects.create(
        case=opened, event_id=1, at=timezone.now(), patient_id=patient.pk, canonical="", proof=[], epoch_n=1,
        epoch_message="", epoch_signature="", public_key="", frozen_by=officer,
    )  # fmt: skip
    glass = break_glass(
        by=make_user(Role.CLINICIAN),
        patient_id=patient.pk,
        reason_code="consult",
        reason="asked to see her at night",
    )
    review = GlassReview.objects.get(glass=glass)
    GlassReview.objects.filter(pk=review.pk).update(
        outcome="case", note="Why at night?", decided_by=officer, decided_at=timezone.now()
    )
    return {
        "case_id": opened.pk,
        "review:case-sanction.case_id": violation.pk,
        "review:case-close.case_id": whole.pk,
        "review:case-notices.case_id": breach(officer, subject, patient).pk,
        "review:case-from-glass.review_id": review.pk,
        "review:case-from-alert.alert_id": alert_of(subject, patient).pk,
    }


def _sign_offs(patient: Patient) -> dict[str, Any]:
    """Reviews of activity before each of their steps, and the days they are about, counted."""
    officer, subject = make_user(Role.COMPLIANCE_OFFICER), make_user(Role.RECORDS_CLERK)
    taken = SignOff.objects.count()  # a month for each scene of a test
    days, reviews = [], []
    for step in range(4):
        start = date(2001 + taken // 12, taken % 12 + 1, 1)
        end = end_of("month", start)
        days += [
            DayState(day=start + timedelta(days=n), mark="1", counted_at=timezone.now()) for n in range(31)
        ]
        drawn = {"seed": "00", "drawn_by": officer, "drawn_at": timezone.now()} if step else {}
        review = SignOff.objects.create(kind="month", starts_on=start, ends_on=end, due_on=end, **drawn)
        if step:
            DrawnAccess.objects.create(
                sign_off=review, position=1, event_id=1, at=timezone.now(), actor_id=subject.pk, patient_id=patient.pk,
                event="patient.viewed", standing="explained", verdict="fine" if step == 2 else "",
            )  # fmt: skip
        taken += 1
        reviews.append(review)
    DayState.objects.bulk_create(days, ignore_conflicts=True)
    return {
        "signoff_id": reviews[1].pk,
        "review:signoff-draw.signoff_id": reviews[0].pk,
        "review:signoff-sign.signoff_id": reviews[2].pk,
    }


def _job_of(user: User) -> Job:
    return Job.objects.create(kind="documents.read", created_by=user.pk)
