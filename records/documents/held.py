"""Files of a form that was shown again: kept for a day, so that nobody has to choose them twice."""

from django.core import signing

from accounts.models import User
from common.errors import BadFile
from records.documents.sealed import Staged, VaultError
from records.documents.storage import vault
from records.documents.uploads import VaultUpload

SALT = "chartroom.held-upload"
MAX_SECONDS = 24 * 3600
GONE = "The file that was sent before is no longer there. Choose it again."


def hold(upload: VaultUpload, user: User) -> str:
    """Keep a received file beyond this request; the text brings it back, for this person only."""
    upload.is_held = True
    facts = {
        "path": upload.staged.path.name,
        "sha256": upload.sha256,
        "size": upload.staged.size_bytes,
        "name": upload.name,
        "user": str(user.pk),
    }
    return signing.dumps(facts, salt=SALT, compress=True)


def take(text: str, user: User) -> VaultUpload:
    """The file that `hold` kept. Raises BadFile when it is gone, changed or somebody else's."""
    try:
        facts = signing.loads(text, salt=SALT, max_age=MAX_SECONDS)
    except signing.BadSignature as error:
        raise BadFile(GONE, code="held_file_gone", status=400) from error
    store = vault()
    path = store.incoming / facts["path"]
    if facts["user"] != str(user.pk) or not path.exists():
        raise BadFile(GONE, code="held_file_gone", status=400)
    staged = Staged(path, facts["sha256"], facts["size"], b"")
    try:
        with store.open_staged(staged) as stored:
            head = b"".join(stored.chunks(0, 4096))
    except VaultError as error:
        raise BadFile(GONE, code="held_file_gone", status=400) from error
    return VaultUpload(store, Staged(path, staged.sha256, staged.size_bytes, head), facts["name"], "file")
