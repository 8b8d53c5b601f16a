"""J8 to its end, and J9: a complaint becomes a case, is decided and signed off; the log proves itself elsewhere."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.furniture import Furnished
from tests.journeys.house import House
from tests.journeys.test_glass import WIDE, look

Desk = Callable[..., Page]
SAID = "My neighbour works in records and knew of my visit"

# A month that is over and counted: a house that was opened today has none.
LAST_MONTH = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from accounts.services import service_account
from audit.review.models import DayState, SignOff
from audit.services import record
end = timezone.localdate().replace(day=1) - timedelta(days=1)
start = end.replace(day=1)
days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
with transaction.atomic():
    DayState.objects.bulk_create(
        [DayState(day=day, mark="1", counted_at=timezone.now()) for day in days], ignore_conflicts=True
    )
    row = SignOff.objects.create(kind="month", starts_on=start, ends_on=end, due_on=end + timedelta(days=40))
    record("signoff.due", by=service_account("reviews"), about=row)
"""


def freeze(page: Page) -> None:
    """Tick the newest look at the chart and freeze it; what is newer than the last seal waits for the next one."""
    for _ in range(20):
        row = page.locator("tr", has_text="opened the chart").first
        row.get_by_role("checkbox").check()
        page.get_by_role("button", name="Freeze what is ticked").click()
        expect(page.locator("main")).to_contain_text(re.compile("frozen with proof|newer than the last seal"))
        if "newer than the last seal" not in page.locator("main").inner_text():
            return
        page.wait_for_timeout(3000)
    raise AssertionError("The log is not sealed.")


def bare(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The shipped script under a Python that sees no package of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def unpacked(page: Page, folder: Path, link: str) -> Path:
    with page.expect_download() as coming:
        page.get_by_role("link", name=link).first.click()
    coming.value.save_as(folder / "evidence.zip")
    zipfile.ZipFile(folder / "evidence.zip").extractall(folder)
    return folder


def test_a_complaint_is_decided_and_the_month_signed_off(
    desk: Desk, furnished: Furnished, house: House, tmp_path: Path
) -> None:
    clerk = desk("clerk", viewport=WIDE)
    clerk.goto(f"/patients/{furnished.patient}/")
    page = desk("compliance", viewport=WIDE)
    look(page)
    page.keyboard.press("g")
    page.keyboard.press("k")
    expect(page).to_have_url(re.compile("/log/cases/$"))
    look(page)
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Open a case")
    page.get_by_label("What is supposed to have happened").fill(SAID)
    page.get_by_label("About whom").fill("clerk")
    page.get_by_label("Whose chart").fill(furnished.mrn)
    look(page)
    page.get_by_role("button", name="Open the case").click()
    expect(page.locator("main")).to_contain_text(SAID)
    expect(page.locator("main")).to_contain_text("60 days left")
    look(page)
    page.keyboard.press("f")
    expect(page.locator("h1")).to_contain_text("Evidence for case")
    look(page)
    freeze(page)
    expect(page.locator("main")).to_contain_text("1 event frozen with proof")
    page.get_by_text("Write an interview or a note").click()
    page.get_by_label("With whom").fill("the clerk")
    page.get_by_label("What was said or found").fill("She says that she was curious.")
    page.get_by_role("button", name="Add to the case").click()
    expect(page.locator("main")).to_contain_text("She says that she was curious.")
    look(page)
    folder = unpacked(page, tmp_path, "Evidence bundle")
    assert bare(folder).returncode == 0

    page.keyboard.press("d")
    expect(page.locator("h1")).to_contain_text("Decide case")
    page.get_by_label("Policy violation, no breach").check()
    page.get_by_label("Found, and why you decide so").fill("She looked without a reason.")
    page.get_by_label("Why it is no breach").select_option("low")
    page.get_by_label("1. The information").fill("name and one letter")
    page.get_by_label("2. The person").fill("a clerk, bound to secrecy")
    page.get_by_label("3. Acquired or viewed").fill("viewed once, see the evidence")
    page.get_by_role("button", name="Record the decision").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("all four factors")
    look(page)
    page.get_by_label("4. Mitigation").fill("she signed that she told nobody")
    page.get_by_role("button", name="Record the decision").click()
    expect(page.locator("main")).to_contain_text("Your decision is on record")
    page.get_by_role("combobox", name="What followed").select_option("warned")
    page.get_by_label("By whom, by which rule").fill("the head of records, policy 7")
    page.get_by_role("button", name="Record what followed").click()
    page.get_by_role("button", name="Close the case").click()
    expect(page.locator("main")).to_contain_text("is closed")

    done = house.running.manage("shell", "--no-imports", "-c", LAST_MONTH)
    assert done.returncode == 0, done.stderr
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page.locator("h1")).to_have_text("Reviews of activity")
    look(page)
    page.locator("a.row-link").first.click()
    page.get_by_role("button", name="Draw the sample").click()
    expect(page.locator("main")).to_contain_text("Seed")
    look(page)
    page.get_by_label("the access log", exact=True).check()
    page.get_by_role("textbox", name="Found").fill("One look without a reason.")
    page.get_by_role("textbox", name="Decided").fill("Policy 7 is taught again.")
    page.get_by_role("button", name="Sign the review").click()
    expect(page.locator("main")).to_contain_text("is signed")
    expect(page.locator("main")).to_contain_text("SHA-256")
    look(page)
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.locator("h1")).to_have_text("Reports")
    look(page)


def test_the_log_proves_itself_in_another_folder(desk: Desk, furnished: Furnished, tmp_path: Path) -> None:
    """J9."""
    desk("clerk", viewport=WIDE).goto(f"/patients/{furnished.patient}/")
    page = desk("compliance", viewport=WIDE)
    page.goto("/log/proof/")
    page.get_by_role("button", name="Check the whole log").click()
    expect(page.locator("main")).to_contain_text("The log is being checked")
    for _ in range(20):
        page.goto("/log/proof/")
        if "events in" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(1500)
    expect(page.locator(".state-good").first).to_contain_text("Whole")
    page.goto(f"/log/?patient={furnished.mrn}&period=all")
    folder = unpacked(page, tmp_path, "Evidence")
    whole = bare(folder)
    assert whole.returncode == 0, whole.stdout
    assert "all as they were sealed" in whole.stdout
    events = folder / "events.jsonl"
    raw = bytearray(events.read_bytes())
    place = raw.index(b"patient.")
    raw[place] ^= 1
    events.write_bytes(bytes(raw))
    bent = bare(folder)
    assert bent.returncode == 1
    assert "NOT PROVEN" in bent.stdout or "cannot be read" in bent.stdout
