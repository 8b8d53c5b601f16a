"""`./chartroom up` on real servers."""

import os
import signal
import stat
import threading
from pathlib import Path

import psycopg2
import pytest

from config.embedded.folder import Folder
from config.embedded.sockets import noted
from tests.launcher.running import Running, chartroom, children, command_line, is_alive, resident_mb
from tests.launcher.waiting import until

TEST_PASSWORD = "a long password for tests 1"


def test_a_new_folder_becomes_ready_and_says_where(first: Running) -> None:
    assert first.get("/healthz")[0] == 200
    status, state = first.get("/readyz")
    assert (status, state["ready"]) == (200, True)
    assert f"Data folder: {first.data}" in first.said
    assert "create_user NAME --role administrator" in first.said
    assert "chartroom-demo" not in first.said


def test_everything_is_closed_to_other_accounts(first: Running) -> None:
    for folder in [first.data, *(path for path in first.data.iterdir() if path.is_dir())]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for key in (first.data / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == 0o600, key


def test_nothing_listens_but_the_web_server(first: Running) -> None:
    ours = {
        os.readlink(f"/proc/{pid}/fd/{number}")
        for pid in first.processes()
        for number in os.listdir(f"/proc/{pid}/fd")
        if os.path.lexists(f"/proc/{pid}/fd/{number}")
    }
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in ours:
                listening.append(int(words[1].rpartition(":")[2], 16))
    assert listening == [int(first.url.rpartition(":")[2])]


@pytest.mark.parametrize("role", ["chartroom_owner", "chartroom_app", "postgres"])
def test_the_database_lets_nobody_in_without_a_password(first: Running, role: str) -> None:
    places = noted(first.data / "run" / "sockets")
    assert places
    with pytest.raises(psycopg2.OperationalError) as refused:
        psycopg2.connect(dbname="chartroom", user=role, host=str(places.postgres), password="wrong")
    assert "fail" in str(refused.value) or "no pg_hba.conf entry" in str(refused.value)


def test_the_application_may_not_make_tables(first: Running) -> None:
    places = noted(first.data / "run" / "sockets")
    assert places
    connection = psycopg2.connect(
        dbname="chartroom",
        user="chartroom_app",
        host=str(places.postgres),
        password=Folder(first.data).key("postgres_app"),
    )
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("create table mine (id int)")
    connection.close()


def test_an_empty_system_is_small(first: Running) -> None:
    assert sum(resident_mb(pid) for pid in first.processes()) <= 450


def test_a_second_web_process_joins_while_pages_are_asked_for(own: Running) -> None:
    web = own.child("gunicorn")
    assert len(children(web)) == 1
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            own.get("/sign-in/")

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        until(lambda: len(children(web)) == 2, seconds=60, what="a second web process")
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert own.get("/readyz")[0] == 200


def test_a_second_one_runs_beside_the_first(first: Running, own: Running) -> None:
    assert first.url != own.url
    assert first.get("/readyz")[0] == own.get("/readyz")[0] == 200


def test_ctrl_c_stops_all_in_order(own: Running) -> None:
    everything = own.processes()
    places = noted(own.data / "run" / "sockets")
    assert places
    assert len(everything) > 8
    assert own.stop() == 0
    assert not [command_line(pid) for pid in everything if is_alive(pid)]
    assert own.said.rstrip().endswith("Chartroom has stopped.")
    assert "database system is shut down" in (own.data / "logs" / "postgres.log").read_text()
    ended = [(own.data / "logs" / f"{name}.log").stat().st_mtime for name in ("worker", "valkey", "postgres")]
    assert ended == sorted(ended), "the worker ends before Valkey, and Valkey before PostgreSQL"
    assert not places.home.exists()


def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_start_goes_on(own: Running) -> None:
    everything = own.processes()
    os.kill(own.pid, signal.SIGKILL)
    own.ends()
    until(lambda: not [pid for pid in everything if is_alive(pid)], seconds=30, what="all processes gone")
    own.start()
    assert own.get("/readyz")[0] == 200


def test_kill_9_of_everything_loses_nothing_acknowledged(own: Running) -> None:
    made = own.manage("create_user", "eve", "--role", "records_clerk", text_in=f"{TEST_PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    status, token = own.post("/api/v1/tokens/", {"username": "eve", "password": TEST_PASSWORD})
    assert status == 201
    person = {"family": "Okafor", "given": "Adaeze", "birth_date": "1971-03-09", "sex": "female"}
    status, patient = own.post("/api/v1/patients/", person, token["token"])
    assert status == 201
    everything = own.processes()
    for pid in everything:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    own.ends()
    until(lambda: not [pid for pid in everything if is_alive(pid)], seconds=30, what="all processes gone")
    own.start()
    status, found = own.get(f"/api/v1/patients/{patient['id']}/", token["token"])
    assert status == 200
    assert (found["family"], found["given"], found["mrn"]) == ("Okafor", "Adaeze", patient["mrn"])


def test_a_child_that_is_killed_comes_back(own: Running) -> None:
    for word in ("celery", "valkey-server", "gunicorn", "bin/postgres"):
        killed = own.child(word)
        os.kill(killed, signal.SIGKILL)
        until(
            lambda word=word, killed=killed: any(
                word in command_line(pid) and pid != killed for pid in children(own.pid)
            ),
            seconds=30,
            what=f"{word} started again",
        )
    until(lambda: own.get("/readyz")[0] == 200, seconds=60, what="ready again")


def test_a_broken_queue_is_set_aside(own: Running) -> None:
    own.stop()
    logs = list((own.data / "valkey" / "appendonlydir").glob("*.incr.aof"))
    assert logs
    logs[0].write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nnot a length\r\n" + b"\0" * 64 + b"*1\r\n")
    own.start()
    assert own.get("/readyz")[0] == 200


def test_a_stale_pid_file_of_another_process_is_no_hindrance(own: Running) -> None:
    own.stop()
    pid_file = own.data / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/proc/self/cwd\n0\n5432\n\n\n\nready   \n")
    own.start()
    assert own.get("/readyz")[0] == 200


def test_manage_works_whether_it_runs_or_not(own: Running) -> None:
    answer = own.manage("showmigrations", "accounts")
    assert (answer.returncode, "[X] 0001" in answer.stdout) == (0, True)
    own.stop()
    answer = own.manage("showmigrations", "accounts")
    assert (answer.returncode, "[X] 0001" in answer.stdout) == (0, True)
    assert own.manage("no-such-command").returncode != 0
    assert not (own.data / "postgres" / "postmaster.pid").exists()


def test_a_wrong_folder_is_no_new_database(tmp_path: Path) -> None:
    answer = chartroom("manage", "--data", str(tmp_path / "typo"), "check")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "no Chartroom in" in answer.stderr
    assert not (tmp_path / "typo").exists()
