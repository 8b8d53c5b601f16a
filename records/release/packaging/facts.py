"""What goes into a package and what comes out of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any


class BadPart(Exception):
    """A document that cannot go into the package. Says which one and why, in words for a clerk."""

    def __init__(self, part: Part, why: str) -> None:
        self.document_id = part.document_id
        self.why = why
        super().__init__(f"“{part.title}” of {part.dated} cannot be added: {why}")


@dataclass(frozen=True)
class Part:
    """One document version to be copied into the package."""

    document_id: str
    version_id: str
    title: str
    kind: str
    service_date: date | None
    media_type: str
    path: Path
    sha256: str
    pages: int | None = None

    @property
    def dated(self) -> str:
        return f"{self.service_date:%d %b %Y}" if self.service_date else "no date"

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "path": str(self.path),
            "service_date": self.service_date.isoformat() if self.service_date else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Part:
        day = data["service_date"]
        return cls(
            **{**data, "path": Path(data["path"]), "service_date": date.fromisoformat(day) if day else None}
        )


@dataclass(frozen=True)
class CoverFacts:
    """What the cover sheet says. `made_at` is the time of the job, not of the run: a re-run makes the same
    bytes.
    """

    number: str
    facility: str
    facility_lines: tuple[str, ...]
    requester_lines: tuple[str, ...]
    patient_name: str
    patient_birth_date: str
    patient_mrn: str
    basis: str
    purpose: str
    received_on: str
    made_at: datetime
    notices: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "made_at": self.made_at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CoverFacts:
        lists = {name: tuple(data[name]) for name in ("facility_lines", "requester_lines", "notices")}
        return cls(**{**data, **lists, "made_at": datetime.fromisoformat(data["made_at"])})


@dataclass(frozen=True)
class Package:
    """A package as it was assembled: size in bytes, pages, and the manifest that lies beside it."""

    size_bytes: int
    pages: int
    manifest: dict[str, Any]

    def kept_as(self, sha256: str, size_bytes: int) -> dict[str, Any]:
        """The manifest of the file that was kept. Raises ValueError when that is not the whole package."""
        if size_bytes != self.size_bytes:
            raise ValueError(f"The package has {self.size_bytes} bytes, and {size_bytes} were kept.")
        return {**self.manifest, "package": {"sha256": sha256, "size_bytes": size_bytes}}
