"""The manifest beside a package: what each page of it came from, provable by hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .facts import CoverFacts, Part

FORMAT = "chartroom-release/1"


def make_manifest(facts: CoverFacts, rows: Sequence[tuple[Part, int]], *, cover_pages: int) -> dict[str, Any]:
    """JSON-ready. `pages` of a part are [first, last] in the package; its `sha256` is the original's.

    Whoever keeps the file adds its own hash: `Package.kept_as`.
    """
    parts, at = [], cover_pages + 1
    for part, pages in rows:
        parts.append(
            {
                "document": part.document_id,
                "version": part.version_id,
                "title": part.title,
                "type": part.kind,
                "service_date": part.service_date.isoformat() if part.service_date else None,
                "media_type": part.media_type,
                "sha256": part.sha256,
                "pages": [at, at + pages - 1],
            }
        )
        at += pages
    return {
        "format": FORMAT,
        "request": facts.number,
        "made_at": facts.made_at.isoformat(),
        "cover_pages": cover_pages,
        "pages": at - 1,
        "parts": parts,
    }
