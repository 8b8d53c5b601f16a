"""The hospital and its weeks, into the database."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

from .seat import EVENT_COLUMNS
from .year import Year


def _text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return "{" + ",".join(str(item) for item in value) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).replace("\\", "\\\\").replace("\t", " ").replace("\n", " ")


class Filler:
    """Writes as the owner of the tables, with their triggers off: nobody did any of this."""

    TABLES = (
        "accounts_user accounts_user_groups patients_facility patients_location patients_patient patients_patientname "
        "patients_address patients_ownentry patients_workplace patients_chartrestriction patients_encounter "
        "patients_careteammember patients_consult patients_glassbreak review_decoychart release_recordrequest "
        "documents_document documents_documentversion documents_documenttype documents_blob"
    ).split()

    def __init__(self, connection: Any, year: Year) -> None:
        self.connection, self.year, self.hospital = connection, year, year.hospital
        self.now = datetime.combine(self.hospital.first, time.min, UTC) - timedelta(days=400)

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def _copy(self, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
        text = StringIO()
        text.writelines("\t".join(map(_text, row)) + "\n" for row in rows)
        text.seek(0)
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", text)

    def _kept(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of a table that starts from BaseModel: the id comes first."""
        stamps = (self.now, self.now, 1)
        names = ["id", "created_at", "updated_at", "version", *columns.split()]
        self._copy(table, names, ((row[0], *stamps, *row[1:]) for row in rows))

    def triggers(self, word: str) -> None:
        """`disable` or `enable` what the application's tables check at each row."""
        for table in self.TABLES:
            self._do(f"alter table {table} {word} trigger user")

    def months(self) -> None:
        """A partition of the log for each month of the year."""
        day = self.hospital.first.replace(day=1)
        end = self.hospital.first + timedelta(days=7 * self.hospital.weeks + 7)
        while day <= end:
            after = (day + timedelta(days=32)).replace(day=1)
            name = f"audit_event_{day:%Y%m}"
            self._do(
                f"create table if not exists {name} partition of audit_event for values from ('{day} 00:00+00') "
                f"to ('{after} 00:00+00')"
            )
            day = after

    def house(self) -> None:
        """People, homes, units, workplaces, own charts, restrictions, decoys."""
        from patients import mrn, names

        one, rng = self.hospital, self.hospital.rng
        groups = dict(self._do("select name, id from auth_group"))
        self.facility, self.type_id = one.new_id(), one.new_id()
        self.units = [one.new_id() for _ in range(one.units)]
        self._kept("patients_facility", "name", [(self.facility, f"Simulated {self.facility}")])
        self._kept(
            "patients_location", "facility_id name is_active",
            [(key, self.facility, f"Unit {number}", True) for number, key in enumerate(self.units)],
        )  # fmt: skip
        self._kept(
            "documents_documenttype",
            "code name is_active",
            [(self.type_id, f"S{rng.randrange(10**8)}", "Letter", True)],
        )
        self.blob = f"{rng.getrandbits(256):064x}"
        self._do(
            "insert into documents_blob (sha256, size_bytes, media_type, key_id, created_at) "
            "values (%s, 1, 'x', 'x', now())",
            self.blob,
        )
        users = (
            "id username name email password is_active is_superuser last_day must_change_password is_program "
            "created_at version"
        )
        self._copy(
            "accounts_user", users.split(),
            [
                (who.id, f"s{who.id.hex[:20]}", who.name, "", "!", True, False, who.last_day, False, False, self.now, 1)
                for who in one.people
            ],
        )  # fmt: skip
        self._copy(
            "accounts_user_groups",
            ["user_id", "group_id"],
            [(who.id, groups[who.role]) for who in one.people],
        )
        number = 500_000 + rng.randrange(10**5)
        self._kept(
            "patients_patient",
            "family given middle suffix family_key given_key mrn birth_date sex deceased_on status",
            [
                (
                    who.id, who.family, who.given, "", "", names.key(who.family), names.key(who.given),
                    mrn.make(number + order), who.born, "female", who.died, "active",
                )
                for order, who in enumerate(one.persons)
            ],
        )  # fmt: skip
        self._kept(
            "patients_address", "patient_id line city state postal_code country",
            [(one.new_id(), who.id, who.home[0], "Town", "", who.home[1], "") for who in one.persons],
        )  # fmt: skip
        since = self.now
        self._kept(
            "patients_ownentry",
            "user_id patient_id since",
            [
                (one.new_id(), who.id, who.chart.id, since)
                for who in one.people
                if who.chart and who.is_own_known
            ],
        )
        self._kept(
            "patients_workplace", "user_id facility_id location_id since",
            [
                (one.new_id(), who.id, self.facility, self.units[who.unit], since)
                for who in one.people
                if who.kind in {"nurse", "physician"}
            ],
        )  # fmt: skip
        officer = one.people[0].id
        self._kept(
            "patients_chartrestriction", "patient_id kind why set_by_id since",
            [(one.new_id(), who.id, "vip", "known", officer, since) for who in one.famous],
        )  # fmt: skip
        self._kept(
            "review_decoychart", "patient_id why marked_by_id since",
            [(one.new_id(), who.id, "nobody", officer, since) for who in one.decoys],
        )  # fmt: skip

    def week(self, number: int) -> int:
        """One week of the log and of the record; how many events."""
        events = sorted(self.year.week(number), key=lambda row: row[0])
        self._copy("audit_event", EVENT_COLUMNS, events)
        rows = self.hospital.take()
        self._kept(
            "patients_encounter", "patient_id number kind location_id attending_id started_at ended_at",
            [(key, who, name, kind, self.units[unit], doctor, start, end)
             for key, who, name, kind, unit, doctor, start, end in rows["encounter"]],
        )  # fmt: skip
        self._kept(
            "patients_careteammember", "encounter_id patient_id user_id since until function",
            [(*row, "nurse") for row in rows["team"]],
        )  # fmt: skip
        self._kept(
            "patients_consult", "patient_id asked_by_id asked_of_id asked_at answered_at question",
            [(*row, "please see") for row in rows["consult"]],
        )  # fmt: skip
        self._kept(
            "patients_glassbreak",
            "patient_id user_id opened_at expires_at reason_code reason ended_at is_drill session",
            [(*row, "other", "to see", row[4], False, "") for row in rows["glass"]],
        )  # fmt: skip
        self._requests(rows["request"])
        self._filings(rows["filing"])
        for person, day in rows["death"]:
            self._do("update patients_patient set deceased_on = %s where id = %s", day, person)
        return len(events)

    def _requests(self, rows: list[tuple[Any, ...]]) -> None:
        columns = (
            "id created_at updated_at version number patient_id kind requester_name requester_organization "
            "requester_address requester_phone requester_email requester_fax purpose received_on channel scope "
            "delivery_method delivery_format status due_on due_rule assigned_to_id logged_by_id closed_at cancel_reason"
        ).split()
        self._copy(
            "release_recordrequest", columns,
            [
                (
                    key, made, made, 1, f"R{key.hex[:12]}", person, "patient", "A Person", "", "", "", "", "",
                    "own use",
                    made.date(), "mail", "{}", "mail", "paper", "delivered", made.date(), "30 days", clerk,
                    clerk, closed, "",
                )
                for key, person, clerk, made, closed in rows
            ],
        )  # fmt: skip

    def _filings(self, rows: list[tuple[Any, ...]]) -> None:
        self._kept(
            "documents_document",
            "patient_id type_id title service_date author status labels source filed_by_id filed_at",
            [(key, person, self.type_id, "Letter", at.date(), "", "current", "{}", "scan", clerk, at)
             for key, _, person, clerk, at in rows],
        )  # fmt: skip
        self._kept(
            "documents_documentversion",
            "document_id patient_id number blob_id filename filed_by_id filed_at processing error page_count flags",
            [(version, key, person, 1, self.blob, "a.pdf", clerk, at, "done", "", 1, "{}")
             for key, version, person, clerk, at in rows],
        )  # fmt: skip
