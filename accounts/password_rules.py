"""What a password must not be (NIST SP 800-63B 5.1.1.2): common, common in disguise, or known from a breach.

Everything is asked of files on this machine; no password, nor any part of its hash, leaves it.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator, MinimumLengthValidator
from django.core.exceptions import ValidationError

# What people put for a letter.
_UNDISGUISED = str.maketrans("013457@$!|", "oieastasil")
_LEAST_CORE = 4
LEAST, LONGEST = 12, 128  # characters: ASVS 2.1.1 and 2.1.2


def cores(password: str) -> set[str]:
    """What is left of a password without the years, digits and marks around it, written plainly, said once."""
    lowered = password.lower()
    found = set()
    for text in (lowered, lowered.translate(_UNDISGUISED)):
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
        squeezed = re.sub(r"[\W_]+", "", core)
        for each in (core, squeezed, re.sub(r"[\W_]+", "", text)):
            repeated = re.fullmatch(r"(.+?)\1+", each)
            found.add(repeated[1] if repeated else each)
    return {core for core in found if len(core) >= _LEAST_CORE}


class ShortestPasswordValidator(MinimumLengthValidator):
    """Refuses one that is too short (ASVS 2.1.1)."""

    def __init__(self) -> None:
        super().__init__(min_length=LEAST)


class CommonInDisguiseValidator(CommonPasswordValidator):
    """Refuses one of Django's 20,000 most common passwords, as it is or dressed up to twelve characters."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        tried = {password.lower().strip(), *cores(password)}
        if tried & self.passwords:
            raise ValidationError(
                "This is a password that everybody tries first, with something around it. Take a sentence of your own.",
                code="password_too_common",
            )


class LongestPasswordValidator:
    """Refuses one beyond what hashing should be given to do (ASVS 2.1.2)."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        if len(password) > LONGEST:
            raise ValidationError(
                f"This password is too long. It may have {LONGEST} characters.", code="password_too_long"
            )

    def get_help_text(self) -> str:
        """For whoever chooses one."""
        return f"Your password may have {LONGEST} characters."


class BreachedPasswordValidator:
    """Refuses a password whose SHA-1 is in the file that BREACHED_PASSWORDS names; without one, nothing.

    The file is what Have I Been Pwned gives out "ordered by hash": lines `HASH:COUNT`, sorted. It is searched where it
    lies, some thirty reads for its billion lines, and never held in memory.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        if settings.BREACHED_PASSWORDS and is_listed(password, settings.BREACHED_PASSWORDS):
            raise ValidationError(
                "This password is known from a theft of passwords elsewhere. Take another one.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """For whoever chooses one."""
        return "Your password must not be known from a breach."


def is_listed(password: str, path: str) -> bool:
    """Whether the sorted file at `path` has a line that begins with the password's SHA-1."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with Path(path).open("rb", buffering=256) as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            file.seek(middle)
            if middle:
                file.readline()  # to the beginning of a line
            here = file.tell()
            found = file.readline()[: len(wanted)].upper()
            if found == wanted:
                return True
            if not found or found > wanted:
                high = middle
            else:
                low = max(here, middle + 1)
        return False
