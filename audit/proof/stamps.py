"""Time-stamps of seals by an outside authority (RFC 3161): another house's clock and key vouch for when a seal stood.

Only the newest seal is stamped, and only now and then: each seal holds the hash of the one before it, so a stamp
vouches for all of the chain up to it. What is sent out is one hash. An authority that refuses, hangs or answers
nonsense holds up no seal; it is asked again each minute.
"""

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.models import CheckpointDelivery
from audit.proof import epochs
from audit.proof.epochs import Epoch
from common import calling
from common.syslog import one_line

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MOST_BYTES = 64_000  # a token with its certificates has some thousand
SLACK = timedelta(minutes=10)  # between two clocks, and for an answer that takes its time
CERTIFICATES = 0xA0
_VERIFY_ERROR = re.compile(r'Verify error: ([^"]+)')

logger = logging.getLogger("chartroom.audit")


class NotStamped(Exception):
    """The authority gave no stamp that holds; the sentence says why."""


class WrongStamp(Exception):
    """A stamp is not what it should be. `kind`: `stamp_wrong`, `stamp_untrusted`, `stamp_time`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


@dataclass(frozen=True)
class Stamp:
    """What the authority answered about epoch `n`, byte for byte."""

    n: int
    authority: str
    nonce: int
    response: bytes
    received_at: datetime

    @property
    def at(self) -> datetime | None:
        """The time that the authority put into it; None when it cannot be read. Nothing is checked here."""
        try:
            return _decode(self.response).tst_info.gen_time
        except ValueError:
            return None

    def as_dict(self) -> dict[str, Any]:
        """For other programs: the answer whole, to be given to `openssl ts -verify`, and what a check of it found."""
        found = judge(self)
        return {
            "authority": self.authority,
            "at": self.at.isoformat() if self.at else None,
            "response": base64.b64encode(self.response).decode(),
            "holds": found.holds,
            "problem": found.problem,
        }


@dataclass(frozen=True)
class Judged:
    """Whether a stamp holds, and if not, why. None: nobody said whom to trust."""

    holds: bool | None
    problem: str = ""


@dataclass(frozen=True)
class Trust:
    """Whom we believe: the roots of authorities, and certificates between them and the signer."""

    roots: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...]


def trusted() -> Trust | None:
    """The certificates of the setting; None where none is set. Raises NotStamped when the file is no good."""
    if not settings.TSA_CA_FILE:
        return None
    try:
        found = x509.load_pem_x509_certificates(Path(settings.TSA_CA_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise NotStamped("The file of the authority's certificates cannot be read.") from error
    roots = tuple(one for one in found if one.issuer == one.subject)
    if not roots:
        raise NotStamped("The file of the authority's certificates holds no root.")
    return Trust(roots, tuple(one for one in found if one.issuer != one.subject))


def certificates() -> bytes:
    """The file of the setting, to go along with evidence; empty where there is none to be read."""
    try:
        return Path(settings.TSA_CA_FILE).read_bytes() if settings.TSA_CA_FILE else b""
    except OSError:
        return b""


def data(epoch: Epoch) -> bytes:
    """What is stamped: everything the epoch's signature holds, and the signature. A text, to be kept as a file."""
    return epoch.message + b"\n" + epoch.signature.hex().encode() + b"\n"


