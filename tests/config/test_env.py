"""Typed reading of variables: what is missing or malformed stops the start with one sentence."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

KEY = base64.b64encode(b"k" * 32).decode()


def test_database_url_with_a_socket_folder() -> None:
    found = env.database("postgresql://me:p%40ss@/chart?host=/run/my%20pg", "X")
    assert (found["NAME"], found["USER"], found["PASSWORD"], found["HOST"]) == (
        "chart",
        "me",
        "p@ss",
        "/run/my pg",
    )


def test_database_url_with_a_server() -> None:
    found = env.database("postgresql://me@db.example:5433/chart?sslmode=verify-full", "X")
    assert (found["HOST"], found["PORT"]) == ("db.example", "5433")
    assert found["OPTIONS"]["sslmode"] == "verify-full"


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "", "nonsense"])
def test_database_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database(url, "DATABASE_URL")


@pytest.mark.parametrize(
    "value", ["/srv/files", "relative", "s3://charts", "s3://charts/", "s3://my.charts-1/a/b_c"]
)
def test_a_place_for_files(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", value)
    assert env.place("CHARTROOM_X", "/default") == value
    monkeypatch.setenv("CHARTROOM_X", "")
    assert env.place("CHARTROOM_X", "/default") == "/default"


@pytest.mark.parametrize(
    "value",
    ["s3://", "s3:///prefix", "s3://A", "s3://charts//x", "s3://charts/../x y", "https://x/y", "s3://ab"],
)
def test_a_place_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", value)
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X must be a folder or s3"):
        env.place("CHARTROOM_X", "/default")


@pytest.mark.parametrize("value", ["maybe", "2", "ja"])
def test_a_flag_is_yes_or_no(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", value)
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X"):
        env.flag("CHARTROOM_X", True)


@pytest.mark.parametrize("value", ["-1", "ten", "1.5"])
def test_a_number_is_whole(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", value)
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X"):
        env.number("CHARTROOM_X", 5)


def test_a_secret_may_lie_in_a_file(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "secret"
    path.write_text("whisper\n")
    monkeypatch.delenv("CHARTROOM_X", raising=False)
    monkeypatch.setenv("CHARTROOM_X_FILE", str(path))
    assert env.secret("CHARTROOM_X") == "whisper"
    monkeypatch.delenv("CHARTROOM_X_FILE")
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X"):
        env.secret("CHARTROOM_X")


def test_master_keys_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", f"new:{KEY}\nold:{KEY}")
    assert list(env.keys_of_32_bytes("CHARTROOM_X")) == ["new", "old"]


@pytest.mark.parametrize("value", ["new", "new:short", f"a:{KEY},a:{KEY}", f":{KEY}"])
def test_malformed_master_keys_are_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", value)
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X"):
        env.keys_of_32_bytes("CHARTROOM_X")


def test_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTROOM_X", "10.0.0.0/8, ::1")
    assert [str(network) for network in env.networks("CHARTROOM_X")] == ["10.0.0.0/8", "::1/128"]
    monkeypatch.setenv("CHARTROOM_X", "10.0.0.300")
    with pytest.raises(ImproperlyConfigured, match="CHARTROOM_X"):
        env.networks("CHARTROOM_X")
