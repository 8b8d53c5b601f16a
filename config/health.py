"""Is Chartroom alive, and is it ready to work?"""

import logging
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from audit.queries import partition_state
from common.jobs.models import Heartbeat
from common.jobs.services import WORKER
from records.documents.sealed import VaultError
from records.documents.storage import vault

logger = logging.getLogger("chartroom.health")


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return False
    return True


def _broker() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _storage() -> bool:
    try:
        vault().check()
    except VaultError as error:
        logger.warning("%s", error)
        return False
    return True


def _worker() -> bool:
    try:
        beat = Heartbeat.objects.filter(name=WORKER).first()
    except DatabaseError:
        return False
    return beat is not None and beat.is_fresh


def log_is_well() -> bool:
    """Whether the log has its months made ahead. Events are written all the same, so readiness does not hang on it."""
    try:
        return partition_state().is_well
    except DatabaseError:
        return False


def parts() -> dict[str, bool]:
    """Which parts of the house answer."""
    return {"database": _database(), "broker": _broker(), "storage": _storage(), "worker": _worker()}


@login_not_required
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """All parts answer: 200, otherwise 503 with which one does not. `log` is an alarm and stops nothing."""
    state = parts()
    body: dict[str, Any] = {"ready": all(state.values()), **state, "log": log_is_well()}
    response = JsonResponse(body, status=200 if body["ready"] else 503)
    if not body["ready"]:
        response["Retry-After"] = "5"
    return response
