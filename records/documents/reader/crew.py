"""A few worker processes that share the pages of one file. A page that kills its worker costs that page only."""

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from records.documents.reader import refusals
from records.documents.reader.limits import die_with_parent

PAGES_PER_WORKER = 200  # then a fresh one, so that leaks of native libraries end
HEARTBEAT_SECONDS = 5.0

ReadPage = Callable[[int], str]


@dataclass
class Worker:
    """A child process and the page it is busy with (0: none)."""

    pid: int
    pipe: socket.socket
    page: int = 0
    since: float = 0.0
    done: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a page: `error` is empty when its files are there. Page 0: nothing new, still at work."""

    page: int
    error: str = ""


def run(pages: list[int], prepare: Callable[[], ReadPage], *, size: int, seconds: float) -> Iterator[Outcome]:
    """Read `pages` with `size` processes at once, each page within `seconds`.

    `prepare` runs in every child and gives the function that reads one page and returns "" or a sentence.
    """
    waiting = list(reversed(pages))
    open_pages = len(pages)
    selector = selectors.DefaultSelector()
    crew: list[Worker] = []
    try:
        while open_pages:
            while waiting and len(crew) < size:
                crew.append(_start(prepare, selector))
            for worker in crew:
                if not worker.page and waiting:
                    worker.page, worker.since = waiting.pop(), time.monotonic()
                    worker.pipe.sendall(worker.page.to_bytes(4))
            ready = selector.select(timeout=min(HEARTBEAT_SECONDS, seconds))
            for key, _ in ready:
                worker = key.data
                outcome = _hear(worker)
                open_pages -= 1
                worker.page = 0
                worker.done += 1
                if (
                    outcome.error in {refusals.BROKEN_PAGE, refusals.TOO_MUCH_MEMORY}
                    or worker.done >= PAGES_PER_WORKER
                ):
                    _end(worker, selector)
                    crew.remove(worker)
                yield outcome
            now = time.monotonic()
            for worker in list(crew):
                if worker.page and now - worker.since > seconds:
                    page = worker.page
                    _end(worker, selector)
                    crew.remove(worker)
                    open_pages -= 1
                    yield Outcome(page, refusals.TOO_SLOW)
            if not ready:
                yield Outcome(0)
    finally:
        for worker in crew:
            _end(worker, selector)
        selector.close()


def _start(prepare: Callable[[], ReadPage], selector: selectors.BaseSelector) -> Worker:
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _work(prepare, theirs, parent)
    theirs.close()
    worker = Worker(pid, ours)
    selector.register(ours, selectors.EVENT_READ, worker)
    return worker


def _hear(worker: Worker) -> Outcome:
    """The worker's word on its page; a worker that ended instead has met its match."""
    answer = b""
    try:
        while not answer.endswith(b"\n"):
            piece = worker.pipe.recv(4096)
            if not piece:
                break
            answer += piece
    except ConnectionError:
        answer = b""
    if not answer.endswith(b"\n"):
        return Outcome(worker.page, refusals.BROKEN_PAGE)
    return Outcome(worker.page, answer.decode().strip())


def _end(worker: Worker, selector: selectors.BaseSelector) -> None:
    selector.unregister(worker.pipe)
    worker.pipe.close()
    os.kill(worker.pid, signal.SIGKILL)
    os.waitpid(worker.pid, 0)


def _work(prepare: Callable[[], ReadPage], pipe: socket.socket, parent: int) -> None:
    """The child's life: page numbers in, sentences out. Never returns."""
    status = 1
    try:
        die_with_parent(parent)
        read_page = prepare()
        while len(number := pipe.recv(4)) == 4:
            pipe.sendall(read_page(int.from_bytes(number)).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)
