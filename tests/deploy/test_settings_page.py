"""docs/operators/settings.md against the settings that are read."""

import re

from tests.deploy.test_compose import ROOT, may_be_a_file, names_read

PAGE = (ROOT / "docs" / "operators" / "settings.md").read_text()


def test_every_setting_is_on_the_page_and_every_one_on_the_page_is_read() -> None:
    named = set(re.findall(r"`((?:CHARTROOM|DATABASE|REDIS)_[A-Z0-9_]+)(?:=1)?`", PAGE))
    assert named == {name for name in names_read() if name != "DJANGO_SETTINGS_MODULE"}


def test_those_that_may_be_files_are_marked() -> None:
    marked = set(re.findall(r"`(\w+)` \*file\*", PAGE))
    assert marked == {name for name in names_read() if may_be_a_file(name)}
