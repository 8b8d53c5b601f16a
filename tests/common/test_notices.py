"""What somebody has to be told: once, hers alone, counted cheaply, and never the only copy on a screen that is gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from common.ids import uuid7
from common.notices import queries, services
from common.notices.models import Notice, Tone
from tests.factories import make_user
from tests.support import at_most_queries

Browse = Callable[[User], Client]
Api = Callable[[User], APIClient]


def told(*people: User, text: str = "The package of request 7 is ready.", url: str = "/") -> None:
    services.notify(
        [person.pk for person in people], kind="release.ready", text=text, url=url, tone=Tone.GOOD
    )


def newest(person: User) -> Notice:
    return queries.notices_of(person.pk)[0]


def test_each_person_is_told_once_and_nobody_else(clerk: User, roi: User, supervisor: User) -> None:
    services.notify([clerk.pk, None, roi.pk, clerk.pk], kind="glass.broken", text="Look.", tone=Tone.GLASS)
    assert [queries.count_unread(person.pk) for person in (clerk, roi, supervisor)] == [1, 1, 0]
    services.notify([], kind="glass.broken", text="Look.")
    assert Notice.objects.count() == 2


def test_what_is_undone_was_not_told(clerk: User) -> None:
    class Undone(Exception):
        pass

    with pytest.raises(Undone), transaction.atomic():
        told(clerk)
        raise Undone
    assert queries.count_unread(clerk.pk) == 0


@pytest.mark.parametrize("url", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_a_notice_never_leads_out_of_the_house(clerk: User, url: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        told(clerk, url=url)


def test_opening_a_notice_goes_where_it_leads_and_reads_it(clerk: User, browse: Browse) -> None:
    told(clerk, url="/release/")
    notice = newest(clerk)
    client = browse(clerk)
    answer = client.get(f"/notices/{notice.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/release/")
    first = newest(clerk).read_at
    assert first is not None
    client.get(f"/notices/{notice.pk}/")
    assert newest(clerk).read_at == first


def test_the_page_lists_them_newest_first_and_marks_one_and_all(clerk: User, browse: Browse) -> None:
    for number in range(3):
        told(clerk, text=f"Notice number {number}.")
    client = browse(clerk)
    page = client.get("/notices/")
    assert [notice.text[-2] for notice in page.context["page"]] == ["2", "1", "0"]
    assert page.context["unread"] == 3
    assert client.post(f"/notices/{newest(clerk).pk}/read/").status_code == 302
    page = client.get("/notices/?show=unread")
    assert [notice.text[-2] for notice in page.context["page"]] == ["1", "0"]
    shown_newest = page.context["newest"]
    told(clerk, text="It came while the page was being read.")
    client.post("/notices/read/", {"until": str(shown_newest)})
    assert [notice.text for notice in queries.notices_of(clerk.pk, only_unread=True)] == [
        "It came while the page was being read."
    ]
    client.post("/notices/read/")
    assert queries.count_unread(clerk.pk) == 0
    assert "Nothing waits to be read" in client.get("/notices/?show=unread").content.decode()
    assert "Notice number 0." in client.get("/notices/").content.decode()


def test_somebody_elses_notice_is_not_there(clerk: User, roi: User, browse: Browse, api: Api) -> None:
    told(roi, text="For the specialist.")
    notice = newest(roi)
    client = browse(clerk)
    assert client.get(f"/notices/{notice.pk}/").status_code == 404
    assert client.post(f"/notices/{notice.pk}/read/").status_code == 404
    assert api(clerk).post(f"/api/v1/notices/{notice.pk}/read/").status_code == 404
    client.post("/notices/read/")
    assert "For the specialist" not in client.get("/notices/").content.decode()
    assert queries.count_unread(roi.pk) == 1


def test_a_link_that_only_looks_does_not_mark_all(clerk: User, browse: Browse) -> None:
    told(clerk)
    assert browse(clerk).get("/notices/read/").status_code == 405
    assert queries.count_unread(clerk.pk) == 1


def test_a_program_asks_and_marks(clerk: User, api: Api) -> None:
    for number in range(3):
        told(clerk, text=f"Notice number {number}.")
    client = api(clerk)
    first = client.get("/api/v1/notices/?page_size=2").json()
    rest = client.get(first["next"]).json()
    assert [row["text"][-2] for row in first["results"] + rest["results"]] == ["2", "1", "0"]
    assert set(first["results"][0]) == {"id", "kind", "tone", "text", "url", "at", "read_at"}
    chosen = first["results"][0]["id"]
    marked = client.post(f"/api/v1/notices/{chosen}/read/")
    assert (marked.status_code, marked.json()["id"]) == (200, chosen)
    again = client.post(f"/api/v1/notices/{chosen}/read/").json()
    assert again["read_at"] == marked.json()["read_at"] is not None
    assert len(client.get("/api/v1/notices/?unread=true").json()["results"]) == 2
    assert client.post("/api/v1/notices/nonsense/read/").status_code == 404


@pytest.mark.parametrize("rows", [1, 60])
def test_the_page_and_the_bell_need_few_queries_however_many(
    rows: int, administrator: User, browse: Browse
) -> None:
    for number in range(rows):
        told(administrator, text=f"Notice number {number}.")
    client = browse(administrator)
    client.get("/notices/")
    with at_most_queries(5):
        assert len(client.get("/notices/").context["page"]) == min(rows, 25)
    with at_most_queries(5):
        assert client.get("/counts/").json()["notices"] == rows


def test_a_page_of_the_house_does_not_ask_for_notices(clerk: User, browse: Browse) -> None:
    """The number in the bell comes with the other numbers, after the page; the page itself costs nothing more."""
    told(clerk)
    with CaptureQueriesContext(connection) as captured:
        page = browse(clerk).get("/")
    assert 'data-count="notices"' in page.content.decode()
    assert not [query for query in captured.captured_queries if "notices_notice" in query["sql"]]


def test_reading_a_notice_is_no_look_at_a_chart(clerk: User, browse: Browse) -> None:
    told(clerk)
    before = Event.objects.count()
    client = browse(clerk)
    client.get("/notices/")
    client.get(f"/notices/{newest(clerk).pk}/")
    assert Event.objects.count() == before


def test_only_what_was_read_long_ago_is_forgotten(db: None) -> None:
    clerk = make_user(Role.RECORDS_CLERK)
    for text in ("unread", "read just now", "read long ago"):
        told(clerk, text=text)
    now = timezone.now()
    old = now - timedelta(days=91)
    Notice.objects.update(created_at=old)
    Notice.objects.filter(text="read just now").update(read_at=now)
    Notice.objects.filter(text="read long ago").update(read_at=old)
    assert services.forget() == 1
    assert {notice.text for notice in Notice.objects.of(clerk.pk)} == {"unread", "read just now"}


def test_a_text_that_is_too_long_is_cut_not_lost(clerk: User) -> None:
    told(clerk, text="x" * 5_000)
    assert len(newest(clerk).text) == services.MAX_TEXT
    assert not Notice.objects.of(uuid7()).exists()
