"""The web server's settings, the same embedded and in a container. The address is given on the command line."""

import gc
import os
from typing import Any

from gunicorn.http.errors import LimitRequestLine
from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    """Answers an address that is too long to be read in the house's words, not the server's."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        if not isinstance(exc, LimitRequestLine):
            super().handle_error(req, client, addr, exc)
            return
        from common.middleware import too_long_unread  # the settings are read only after the fork

        try:
            client.sendall(too_long_unread())
        except OSError:
            self.log.debug("Whoever asked has gone.")


worker_class = Worker
workers = int(os.environ.get("CHARTROOM_WEB_WORKERS", "2"))
threads = int(os.environ.get("CHARTROOM_WEB_THREADS", "4"))
preload_app = False
timeout = 120
graceful_timeout = 20
keepalive = 5
# The default of 8 kB answers a browser's overgrown cookies in the server's own words; the house has better ones.
limit_request_field_size = 32_768
# As long a first line as the server can read: common.middleware refuses addresses earlier, with a page or a problem.
limit_request_line = 8_190
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True
# Who asked for what stands in the event log; a URL can hold what somebody searched for, so no access log.
accesslog = None
errorlog = "-"
loglevel = "warning"
# Whether a proxy is believed is Django's decision alone (CHARTROOM_TRUSTED_PROXIES).
forwarded_allow_ips = ""


def pre_fork(server: Any, worker: Any) -> None:
    """Keep what was loaded out of the collector's way, so that the workers go on sharing it."""
    gc.freeze()
