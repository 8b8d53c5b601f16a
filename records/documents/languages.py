"""The language models of the text engine: English is in the tree, packed; others come from a folder."""

import gzip
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from django.conf import settings

PACKED = Path(__file__).resolve().parent / "tessdata" / "eng.traineddata.gz"


def prepare(folder: Path, further: Path | None = None) -> Path:
    """A folder with every language, made once: English unpacked, those of `further` linked.

    Two processes may do this at the same time: each file appears whole.
    """
    digest = hashlib.sha256(PACKED.read_bytes()).hexdigest()
    place = folder / digest[:16]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    english = place / "eng.traineddata"
    if not english.exists():
        part = place / f"{secrets.token_hex(8)}.part"
        with gzip.open(PACKED, "rb") as packed, part.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        part.replace(english)
    for model in sorted(further.glob("*.traineddata")) if further else []:
        link = place / model.name
        if link.name != english.name and (
            not link.is_symlink() or Path(os.readlink(link)) != model.absolute()
        ):
            part = place / f"{secrets.token_hex(8)}.part"
            part.symlink_to(model.absolute())
            part.replace(link)
    return place


def tessdata() -> Path:
    """The folder of this installation, with the languages of CHARTROOM_TESSDATA."""
    further = Path(settings.TESSDATA_DIR) if settings.TESSDATA_DIR else None
    return prepare(settings.DATA_DIR / "cache" / "tessdata", further)
