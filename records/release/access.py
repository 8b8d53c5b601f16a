"""Who may see, prepare and send releases. The chart's own rule comes first, always."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from common.errors import Denied, NotFound
from common.ids import as_uuid
from common.two_persons import check_second_person
from patients import access as patient_access
from patients.access import Decision, allows
from patients.models import Patient
from records.release.models import RecordRequest, Release

__all__ = ["allows"]


def visible_to(user: User) -> QuerySet[RecordRequest]:
    """Requests about patients whose charts `user` may open, for roles that deal with requests."""
    if not user.has_perm("release.view_request"):
        return RecordRequest.objects.none()
    return RecordRequest.objects.filter(patient_access.open_to(user, "patient_id"))


def _check(user: User, permission: str, words: str) -> None:
    if not user.has_perm(permission):
        raise Denied(words, rule="role")


def check_may_list(user: User) -> None:
    """Records roles and the compliance officer."""
    _check(user, "release.view_request", "Your role does not see requests for records.")


def check_may_log(user: User) -> None:
    """Clerks, ROI specialists, supervisors."""
    _check(user, "release.log_request", "Your role does not log requests for records.")


def check_may_edit(user: User, record_request: RecordRequest) -> None:
    """ROI specialists and supervisors."""
    _check(user, "release.edit_request", "An ROI specialist must do this.")


def check_may_build(user: User, record_request: RecordRequest) -> None:
    """ROI specialists and supervisors."""
    _check(user, "release.build_release", "Only an ROI specialist can have a package built.")


def check_may_send(user: User, record_request: RecordRequest) -> None:
    """ROI specialists and supervisors."""
    _check(user, "release.send_release", "Only an ROI specialist can send records.")


def check_may_approve(user: User, release: Release) -> None:
    """Supervisors, and not who prepared it: separation of duties (docs/users/releases.md)."""
    _check(user, "release.approve_release", "Your role does not agree to large packages.")
    check_second_person(
        user.pk, release.asked_by_id, words="You prepared this package. Somebody else must agree to it."
    )


def check_may_see_disclosures(user: User, patient: Patient) -> None:
    """ROI specialists, supervisors, the compliance officer."""
    _check(user, "release.view_disclosures", "Your role does not see disclosures.")


def get_for(user: User, request_id: Any, *, lock: bool = False) -> tuple[RecordRequest, Decision]:
    """One request and why its chart may be opened. Raises Denied (`role`), NotFound, Denied
    (`chart_denied`).
    """
    check_may_list(user)
    key = as_uuid(request_id)
    rows = RecordRequest.objects.select_related("patient", "assigned_to", "logged_by")
    if lock:
        rows = rows.select_for_update(of=("self",))
    record_request = rows.filter(pk=key).first() if key else None
    if record_request is None:
        raise NotFound
    return record_request, patient_access.check_may_open(user, record_request.patient)


def get_release_for(user: User, release_id: Any, *, lock: bool = False) -> tuple[Release, Decision]:
    """One release with its request (both locked, request first). Raises as `get_for` does."""
    check_may_list(user)
    key = as_uuid(release_id)
    found = Release.objects.filter(pk=key).values_list("request_id", flat=True).first() if key else None
    if key is None or found is None:
        raise NotFound
    record_request, decision = get_for(user, found, lock=lock)
    rows = Release.objects.select_for_update(of=("self",)) if lock else Release.objects.all()
    release = rows.get(pk=key)
    release.request = record_request
    return release, decision
