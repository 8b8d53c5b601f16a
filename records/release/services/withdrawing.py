"""Taking back a package that was built and has not gone out, because what it answers has changed."""

from accounts.models import User
from audit.services import record
from common.errors import check_move
from records.release.models import (
    MOVES,
    RELEASE_MOVES,
    RecordRequest,
    Release,
    ReleaseStatus,
    RequestStatus,
)


def withdraw_package(*, by: User, record_request: RecordRequest) -> None:
    """Withdraw the ready package, if there is one, and put the (locked) request back in work; saves the
    release.
    """
    ready = (
        Release.objects.select_for_update().filter(request=record_request, status=ReleaseStatus.READY).first()
    )
    if ready is None:
        return
    check_move(RELEASE_MOVES, ready.status, ReleaseStatus.WITHDRAWN)
    check_move(MOVES, record_request.status, RequestStatus.RECEIVED)
    ready.status = ReleaseStatus.WITHDRAWN
    ready.version += 1
    ready.save()
    record_request.status = RequestStatus.RECEIVED
    record("release.withdrawn", by=by, patient=ready.patient_id, about=ready)
