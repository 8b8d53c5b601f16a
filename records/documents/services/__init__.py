"""Verbs on documents, by flow of work."""

from records.documents.services.filing import file_document, retry_reading
from records.documents.services.labelling import (
    list_asking,
    set_label_rules,
    show_label_rules,
    state_document_need,
)
from records.documents.services.looking import (
    OpenDocument,
    download_original,
    look_at_page,
    look_beside_chart,
    note_list,
    open_document,
    print_document,
    read_page_text,
    search_chart_text,
)
from records.documents.services.retracting import retract_document, undo_filing

__all__ = [
    "OpenDocument",
    "download_original",
    "file_document",
    "list_asking",
    "look_at_page",
    "look_beside_chart",
    "note_list",
    "open_document",
    "print_document",
    "read_page_text",
    "retract_document",
    "retry_reading",
    "search_chart_text",
    "set_label_rules",
    "show_label_rules",
    "state_document_need",
    "undo_filing",
]
