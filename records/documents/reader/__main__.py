"""The child process: `python -m records.documents.reader JSON`. Speaks one JSON object a line on stdout."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from records.documents.reader import crew, limits, refusals
from records.documents.reader.refusals import Unreadable


def say(**message: Any) -> None:
    """One line for the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Read what the one argument asks for; see `records.documents.reading.Order` for its fields."""
    order = json.loads(sys.argv[1])
    limits.die_with_parent(order["parent"])
    limits.confine()
    try:
        _read(order)
    except Unreadable as refused:
        say(refused=str(refused))
    except MemoryError:
        say(refused=refusals.TOO_MUCH_MEMORY)
    return 0


def _read(order: dict[str, Any]) -> None:
    # Only now: the libraries that parse come into a process that is already confined.
    from records.documents.reader import ocr, pages, pdf, pictures

    path, work = Path(order["path"]), Path(order["work"])
    is_pdf = order["media_type"] == "application/pdf"
    if is_pdf:
        facts = pdf.inspect(path, work, order["max_pages"])
        count, flags = facts.pages, facts.flags
    else:
        with pictures.open_image(path) as picture:
            count, flags = pictures.frames(picture), []
        if count > order["max_pages"]:
            raise Unreadable(refusals.too_many(count, order["max_pages"]))
    say(pages=count, flags=flags)

    def prepare() -> crew.ReadPage:
        engine = ocr.Engine(order["tessdata"], order["languages"])
        source: pages.Source = pages.PdfSource(facts, engine) if is_pdf else pages.ImageSource(path, engine)

        def read_page(number: int) -> str:
            try:
                pages.write(number, *source.read(number), work)
            except Unreadable as refused:
                return str(refused)
            except MemoryError:
                return refusals.TOO_MUCH_MEMORY
            except Exception as error:
                # Hostile input meets four libraries here. Whatever they raise costs this page and no more;
                # the kind of error goes to the log, its text may quote the document and does not.
                sys.stderr.write(f"page {number}: {type(error).__module__}.{type(error).__name__}\n")
                return refusals.BROKEN_PAGE
            return ""

        return read_page

    wanted = [number for number in range(1, count + 1) if number not in set(order["have"])]
    for outcome in crew.run(wanted, prepare, size=order["workers"], seconds=order["seconds"]):
        if outcome.page:
            say(page=outcome.page, error=outcome.error)
        else:
            say(alive=True)
    say(done=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # native libraries need not tidy up, and some crash when they do
