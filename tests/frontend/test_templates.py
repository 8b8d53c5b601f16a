"""Every template keeps to the content security policy, names files that exist, and passes the linter."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template

TEMPLATES = Path(settings.BASE_DIR) / "templates"
ALL = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
SPRITE = (Path(settings.BASE_DIR) / "static/vendor/bootstrap-icons/icons.svg").read_text()
every_template = pytest.mark.parametrize("name", ALL)


def source(name):
    """The template's text without its comments, which never reach a browser."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"\{#.*?#\}|\{% comment.*?endcomment %\}", "", text, flags=re.S)


def test_there_are_templates_to_check():
    assert {"base.html", "_patient_banner.html", "accounts/sign_in.html"} <= set(ALL)


@every_template
def test_nothing_is_inline_that_the_content_security_policy_refuses(name):
    text = source(name)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text, re.I), "an inline script"
    assert not re.search(r"<style\b|\sstyle\s*=", text, re.I), "an inline style"
    assert not re.search(r"\son[a-z]+\s*=|\shx-on\b", text, re.I), "an inline handler"
    assert not re.search(r"javascript:|=\s*[\"']data:", text, re.I), "a script or data address"
    assert not re.search(r"hx-trigger=[\"'][^\"']*\[", text), "a trigger filter, which htmx evaluates"
    assert "|safe" not in text


@every_template
def test_every_static_file_and_icon_named_exists(name):
    text = source(name)
    for path in re.findall(r"""\{%\s*static\s+["']([^"']+)["']""", text):
        assert finders.find(path), path
    for icon in re.findall(r"""\{%\s*icon\s+["']([^"']+)["']""", text):
        assert f'id="{icon}"' in SPRITE, icon
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text), "an address on another host"


@every_template
def test_every_template_compiles(name):
    get_template(name)


@every_template
def test_forms_that_post_carry_the_csrf_token(name):
    for form in re.findall(r"<form\b[^>]*>.*?</form>", source(name), re.S | re.I):
        if re.search(r"""method=["']post["']|hx-post""", form.split(">")[0], re.I):
            assert "csrf_token" in form or "_once.html" in form


def test_the_linter_finds_nothing():
    command = [sys.executable, "-m", "djlint", "--lint", "--quiet", str(TEMPLATES)]
    linted = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


# What scripts put into a browser's storage, and why that is nobody's secret.
STORED = {
    "chartroom.theme": "light or dark",
    "ACTIVE": "when somebody last touched a key",
    "LOCKED": "when the screen went blank",
    "KEY": "how much work waits: numbers",
    "key": "of the function that idle.js calls with the two above",
}


def test_nothing_else_lies_in_the_browser_s_storage():
    """No patient's data outlives the page in a browser (ASVS 8.2.2)."""
    scripts = sorted((Path(settings.BASE_DIR) / "static/js").rglob("*.js"))
    assert scripts
    for script in scripts:
        text = script.read_text()
        kept = re.findall(r"""Storage\.setItem\(\s*["']?([\w.]+)""", text)
        assert set(kept) <= set(STORED), script.name
        assert not re.search(r"Storage\[|indexedDB|caches\.|document\.cookie", text), script.name
    written = re.findall(r"write\((\w+)", (Path(settings.BASE_DIR) / "static/js/idle.js").read_text())
    assert set(written) <= set(STORED)
