"""What somebody at her desk leaves in the log: a row for each look and each search."""

import random
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .people import CLINICAL, Person, Staff

EVENT_COLUMNS = (
    "at event action actor_id actor roles session patient_id patient_ids object_type object_id purpose reason outcome "
    "channel ip request_id detail"
).split()


class Seat:
    """Where somebody sits for a shift, at times at two desks."""

    def __init__(self, rng: random.Random, one: Staff) -> None:
        self.rng, self.one = rng, one
        self.session = f"{rng.getrandbits(64):016x}"
        self.places = [f"10.{rng.randrange(4)}.{rng.randrange(250)}.{rng.randrange(250)}"]
        if rng.random() < 0.08:
            self.places.append(f"10.{rng.randrange(4)}.{rng.randrange(250)}.{rng.randrange(250)}")

    def looks(
        self, at: datetime, person: Person, reason: str, event: str = "", action: str = "view"
    ) -> tuple[Any, ...]:
        """One access, as a row for the log."""
        is_document = event.startswith("document") or (not event and self.rng.random() < 0.5)
        name = event or ("document.viewed" if is_document else "patient.viewed")
        about = "documents.document" if is_document else "patients.patient"
        key = uuid.UUID(int=self.rng.getrandbits(128), version=4) if is_document else person.id
        return self._row(at, name, action, person.id, None, about, key, reason, None)

    def searches(self, at: datetime, text: str, shown: Iterable[Person]) -> tuple[Any, ...]:
        """One search."""
        detail = f'{{"q": "{text}", "shown": 1}}'
        return self._row(
            at, "patient.searched", "search", None, [one.id for one in shown], "", "", "open charts", detail
        )

    def _row(
        self,
        at: datetime,
        name: str,
        action: str,
        patient: Any,
        shown: Any,
        about: str,
        key: Any,
        reason: str,
        detail: Any,
    ) -> tuple[Any, ...]:
        place = self.places[0] if len(self.places) == 1 else self.rng.choice(self.places)
        return (
            at, name, action, self.one.id, str(self.one.id)[:8], [self.one.role], self.session, patient, shown, about,
            key, "TREAT" if self.one.role == CLINICAL else "RECORDMGT", reason, "success", "web", place, "", detail,
        )  # fmt: skip
