"""Reports over a period: read from the days that are counted (`counting`), so that twenty million events cost no more.

Each says until when it is complete. People are counted by id and named as they are called now. No patient is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.models import User
from accounts.roles import words_for
from audit.review import counting
from audit.review.describing import words_of
from audit.review.models import Alert, Case, CaseStatus, DayCount, DayPerson, DayState, GlassReview, SignOff
from common.words import counted

TOP = 25
WEEKLY_UP_TO = 100  # days; longer periods are shown by month
Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column: its head, and whether it holds numbers."""

    head: str
    is_number: bool = True
    suffix: str = ""


@dataclass
class Report:
    """A report as page, picture and paper show it."""

    name: str
    title: str
    what: str
    since: date
    until: date
    columns: list[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    bars: list[tuple[str, float]] = field(default_factory=list)  # the picture: label and value
    bars_of: str = ""
    complete_until: date | None = None
    short_days: int = 0
    more: str = ""  # what else has to be known to read it

    @property
    def is_complete(self) -> bool:
        """Whether every day of the period is counted."""
        return self.complete_until is not None and self.complete_until >= self.until


@dataclass(frozen=True)
class Kind:
    """A report that there is."""

    name: str
    title: str
    what: str
    make: Callable[[Report], None]


def text_of(cell: Cell, column: Column) -> str:
    """A cell as people read it; what is not known stays empty."""
    if cell is None:
        return ""
    return f"{cell:,}{column.suffix}" if isinstance(cell, int | float) else str(cell)


def _days(report: Report) -> Any:
    return DayState.objects.filter(day__gte=report.since, day__lte=report.until).exclude(counted_at=None)


def _counts(report: Report) -> Any:
    return DayCount.objects.filter(day__gte=report.since, day__lte=report.until)


def role_text(names: str) -> str:
    """The roles of a count in words."""
    return ", ".join(words_for(name) for name in names.split(",") if name) or "nobody signed in"


def _names(ids: Sequence[UUID]) -> dict[UUID, str]:
    """What these people are called now."""
    return {key: f"{user.display_name} ({user.username})" for key, user in User.objects.in_bulk(ids).items()}


def buckets(since: date, until: date) -> list[tuple[str, date, date]]:
    """The weeks or months of a period with their names, first and last days; the ends are cut off by the period."""
    found = []
    start = since
    weekly = (until - since).days <= WEEKLY_UP_TO
    while start <= until:
        if weekly:
            end = start + timedelta(days=6 - start.weekday())
            name = f"{start:%d %b}"
        else:
            end = (start.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            name = f"{start:%b %Y}"
        found.append((name, start, min(end, until)))
        start = end + timedelta(days=1)
    return found


def _by_bucket(report: Report, sums: dict[date, int]) -> list[tuple[str, float]]:
    return [
        (name, float(sum(count for day, count in sums.items() if first <= day <= last)))
        for name, first, last in buckets(report.since, report.until)
    ]


def _per_day(rows: Any) -> dict[date, int]:
    return dict(rows.order_by().values_list("day").annotate(all=Sum("count")))


def _roles(report: Report) -> None:
    grouped = (
        _counts(report)
        .values("role")
        .annotate(
            accesses=Sum("count", filter=Q(is_access=True), default=0),
            refused=Sum("count", filter=Q(outcome="denied"), default=0),
            taken=Sum("count", filter=Q(action__in=counting.TAKEN, outcome="success"), default=0),
            events=Sum("count"),
        )
        .order_by("-accesses", "role")
    )
    report.columns = [
        Column("Roles held then", is_number=False),
        Column("Accesses"),
        Column("Refused"),
        Column("Taken out"),
        Column("Events"),
    ]
    report.rows = [
        [role_text(row["role"]), row["accesses"], row["refused"], row["taken"], row["events"]]
        for row in grouped
    ]
    report.bars = [(str(row[0]), float(row[1] or 0)) for row in report.rows if row[1]][:12]
    report.bars_of = "Accesses by role"


def _denials(report: Report) -> None:
    refused = _counts(report).filter(outcome="denied")
    people = (
        DayPerson.objects.filter(day__gte=report.since, day__lte=report.until, refused__gt=0)
        .values("actor_id")
        .annotate(all=Sum("refused"), days=Count("day"), accesses=Sum("accesses"))
        .order_by("-all", "actor_id")[:TOP]
    )
    rows = list(people)
    names = _names([row["actor_id"] for row in rows])
    report.columns = [
        Column("Who was refused most", is_number=False),
        Column("Refusals"),
        Column("On days"),
        Column("Accesses"),
    ]
    report.rows = [
        [names.get(row["actor_id"], str(row["actor_id"])), row["all"], row["days"], row["accesses"]]
        for row in rows
    ]
    report.bars = _by_bucket(report, _per_day(refused))
    report.bars_of = "Refusals"


def _exports(report: Report) -> None:
    taken = _counts(report).filter(action__in=counting.TAKEN, outcome="success")
    kinds = taken.values("event", "role").annotate(all=Sum("count")).order_by("-all", "event", "role")
    report.columns = [
        Column("What", is_number=False),
        Column("Roles held then", is_number=False),
        Column("Times"),
    ]
    report.rows = [[words_of(row["event"]), role_text(row["role"]), row["all"]] for row in kinds]
    report.bars = _by_bucket(report, _per_day(taken))
    report.bars_of = "Printed, copied, exported, disclosed"


def _glass(report: Report) -> None:
    start, end = counting.bounds(report.since)[0], counting.bounds(report.until)[1]
    reviews = GlassReview.objects.filter(created_at__gte=start, created_at__lt=end, is_drill=False)
    grouped = (
        reviews.values("subject_id")
        .annotate(
            all=Count("pk"),
            fine=Count("pk", filter=Q(outcome="appropriate")),
            wrong=Count("pk", filter=Q(outcome="violation")),
            case=Count("pk", filter=Q(outcome="case")),
            open=Count("pk", filter=Q(outcome="")),
        )
        .order_by("-all", "subject_id")
    )
    rows = list(grouped[:TOP])
    names = _names([row["subject_id"] for row in rows])
    report.columns = [
        Column("Who broke it most", is_number=False),
        Column("Times"),
        Column("Appropriate"),
        Column("Against the rules"),
        Column("Needed a case"),
        Column("To review"),
    ]
    report.rows = [
        [names[row["subject_id"]], row["all"], row["fine"], row["wrong"], row["case"], row["open"]]
        for row in rows
    ]
    report.bars = _by_bucket(report, _per_day(_counts(report).filter(event="glass.broken")))
    report.bars_of = "Glass broken, drills among it"


def _unexplained(report: Report) -> None:
    asked = _days(report).exclude(explained=None)
    grouped = (
        DayPerson.objects.filter(day__gte=report.since, day__lte=report.until)
        .exclude(unexplained=None)
        .values("actor_id")
        .annotate(accesses=Sum("accesses"), unexplained=Sum("unexplained"), contradicted=Sum("contradicted"))
        .filter(Q(unexplained__gt=0) | Q(contradicted__gt=0))
        .order_by("-unexplained", "-contradicted", "actor_id")[:TOP]
    )
    rows = list(grouped)
    names = _names([row["actor_id"] for row in rows])
    report.columns = [
        Column("Who", is_number=False),
        Column("Accesses"),
        Column("Unexplained"),
        Column("Speaks against"),
        Column("Unexplained", suffix=" %"),
    ]
    report.rows = [
        [
            names.get(row["actor_id"], str(row["actor_id"])),
            row["accesses"],
            row["unexplained"],
            row["contradicted"],
            _percent(row["unexplained"], row["accesses"]),
        ]
        for row in rows
    ]
    per_day = {row.day: row.accesses - (row.explained or 0) for row in asked}
    report.bars = _by_bucket(report, per_day)
    report.bars_of = "Accesses that nothing explains"
    left = _days(report).filter(explained=None).count()
    if left:
        report.more = (
            f"{counted(left, 'day')} of the period were not asked about: accesses are explained a day"
            f" later, and at most {counting.EXPLAINED_BACK} days back."
        )


def _percent(part: float | None, whole: float | None) -> float | None:
    return round(100 * (part or 0) / whole, 1) if whole else None


def _ages_at(end: datetime, cases: list[tuple[datetime, datetime | None]]) -> list[int]:
    return [
        (end - opened).days for opened, closed in cases if opened < end and (closed is None or closed >= end)
    ]


def _trend(report: Report) -> None:
    states = list(_days(report))
    start, end = counting.bounds(report.since)[0], counting.bounds(report.until)[1]
    cases = list(
        Case.objects.filter(created_at__lt=end)
        .filter(Q(closed_at=None) | Q(closed_at__gte=start))
        .values_list("created_at", "closed_at")
    )
    late = [
        *SignOff.objects.filter(due_on__lt=report.until)
        .filter(Q(signed_at=None) | Q(signed_at__gte=start))
        .values_list("due_on", "signed_at"),
        *GlassReview.objects.filter(due_on__lt=report.until)
        .filter(Q(decided_at=None) | Q(decided_at__gte=start))
        .values_list("due_on", "decided_at"),
    ]
    alerts = dict(
        Alert.objects.filter(week_on__gte=report.since, week_on__lte=report.until)
        .values_list("week_on")
        .annotate(all=Count("pk"))
    )
    report.columns = [
        Column("Until", is_number=False),
        Column("Accesses"),
        Column("Explained", suffix=" %"),
        Column("Alerts"),
        Column("Median age of open cases", suffix=" d"),
        Column("Proof up", suffix=" %"),
        Column("Reviews overdue"),
    ]
    for _, first, last in buckets(report.since, report.until):
        mine = [state for state in states if first <= state.day <= last]
        asked = [state for state in mine if state.explained is not None]
        close = counting.bounds(last)[1]
        ages = _ages_at(close, cases)
        seconds = sum(
            (counting.bounds(state.day)[1] - counting.bounds(state.day)[0]).total_seconds() for state in mine
        )
        waited = sum(state.late_seconds for state in mine)
        report.rows.append(
            [
                f"{last:%d %b %Y}",
                sum(state.accesses for state in mine) if mine else None,
                _percent(sum(s.explained or 0 for s in asked), sum(s.accesses for s in asked)),
                sum(count for week, count in alerts.items() if first <= week <= last),
                int(median(ages)) if ages else None,
                round(100 - 100 * waited / seconds, 2) if seconds else None,
                sum(1 for due, done in late if due < last and (done is None or done >= close)),
            ]
        )
    report.bars = _by_bucket(report, {state.day: state.accesses for state in states})
    report.bars_of = "Accesses"


KINDS = (
    Kind(
        "roles",
        "Accesses by role",
        "How much each role did: charts opened, refusals, what was taken out.",
        _roles,
    ),
    Kind(
        "unexplained",
        "Top unexplained",
        "Whose accesses nothing explains that the hospital knows.",
        _unexplained,
    ),
    Kind("denials", "Refusals", "Who was refused how often.", _denials),
    Kind("exports", "Taken out", "What was printed, copied, exported and disclosed.", _exports),
    Kind("glass", "Broken glass", "Who broke the glass, and how it was judged.", _glass),
    Kind("trend", "How it goes", "The office's own figures over time.", _trend),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def make(name: str, since: date, until: date) -> Report:
    """One report. Raises KeyError for a name there is not."""
    kind = BY_NAME[name]
    report = Report(kind.name, kind.title, kind.what, since, until, [])
    report.complete_until = counting.complete_until()
    kind.make(report)
    report.short_days = _days(report).filter(is_short=True).count()
    return report


def numbers(since: date, until: date) -> dict[str, Any]:
    """The numbers that a signed review keeps of its period: JSON, and the cases that were closed in it (MON-7)."""
    start, end = counting.bounds(since)[0], counting.bounds(until)[1]
    days = DayState.objects.filter(day__gte=since, day__lte=until).exclude(counted_at=None)
    totals = days.aggregate(
        days=Count("day"),
        all_events=Sum("events", default=0),
        all_accesses=Sum("accesses", default=0),
        late=Sum("late_seconds", default=0),
        asked=Sum("accesses", filter=Q(explained__isnull=False), default=0),
        all_explained=Sum("explained", default=0),
        short=Count("day", filter=Q(is_short=True)),
    )
    summed = DayCount.objects.filter(day__gte=since, day__lte=until).aggregate(
        refused=Sum("count", filter=Q(outcome="denied"), default=0),
        taken=Sum("count", filter=Q(action__in=counting.TAKEN, outcome="success"), default=0),
        glass=Sum("count", filter=Q(event="glass.broken"), default=0),
        failed=Sum("count", filter=Q(action="sign-in-failed"), default=0),
    )
    closed = Case.objects.filter(status=CaseStatus.CLOSED, closed_at__gte=start, closed_at__lt=end)
    alerts = Alert.objects.filter(week_on__gte=since, week_on__lte=until)
    return {
        "days_counted": totals["days"],
        "days_in_period": (until - since).days + 1,
        "days_short": totals["short"],
        "events": totals["all_events"],
        "accesses": totals["all_accesses"],
        "explained_percent": _percent(totals["all_explained"], totals["asked"]),
        "explained_asked": totals["asked"],
        **summed,
        "alerts": alerts.count(),
        "alerts_open": alerts.filter(state="new").count(),
        "cases_opened": Case.objects.filter(created_at__gte=start, created_at__lt=end).count(),
        "cases_closed": [
            {"number": number, "outcome": outcome, "sanction": sanction}
            for number, outcome, sanction in closed.order_by("number").values_list(
                "number", "outcome", "sanction"
            )
        ],
        "cases_open_at_end": Case.objects.filter(created_at__lt=end)
        .filter(Q(closed_at=None) | Q(closed_at__gte=end))
        .count(),
        "glass_overdue": GlassReview.objects.filter(due_on__lte=until)
        .filter(Q(decided_at=None) | Q(decided_at__gte=end))
        .count(),
        "proof_late_seconds": totals["late"],
        "taken_on": timezone.now().isoformat(timespec="seconds"),
    }
