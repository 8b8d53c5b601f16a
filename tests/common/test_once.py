"""The same form sent twice has one effect."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from accounts.roles import Role
from common.errors import Denied, WrongMove
from common.ids import uuid7
from common.models import Once
from common.once import claim, once
from patients.models import Facility
from tests.factories import make_user
from tests.threads import together


def posted(user: Any, token: str, path: str = "/things/", **fields: str) -> HttpRequest:
    request = RequestFactory().post(path, {"once": token, **fields})
    request.user = user
    return request


@once
def add(request: HttpRequest) -> HttpResponse:
    """Makes a thing; a name that is empty shows the form again, `no` is refused."""
    name = request.POST.get("name", "")
    if name == "no":
        Facility.objects.create(name=f"half-{request.POST['once']}")
        raise Denied("No.")
    if not name:
        return HttpResponse("the form again", status=422)
    row = Facility.objects.create(name=name)
    return HttpResponseRedirect(f"/things/{row.pk}/")


@pytest.mark.committed
def test_a_double_click_makes_one_row_and_both_see_it(committed: None) -> None:
    user, token, name = make_user(Role.RECORDS_CLERK), uuid7().hex, uuid7().hex
    answers = together(lambda _: add(posted(user, token, name=name)), 4)
    row = Facility.objects.get(name=name)
    assert [answer.status_code for answer in answers] == [302] * 4
    assert {answer["Location"] for answer in answers} == {f"/things/{row.pk}/"}


@pytest.mark.committed
def test_the_second_click_goes_on_when_the_first_fails(committed: None) -> None:
    """The first waits for nobody and is refused; the second, which waited for it, does the work."""
    user, token, name = make_user(Role.RECORDS_CLERK), uuid7().hex, uuid7().hex

    def click(number: int) -> HttpResponse:
        return add(posted(user, token, name=name if number else ""))

    answers = together(click)
    assert Facility.objects.filter(name=name).count() <= 1
    again = add(posted(user, token, name=name))
    assert again.status_code == 302
    assert Facility.objects.filter(name=name).count() == 1
    assert {answer.status_code for answer in answers} <= {302, 422}


def test_a_form_shown_again_frees_its_token(db: None) -> None:
    user, token, name = make_user(Role.RECORDS_CLERK), uuid7().hex, uuid7().hex
    assert add(posted(user, token)).status_code == 422
    assert not Once.objects.filter(key=token).exists()
    assert add(posted(user, token, name=name)).status_code == 302


def test_a_refusal_leaves_nothing(db: None) -> None:
    user, token = make_user(Role.RECORDS_CLERK), uuid7().hex
    with pytest.raises(Denied), transaction.atomic():
        add(posted(user, token, name="no"))
    assert not Facility.objects.filter(name=f"half-{token}").exists()
    assert not Once.objects.filter(key=token).exists()


def test_a_token_is_of_one_person_and_one_page(db: None) -> None:
    one, other = make_user(Role.RECORDS_CLERK), make_user(Role.RECORDS_CLERK)
    token = uuid7().hex
    assert add(posted(one, token, name=uuid7().hex)).status_code == 302
    assert add(posted(other, token, name=uuid7().hex)).status_code == 302
    with pytest.raises(WrongMove) as refused, transaction.atomic():
        add(posted(one, token, path="/elsewhere/", name=uuid7().hex))
    assert refused.value.code == "idempotency_key_reused"


def test_without_a_token_nothing_is_kept(db: None) -> None:
    user = make_user(Role.RECORDS_CLERK)
    before = Once.objects.count()
    assert add(posted(user, "", name=uuid7().hex)).status_code == 302
    assert Once.objects.count() == before


def test_a_key_of_any_length_is_held(db: None) -> None:
    user = make_user(Role.RECORDS_CLERK)
    row, is_new = claim(user.pk, "k" * 10_000, "f")
    again, is_new_again = claim(user.pk, "k" * 10_000, "f")
    assert (is_new, is_new_again, row.pk) == (True, False, again.pk)
    assert connection.in_atomic_block
