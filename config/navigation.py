"""What the frame offers by right: the rail at the left, the New menu, the search box. Reads no row."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.middleware import whose
from accounts.models import User
from accounts.sessions import DRAFTS


@dataclass(frozen=True)
class Item:
    """One entry of the rail or of the New menu. `count` names its number in the answer of `home-counts`."""

    label: str
    icon: str
    url: str
    room: str = ""
    key: str = ""
    count: str = ""


@dataclass(frozen=True)
class _Entry:
    label: str
    icon: str
    address: str
    needs: str
    key: str = ""
    count: str = ""
    unless: str = ""  # a right that offers the same by another way
    room: str = ""  # when it is not the address's own


RAIL = (
    _Entry("Patients", "people", "patients:search", "patients.search_patients", "g p"),
    _Entry("Capture", "upc-scan", "capture:home", "documents.file_document", "g c", "capture"),
    _Entry("Requests", "send", "release:list", "release.view_request", "g r", "requests"),
    _Entry("Access log", "journal-text", "review:log", "review.view_log", "g a"),
    _Entry(
        "Broken glass",
        "shield-exclamation",
        "review:glass-list",
        "review.review_glass",
        "g b",
        "glass",
        room="glass",
    ),
    _Entry("Cases", "folder2-open", "review:case-list", "review.work_cases", "g k", "cases", room="cases"),
    _Entry("Watch", "eye", "review:watch", "review.work_alerts", "g w", "alerts", room="watch"),
    _Entry(
        "Reviews",
        "clipboard2-pulse",
        "review:signoff-list",
        "review.sign_reviews",
        "g v",
        "signoffs",
        room="signoffs",
    ),
    _Entry("Reports", "speedometer2", "review:report-list", "review.view_log", "g t", room="reports"),
    _Entry("Labels", "lock", "documents:labels", "documents.change_label_rules"),
    _Entry("Users", "person-gear", "accounts:users", "accounts.manage_users", "g u", "people"),
    _Entry(
        "Rights",
        "grid-3x3-gap",
        "accounts:rights",
        "accounts.view_rights",
        "g u",
        "people",
        "accounts.manage_users",
    ),
    _Entry("System", "heart-pulse", "system", "accounts.view_system", "g s", "trouble"),
)
NEW = (
    _Entry("Register a patient", "person-plus", "patients:register", "patients.register_patient"),
    _Entry("File a document", "cloud-upload", "capture:home", "documents.file_document"),
    _Entry("Log a request", "send", "release:new", "release.log_request"),
    _Entry("Emergency access", "shield-exclamation", "accounts:emergency", "accounts.declare_emergency"),
    _Entry("Add a user", "person-plus", "accounts:user-new", "accounts.manage_users"),
)


@dataclass(frozen=True)
class ChartTab:
    """One tab of a chart or of the pages about people: the word templates compare with `tab`, label, address."""

    tab: str
    label: str
    address: str
    needs: str


CHART_TABS = (
    ChartTab("timeline", "Timeline", "patients:chart", "patients.view_chart"),
    ChartTab("demographics", "Demographics", "patients:demographics", "patients.view_chart"),
    ChartTab("encounters", "Encounters", "patients:encounters", "patients.view_chart"),
    ChartTab("requests", "Requests & disclosures", "release:chart", "release.view_request"),
    ChartTab("opening", "Who may open", "patients:opening", "patients.restrict_chart"),
    ChartTab("access", "Access", "review:chart", "review.view_chart_access"),
)
_ANY_CHART = UUID(int=0)
PEOPLE_TABS = (
    ChartTab("users", "Users", "accounts:users", "accounts.manage_users"),
    ChartTab("programs", "Interfaces", "accounts:programs", "accounts.manage_users"),
    ChartTab("roles", "Roles", "accounts:roles", "accounts.view_rights"),
    ChartTab("rights", "Who can do what", "accounts:rights", "accounts.view_rights"),
    ChartTab("review", "Access review", "accounts:review", "accounts.approve_role_change"),
    ChartTab("report", "Dormant and excessive", "accounts:rights-report", "accounts.approve_role_change"),
    ChartTab("changes", "Changes of rights", "accounts:role-changes", "accounts.approve_role_change"),
    ChartTab("stop", "Emergency stop", "accounts:user-stop", "accounts.stop_users"),
)


def _chart_tabs(rights: frozenset[str]) -> tuple[ChartTab, ...]:
    tabs = []
    for tab in CHART_TABS:
        if tab.needs not in rights:
            continue
        try:
            reverse(tab.address, args=[_ANY_CHART])
        except NoReverseMatch:  # a room whose pages are not built yet
            continue
        tabs.append(tab)
    return tuple(tabs)


def _address(name: str, *args: object) -> str:
    """The address of a page, or nothing for one that is not built yet."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _permitted(entries: tuple[_Entry, ...], rights: frozenset[str]) -> tuple[Item, ...]:
    items = []
    for entry in entries:
        is_offered = entry.needs in rights and entry.unless not in rights
        url = _address(entry.address) if is_offered else ""
        if url:
            room = entry.room or entry.address.partition(":")[0]
            items.append(Item(entry.label, entry.icon, url, room, entry.key, entry.count))
    return tuple(items)


# Pages of the room that are about others; the rest of it is one's own account.
ABOUT_PEOPLE = (
    "accounts:user", "accounts:program", "accounts:role", "accounts:rights", "accounts:review", "patients:workplaces",
)  # fmt: skip


@lru_cache(maxsize=64)
def _for_rights(rights: frozenset[str]) -> dict[str, Any]:
    """Everything that depends on the rights alone: a handful of combinations, made once each."""
    home = Item("Home", "house", reverse("home"), "home", "g h")
    rail = (home, *_permitted(RAIL, rights))
    return {
        "rail": rail,
        "addresses": frozenset(item.url for item in rail),
        "new": _permitted(NEW, rights),
        "search": _address("patients:search") if "patients.search_patients" in rights else "",
        "counts": reverse("home-counts"),
        "chart_tabs": _chart_tabs(rights),
        "people_tabs": tuple(tab for tab in PEOPLE_TABS if tab.needs in rights),
    }


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `navigation` for base.html; nothing for somebody who has not signed in."""
    user = getattr(request, "user", None)  # a refusal before the middleware has none
    if not isinstance(user, User):
        return {"navigation": {}}
    match = request.resolver_match
    room = (match.namespace or match.view_name) if match else ""
    if match and (match.view_name or "").startswith(ABOUT_PEOPLE):
        room = "accounts"
    elif match and match.view_name and match.view_name.startswith("review:glass"):
        room = "glass"
    elif match and match.view_name and match.view_name.startswith("review:case"):
        room = "cases"
    elif match and match.view_name and match.view_name.startswith(("review:watch", "review:alert")):
        room = "watch"
    elif match and match.view_name and match.view_name.startswith("review:signoff"):
        room = "signoffs"
    elif match and match.view_name and match.view_name.startswith("review:report"):
        room = "reports"
    elif room == "accounts":
        room = ""
    given = _for_rights(user.rights)
    own = {
        "name": user.display_name,
        "role": ", ".join(user.role_labels),
        "room": room,
        "here": request.path if request.path in given["addresses"] else "",
        "whose": whose(user),
        "draft": request.session.get(DRAFTS, {}).get(request.get_full_path(), ""),
    }
    return {"navigation": {**given, **own}}
