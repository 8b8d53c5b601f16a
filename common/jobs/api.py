"""GET /jobs/{id}/: how far a job is."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import Endpoint
from common.errors import NotFound
from common.ids import as_uuid
from common.jobs.models import Job


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job as its owner sees it."""

    progress = serializers.FloatField(source="fraction", read_only=True)
    text = serializers.CharField(source="progress_text", read_only=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "status",
            "progress",
            "text",
            "attempts",
            "error",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


def visible_job(user: Any, job_id: object) -> Job:
    """A job of one's own, or any for whoever sees the system's state. Raises NotFound."""
    key = as_uuid(job_id)
    job = Job.objects.filter(pk=key).first() if key else None
    if job is None or (job.created_by != user.pk and not user.has_perm("accounts.view_system")):
        raise NotFound
    return job


class JobView(Endpoint):
    """One background job."""

    serializer_class = JobSerializer

    def get(self, request: Request, job_id: str) -> Response:
        """How far the job is."""
        return Response(JobSerializer(visible_job(request.user, job_id)).data)
