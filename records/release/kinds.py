"""The kinds of request and what the law asks of each: one row per way a record may leave the hospital.

The order is that of the API (API.md). `evidence` names what must be on file before anything goes;
`is_ready` says whether this version of Chartroom can release for that kind: where it cannot, it says so and
refuses.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db import models


class Kind(models.TextChoices):
    """Rows of the decision table, 45 CFR part 164 subpart E."""

    PATIENT = "patient", "The patient, own records"
    REPRESENTATIVE = "representative", "A personal representative"
    DIRECTIVE = "directive", "The patient, to be sent to somebody else"
    AUTHORIZATION = "authorization", "Somebody with the patient's authorization"
    TREATMENT = "treatment", "A treating provider"
    PAYMENT = "payment", "A payer"
    OPERATIONS = "operations", "Another provider's or plan's operations"
    REQUIRED_BY_LAW = "required_by_law", "Required by law"
    PUBLIC_HEALTH = "public_health", "Public health"
    ABUSE_REPORT = "abuse_report", "Report of abuse or neglect"
    OVERSIGHT = "oversight", "Health oversight agency"
    COURT_ORDER = "court_order", "Order of a court"
    SUBPOENA = "subpoena", "Subpoena without an order"
    LAW_ENFORCEMENT = "law_enforcement", "Law enforcement"
    CORONER = "coroner", "Coroner, medical examiner or funeral director"
    ORGAN_PROCUREMENT = "organ_procurement", "Organ, eye or tissue procurement"
    RESEARCH = "research", "Research without authorization"
    THREAT = "threat", "Serious and imminent threat"
    GOVERNMENT_FUNCTION = "government_function", "Military, veterans or protective services"
    NATIONAL_SECURITY = "national_security", "National security"
    CORRECTIONAL = "correctional", "Correctional institution"
    WORKERS_COMPENSATION = "workers_compensation", "Workers' compensation"
    HHS = "hhs", "HHS Secretary"
    BUSINESS_ASSOCIATE = "business_associate", "Business associate"
    LIMITED_DATA_SET = "limited_data_set", "Limited data set"
    FAMILY = "family", "Directory, or family involved in care"
    INCIDENTAL = "incidental", "Incidental"
    IMPERMISSIBLE = "impermissible", "Disclosed by mistake"


class MinimumNecessary(StrEnum):
    """Whether 45 CFR 164.502(b) limits what goes."""

    NO = "no"
    YES = "yes"
    JUDGED = "judged"


@dataclass(frozen=True)
class KindRule:
    """One row: its ground in law, what must be on file, and whether the accounting of disclosures lists it."""

    kind: Kind
    basis: str
    evidence: tuple[str, ...]
    minimum_necessary: MinimumNecessary
    in_accounting: bool
    is_ready: bool = False

    @property
    def words(self) -> str:
        """The kind in words for people."""
        return Kind(self.kind).label

    @property
    def citation(self) -> str:
        """The ground in law; a disclosure by mistake has none."""
        return "no ground in law" if self.basis == "none" else f"45 CFR {self.basis}"


_NO, _YES, _JUDGED = MinimumNecessary.NO, MinimumNecessary.YES, MinimumNecessary.JUDGED

# 45 CFR 164.528(a)(1) decides the accounting, 164.502(b)(2) minimum necessary.
_ROWS = (
    KindRule(Kind.PATIENT, "164.502(a)(2)(i), 164.524", ("identity",), _NO, False, is_ready=True),
    KindRule(Kind.REPRESENTATIVE, "164.502(g)", ("authority", "identity"), _NO, False),
    KindRule(Kind.DIRECTIVE, "164.524(c)(3)(ii)", ("directive", "identity"), _NO, False),
    KindRule(Kind.AUTHORIZATION, "164.508", ("authorization",), _NO, False, is_ready=True),
    KindRule(Kind.TREATMENT, "164.506(c)(1)-(2)", ("identity",), _NO, False),
    KindRule(Kind.PAYMENT, "164.506(c)(1), (3)", ("identity",), _YES, False),
    KindRule(Kind.OPERATIONS, "164.506(c)(4)", ("relationship",), _YES, False),
    KindRule(Kind.REQUIRED_BY_LAW, "164.512(a)", ("citation",), _NO, True),
    KindRule(Kind.PUBLIC_HEALTH, "164.512(b)", ("authority",), _YES, True),
    KindRule(Kind.ABUSE_REPORT, "164.512(c)", ("authority",), _YES, True),
    KindRule(Kind.OVERSIGHT, "164.512(d)", ("authority",), _YES, True),
    KindRule(Kind.COURT_ORDER, "164.512(e)(1)(i)", ("order",), _YES, True),
    KindRule(Kind.SUBPOENA, "164.512(e)(1)(ii)-(vi)", ("assurance",), _YES, True),
    KindRule(Kind.LAW_ENFORCEMENT, "164.512(f)", ("authority", "identity"), _YES, True),
    KindRule(Kind.CORONER, "164.512(g)", ("authority", "identity"), _YES, True),
    KindRule(Kind.ORGAN_PROCUREMENT, "164.512(h)", ("identity",), _YES, True),
    KindRule(Kind.RESEARCH, "164.512(i)", ("board",), _YES, True),
    KindRule(Kind.THREAT, "164.512(j)", ("good_faith",), _YES, True),
    KindRule(Kind.GOVERNMENT_FUNCTION, "164.512(k)(1), (3), (4)", ("authority",), _YES, True),
    KindRule(Kind.NATIONAL_SECURITY, "164.512(k)(2)", ("authority",), _YES, False),
    KindRule(Kind.CORRECTIONAL, "164.512(k)(5)", ("need",), _YES, False),
    KindRule(Kind.WORKERS_COMPENSATION, "164.512(l)", ("citation",), _YES, True),
    KindRule(Kind.HHS, "164.502(a)(2)(ii)", ("authority",), _NO, True),
    KindRule(Kind.BUSINESS_ASSOCIATE, "164.502(e), 164.504(e)", ("contract",), _YES, False),
    KindRule(Kind.LIMITED_DATA_SET, "164.514(e)", ("agreement",), _JUDGED, False),
    KindRule(Kind.FAMILY, "164.510", ("agreement",), _JUDGED, False),
    KindRule(Kind.INCIDENTAL, "164.502(a)(1)(iii)", (), _NO, False),
    KindRule(Kind.IMPERMISSIBLE, "none", ("assessment",), _NO, True),
)
RULES: dict[str, KindRule] = {row.kind.value: row for row in _ROWS}


def rule_of(kind: str) -> KindRule:
    """The row of a kind. Raises KeyError for a kind that is not in the table."""
    return RULES[kind]
