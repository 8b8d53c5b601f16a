#!/usr/bin/env python3
"""Check evidence from Chartroom's access log. Needs Python 3.8 or newer, nothing else, and no network.

    python3 verify.py [FOLDER] [--key BASE64]
    python3 verify.py access-log-2015-03.jsonl.gz [--key BASE64]

FOLDER holds an unpacked evidence bundle (default: where this file lies); a file is an archived month. It proves that
each event in them stood, exactly so, in an epoch that the hospital's key signed. Compare the key it prints with one you
got another way (a printed checkpoint), or give that one with --key. Exit code 0: all proven. 1: something is not as it
was.

Ed25519 is written out here after RFC 8032, so that nobody has to trust a library of the hospital's.
"""

import base64
import gzip
import hashlib
import json
import os
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def _x_from_y(y, sign):
    """The x coordinate of a point, or None."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = _x_from_y(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def _add(a, b):
    """The sum of two points in extended coordinates."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def _times(number, point):
    """The point added to itself `number` times."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point = _add(point, point)
        number >>= 1
    return result


def _same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def _point(raw):
    """A point from its 32 bytes, or None."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = _x_from_y(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def is_signed(public, message, signature):
    """Whether the owner of the 32-byte public key made this 64-byte signature over the message (RFC 8032, 5.1.7)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return _same(_times(s, BASE), _add(r, _times(h, a)))


SUMS = "SHA256SUMS"
MUST = ("README.txt", "bundle.json", "events.jsonl", "verify.py")


def climb(leaf, steps):
    """The Merkle root that a leaf and its siblings lead to (RFC 6962)."""
    for side, sibling in steps:
        if side not in ("L", "R"):
            raise ValueError("A proof names the side %r" % side)
        other = bytes.fromhex(sibling)
        leaf = hashlib.sha256(b"\x01" + (other + leaf if side == "L" else leaf + other)).digest()
    return leaf


def check(folder, trusted_key):
    """Every problem found, as sentences; and the public keys that signed, as base64."""
    with open(os.path.join(folder, "bundle.json"), encoding="utf-8") as file:
        bundle = json.load(file)
    problems = unlike_the_sums(folder)
    epochs = {}
    held = set()
    used = set()
    for epoch in bundle["epochs"]:
        public = base64.b64decode(epoch["public_key"])
        used.add(epoch["public_key"])
        message = epoch["message"].encode("utf-8")
        if trusted_key and epoch["public_key"] != trusted_key:
            problems.append("Epoch %s is not signed with the key you trust." % epoch["n"])
        if not is_signed(public, message, bytes.fromhex(epoch["signature"])):
            problems.append("The signature of epoch %s is false." % epoch["n"])
        fields = message.decode("utf-8").split("\n")
        if fields[0] != "chartroom-epoch-1" or fields[1] != str(epoch["n"]):
            problems.append("Epoch %s is not what its signature says." % epoch["n"])
        epochs[epoch["n"]] = fields[6]
    count = 0
    with open(os.path.join(folder, "events.jsonl"), encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            count += 1
            held.add(event["epoch"])
            canonical = event["canonical"].encode("utf-8")
            leaf = hashlib.sha256(b"\x00" + canonical).digest()
            if climb(leaf, event["proof"]).hex() != epochs.get(event["epoch"]):
                problems.append("Event %s is not as it was sealed." % event["id"])
            if not says(event, event["canonical"]):
                problems.append("Event %s reads otherwise than what was sealed." % event["id"])
    if count != bundle["count"]:
        problems.append("The bundle says %s events and holds %s." % (bundle["count"], count))
    covers = stamps_of(folder, bundle, held, problems)
    absent = [
        "%s events of %s, archived in %s" % (row["events"], row["month"], row["file"])
        for row in bundle.get("archived", [])
    ]
    return problems, count, sorted(used), covers, absent


def unlike_the_sums(folder):
    """The files that are not as SHA256SUMS has them, as sentences: what no signature covers was not damaged at least."""
    with open(os.path.join(folder, SUMS), encoding="utf-8") as file:
        sums = dict(line.rstrip("\n").split("  ", 1)[::-1] for line in file)
    problems = ["%s does not name %s." % (SUMS, name) for name in MUST if name not in sums]
    for name in sorted(sums):
        with open(os.path.join(folder, *name.split("/")), "rb") as file:
            if hashlib.sha256(file.read()).hexdigest() != sums[name]:
                problems.append("%s is not as it was packed." % name)
    return problems


def stamps_of(folder, bundle, held, problems):
    """Which epochs of the events each time-stamp covers, as sentences. The stamps themselves OpenSSL has to check."""
    epochs = {epoch["n"]: epoch for epoch in bundle["epochs"]}
    covers = []
    for stamp in bundle.get("stamps", []):
        n = stamp["epoch"]
        name = "stamps/epoch-%s.tsr" % n
        with open(os.path.join(folder, "stamps", "epoch-%s.txt" % n), encoding="utf-8", newline="") as file:
            if n not in epochs or file.read() != "%s\n%s\n" % (epochs[n]["message"], epochs[n]["signature"]):
                problems.append("What %s is about is not epoch %s." % (name, n))
                continue
        first = n
        while follows(epochs.get(first - 1), epochs[first]):
            first -= 1
        under = sorted(epoch for epoch in held if first <= epoch <= n)
        if under:
            covers.append("%s covers the events of epochs %s to %s." % (name, under[0], under[-1]))
    return covers


def follows(former, epoch):
    """Whether this epoch's signed text holds the hash of the signature of the one before it."""
    if former is None:
        return False
    signature = hashlib.sha256(bytes.fromhex(former["signature"])).hexdigest()
    return epoch["message"].split("\n")[7] == signature


