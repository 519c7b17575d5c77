"""See it live: train the starts of the part of weight space that a page shows, while someone moves through it.

The package can be called: ``saddlescape.explore("xor-slice")`` shows the page in a notebook, as `widget.explore` does.
"""

import sys
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from saddlescape.explore.widget import explore

        return explore(*args, **options)


sys.modules[__name__].__class__ = _Package
