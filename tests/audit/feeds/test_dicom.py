"""An event as a DICOM audit message (PS3.15 A.5): XML in the schema's order, whatever stands in a field."""

import base64
import xml.etree.ElementTree as Tree
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.catalogue import ACTIONS
from audit.feeds import dicom, fhir
from audit.models import Event
from common import syslog
from common.ids import uuid7
from tests.audit.feeds.conftest import Make

ORDER = [
    "EventIdentification",
    "ActiveParticipant",
    "AuditSourceIdentification",
    "ParticipantObjectIdentification",
]
INSIDE = {
    "EventIdentification": ["EventID", "EventTypeCode", "EventOutcomeDescription", "PurposeOfUse"],
    "ActiveParticipant": ["RoleIDCode"],
    "AuditSourceIdentification": ["AuditSourceTypeCode"],
    "ParticipantObjectIdentification": [
        "ParticipantObjectIDTypeCode",
        "ParticipantObjectQuery",
        "ParticipantObjectDetail",
    ],
}
CODED = {
    "EventID",
    "EventTypeCode",
    "PurposeOfUse",
    "RoleIDCode",
    "AuditSourceTypeCode",
    "ParticipantObjectIDTypeCode",
}


def _checked(text: str) -> Tree.Element:
    """The message, checked against the schema's order and required attributes."""
    root = Tree.fromstring(text)  # noqa: S314  (our own)
    assert root.tag == "AuditMessage"
    names = [child.tag for child in root]
    assert names == sorted(names, key=ORDER.index)
    assert {"EventIdentification", "ActiveParticipant", "AuditSourceIdentification"} <= set(names)
    for child in root:
        inner = [one.tag for one in child]
        assert inner == sorted(inner, key=INSIDE[child.tag].index)
    for one in root.iter():
        if one.tag in CODED:
            assert {"csd-code", "codeSystemName", "originalText"} <= set(one.attrib)
    event = root[0]
    assert event.get("EventActionCode") in set("CRUDE")
    assert event.get("EventOutcomeIndicator") in {"0", "4", "8"}
    assert datetime.fromisoformat(str(event.get("EventDateTime"))).tzinfo
    people = root.findall("ActiveParticipant")
    assert all(one.get("UserID") and one.get("UserIsRequestor") in {"true", "false"} for one in people)
    assert [one.get("UserIsRequestor") for one in people].count("true") == 1
    for one in root.findall("ParticipantObjectIdentification"):
        assert one.get("ParticipantObjectID")
        assert one.find("ParticipantObjectIDTypeCode") is not None
    return root


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("outcome", ["success", "denied", "failed"])
def test_every_action_makes_a_message(action: str, outcome: str, make: Make) -> None:
    root = _checked(dicom.message(make("patient.viewed", action, outcome=outcome)))
    kind = root.find("EventIdentification/EventID")
    assert kind is not None
    assert kind.get("codeSystemName") == "DCM"


def test_a_look_names_who_whom_and_from_where(make: Make) -> None:
    event = make()
    root = _checked(dicom.message(event))
    assert root[0][0].get("csd-code") == "110110"
    user = next(one for one in root.findall("ActiveParticipant") if one.get("UserIsRequestor") == "true")
    assert (user.get("UserID"), user.get("AlternativeUserID")) == ("clerk", str(event.actor_id))
    client = root.findall("ActiveParticipant")[0]
    assert (client.get("NetworkAccessPointID"), client.get("NetworkAccessPointTypeCode")) == (
        "192.0.2.7",
        "2",
    )
    patient = root.findall("ParticipantObjectIdentification")[0]
    assert patient.get("ParticipantObjectID") == str(event.patient_id)
    last = root.findall("ParticipantObjectIdentification")[-1]
    detail = last.find("ParticipantObjectDetail")
    assert detail is not None
    assert base64.b64decode(str(detail.get("value"))).decode() == fhir.resource_id(event.pk)


def test_a_search_carries_the_raw_question(make: Make) -> None:
    root = _checked(dicom.message(make("patient.searched", "search", detail={"q": "<x>"})))
    query = root.find(".//ParticipantObjectQuery")
    assert query is not None
    assert base64.b64decode(str(query.text)) == b"patient.searched?q=%3Cx%3E"
    assert root[0][0].get("csd-code") == "110112"


HOSTILE = [
    '"/><AuditMessage x="',
    "]]><!-- &lt; &#10;",
    "a\nb\r\nc\td",
    "\x00\x01\x1b[2J\x7f\ufffe\uffff",
    "<13>1 2026-05-03T00:00:00Z evil app - - - forged",
    "\u2028é\U0001f600",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "where", ["actor", "session", "object_type", "object_id", "purpose", "channel", "request_id", "reason"]
)
def test_a_hostile_field_stays_a_field(text: str, where: str, make: Make) -> None:
    event = make("access.denied", "view", outcome="denied", **{where: text})
    plain = _checked(dicom.message(make("access.denied", "view", outcome="denied")))
    root = _checked(dicom.message(event))
    assert [one.tag for one in root.iter()] == [one.tag for one in plain.iter()]
    message = syslog.message(dicom.message(event), at=event.at, kind=dicom.KIND)
    assert b"\n" not in message
    assert b"\x00" not in message
    assert message.startswith(b"<85>1 2026-05-03T09:08:07.654321+00:00 ")
    assert b" DICOM+RFC3881 - \xef\xbb\xbf<AuditMessage>" in message
    Tree.fromstring(message.partition(b"\xef\xbb\xbf")[2])  # noqa: S314  (our own)


@given(text=st.text())
def test_any_text_is_xml(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()  # as the log holds it: no lone surrogates
    event = Event(
        id=1,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        event="access.denied",
        action="view",
        actor=clean,
        roles=[clean],
        session=clean,
        patient_id=uuid7(),
        object_type=clean,
        object_id=clean,
        purpose=clean,
        reason=clean,
        outcome="denied",
        channel=clean,
        request_id=clean,
    )
    _checked(dicom.message(event))
