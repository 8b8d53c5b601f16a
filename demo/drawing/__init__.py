"""Believable synthetic documents, the same from the same plan: `draw(plan, patient, encounter)`."""

from __future__ import annotations

import random

from ..facts import DocumentPlan, Drawn, EncounterFacts, PatientFacts
from . import forms, notes
from .printing import printed
from .scanning import as_pdf, as_tiff, scanned_page

WRITERS = {**notes.WRITERS, **forms.WRITERS}


def draw(plan: DocumentPlan, patient: PatientFacts, encounter: EncounterFacts) -> Drawn:
    """Write one document and print or scan it. Same arguments, same bytes."""
    rng = random.Random(plan.seed)
    sheet = WRITERS[plan.writer](plan, patient, encounter, rng)
    texts = tuple(page.words() for page in sheet.pages)
    if plan.medium == "pdf":
        return Drawn(printed(sheet, title=plan.title, author=plan.author), "application/pdf", texts)
    is_grey = plan.medium == "scan-pdf" and rng.random() < 0.5
    images = [scanned_page(page, rng, is_grey=is_grey) for page in sheet.pages]
    if plan.medium == "scan-tiff":
        return Drawn(as_tiff(images), "image/tiff", texts)
    return Drawn(as_pdf(images), "application/pdf", texts)
