"""Registering: the verb, the page, and two clerks at once."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, RuleBroken
from common.ids import uuid7
from patients import mrn, services
from patients.models import HOUSE, Identifier, Patient, PatientName
from tests.factories import PatientFactory, make_user
from tests.support import events
from tests.threads import signed_in, together

Browse = Callable[[User], Client]
ADA = {"family": "Lovelace", "given": "Ada", "birth_date": date(1980, 2, 29), "sex": "female"}
EMPTY_LISTS = {
    f"{name}-{key}": value
    for name in ("names", "identifiers", "telecoms", "addresses")
    for key, value in (("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0"))
}


def typed(**fields: str) -> dict[str, str]:
    """What the form sends."""
    start = {"family": "Lovelace", "given": "Ada", "birth_date": "02/29/1980", "sex": "female"}
    return {**EMPTY_LISTS, **start, "once": str(uuid7()), **fields}


def test_registering_gives_an_mrn_an_official_name_and_one_event(clerk: User) -> None:
    patient = services.register_patient(by=clerk, **{**ADA, "family": "  Love\u200dlace "})
    assert mrn.is_valid(patient.mrn)
    assert patient.family == "Love lace"
    assert list(patient.identifiers.values_list("system", "value")) == [(HOUSE, patient.mrn)]
    assert list(patient.names.values_list("use", "family", "given")) == [("official", "Love lace", "Ada")]
    written = events("patient.registered", about=patient)
    assert len(written) == 1
    assert written[0].patient_id == patient.pk
    changed = {(entry["model"], entry["operation"]) for entry in written[0].detail["changes"]}
    assert {("patients.patient", "create"), ("patients.identifier", "create")} <= changed


def test_everything_known_is_kept(clerk: User) -> None:
    patient = services.register_patient(
        by=clerk,
        **ADA,
        identifiers=[{"system": "SSN", "value": "219-09-9999"}],
        telecoms=[{"system": "phone", "value": "555-0100"}, {"system": "phone", "value": "555-0100"}],
        addresses=[{"line": "1 Main St", "city": "Springfield"}, {"line": ""}],
        aliases=[
            {"family": "Byron"},
            {"family": "BYRON"},
            {"family": ""},
            {"family": "Lovelace", "given": "Ada"},
        ],
    )
    assert set(patient.identifiers.values_list("system", "value")) >= {("us:ssn", "219099999")}
    assert patient.telecoms.count() == 1
    assert list(patient.addresses.values_list("line", "city")) == [("1 Main St", "Springfield")]
    assert list(patient.names.filter(use="alias").values_list("family", flat=True)) == ["Byron"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"birth_date": date(1849, 12, 31)}, "birth_date"),
    ({"birth_date": timezone.localdate() + timedelta(days=2)}, "birth_date"),
    ({"family": " \u200b "}, "name"),
    ({"family": "..."}, "name"),
    ({"given": ""}, "name"),
    ({"given": "x" * 81}, "too_long"),
    ({"identifiers": [{"system": HOUSE, "value": "00000018"}]}, "identifier"),
    ({"identifiers": [{"system": "ssn", "value": "999-99-9999"}]}, "identifier"),
    ({"identifiers": [{"system": "ssn", "value": "123-45-6789"}]}, "identifier"),
    ({"identifiers": [{"system": "ssn", "value": "000-12-3456"}]}, "identifier"),
    ({"identifiers": [{"system": "county", "value": " "}]}, "identifier"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
def test_what_cannot_be_is_refused_and_nobody_is_added(
    fields: dict[str, Any], code: str, clerk: User
) -> None:
    before = Patient.objects.count()
    with pytest.raises(RuleBroken) as refused:
        services.register_patient(by=clerk, **{**ADA, **fields})
    assert refused.value.code == code
    assert Patient.objects.count() == before
    assert not events("patient.registered", actor_id=clerk.pk)


@pytest.mark.parametrize(
    "role", [Role.CLINICIAN, Role.ROI_SPECIALIST, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR]
)
def test_other_roles_do_not_register(role: Role, db: None) -> None:
    before = Patient.objects.count()
    with pytest.raises(Denied):
        services.register_patient(by=make_user(role), **ADA)
    assert Patient.objects.count() == before


def test_a_number_of_somebody_else_is_refused(clerk: User) -> None:
    first = services.register_patient(by=clerk, **ADA, identifiers=[{"system": "county", "value": "77"}])
    with pytest.raises(RuleBroken, match="Somebody else"):
        services.register_patient(
            by=clerk, **{**ADA, "given": "Bea"}, identifiers=[{"system": "county", "value": "77"}]
        )
    assert Identifier.objects.get(system="county", value="77").patient_id == first.pk
    assert not Patient.objects.filter(given="Bea", family="Lovelace").exists()


def test_an_exact_twin_needs_a_reason(clerk: User) -> None:
    """MPI-twins: nobody is registered twice without somebody saying why."""
    first = services.register_patient(by=clerk, **ADA)
    for spelling in ("Lovelace", "LOVELACE", "Lóvelace "):
        with pytest.raises(services.PossibleDuplicates) as refused:
            services.register_patient(by=clerk, **{**ADA, "family": spelling})
        assert [(twin.patient.pk, twin.grade) for twin in refused.value.twins] == [(first.pk, "certain")]
    with pytest.raises(services.PossibleDuplicates):
        services.register_patient(by=clerk, **ADA, override_duplicates="   ")
    second = services.register_patient(by=clerk, **ADA, override_duplicates="cousins of one name")
    event = events("patient.registered", about=second)[0]
    assert event.detail["why"] == "cousins of one name"
    assert event.detail["not_the_same_as"] == [str(first.pk)]


@pytest.mark.parametrize(
    "neighbour", [{"given": "Adah"}, {"birth_date": date(1980, 2, 28)}, {"sex": "male"}, {"middle": "Rose"}]
)
def test_who_is_nearly_the_same_is_registered(neighbour: dict[str, Any], clerk: User) -> None:
    services.register_patient(by=clerk, **ADA)
    assert services.register_patient(by=clerk, **{**ADA, **neighbour}).pk


def test_a_shared_social_security_number_is_a_likely_twin(clerk: User) -> None:
    numbers = [{"system": "us:ssn", "value": "219-09-9999"}]
    services.register_patient(by=clerk, **ADA, identifiers=numbers)
    other = {**ADA, "given": "Augusta", "birth_date": date(1980, 2, 28)}
    with pytest.raises(services.PossibleDuplicates) as refused:
        services.register_patient(by=clerk, **other, identifiers=numbers)
    assert refused.value.twins[0].reasons == ("same social security number",)
    second = services.register_patient(
        by=clerk, **other, identifiers=numbers, override_duplicates="husband's"
    )
    assert Identifier.objects.filter(system="us:ssn", value="219099999").count() == 2
    assert second.identifiers.filter(system="us:ssn").exists()


def test_the_page_registers_and_opens_the_chart(clerk: User, browse: Browse) -> None:
    lists = {
        "telecoms-TOTAL_FORMS": "2",
        "telecoms-0-system": "phone",
        "telecoms-0-value": "555-0100",
        "telecoms-1-system": "phone",
        "telecoms-1-value": "",
        "names-TOTAL_FORMS": "1",
        "names-0-use": "maiden",
        "names-0-family": "Byron",
        "identifiers-TOTAL_FORMS": "1",
        "identifiers-0-system": "us:ssn",
        "identifiers-0-value": "219-09-9999",
        "identifiers-0-is_current": "on",
    }
    answer = browse(clerk).post("/patients/register/", typed(**lists))
    patient = Patient.objects.get(family="Lovelace", given="Ada")
    assert answer.status_code == 302
    assert answer["Location"] == patient.get_absolute_url()
    assert patient.telecoms.get().value == "555-0100"
    assert patient.names.get(use="maiden").family == "Byron"
    assert patient.identifiers.get(system="us:ssn").value == "219099999"


def test_the_page_shows_the_twin_keeps_what_was_typed_and_logs_the_look(clerk: User, browse: Browse) -> None:
    twin = services.register_patient(by=clerk, **ADA)
    client = browse(clerk)
    answer = client.post("/patients/register/", typed(suffix="III"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert twin.mrn_display in text
    assert 'value="III"' in text
    assert "Why is this another person?" in text
    assert answer.context["form"]["override_duplicates"].field.required
    assert events("patient.duplicates_shown", actor_id=clerk.pk)[0].patient_ids == [twin.pk]
    assert Patient.objects.filter(family="Lovelace").count() == 1
    answer = client.post("/patients/register/", typed(override_duplicates="father and son"))
    assert answer.status_code == 302
    assert Patient.objects.filter(family="Lovelace").count() == 2


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"birth_date": "02/30/1980"}, "Type a date as"),
        ({"birth_date": "5/3/20"}, "Type the year with four digits."),
        ({"birth_date": "2999-01-01"}, "The birth date lies in the future."),
        ({"family": ""}, "Family name: This field is required."),
        ({"sex": ""}, "Sex: This field is required."),
        ({"identifiers-TOTAL_FORMS": "99999"}, "Identifiers: correct the row"),
    ],
)
def test_the_page_says_what_to_correct(
    fields: dict[str, str], says: str, clerk: User, browse: Browse
) -> None:
    answer = browse(clerk).post("/patients/register/", typed(middle="Kept", **fields))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert 'value="Kept"' in answer.content.decode()
    assert not Patient.objects.filter(middle="Kept").exists()


def test_a_clinician_has_no_register_page(clinician: User, browse: Browse) -> None:
    client = browse(clinician)
    assert client.get("/patients/register/").status_code == 403
    assert client.post("/patients/register/", typed()).status_code == 403
    assert not Patient.objects.filter(family="Lovelace").exists()


@pytest.mark.committed
def test_two_clerks_register_one_person_at_once(committed: None) -> None:
    clerk = make_user(Role.RECORDS_CLERK)
    name = f"Twin{uuid7().hex[-10:]}"
    fields = {**ADA, "family": name}
    results = together(lambda _: services.register_patient(by=clerk, **fields))
    assert Patient.objects.filter(family=name).count() == 1
    assert sorted(type(result).__name__ for result in results) == ["Patient", "PossibleDuplicates"]


@pytest.mark.committed
def test_mrns_given_at_once_are_all_different(committed: None) -> None:
    clerk = make_user(Role.RECORDS_CLERK)
    name = f"Many{uuid7().hex[-10:]}"

    def register(number: int) -> list[str]:
        return [
            services.register_patient(by=clerk, **{**ADA, "family": name, "given": f"G{number}x{turn}"}).mrn
            for turn in range(10)
        ]

    numbers = [one for given in together(register, 4) for one in given]
    assert len(set(numbers)) == 40
    assert all(mrn.is_valid(number) for number in numbers)


@pytest.mark.committed
def test_a_double_click_registers_one_person(committed: None) -> None:
    clerk = make_user(Role.RECORDS_CLERK)
    name = f"Click{uuid7().hex[-10:]}"
    form = typed(family=name)
    clients = [signed_in(clerk), signed_in(clerk)]
    answers = together(lambda number: clients[number].post("/patients/register/", form))
    patient = Patient.objects.get(family=name)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert {answer["Location"] for answer in answers} == {patient.get_absolute_url()}
    assert len(events("patient.registered", about=patient)) == 1


def test_former_names_belong_to_the_patient_only(clerk: User) -> None:
    other = PatientFactory.create(family="Elsewhere")
    patient = services.register_patient(by=clerk, **ADA)
    assert not PatientName.objects.filter(patient=other).exclude(family="Elsewhere").exists()
    assert patient.names.count() == 1
