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
        content = printed(sheet, title=plan.title, author=plan.author)
        boxes = tuple(page.boxes() for page in sheet.pages)
        return Drawn(content, "application/pdf", texts, boxes, is_print=True)
    is_grey = plan.medium == "scan-pdf" and rng.random() < 0.5
    scans = [scanned_page(page, rng, is_grey=is_grey) for page in sheet.pages]
    images = [scan.image for scan in scans]
    boxes = tuple(page.boxes(scan.degrees) for page, scan in zip(sheet.pages, scans, strict=True))
    is_tiff = plan.medium == "scan-tiff"
    content = as_tiff(images) if is_tiff else as_pdf(images)
    return Drawn(content, "image/tiff" if is_tiff else "application/pdf", texts, boxes, is_print=False)
