"""What the cover sheet of a package says, from the rows."""

from django.utils import timezone

from patients.models import Facility
from records.release.models import Release
from records.release.packaging.facts import CoverFacts
from records.release.rules.checklist import last_day_of_ground
from records.release.services.clearing import Clearance


def cover_facts(release: Release, cleared: Clearance) -> CoverFacts:
    """The facts of the request and of the job: nothing that changes between two runs of the job."""
    record_request, patient = release.request, release.request.patient
    facility = Facility.objects.order_by("created_at", "pk").first()
    notices = []
    last = last_day_of_ground(cleared.evidence)
    if last:
        notices.append(f"The authorization under which these copies are sent ends on {last:%d %b %Y}.")
    return CoverFacts(
        number=record_request.number,
        facility=facility.name if facility else "Health Information Management",
        facility_lines=("Health Information Management, release of information",),
        requester_lines=tuple(
            line.strip()
            for text in (
                record_request.requester_name,
                record_request.requester_organization,
                record_request.requester_address,
            )
            for line in text.splitlines()
            if line.strip()
        ),
        patient_name=patient.display_name,
        patient_birth_date=f"{patient.birth_date:%d %b %Y}" if patient.birth_date else "on a day not known",
        patient_mrn=patient.mrn_display,
        basis=f"{record_request.rule.words}, {record_request.rule.citation}",
        purpose=record_request.purpose,
        received_on=f"{record_request.received_on:%d %b %Y}",
        made_at=timezone.localtime(release.created_at),
        notices=tuple(notices),
    )