def check(stamp: Stamp, epoch: Epoch, trust: Trust, next_sealed_at: datetime | None) -> None:
    """Whether a trusted authority stamped this very epoch, when it was the newest. Raises WrongStamp.

    `next_sealed_at` is when the epoch after it was sealed, if there is one: a stamp that is younger than that was
    made for a chain that was written afterwards.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    name = f"The time-stamp of epoch {stamp.n}"
    try:
        answer = _decode(stamp.response)
        if answer.status != 0:
            raise WrongStamp("stamp_wrong", f"{name} is none: {_refusal(answer)}")
        info = answer.tst_info
        if info.nonce != stamp.nonce:
            raise WrongStamp("stamp_wrong", f"{name} answers another question than ours.")
        verifier = VerifierBuilder(
            roots=list(trust.roots), intermediates=list(trust.between), nonce=stamp.nonce
        ).build()
        verifier.verify_message(answer, data(epoch))
        at = info.gen_time
    except VerificationError as error:
        raise _named(name, str(error)) from error
    except ValueError as error:
        raise WrongStamp("stamp_wrong", f"{name} cannot be read.") from error
    if at < epoch.sealed_at - SLACK:
        text = f"{name} bears {_clock(at)}, before the epoch was sealed ({_clock(epoch.sealed_at)})."
        raise WrongStamp("stamp_time", text)
    newest = max(next_sealed_at, epoch.sealed_at) if next_sealed_at else timezone.now()
    if at > newest + SLACK:
        than = "the next epoch was sealed" if next_sealed_at else "it is now"
        raise WrongStamp("stamp_time", f"{name} bears {_clock(at)}, later than {than} ({_clock(newest)}).")


def judge(stamp: Stamp) -> Judged:
    """Check one stamp by itself, against the epoch that the chain has under its number."""
    near = epochs.of([stamp.n, stamp.n + 1])
    try:
        trust = trusted()
        if trust is None:
            return Judged(None)
        if stamp.n not in near:
            return Judged(False, f"The chain has no epoch {stamp.n}.")
        following = near.get(stamp.n + 1)
        check(stamp, near[stamp.n], trust, following.sealed_at if following else None)
    except NotStamped as error:
        return Judged(None, str(error))
    except WrongStamp as wrong:
        return Judged(False, wrong.text)
    return Judged(True)


def _named(name: str, error: str) -> WrongStamp:
    """The library's error in our words: who signed it, or what it is about."""
    found = _VERIFY_ERROR.search(error)
    if found and "purpose" not in found[1]:
        return WrongStamp("stamp_untrusted", f"{name} is signed by nobody we trust: {found[1]}.")
    if found or "EKU" in error:
        return WrongStamp(
            "stamp_untrusted", f"{name} is signed with a certificate that is not for time-stamps."
        )
    if "messages" in error:
        return WrongStamp("stamp_wrong", f"{name} is about something else.")
    return WrongStamp("stamp_wrong", f"{name} is not as it was signed.")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _refusal(answer: "TimeStampResponse") -> str:
    said = one_line(" ".join(str(part) for part in answer.status_string))[:120]
    return f"the authority refused it (status {answer.status}{': ' if said else ''}{said})."


def _decode(response: bytes) -> "TimeStampResponse":
    """Raises ValueError."""
    from rfc3161_client import decode_timestamp_response  # seven megabytes: for whoever deals with stamps

    return decode_timestamp_response(_in_order(response))


def _in_order(response: bytes) -> bytes:
    """The same answer with the certificates in it in DER's order.

    They are a set, no signature covers their order, and OpenSSL's authority writes them as they come; the library
    takes them in order only. Raises ValueError.
    """
    try:
        token = _parts(response, *_inside(response, 0))[1]
        content = _parts(response, token.start, token.end)[1]
        signed = _parts(response, content.start, content.end)[0]
        for one in _parts(response, signed.start, signed.end):
            if response[one.head] == CERTIFICATES:
                kept = sorted(response[each.head : each.end] for each in _parts(response, one.start, one.end))
                return response[: one.start] + b"".join(kept) + response[one.end :]
    except IndexError:
        pass  # a refusal has no token, and what is no DER at all is told by the library
    return response


class _Part(NamedTuple):
    """An element of DER: where its head, and where its contents begin and end."""

    head: int
    start: int
    end: int


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the DER element at this place begin and end. Raises IndexError."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise IndexError
    return start, start + length


def _parts(der: bytes, start: int, end: int) -> list[_Part]:
    """The elements between two places. Raises IndexError."""
    found = []
    while start < end:
        found.append(_Part(start, *_inside(der, start)))
        start = found[-1].end
    return found


