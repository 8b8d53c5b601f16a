"""From a request to the ledger, once through."""

import hashlib

import pypdfium2

from accounts.models import User
from common.jobs import services as jobs
from records.documents import files
from records.documents.storage import vault
from records.release.models import Disclosure, ReleaseStatus, RequestStatus
from records.release.services import building, sending
from tests.records.documents.lying import raw, write_raw
from tests.records.release.making import built, cleared, job_of, pdf_of, today
from tests.support import events


def test_a_request_ends_in_one_stamped_package_and_one_line_of_the_ledger(roi: User) -> None:
    release = built(roi, pdf_of("first of one", "second of one"), pdf_of("only of two"))

    assert (release.status, release.request.status) == (ReleaseStatus.READY, RequestStatus.READY)
    content = files.read_blob(release.sha256)
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content)]
    assert len(pages) == release.pages == 4
    for number, text in enumerate(pages, 1):
        assert release.request.number in text
        assert f"page {number} of 4" in text
    assert [name in page for name, page in zip(("first of", "second of", "only of"), pages[1:], strict=True)]
    assert [part["pages"] for part in release.manifest["parts"]] == [[2, 3], [4, 4]]

    package = sending.download_package(by=roi, release_id=release.pk)

    assert b"".join(package.chunks()) == content
    assert hashlib.sha256(content).hexdigest() == release.sha256
    entry = Disclosure.objects.get(release=release)
    assert (entry.recipient_name, entry.disclosed_on) == ("Ada Testperson", today())
    assert (entry.pages, entry.release_sha256, entry.is_in_accounting) == (4, release.sha256, False)
    release.refresh_from_db()
    assert (release.status, release.request.status) == (ReleaseStatus.DELIVERED, RequestStatus.DELIVERED)
    assert [len(events(name, about=release)) for name in ("release.started", "release.built")] == [1, 1]
    assert events("release.package_downloaded", about=release)[0].action == "disclose"


def test_a_file_that_is_not_the_one_that_was_filed_stops_the_package_and_is_named(roi: User) -> None:
    """Whole and well encrypted, but another content than its address says."""
    record_request = cleared(roi, pdf_of("hers"), pdf_of("somebody else's"))
    mine, other = record_request.selected.order_by("position")
    store = vault()
    write_raw(store, mine.document_version.blob_id, raw(store, other.document_version.blob_id))
    release = building.start_release(by=roi, request_id=record_request.pk)

    jobs.run(job_of(release).pk)

    release.refresh_from_db()
    assert (release.status, release.package) == (ReleaseStatus.FAILED, None)
    assert (
        f"“{mine.document.title}” of 10 Jan 2026 cannot be added. The stored file is damaged" in release.error
    )
    assert not events("release.built", about=release)
