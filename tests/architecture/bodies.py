"""What to send to each address that takes something: a form or a call that whoever may do it gets through with.

Without it, "not filled in" and "not allowed" could not be told apart. A body names the things it is about through
`this`: a thing of the scene, or one that is not hers, or one that is not there.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.roles import Role
from common.ids import uuid7
from patients.forms import ROW_SETS
from tests.architecture.scene import Scene
from tests.factories import PASSWORD, LocationFactory, make_user
from tests.records.documents import samples
from tests.records.release import making

This = Callable[[str], Any]
Body = Callable[[Scene, This], dict[str, Any]]
NEW_PASSWORD = "a lantern over the quiet harbour"


def _nothing(scene: Scene, this: This) -> dict[str, Any]:
    return {}


def _letter() -> SimpleUploadedFile:
    return SimpleUploadedFile("new.pdf", samples.text_pdf([["One more page"]]), "application/pdf")


def _day(days: int = 0) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def _identity(scene: Scene, this: This) -> dict[str, Any]:
    return {"family": "Newcomer", "given": "Nadja", "birth_date": "1971-03-04", "sex": "female"} | {
        f"{name}-{key}": 0 for name in ROW_SETS for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }


def _correction(scene: Scene, this: This) -> dict[str, Any]:
    version = scene.patient.version
    return {**_identity(scene, this), "status": scene.patient.status, "version": version, "given": "Nadia"}


def _encounter_form(scene: Scene, this: This) -> dict[str, Any]:
    return {
        "kind": "emergency",
        "location": LocationFactory.create().pk,
        "attending": scene.people["clinician"].pk,
        "started_at": "2026-01-05T08:00",
    }


def _request_form(scene: Scene, this: This) -> dict[str, Any]:
    return {
        "kind": "patient",
        "requester_name": "Ada Testperson",
        "requester_address": "1 Alder Lane",
        "purpose": "my own file",
        "received_on": _day(),
        "channel": "mail",
        "everything": "on",
        "delivery_method": "download",
        "delivery_format": "electronic",
    }


def _reason(scene: Scene, this: This) -> dict[str, Any]:
    return {"reason_code": "emergency", "reason": "called to bed 12, chest pain"}


def _user(scene: Scene, this: This) -> dict[str, Any]:
    return {"name": "Renamed Person", "email": "", "roles": ["records_clerk"]}


def _retraction(scene: Scene, this: This) -> dict[str, Any]:
    return {"reason": "filed into the wrong chart by a mistake"}


def _role(scene: Scene, this: This) -> dict[str, Any]:
    return {
        "description": "Registers people.",
        "purpose": "RECORDMGT",
        "rights": ["patients.search_patients"],
    }


def _authorization(scene: Scene, this: This) -> dict[str, Any]:
    form = making.authorization()
    return {name: "on" if value is True else str(value) for name, value in form.items()}


PAGES: dict[str, Body] = {
    "accounts:sign-out": _nothing,
    "accounts:still-here": _nothing,
    "accounts:confirm": lambda scene, this: {"password": PASSWORD},
    "accounts:password": lambda scene, this: {"old": PASSWORD, "new": NEW_PASSWORD},
    "accounts:token-issue": lambda scene, this: {"label": "a program"},
    "accounts:token-revoke": _nothing,
    "accounts:emergency-declare": lambda scene, this: {
        "reason": "network down, wards on paper",
        "roles": ["clinician"],
        "hours": 1,
    },
    "accounts:emergency-confirm": _nothing,
    "accounts:emergency-end": _nothing,
    "accounts:user-new": lambda scene, this: {
        **_user(scene, this),
        "username": "newcomer",
    },
    "accounts:user": _user,
    "accounts:program-new": lambda scene, this: {
        "username": "feed",
        "name": "A feed",
        "roles": ["clinician"],
    },
    "accounts:program-token": lambda scene, this: {"label": "east wing"},
    "accounts:program-token-revoke": _nothing,
    "accounts:program-switch": _nothing,
    "accounts:draft-take": _nothing,
    "accounts:draft-discard": _nothing,
    "accounts:sso-connected": _nothing,
    "accounts:sso-disconnect": _nothing,
    "accounts:switch": _nothing,
    "accounts:session-end": _nothing,
    "accounts:sessions-end": _nothing,
    "accounts:factor-remove": _nothing,
    "accounts:recovery-codes": _nothing,
    "accounts:user-password": lambda scene, this: {"password": NEW_PASSWORD},
    "accounts:user-factor-reset": _nothing,
    "accounts:user-sessions-end": _nothing,
    "accounts:user-activate": _nothing,
    "accounts:review-decide": lambda scene, this: {"keep": "records_clerk", "reason": ""},
    "accounts:user-leave": lambda scene, this: {"last_day": _day(), "reason": "moves away"},
    "accounts:user-link-new": _nothing,
    "accounts:user-stop": lambda scene, this: {
        "username": scene.people["outsider"].username,
        "reason": "a stolen password",
    },
    "accounts:welcome": lambda scene, this: {"password": NEW_PASSWORD, "again": NEW_PASSWORD},
    "accounts:role-new": lambda scene, this: {**_role(scene, this), "label": "Night registrar"},
    "accounts:role-edit": lambda scene, this: {**_role(scene, this), "label": "Front desk"},
    "accounts:role-retire": _nothing,
    "accounts:role-change-approve": _nothing,
    "accounts:role-change-decline": lambda scene, this: {"reason": "no need"},
    "accounts:role-change-withdraw": _nothing,
    "documents:upload": lambda scene, this: {
        "file": _letter(),
        "encounter": str(this("encounter_id")),
        "type": "18842-5",
        "service_date": "2026-03-01",
    },
    "documents:retry": _nothing,
    "documents:undo": lambda scene, this: {"document": str(this("document_id"))},
    "documents:retract": _retraction,
    "notices:read": _nothing,
    "notices:read-all": _nothing,
    "patients:glass": _reason,
    "patients:glass-end": _nothing,
    "patients:register": _identity,
    "patients:edit": _correction,
    "patients:encounter-new": _encounter_form,
    "patients:encounter-edit": _encounter_form,
    "patients:encounter-close": _nothing,
    "patients:restrict": lambda scene, this: {"restrict-kind": "vip", "restrict-why": "the mayor"},
    "patients:lift": _nothing,
    "patients:grant": lambda scene, this: {
        "grant-user": scene.people["clinician"].username,
        "grant-reason": "helps out",
        "grant-expires_at": _day(5),
    },
    "patients:revoke": _nothing,
    "patients:own-entry": lambda scene, this: {"own-user": scene.people["clinician"].username},
    "patients:end-own-entry": _nothing,
    "patients:join-team": lambda scene, this: {
        "user": scene.people["outsider"].username,
        "function": "nurse",
    },
    "patients:leave-team": _nothing,
    "patients:consult": lambda scene, this: {
        "user": scene.people["outsider"].username,
        "question": "What of the rash?",
    },
    "patients:answer-consult": _nothing,
    "patients:workplaces": lambda scene, this: {"units": [LocationFactory.create().pk]},
    "patients:state-need": lambda scene, this: {"reason": "Consult tonight"},
    "documents:state-need": lambda scene, this: {"reason": "Consult tonight"},
    "documents:labels": _nothing,
    "release:new": lambda scene, this: {**_request_form(scene, this), "patient": this("patient_id")},
    "release:edit": _request_form,
    "release:identity": lambda scene, this: {"method": "photo_id", "seen_on": _day()},
    "release:authorization": _authorization,
    "release:choose": lambda scene, this: {"documents": [str(this("document_id"))], "order": "oldest"},
    "release:build": _nothing,
    "release:cancel": lambda scene, this: {"reason": "asked twice"},
    "release:assign": lambda scene, this: {"assigned_to": scene.people["roi_specialist"].pk},
    "release:approve": _nothing,
    "release:download": _nothing,
    "release:mailed": lambda scene, this: {"how": "mail", "sent_on": _day()},
    "review:glass": lambda scene, this: {"outcome": "appropriate"},
    "review:case-new": lambda scene, this: {
        "source": "patient",
        "summary": "My neighbour knew of it.",
        "subject": "",
        "patients": "",
        "discovered_on": _day(),
    },
    "review:case-from-glass": _nothing,
    "review:case-from-alert": _nothing,
    "review:case-assign": lambda scene, this: {"assign-to": str(scene.people["compliance_officer"].pk)},
    "review:case-change": lambda scene, this: {
        "subject": "",
        "patients": "",
        "discovered_on": _day(),
        "why": "it was somebody else",
    },
    "review:case-note": lambda scene, this: {"note-kind": "note", "note-text": "Asked the ward."},
    "review:case-evidence": lambda scene, this: {"events": [str(this("event_id"))]},
    "review:case-decide": lambda scene, this: {"outcome": "appropriate", "conclusion": "He was on duty."},
    "review:case-sanction": lambda scene, this: {
        "sanction-sanction": "warned",
        "sanction-on": _day(),
        "sanction-note": "rule 7",
    },
    "review:case-notices": lambda scene, this: {"told-affected": "1", "told-in_one_state": "1"},
    "review:case-close": _nothing,
    "review:alert": lambda scene, this: {"note": "Asked by the ward, letter on file"},
    "review:watch-rules": lambda scene, this: {"code": "own-record", "is_on": "on", "weight": "50"},
    "review:watch-decoys": lambda scene, this: {"patient": str(this("patient_id")), "why": "nobody's"},
    "review:watch-decoy-end": _nothing,
    "review:signoff-draw": lambda scene, this: {"size": "10"},
    "review:signoff-judge": lambda scene, this: {"verdict-1": "fine"},
    "review:signoff-sign": lambda scene, this: {
        "looked_at": ["log"],
        "found": "Nothing unusual.",
        "decided": "Nothing has to change.",
    },
    "review:proof-check": _nothing,
    "review:question-save": lambda scene, this: {"name": f"Kept {uuid7()}", "query": "?period=week"},
    "review:question-end": _nothing,
}


def _credentials(scene: Scene, this: This) -> dict[str, Any]:
    """Of somebody without a second factor."""
    return {"username": make_user(Role.RECORDS_CLERK).username, "password": PASSWORD}


PAGES["accounts:sign-in"] = _credentials
# By method, because a collection takes POST and its members take PATCH.
API: dict[tuple[str, str], Body] = {
    ("tokens", "post"): _credentials,
    ("token-current", "delete"): _nothing,
    ("api-patients", "post"): lambda scene, this: {
        "family": "Newcomer",
        "given": "Nadja",
        "birth_date": "1971-03-04",
        "sex": "female",
    },
    ("api-patient", "patch"): lambda scene, this: {"sex": "unknown"},
    ("api-encounters", "post"): lambda scene, this: {
        "patient": str(this("patient_id")),
        "kind": "emergency",
        "location": "4 West",
        "attending": scene.people["clinician"].username,
        "start": "2026-01-05T08:00:00Z",
    },
    ("api-encounter", "patch"): lambda scene, this: {"kind": "emergency"},
    ("api-document-list", "post"): lambda scene, this: {
        "file": _letter(),
        "patient": str(this("patient_id")),
        "encounter": str(this("encounter_id")),
        "type": "18842-5",
        "service_date": "2026-03-01",
    },
    ("audit-alert-set-aside", "post"): lambda scene, this: {"note": "Asked by the ward, letter on file"},
    ("api-break-glass", "post"): _reason,
    ("api-break-glass", "delete"): _nothing,
    ("api-document-retry", "post"): _nothing,
    ("api-document-retract", "post"): _retraction,
    ("api-patient-state-need", "post"): lambda scene, this: {"reason": "Consult tonight"},
    ("api-document-state-need", "post"): lambda scene, this: {"reason": "Consult tonight"},
    ("api-notice-read", "post"): _nothing,
    ("requests", "post"): lambda scene, this: {
        "patient": str(this("patient_id")),
        "kind": "patient",
        "requester": {"name": "Ada Testperson", "address": "1 Alder Lane"},
        "purpose": "my own file",
        "received_on": _day(),
        "channel": "mail",
        "scope": {"everything": True},
        "delivery": {"method": "download", "format": "electronic"},
    },
    ("request", "patch"): lambda scene, this: {"purpose": "a claim"},
    ("request-evidence", "post"): lambda scene, this: {
        "kind": "identity",
        "method": "photo_id",
        "seen_on": _day(),
    },
    ("request-selection", "post"): lambda scene, this: {"documents": [str(this("document_id"))]},
    ("request-release", "post"): _nothing,
    ("request-cancel", "post"): lambda scene, this: {"reason": "asked twice"},
    ("release-approve", "post"): _nothing,
    ("release-deliver", "post"): lambda scene, this: {"how": "mail", "sent_on": _day()},
}
