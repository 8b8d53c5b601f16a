"""Bodies of API calls."""

import codecs
import json
from typing import IO, Any, cast

from django.conf import settings
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.utils.json import strict_constant


class JSONParser(parsers.JSONParser):
    """JSON. What only an attack sends is refused like text that is none: endless nesting, a name given twice.

    Of two values under one name, one reader takes the first and another the last: what was checked in front of us may
    not be what we would do.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """The body as Python values. Raises ParseError (400)."""
        encoding = (parser_context or {}).get("encoding", settings.DEFAULT_CHARSET)
        try:
            text = codecs.getreader(encoding)(stream)
            return cast(
                "dict[str, Any]", json.load(text, parse_constant=strict_constant, object_pairs_hook=_once)
            )
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error
        except (ValueError, LookupError) as error:
            raise ParseError(f"JSON parse error - {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is given twice")
    return made
