"""Looks at one's own capture work."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from audit.services import record
from records.documents import access, queries
from records.documents.models import Document


def own_uploads(*, by: User) -> QuerySet[Document]:
    """What `by` filed, newest first, in charts that she may still open. Raises Denied."""
    access.check_may_file_at_all(by)
    return queries.filed_by(by)


@transaction.atomic
def note_own_uploads(*, by: User, shown: Sequence[Document]) -> None:
    """Write the one event of the list: whose charts it showed."""
    record(
        "capture.listed",
        by=by,
        patients=queries.patients_shown(shown),
        reason="own work",
        detail={"shown": [str(row.pk) for row in shown]},
    )
