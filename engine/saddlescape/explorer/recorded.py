"""A page without a session: what a session would have told it, in the page itself."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Header = dict[str, Any]
Told = tuple[Header, bytes]
"""A message of a session: its header and its payload."""


@dataclass(frozen=True)
class Recorded:
    """What a page can show: the messages that a session would send.

    Attributes
    ----------
    spec : what it says first.
    tiles : of the map; none if there is no map.
    paths : of the starts that can be watched, each with a sentence, `label`.
    done : a sentence that says what the map shows.
    """

    spec: Header
    tiles: Sequence[Told]
    paths: Sequence[Told]
    done: str

    @property
    def text(self) -> str:
        """All of it as JSON that may stand in a script element of HTML."""
        told = {name: [_packed(*each) for each in getattr(self, name)] for name in ("tiles", "paths")}
        return harmless({"spec": self.spec, **told, "done": self.done})


def harmless(value: Any) -> str:
    """A value as JSON without characters that HTML could mistake for the end of an element, or for a comment."""
    text = json.dumps(value, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _packed(header: Header, payload: bytes) -> Header:
    return {**header, "payload": base64.b64encode(zlib.compress(payload, 9)).decode()}