def says(event, canonical):
    """Whether the readable fields beside the sealed text say the same as it."""
    fields = split(canonical)
    shown = event["fields"]
    return fields is not None and all(fields.get(name) == shown.get(name) for name in fields)


HEAD = "chartroom-event-1;("
NAMES = (
    "id at txid event action actor_id actor roles session patient_id patient_ids object_type object_id purpose"
    " reason outcome channel ip request_id detail"
).split()


def split(canonical):
    """The sealed text taken apart: {name: text or None}; None when it is not well formed.

    It is PostgreSQL's text of a row: fields parted by commas, in quotes where they hold anything special (quotes and
    backslashes doubled there), and nothing at all for NULL.
    """
    if not canonical.startswith(HEAD) or not canonical.endswith(")"):
        return None
    body = canonical[len(HEAD) : -1]
    fields = []
    position = 0
    while True:
        if body[position : position + 1] == '"':
            text, position = _quoted(body, position + 1)
            if text is None:
                return None
        else:
            end = body.find(",", position)
            end = len(body) if end < 0 else end
            text, position = body[position:end] or None, end
        fields.append(text)
        if position == len(body):
            break
        if body[position] != ",":
            return None
        position += 1
    return dict(zip(NAMES, fields)) if len(fields) == len(NAMES) else None


def _quoted(body, position):
    """The text up to the closing quote, and the place after it; (None, 0) when it never closes."""
    parts = []
    while True:
        end = position
        while end < len(body) and body[end] not in '"\\':
            end += 1
        parts.append(body[position:end])
        two = body[end : end + 2]
        if two in ('""', "\\\\"):
            parts.append(two[0])
            position = end + 2
        elif two[:1] == '"':
            return "".join(parts), end + 1
        else:
            return None, 0


def root(leaves):
    """The Merkle root over 32-byte leaf hashes in order (RFC 6962)."""
    level = list(leaves)
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


class Broken(Exception):
    """The first thing that is not as it was sealed."""