def ask(epoch: Epoch) -> Stamp:
    """Have the authority stamp this epoch, and check what it answers. Raises NotStamped, OSError."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    trust = trusted()
    if trust is None:
        raise NotStamped("No certificates of the authority are set (CHARTROOM_TSA_CA_FILE).")
    request = TimestampRequestBuilder().data(data(epoch)).hash_algorithm(HashAlgorithm.SHA256).build()
    nonce = request.nonce
    if nonce is None:
        raise NotStamped("The request has no nonce.")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    if settings.TSA_LOGIN:
        headers["Authorization"] = f"Basic {base64.b64encode(settings.TSA_LOGIN.encode()).decode()}"
    try:
        answer = calling.call(
            settings.TSA_URL, "POST", request.as_bytes(), headers, tls=_tls(), most_bytes=MOST_BYTES
        )
    except calling.NoAnswer as error:
        raise NotStamped(str(error)) from error
    if not answer.is_success:
        raise NotStamped(f"The authority answered {answer.status} {answer.reason}".strip() + ".")
    stamp = Stamp(epoch.n, _host(settings.TSA_URL), nonce, answer.body, timezone.now())
    try:
        check(stamp, epoch, trust, None)
    except WrongStamp as wrong:
        raise NotStamped(wrong.text) from wrong
    return stamp


def _tls() -> Any:
    """How the authority's web server is trusted: as any, or by the same certificates as its stamps."""
    if urlsplit(settings.TSA_URL).scheme != "https":
        return None
    import ssl

    context = ssl.create_default_context()
    context.load_verify_locations(cafile=settings.TSA_CA_FILE)
    return context


def _host(url: str) -> str:
    return urlsplit(url).netloc


def stamp_newest() -> Stamp | None:
    """Have the newest seal stamped when it is time for that; None when it is not, or when it could not be had.

    No transaction is open while the authority is asked. Two at once ask twice, and the first answer is kept.
    """
    newest, former = epochs.last(), last()
    if not settings.TSA_URL or newest is None:
        return None
    if former and (former.n >= newest.n or timezone.now() - former.received_at < every_so_often()):
        return None
    row, _ = CheckpointDelivery.objects.get_or_create(destination=settings.TSA_URL)
    try:
        stamp = ask(newest)
    except (OSError, NotStamped) as error:
        row.error = one_line(str(error))[:300] or type(error).__name__
        row.failing_since = row.failing_since or timezone.now()
        row.save()
        logger.error("No time-stamp could be had from %s: %s", _host(settings.TSA_URL), row.error)
        return None
    with transaction.atomic():
        _keep(stamp)
        row.last_n, row.last_at, row.error, row.failing_since = stamp.n, timezone.now(), "", None
        row.save()
    return stamp


def every_so_often() -> timedelta:
    """How long after a stamp the next one is asked for."""
    return timedelta(minutes=settings.TSA_MINUTES)


def _keep(stamp: Stamp) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into audit_stamp (n, authority, nonce, response, received_at) values (%s, %s, %s, %s, %s)"
            " on conflict do nothing",
            [stamp.n, stamp.authority, str(stamp.nonce), stamp.response, stamp.received_at],
        )


_COLUMNS = "n, authority, nonce, response, received_at"


def _from_row(row: tuple[Any, ...]) -> Stamp:
    n, authority, nonce, response, received_at = row
    return Stamp(int(n), authority, int(nonce), bytes(response), received_at)


def last() -> Stamp | None:
    """The newest stamp."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {_COLUMNS} from audit_stamp order by n desc limit 1")  # noqa: S608
        row = cursor.fetchone()
    return _from_row(row) if row else None


def every(first: int = 0) -> Iterator[Stamp]:
    """All stamps of the epochs from number `first` on, in order, some hundred at a time."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"select {_COLUMNS} from audit_stamp where n >= %s order by n limit 200", [first])  # noqa: S608
            rows = cursor.fetchall()
        yield from map(_from_row, rows)
        if not rows:
            return
        first = rows[-1][0] + 1


def of(numbers: Iterable[int]) -> dict[int, Stamp]:
    """The stamps of these epochs, by number."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {_COLUMNS} from audit_stamp where n = any(%s)", [list(numbers)])  # noqa: S608
        return {stamp.n: stamp for stamp in map(_from_row, cursor.fetchall())}


def covering(numbers: Iterable[int]) -> dict[int, int]:
    """For each of these epochs the first stamped one that is no older: its stamp vouches for both."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select wanted.n, (select min(stamp.n) from audit_stamp stamp where stamp.n >= wanted.n)"
            " from unnest(%s::bigint[]) wanted (n)",
            [list(numbers)],
        )
        return {int(n): int(stamped) for n, stamped in cursor.fetchall() if stamped is not None}


def count() -> int:
    """How many seals are stamped."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from audit_stamp")
        return int(cursor.fetchone()[0])


def delivery() -> CheckpointDelivery | None:
    """How the authority of the setting stands; None when there is none, or it was not asked yet."""
    return (
        CheckpointDelivery.objects.filter(destination=settings.TSA_URL).first() if settings.TSA_URL else None
    )
