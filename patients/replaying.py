"""An answer kept under an Idempotency-Key shows a chart: it is given again only while that is open."""

from typing import Any

from rest_framework.request import Request

from accounts.views import me
from audit.refusals import patient_shown
from patients import access


def check_still_open(request: Request, data: Any) -> None:
    """Whoever has lost the chart, or the role, since the first answer does not get it again. Raises Denied.

    What tells nothing of the chart says so (`shows_chart`); and who registers without opening charts may repeat that.
    """
    user, patient = me(request), patient_shown(data)
    if patient is None or not getattr(request.parser_context["view"], "shows_chart", True):
        return
    if user.has_perm("patients.view_chart") or not user.has_perm("patients.register_patient"):
        access.get_for(user, patient)
