"""Read every file of a folder like a filed document, and say a line about each. Nothing is stored."""

import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.errors import BadFile
from records.documents import languages
from records.documents.reading import FileFacts, Order, PageFailed, PageRead, ReadingFailed, read_file
from records.documents.sniffing import kind_of


class Command(BaseCommand):
    help = "Reads every file below FOLDER in the reader's child process and prints what became of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        outcomes: Counter[str] = Counter()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            started = time.monotonic()
            outcome, words = _read(path)
            outcomes[outcome] += 1
            seconds = time.monotonic() - started
            self.stdout.write(f"{outcome:8} {seconds:6.1f} s  {path.relative_to(folder)}: {words}")
        self.stdout.write(
            ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "no files"
        )


def _read(path: Path) -> tuple[str, str]:
    """What became of the file in one word, and in more of them."""
    with path.open("rb") as source:
        head = source.read(4096)
    try:
        kind = kind_of(head, path.stat().st_size)
    except BadFile as refused:
        return "refused", refused.message
    facts = FileFacts(0, [])
    sources: Counter[str] = Counter()
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        order = Order(
            path=path,
            media_type=kind.media_type,
            work=Path(work),
            tessdata=languages.tessdata(),
            languages=settings.OCR_LANGUAGES,
            max_pages=settings.MAX_PAGES,
        )
        try:
            for message in read_file(order):
                if isinstance(message, FileFacts):
                    facts = message
                elif isinstance(message, PageRead):
                    sources[message.source] += 1
                elif isinstance(message, PageFailed):
                    errors.append(f"page {message.number}: {message.error}")
        except ReadingFailed as failed:
            return "unread", str(failed)
    words = f"{facts.pages} pages {dict(sources)} {' '.join(facts.flags)}"
    return ("partly", f"{words} {errors[0]}") if errors else ("read", words)
