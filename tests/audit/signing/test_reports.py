"""Reports equal a direct count, say until when they are complete, name people as they are called now, and are fast."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pikepdf
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from audit.review import counting, pictures, reports
from audit.review.models import DayState
from audit.review.report_views import usual_period
from audit.review.services import reporting
from audit.services import record
from common.errors import Denied
from tests.audit.cases.making import NASTY, complaint
from tests.audit.signing.making import count_everything
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


@pytest.fixture
def whole(busy: date) -> tuple[date, date]:
    count_everything()
    counting.explain_newest_day()
    return busy, timezone.localdate() - timedelta(days=1)


def test_accesses_by_role_equal_a_direct_count(whole: tuple[date, date]) -> None:
    since, until = whole[0] + timedelta(days=3), whole[1] - timedelta(days=3)
    report = reports.make("roles", since, until)
    rows = Event.objects.filter(at__gte=counting.bounds(since)[0], at__lt=counting.bounds(until)[1])
    clerks = rows.filter(
        roles__names=["records_clerk"], patient_id__isnull=False, outcome="success", action="view"
    )
    copies = rows.filter(action="copy", patient_id__isnull=False)
    found = {row[0]: row[1:] for row in report.rows}
    assert found["Records clerk"][0] == clerks.count() + copies.count()
    assert found["Clinician"][1] == rows.filter(outcome="denied").count()
    assert sum(int(row[4] or 0) for row in report.rows) == rows.count()
    assert report.is_complete


def test_each_report_has_something_to_say(whole: tuple[date, date], nosy: User) -> None:
    for kind in reports.KINDS:
        report = reports.make(kind.name, *whole)
        assert all(len(row) == len(report.columns) for row in report.rows), kind.name
        if kind.name != "glass":
            assert report.rows, kind.name
    unexplained = reports.make("unexplained", *whole)
    assert f"Nosy Nettle ({nosy.username})" in [row[0] for row in unexplained.rows]
    assert "were not asked about" in unexplained.more
    denials = reports.make("denials", *whole)
    assert denials.rows[0][:3] == [f"Nosy Nettle ({nosy.username})", 10, 10]
    assert sum(value for _, value in denials.bars) == 10


def test_the_trend_tells_the_age_of_cases_and_what_is_overdue(
    whole: tuple[date, date], compliance: User, clerk: User
) -> None:
    complaint(compliance, clerk)
    today = timezone.localdate()
    report = reports.make("trend", whole[0], today)
    last = report.rows[-1]
    assert last[4] == 0
    assert sum(int(row[1] or 0) for row in report.rows) == sum(row.accesses for row in DayState.objects.all())
    assert not report.is_complete  # today is not counted


def test_a_report_says_when_it_is_not_whole(
    whole: tuple[date, date], compliance: User, browse: Browse
) -> None:
    client = browse(compliance)
    address = f"/log/reports/roles/?since={whole[0]}&until={whole[1]}"
    assert "Complete" in client.get(address).content.decode()
    DayState.objects.filter(day=whole[1]).update(counted_at=None)
    page = client.get(address).content.decode()
    assert "Counted until" in page
    DayState.objects.filter(day=whole[0]).update(is_short=True)
    assert "fewer events than were counted" in client.get(address).content.decode()
    DayState.objects.all().delete()
    assert "No day is counted yet" in client.get(address).content.decode()


def test_a_renamed_colleague_is_one_person_by_her_new_name(
    whole: tuple[date, date], nosy: User, compliance: User, browse: Browse
) -> None:
    with transaction.atomic():
        nosy.name = NASTY[:120]
        nosy.save()
        record("user.changed", by=compliance, about=nosy)
    page = browse(compliance).get(f"/log/reports/denials/?since={whole[0]}&until={whole[1]}").content.decode()
    assert "Nosy Nettle" not in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("kind", reports.KINDS, ids=lambda kind: kind.name)
def test_pages_and_paper(
    whole: tuple[date, date], kind: reports.Kind, compliance: User, nosy: User, browse: Browse
) -> None:
    with transaction.atomic():
        nosy.name = NASTY[:120]
        nosy.save()
        record("user.changed", by=compliance, about=nosy)
    client = browse(compliance)
    query = f"?since={whole[0]}&until={whole[1]}"
    with at_most_queries(16):
        page = client.get(f"/log/reports/{kind.name}/{query}")
    assert page.status_code == 200
    assert "style=" not in page.content.decode().split("<main")[1]
    assert events("report.viewed")[-1].detail["report"] == kind.name
    paper = client.get(f"/log/reports/{kind.name}/pdf/{query}")
    assert paper["Content-Type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(paper.content)) as pdf:
        assert len(pdf.pages) >= 1
        assert "/JavaScript" not in str(pdf.Root.keys())
    assert events("report.taken")[-1].detail["report"] == kind.name


def test_periods_that_cannot_be(whole: tuple[date, date], compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    for query in (
        "?since=2026-02-30",
        "?since=2026-05-01&until=2026-04-01",
        "?since=1990-01-01",
        "?until=%00",
    ):
        answer = client.get(f"/log/reports/roles/{query}")
        assert answer.status_code == 422, query
    assert client.get("/log/reports/none/").status_code == 404
    assert client.get("/log/reports/none/pdf/").status_code == 404


def test_the_usual_period_begins_on_a_monday() -> None:
    since, until = usual_period()
    assert (since.weekday(), until) == (0, timezone.localdate() - timedelta(days=1))
    assert len(reports.buckets(since, until)) == 13


def test_only_whoever_reads_the_log(whole: tuple[date, date], clerk: User) -> None:
    for verb in (reporting.view_report, reporting.take_report):
        with pytest.raises(Denied):
            verb(by=clerk, name="roles", since=whole[0], until=whole[1])
    assert not events("report.viewed")


@pytest.mark.parametrize(
    ("since", "until", "names"),
    [
        (date(2026, 11, 4), date(2026, 11, 15), ["04 Nov", "09 Nov"]),
        (
            date(2026, 1, 15),
            date(2026, 6, 2),
            ["Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026", "May 2026", "Jun 2026"],
        ),
        (date(2026, 2, 1), date(2026, 2, 1), ["01 Feb"]),
    ],
)
def test_weeks_and_months(since: date, until: date, names: list[str]) -> None:
    found = reports.buckets(since, until)
    assert [name for name, _, _ in found] == names
    assert (found[0][1], found[-1][2]) == (since, until)
    for (_, _, end), (_, start, _) in pairwise(found):
        assert start == end + timedelta(days=1)


@pytest.mark.parametrize(
    ("most", "end"), [(0, 1), (1, 1), (1.2, 2), (3, 5), (7, 10), (23, 50), (99_999, 100_000)]
)
def test_the_scale_of_a_picture(most: float, end: float) -> None:
    assert pictures.scale_end(most) == end


def test_bars_stay_in_their_picture() -> None:
    assert pictures.bars([]) is None
    assert pictures.bars([("a", 0.0)]) is None
    picture = pictures.bars([(f"week {place}", float(place)) for place in range(200)])
    assert picture is not None
    assert all(bar.y >= 0 and bar.y + bar.height <= picture.base + 0.1 for bar in picture.bars)
    assert all(bar.x + bar.width <= picture.width for bar in picture.bars)
    assert sum(1 for bar in picture.bars if bar.shown) <= pictures.MOST_LABELS
