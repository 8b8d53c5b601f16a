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
