"""Text from pictures, by Tesseract: one engine a process, because starting it costs as much as a small page."""

from collections import Counter

import tesserocr
from PIL import Image, ImageStat

from records.documents.reader.words import SCALE, PageText, Word, box, letters, storable

BLANK_DEVIATION = 2.5  # grey levels; an empty sheet from a scanner has less
DOUBTFUL = 60.0
QUICK_SIDE = 1400


class Engine:
    """Tesseract with its language models loaded."""

    def __init__(self, tessdata: str, languages: str) -> None:
        self.api = tesserocr.PyTessBaseAPI(path=tessdata.rstrip("/") + "/", lang=languages)

    def read(self, picture: Image.Image, dpi: int) -> tuple[PageText, int]:
        """The text of a grey picture and the clockwise turn in degrees that stands it upright.

        Only a page that reads badly as it lies is tried the other ways up, on a smaller copy.
        """
        if ImageStat.Stat(picture).stddev[0] < BLANK_DEVIATION:
            return PageText("blank"), 0
        text, sideways = self._recognize(picture, dpi)
        if (text.confidence or 0) < DOUBTFUL or letters(text.text) < 20:
            turn = self._upright(picture, dpi)
            other, other_sideways = self._recognize(turned_by(picture, turn), dpi) if turn else (text, 0)
            if _worth(other) > _worth(text):
                return _turned_text(other, other_sideways), (turn + other_sideways) % 360
        return _turned_text(text, sideways), sideways

    def _upright(self, picture: Image.Image, dpi: int) -> int:
        small = picture.copy()
        small.thumbnail((QUICK_SIDE, QUICK_SIDE))
        small_dpi = max(70, dpi * small.width // max(1, picture.width))
        worth = {
            turn: _worth(self._recognize(turned_by(small, turn), small_dpi)[0]) for turn in (0, 180, 90, 270)
        }
        best = max(worth, key=lambda turn: worth[turn])
        return best if worth[best] > 1.5 * worth[0] + 10 else 0

    def _recognize(self, picture: Image.Image, dpi: int) -> tuple[PageText, int]:
        """The text as the picture lies, and the turn that its lines ask for.

        Tesseract takes a sheet that lies on its side for vertical writing, and reads it well.
        """
        width, height = picture.size
        self.api.SetImageBytes(picture.tobytes(), width, height, 1, width)
        self.api.SetSourceResolution(dpi)
        if not self.api.Recognize():
            raise RuntimeError("The text engine gave up on this page.")
        found: Counter[int] = Counter()
        layout = self.api.GetIterator()
        for line in tesserocr.iterate_level(layout, tesserocr.RIL.TEXTLINE) if layout else ():
            found[line.Orientation()[1]] += 1
        is_vertical = bool(found) and found.most_common(1)[0][0] == tesserocr.WritingDirection.TOP_TO_BOTTOM
        return _page_text(self.api.GetTSVText(0), width, height), 270 if is_vertical else 0


def turned_by(picture: Image.Image, turn: int) -> Image.Image:
    """The picture turned clockwise by 0, 90, 180 or 270 degrees."""
    ways = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    return picture.transpose(ways[turn]) if turn else picture


def _turned_text(text: PageText, turn: int) -> PageText:
    """The same text with its boxes on the picture turned by 270 degrees, if it is to be turned."""
    if turn:
        text.words = [_turned_word(word) for word in text.words]
    return text


def _turned_word(word: Word) -> Word:
    left, top, right, bottom = word[1:]
    return Word(word.text, top, SCALE - right, bottom, SCALE - left)


def _worth(text: PageText) -> float:
    """How much was read, and how surely: letters of words, weighed by confidence."""
    return letters(text.text) * max(0.0, (text.confidence or 0) - 30) / 70


def _page_text(table: str, width: int, height: int) -> PageText:
    """Tesseract's table (level, page, block, paragraph, line, word, box, confidence, text) as a page's text."""
    lines: list[tuple[tuple[str, str], list[str]]] = []
    here: tuple[str, ...] = ()
    words: list[Word] = []
    weights = total = 0.0
    for row in table.splitlines():
        cells = row.split("\t", 11)
        if len(cells) < 12 or cells[0] != "5":
            continue
        text, confidence = storable(cells[11]).strip(), float(cells[10])
        if not text or (confidence < 30 and not letters(text)):
            continue
        if tuple(cells[2:5]) != here:
            here = tuple(cells[2:5])
            lines.append(((cells[2], cells[3]), []))
        lines[-1][1].append(text)
        left, top, wide, high = (int(cell) for cell in cells[6:10])
        words.append(
            Word(text, *box(left / width, top / height, (left + wide) / width, (top + high) / height))
        )
        weights += len(text)
        total += confidence * len(text)
    parts: list[str] = []
    paragraph: tuple[str, str] | None = None
    for place, line in lines:
        parts.append(("\n" if place == paragraph else "\n\n" if paragraph else "") + " ".join(line))
        paragraph = place
    return PageText("ocr", storable("".join(parts)), words, round(total / weights, 1) if weights else 0.0)
