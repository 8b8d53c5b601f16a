"""What one may be allowed to do with documents."""

from accounts.rights import DOCUMENTS, OVERSIGHT, Right

RIGHTS = (
    Right("documents.view_document", "Look at documents", DOCUMENTS, hint="Of the charts one may open."),
    Right("documents.file_document", "File documents", DOCUMENTS, traces=("document.filed",)),
    Right(
        "documents.correct_document",
        "Correct and retract documents",
        DOCUMENTS,
        hint="What is retracted stays on record. Whoever files may undo it within seconds.",
        traces=("document.retracted",),
    ),
    Right("documents.download_document", "Download originals", DOCUMENTS, traces=("document.downloaded",)),
    Right("documents.print_document", "Print documents", DOCUMENTS, traces=("document.printed",)),
    Right(
        "documents.change_label_rules",
        "Say which role sees which sensitivity label",
        OVERSIGHT,
        is_sensitive=True,
    ),
)
