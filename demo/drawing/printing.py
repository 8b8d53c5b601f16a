"""A sheet as a born-digital PDF. The same sheet makes the same bytes."""

from __future__ import annotations

import io

from reportlab.pdfgen.canvas import Canvas

from .sheet import HEIGHT, WIDTH, Sheet


def printed(sheet: Sheet, *, title: str, author: str) -> bytes:
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    for page in sheet.pages:
        for stroke in page.strokes:
            canvas.setLineWidth(stroke.width)
            canvas.setStrokeGray(stroke.grey)
            path = canvas.beginPath()
            path.moveTo(*stroke.points[0])
            for point in stroke.points[1:]:
                path.lineTo(*point)
            canvas.drawPath(path)
        for text in page.texts:
            canvas.setFont(text.font, text.size)
            canvas.drawString(text.x, text.y, text.text)
        canvas.showPage()
    canvas.save()
    return made.getvalue()