class Archive:
    """An archived month, read line by line and checked on the way: every signature, root, event and count."""

    def __init__(self, file, trusted_key="", signed=is_signed):
        """`file` gives the lines as bytes; `signed` may be a faster check of signatures of the same kind."""
        self.file = file
        self.trusted = trusted_key
        self.signed = signed
        self.month = ""
        self.count = 0
        self.keys = set()
        self.numbers = []  # of the epochs that have events here
        self.edges = {}
        self.content_sha256 = ""

    def events(self):
        """(epoch number, id, sealed text) of each event, in sealing order. Raises Broken, and at the end too: what was
        read counts for nothing before this generator has ended by itself.
        """
        digest = hashlib.sha256()
        epoch, texts, end = None, [], None
        for number, line in enumerate(self.file):
            if end is not None:
                raise Broken("Something stands behind the file's last line.")
            try:
                value = json.loads(line.decode("utf-8"))
                if not number:
                    if value.get("archive") != "chartroom-archive-1":
                        raise Broken("This is no archived month of Chartroom.")
                    self.month = value["month"]
                elif "canonical" in value:
                    texts.append((value["id"], value["canonical"], value["leaf"]))
                else:
                    for event in self._checked(epoch, texts):
                        yield event
                    texts = []
                    if "end" in value:
                        end = value
                        continue
                    epoch = self._epoch(value)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise Broken("Line %s of the file cannot be read: %r" % (number + 1, error))
            digest.update(line)
        if end is None:
            raise Broken("The file is cut off: its last line is missing.")
        try:
            self._end(end, digest.hexdigest())
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Broken("The last line of the file cannot be read: %r" % error)

    def _trust(self, key, what):
        self.keys.add(key)
        if self.trusted and key != self.trusted:
            raise Broken("%s is not signed with the key you trust." % what)

    def _epoch(self, value):
        message = value["message"].encode("utf-8")
        name = "Epoch %s" % value["epoch"]
        self._trust(value["public_key"], name)
        if not self.signed(base64.b64decode(value["public_key"]), message, bytes.fromhex(value["signature"])):
            raise Broken("%s is not as it was signed." % name)
        fields = value["message"].split("\n")
        if fields[0] != "chartroom-epoch-1" or fields[1] != str(value["epoch"]):
            raise Broken("%s is not what its signature says." % name)
        if self.numbers and value["epoch"] <= self.numbers[-1]:
            raise Broken("%s stands in another place than it was written." % name)
        self.numbers.append(value["epoch"])
        return {
            "n": value["epoch"],
            "rows": int(fields[4]),
            "root": fields[6],
            "elsewhere": value["elsewhere"],
        }

    def _checked(self, epoch, texts):
        if epoch is None:
            if texts:
                raise Broken("Event %s belongs to no epoch." % texts[0][0])
            return []
        away = {int(place): bytes.fromhex(leaf) for place, leaf in epoch["elsewhere"]}
        here = iter(texts)
        leaves = []
        for place in range(epoch["rows"]):
            if place in away:
                leaves.append(away[place])
                continue
            event = next(here, None)
            if event is None:
                raise Broken("An event of epoch %s is missing, after %s." % (epoch["n"], _last(texts)))
            leaf = hashlib.sha256(b"\x00" + event[1].encode("utf-8")).digest()
            if leaf.hex() != event[2]:
                raise Broken("Event %s is not as it was sealed." % event[0])
            leaves.append(leaf)
        extra = next(here, None)
        if extra is not None:
            raise Broken("Event %s was put into epoch %s." % (extra[0], epoch["n"]))
        for number, text, _ in texts:
            if not text.startswith("%s%s," % (HEAD, number)):
                raise Broken("Event %s reads otherwise than what was sealed." % number)
        if root(leaves).hex() != epoch["root"]:
            raise Broken(
                "One of the events %s to %s is not as epoch %s sealed it."
                % (texts[0][0], texts[-1][0], epoch["n"])
                if texts
                else "Epoch %s is not what was sealed." % epoch["n"]
            )
        if away:
            self.edges[str(epoch["n"])] = sorted(number for number, _, _ in texts)
        self.count += len(texts)
        return [(epoch["n"], number, text) for number, text, _ in texts]

    def _end(self, end, digest):
        self.content_sha256 = digest
        self._trust(end["public_key"], "The file")
        message = end["signed"].encode("utf-8")
        if not self.signed(base64.b64decode(end["public_key"]), message, bytes.fromhex(end["signature"])):
            raise Broken("The file's own signature is false.")
        told = json.dumps(end["edges"], sort_keys=True, separators=(",", ":")).encode("utf-8")
        first, last = (self.numbers[0], self.numbers[-1]) if self.numbers else (0, 0)
        parts = [end["end"], self.month, self.count, first, last, digest, hashlib.sha256(told).hexdigest()]
        if end["signed"] != "\n".join(str(part) for part in parts) or end["edges"] != self.edges:
            raise Broken(
                "The file does not hold what its signature says: a line of it was changed or taken away."
            )


def _last(texts):
    return "event %s" % texts[-1][0] if texts else "none"


def check_archive(path, trusted_key="", signed=is_signed):
    """Read an archived month through. Returns (Archive, the first thing that is wrong or "")."""
    with gzip.open(path, "rb") as file:
        archive = Archive(file, trusted_key, signed)
        try:
            for _ in archive.events():
                pass
        except Broken as broken:
            return archive, str(broken)
        except (OSError, EOFError, ValueError) as error:
            return archive, "The file cannot be read to its end: %s" % error
        except Exception as error:  # zlib.error is no OSError
            return archive, "The file cannot be read to its end: %r" % error
    return archive, ""


def main(arguments):
    """Check the bundle or the file and say what was found. Returns the exit code."""
    trusted = ""
    if "--key" in arguments:
        place = arguments.index("--key")
        trusted = arguments[place + 1]
        del arguments[place : place + 2]
    folder = arguments[0] if arguments else os.path.dirname(os.path.abspath(__file__))
    if os.path.isfile(folder):
        return _say_archive(folder, trusted)
    try:
        problems, count, used, covers, absent = check(folder, trusted)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print("The bundle cannot be read: %r" % error)
        return 1
    for problem in problems:
        print(problem)
    for key in used:
        print("Signed with the public key %s" % key)
    for sentence in covers:
        print("Not checked here, README.txt says how: " + sentence)
    for sentence in absent:
        print("Not in this bundle: " + sentence)
    print("%s events: %s" % (count, "NOT PROVEN" if problems else "all as they were sealed."))
    return 1 if problems else 0


def _say_archive(path, trusted):
    archive, problem = check_archive(path, trusted)
    if problem:
        print(problem)
    for key in sorted(archive.keys):
        print("Signed with the public key %s" % key)
    what = "NOT PROVEN" if problem else "all as they were sealed."
    print("%s events of %s: %s" % (archive.count, archive.month or "no month", what))
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
