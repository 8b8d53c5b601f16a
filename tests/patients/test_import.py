"""`import_patients`: whatever a former system's list looks like, it ends in people and a report."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from patients import imports, queries, services
from patients.management.commands import import_patients
from patients.models import EXTERNAL, FORMER_MRN, Identifier, Patient
from patients.services import importing
from tests.support import events

HEAD = ",".join(imports.COLUMNS)


def read(path: Path) -> str:
    """The report of one run."""
    out = StringIO()
    call_command("import_patients", str(path), stdout=out)
    return out.getvalue()


def listed(tmp_path: Path, *lines: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes("\n".join([head, *lines, ""]).encode(encoding))
    return path


def person(external_id: str) -> Patient:
    return Identifier.objects.get(system=EXTERNAL, value=external_id).patient


WHOLE = "X1,Lovelace,Ada,Rose,Jr,1980-02-29,F,219-09-9999,OLD-7,555-0100,a@example.org,1 Main St,Springfield,IL,62701"


def test_a_whole_row_is_kept_whole(tmp_path: Path, db: None) -> None:
    report = read(listed(tmp_path, WHOLE))
    assert report == "Imported 1; refused 0; skipped 0 that are in the index already.\n"
    ada = person("X1")
    assert ada.full_name == "Ada Rose Lovelace Jr"
    assert (str(ada.birth_date), ada.sex) == ("1980-02-29", "female")
    assert set(ada.identifiers.values_list("system", "value")) == {
        ("chartroom:mrn", ada.mrn),
        (EXTERNAL, "X1"),
        (FORMER_MRN, "OLD-7"),
        ("us:ssn", "219099999"),
    }
    assert set(ada.telecoms.values_list("value", flat=True)) == {"555-0100", "a@example.org"}
    assert ada.addresses.get().postal_code == "62701"
    event = events("patient.registered", about=ada)[0]
    assert (event.actor, event.reason) == ("system:import", "import")
    assert "Lovelace" in str(event.detail["changes"])
    for text in ("lovelace a", "old-7", "219-09-9999", "5550100"):
        assert [hit.patient for hit in queries.search(Patient.objects.all(), text=text)] == [ada]


def test_reading_it_again_adds_nobody(tmp_path: Path, db: None) -> None:
    path = listed(tmp_path, WHOLE, "X2,Byron,Allegra", ",Nameless,Id,,,1990-01-01,M")
    assert "Imported 3;" in read(path)
    before = Patient.objects.count()
    report = read(path)
    assert "Imported 0; refused 0; skipped 3" in report
    assert "line 2: skipped: its external_id is in the index already" in report
    assert "line 4: skipped: somebody with this name, birth date and sex" in report
    assert Patient.objects.count() == before


def test_any_column_may_be_absent_or_empty(tmp_path: Path, db: None) -> None:
    report = read(listed(tmp_path, "Quill,7", "Solo,", ",9", head="Given, EXTERNAL_ID "))
    assert "Imported 2; refused 1" in report
    assert "line 4: refused: there is no name" in report
    quill = person("7")
    assert (quill.family, quill.given, quill.birth_date, quill.sex) == ("Quill", "", None, "unknown")
    assert quill.age_text == ""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("Y1,,,,,1980-02-29", "refused: there is no name"),
        ("Y1,...,--", "refused: there is no name"),
        (f"{'Y' * 61},Lovelace,Ada", "refused: the external_id is longer"),
        ("Y1,Lovelace,Ada,,,1980-02-30", "note: the birth date is no date"),
        ("Y1,Lovelace,Ada,,,2999-01-01", "note: the birth date is no date"),
        ("Y1,Lovelace,Ada,,,,banana", "note: the sex is none of"),
        (
            "Y1,Lovelace,Ada,,,,,999-99-9999",
            "note: the social security number is one that forms are filled with",
        ),
        (f"Y1,{'L' * 90},Ada", "note: the family name is longer than 80 characters; cut"),
    ],
)
def test_the_report_says_what_was_wrong_without_saying_who(
    row: str, words: str, tmp_path: Path, db: None
) -> None:
    report = read(listed(tmp_path, row, "Z1,Fine,Person"))
    assert f"line 2: {words}" in report
    assert "Lovelace" not in report
    assert person("Z1").family == "Fine"


def test_two_rows_with_one_number(tmp_path: Path, db: None) -> None:
    report = read(
        listed(
            tmp_path,
            WHOLE,
            "X1,Other,Person",
            "X3,Third,Person,,,,,219-09-9999,OLD-7",
            "X4,Fourth,,,,,,219-09-9999",
        )
    )
    assert "line 3: skipped" in report
    assert "line 4: refused: its mrn belongs to somebody in the index" in report
    assert "Imported 2;" in report
    assert Identifier.objects.filter(system="us:ssn", value="219099999").count() == 2


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", False), ("utf-8-sig", False), ("cp1252", True)])
def test_encodings(encoding: str, said: bool, tmp_path: Path, db: None) -> None:
    report = read(listed(tmp_path, "X1,Müller,José", encoding=encoding))
    assert ("Windows-1252" in report) is said
    assert person("X1").full_name == "José Müller"


def test_other_separators_quotes_and_newlines(tmp_path: Path, db: None) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(
        b'external_id;family;given;address\r\nX1;"O""Brien";Ada;"1 Main\r\nSt"\r\n\r\nX2;Last;One;\r\n'
    )
    assert "Imported 2; refused 0" in read(path)
    assert person("X1").addresses.get().line == "1 Main St"


def test_files_that_are_no_list(tmp_path: Path, db: None) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    other = listed(tmp_path, "1,2", head="a,b")
    for path in (empty, other, tmp_path / "absent.csv", tmp_path):
        with pytest.raises(CommandError):
            read(path)
    assert "Imported 0" in read(listed(tmp_path))


def test_more_than_a_batch(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_patients, "BATCH", 40)
    lines = [f"B{number},Batch,G{number:04d}" for number in range(110)]
    lines[60] = "B5,Batch,Again"
    assert "Imported 109; refused 0; skipped 1" in read(listed(tmp_path, *lines))
    people = set(Patient.objects.filter(family="Batch").values_list("pk", flat=True))
    assert len(people) == 109
    assert people <= {event.patient_id for event in events("patient.registered", actor="system:import")}


def test_a_number_taken_at_the_same_moment_costs_its_row_only(
    tmp_path: Path, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look whether a number is free and the insert, somebody else registers it."""
    looked = importing._sort_out

    def look_then_lose(rows: list[imports.Row], report: importing.Report) -> list[imports.Row]:
        wanted = looked(rows, report)
        services.register_patient(
            by=clerk,
            family="Faster",
            given="One",
            birth_date=date(1980, 1, 1),
            sex="female",
            identifiers=[{"system": EXTERNAL, "value": "X2"}],
        )
        return wanted

    monkeypatch.setattr(importing, "_sort_out", look_then_lose)
    report = read(listed(tmp_path, "X1,First,One", "X2,Second,Two", "X3,Third,Three"))
    assert "line 3: refused: the database refused it (IntegrityError)" in report
    assert "Imported 2; refused 1" in report
    assert person("X2").family == "Faster"
    assert not Patient.objects.filter(family="Second").exists()


CELLS = st.lists(st.text(max_size=20), max_size=len(imports.COLUMNS) + 2)


@given(CELLS)
def test_no_row_is_too_strange(cells: list[str]) -> None:
    row = imports.taken_apart(2, dict(zip(imports.COLUMNS, cells, strict=False)))
    assert bool(row.refused) != bool(row.fields)
    if row.fields:
        assert 0 < len(row.fields["family"]) <= 80


@given(rows=st.lists(CELLS, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_is_too_strange(rows: list[list[str]], tmp_path: Path, db: None) -> None:
    path = tmp_path / "strange.csv"
    text = HEAD + "\n" + "\n".join(",".join(row) for row in rows)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "Imported" in read(path)
