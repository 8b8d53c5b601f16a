"""docker-compose.yml and Dockerfile against the program they describe. No Docker engine is needed, and none
is used.
"""

import ast
import base64
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.embedded.postgres import HBA, QUIET_LOG
from deploy import make_secrets

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("migrate", "web", "worker", "beat")

SAY_SETTINGS = """
import django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
found = run_checks(include_deployment_checks=True, databases=[])
print([check.id for check in found if check.id.startswith("security")])
print(settings.DATABASES["default"]["USER"], settings.DATABASES["owner"]["USER"], settings.DEBUG)
"""


def interpolate(value: Any, variables: dict[str, str]) -> Any:
    """What `docker compose` does with ${NAME}, ${NAME:-default}, ${NAME:?message} and $$."""
    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, _, rest = match[1].partition(":")
        if variables.get(name):
            return variables[name]
        assert not rest.startswith("?"), f"{name} is not set by make_secrets.py"
        assert rest.startswith("-"), f"{name} has neither a value nor a default"
        return rest[1:]

    return re.sub(r"\$\$|\$\{([^}]+)\}", one, value)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder in which make_secrets.py has run."""
    make_secrets.make(tmp_path, "chartroom.hospital.example")
    return tmp_path


@pytest.fixture
def compose(made: Path) -> dict[str, Any]:
    """The compose file with the values that make_secrets.py makes."""
    lines = (made / ".env").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    return interpolate(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), variables)


def names_read() -> dict[str, str]:
    """Each variable that our settings read, and by which function of config.env (or 'environ')."""
    found: dict[str, str] = {}
    sources = [
        ROOT / "config" / "settings.py",
        ROOT / "config" / "celery.py",
        ROOT / "deploy" / "gunicorn.conf.py",
    ]
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.isupper():
                found[first.value] = node.func.attr
    return found


def may_be_a_file(name: str) -> bool:
    """Whether NAME_FILE is read too."""
    return names_read().get(name) in {"secret", "login", "keys_of_32_bytes", "mapping"}


def test_every_setting_named_is_one_that_is_read(compose: dict[str, Any]) -> None:
    known = names_read()
    assert len(known) > 20
    for program in PROGRAMS:
        for name in compose["services"][program]["environment"]:
            assert name in known or (name.endswith("_FILE") and may_be_a_file(name.removesuffix("_FILE"))), (
                name
            )


def test_the_image_names_only_settings_that_are_read() -> None:
    text = (ROOT / "Dockerfile").read_text()
    named = set(re.findall(r"\b(CHARTROOM_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", text))
    assert named
    assert named <= set(names_read())


def test_the_programs_settings_pass_djangos_check_for_deployment(made: Path, compose: dict[str, Any]) -> None:
    """The settings as each container sees them, its secrets included, are complete and safe."""
    for program in PROGRAMS:
        service = compose["services"][program]
        variables = {key: str(value) for key, value in service["environment"].items()}
        mounted = {f"/run/secrets/{name}": str(made / "secrets" / name) for name in service["secrets"]}
        variables = {key: mounted.get(value, value) for key, value in variables.items()}
        done = subprocess.run(
            [sys.executable, "-c", SAY_SETTINGS],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        owner = "chartroom_owner" if program == "migrate" else "chartroom_app"
        assert done.stdout.split("\n")[:2] == ["[]", f"chartroom_app {owner} False"]


def test_files_lie_in_the_volume_or_in_the_bucket_that_is_named(made: Path) -> None:
    written = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    variables = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines())
    for program in ("web", "worker"):
        here = interpolate(written, variables)["services"][program]
        assert here["volumes"] == [f"files:{here['environment']['CHARTROOM_STORAGE']}"]
        assert here["environment"]["CHARTROOM_STAGING"].startswith(here["environment"]["CHARTROOM_STORAGE"])
        named = {**variables, "CHARTROOM_STORAGE": "s3://charts", "CHARTROOM_S3_SECRET_KEY": "s"}
        there = interpolate(written, named)["services"][program]["environment"]
        assert (there["CHARTROOM_STORAGE"], there["CHARTROOM_S3_SECRET_KEY"]) == ("s3://charts", "s")
    for program in ("migrate", "beat"):
        assert "CHARTROOM_S3_SECRET_KEY" not in written["services"][program]["environment"]


def test_every_secret_is_mounted_where_it_is_looked_for(compose: dict[str, Any], made: Path) -> None:
    for name, service in compose["services"].items():
        secrets = service.get("secrets", [])
        for value in service.get("environment", {}).values():
            if str(value).startswith("/run/secrets/"):
                assert str(value).removeprefix("/run/secrets/") in secrets, name
        for secret in secrets:
            assert (made / compose["secrets"][secret]["file"]).is_file()


def test_only_migrations_know_the_owner_and_only_the_worker_seals(compose: dict[str, Any]) -> None:
    for program in PROGRAMS:
        service = compose["services"][program]
        assert ("DATABASE_OWNER_URL" in service["environment"]) == (program == "migrate")
        assert ("seal_keys" in service["secrets"]) == (program == "worker")
        assert ("seal_public_keys" in service["secrets"]) == (program == "web")


def test_the_public_keys_are_those_of_the_seeds(made: Path) -> None:
    lines = {
        name: dict(line.split(":", 1) for line in (made / "secrets" / name).read_text().split())
        for name in ("seal_keys", "seal_public_keys")
    }
    assert list(lines["seal_keys"]) == list(lines["seal_public_keys"])
    for key_id, seed in lines["seal_keys"].items():
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed))
        assert (
            lines["seal_public_keys"][key_id]
            == base64.b64encode(key.public_key().public_bytes_raw()).decode()
        )


def test_only_the_proxy_is_reachable(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name, service in compose["services"].items():
        assert ("ports" in service) == (name == "proxy")
        assert ("outside" in service["networks"]) == (name == "proxy")


def test_the_servers_are_of_the_versions_we_test_with(compose: dict[str, Any]) -> None:
    images = {name: compose["services"][name]["image"] for name in ("db", "broker")}
    assert images == {"db": "postgres:18", "broker": "valkey/valkey:9"}
    assert {"db", "broker", "web", "worker", "beat", "proxy"} <= set(compose["services"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_commands_exist(compose: dict[str, Any], program: str) -> None:
    command = compose["services"][program]["command"]
    if command[0] == "python":
        assert (ROOT / command[1]).is_file()
        assert command[2:4] == ["migrate", "--database"]
        return
    assert (Path(sys.executable).parent / command[0]).is_file()
    if command[0] == "celery":
        assert find_spec(f"{command[2]}.celery")
        return
    assert (ROOT / command[command.index("--config") + 1]).is_file()
    module, name = command[-1].split(":")
    assert name in (ROOT / (module.replace(".", "/") + ".py")).read_text()


def test_gunicorn_accepts_the_web_command(compose: dict[str, Any]) -> None:
    command = [sys.executable, "-m", *compose["services"]["web"]["command"], "--print-config"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"worker_class\s+= .*Worker", done.stdout)


def test_the_image_runs_as_nobody_special_and_holds_no_secret() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["chartroom"]
    assert not [
        line for line in lines if line.startswith("ENV") and re.search(r"(SECRET|KEYS|PASSWORD)", line)
    ]
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {"secrets", ".env", "chartroom-data", ".git"} <= set(ignored)


def test_what_the_image_copies_exists() -> None:
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            assert (ROOT / line.split()[1]).exists(), line


def test_the_database_keeps_statements_out_of_its_log_as_embedded(compose: dict[str, Any]) -> None:
    command = compose["services"]["db"]["command"]
    settings = dict(word.split("=", 1) for word in command if "=" in word)
    assert QUIET_LOG.items() <= settings.items()


def test_the_roles_are_the_embedded_ones(compose: dict[str, Any]) -> None:
    script = (ROOT / "deploy" / "postgres" / "10-roles.sh").read_text()
    roles = set(re.findall(r"CREATE ROLE (\w+)", script))
    assert roles == set(re.findall(r"local all (\w+)", HBA))
    given = compose["services"]["db"]["environment"]
    assert set(re.findall(r'"\$(CHARTROOM_\w+)"', script)) <= set(given)


def test_the_proxy_leads_to_the_web_server(compose: dict[str, Any]) -> None:
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    bind = compose["services"]["web"]["command"][4]
    assert f"reverse_proxy web:{bind.rpartition(':')[2]}" in text
    for name in re.findall(r"\{\$(\w+)\}", text):
        assert name in compose["services"]["proxy"]["environment"]


def test_secrets_are_made_once(made: Path) -> None:
    before = {path: path.read_text() for path in [*made.glob("secrets/*_key*"), made / ".env"]}
    make_secrets.make(made, "other.example")
    assert before == {path: path.read_text() for path in before}
    assert len(before) == 5
