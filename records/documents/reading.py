"""Having one file read by the child process, as the rest of the house sees it."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SILENCE_SECONDS = 120  # the child says something every five seconds while it reads pages
NO_ANSWER = "This file could not be read: it brought the reader down. Ask the sender for it again."


class ReadingFailed(Exception):
    """The file as a whole cannot be read; the message is a sentence for people."""


@dataclass(frozen=True)
class Order:
    """What to read. `work` is an empty private folder that takes the pages; `have` are pages to leave out."""

    path: Path
    media_type: str
    work: Path
    tessdata: Path
    languages: str = "eng"
    max_pages: int = 2000
    have: frozenset[int] = frozenset()
    workers: int = 2
    seconds: int = 120

    def as_json(self) -> str:
        return json.dumps(
            {
                "path": str(self.path.absolute()),
                "media_type": self.media_type,
                "work": str(self.work.absolute()),
                "tessdata": str(self.tessdata.absolute()),
                "languages": self.languages,
                "max_pages": self.max_pages,
                "have": sorted(self.have),
                "workers": self.workers,
                "seconds": self.seconds,
                "parent": os.getpid(),
            }
        )


@dataclass(frozen=True)
class FileFacts:
    """The first thing the child says: how many pages, and what else is in the file."""

    pages: int
    flags: list[str]


@dataclass(frozen=True)
class StillReading:
    """Nothing new; the child is alive and at work."""


@dataclass(frozen=True)
class PageFailed:
    """One page that cannot be shown, with the sentence that says why."""

    number: int
    error: str


@dataclass(frozen=True)
class PageRead:
    """One page: its picture in the viewer's size and its text with the place of each word."""

    number: int
    width: int
    height: int
    source: str
    text: str
    confidence: float | None
    words: list[list[Any]] = field(repr=False)
    view: Path = field(repr=False)
    thumbnail: Path = field(repr=False)


Message = FileFacts | PageRead | PageFailed | StillReading


def read_file(order: Order) -> Iterator[Message]:
    """Read the file in a child process, giving facts first, then pages in whatever order they are done.

    Raises ReadingFailed for a file that cannot be read at all. Leaving the loop early ends the child.
    """
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "OMP_THREAD_LIMIT": "1",  # two pages at once use two cores better than two threads on one page
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "records.documents.reader", order.as_json()],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        close_fds=True,
    )
    try:
        yield from _messages(child, order)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        if child.stdout:
            child.stdout.close()
        child.wait()


def _messages(child: "subprocess.Popen[bytes]", order: Order) -> Iterator[Message]:
    for line in _lines(child):
        message = json.loads(line)
        if "refused" in message:
            raise ReadingFailed(message["refused"])
        if "pages" in message:
            yield FileFacts(message["pages"], message["flags"])
        elif "alive" in message:
            yield StillReading()
        elif "done" in message:
            return
        elif message["error"]:
            yield PageFailed(message["page"], message["error"])
        else:
            yield _page(order.work, message["page"])
    raise ReadingFailed(NO_ANSWER)


def _lines(child: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Lines from the child; ends when it ends or says nothing for too long."""
    assert child.stdout is not None  # noqa: S101  (asked for above)
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(timeout=SILENCE_SECONDS):
            piece = os.read(child.stdout.fileno(), 65536)
            if not piece:
                return
            *lines, waiting = (waiting + piece).split(b"\n")
            yield from lines


def _page(work: Path, number: int) -> PageRead:
    facts = json.loads((work / f"{number:05}.json").read_text(encoding="utf-8"))
    return PageRead(
        number=number,
        width=facts["width"],
        height=facts["height"],
        source=facts["source"],
        text=facts["text"],
        confidence=facts["confidence"],
        words=facts["words"],
        view=work / f"{number:05}.view.webp",
        thumbnail=work / f"{number:05}.thumbnail.webp",
    )
