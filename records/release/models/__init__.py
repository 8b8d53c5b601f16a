"""What this room keeps: requests with their evidence, releases with their packages, the ledger of
disclosures.
"""

from .releases import MOVES as RELEASE_MOVES
from .releases import Disclosure, DisclosureQuerySet, Release, ReleaseStatus
from .requests import (
    MOVES,
    Channel,
    DeliveryFormat,
    DeliveryMethod,
    Evidence,
    EvidenceKind,
    RecordRequest,
    RecordRequestQuerySet,
    RequestStatus,
    SelectedDocument,
)

__all__ = [
    "MOVES",
    "RELEASE_MOVES",
    "Channel",
    "DeliveryFormat",
    "DeliveryMethod",
    "Disclosure",
    "DisclosureQuerySet",
    "Evidence",
    "EvidenceKind",
    "RecordRequest",
    "RecordRequestQuerySet",
    "Release",
    "ReleaseStatus",
    "RequestStatus",
    "SelectedDocument",
]
