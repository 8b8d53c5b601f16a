"""What this room writes into the log."""

EVENTS = {
    "document.filed": ("create", "filed a document"),
    "document.listed": ("view", "looked at the list of documents"),
    "document.viewed": ("view", "opened the document"),
    "document.page_viewed": ("view", "looked at a page"),
    "document.text_viewed": ("view", "read the text of a page"),
    "document.text_searched": ("search", "searched the text of documents"),
    "document.downloaded": ("export", "downloaded the original"),
    "document.printed": ("print", "printed the document"),
    "document.reading_started": ("update", "began to read the pages"),
    "document.pages_read": ("update", "read pages of the document"),
    "document.reading_failed": ("update", "could not read the document"),
    "document.reading_retried": ("update", "had the document read again"),
    "document.need_stated": ("view", "said why they need a sensitive document"),
    "label.rules_viewed": ("view", "looked at who sees which label"),
    "label.rule_changed": ("config-change", "changed who sees which label"),
    "file.rewrapped": ("config-change", "moved a stored file to another master key"),
    "file.copied": ("config-change", "copied the stored files to another place"),
    "file.swept": ("config-change", "removed stored files that belonged to nothing"),
    "file.sweep_refused": ("config-change", "would not remove suspiciously many stored files"),
    "capture.listed": ("view", "looked at their own uploads"),
}
