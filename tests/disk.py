"""A simulated disk that records what was synced, to show what a power cut may leave.

Names are kept by the folder they are in, and content by the file: a file whose content was synced is lost all the same
if its name was not, and a name may come to a file whose content never did.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

from system import interpose


@dataclass
class Node:
    """A file or folder: its synced content or names, and changes of names that are not synced."""

    content: bytes | None = None
    names: dict[str, "Node"] | None = None
    pending: list[list[tuple[str, "Node | None"]]] = field(default_factory=list)

    def copy(self, known):
        if id(self) not in known:
            known[id(self)] = made = Node(self.content)
            if self.names is not None:
                made.names = {name: node.copy(known) for name, node in self.names.items()}
            made.pending = [[(name, node and node.copy(known)) for name, node in change] for change in self.pending]
        return known[id(self)]


class Disk:
    """Record the operations on files below `root`, once installed; `images` has the state after each.

    Of files that `forget` tells, a sync is passed over.
    """

    def __init__(self, root, forget=lambda path: False):
        self.forget, self.top, self.images = forget, Node(names={}), []
        self.there, self.opened = {root: self.top}, {}

    def install(self, patch):
        interpose(patch, self._followed)

    def _followed(self, name, real, *arguments, **options):
        result = real(*arguments, **options)
        if follow := getattr(self, f"_{name}", None):
            follow(result, *arguments)
        self.images.append(self.top.copy({}))
        return result

    def _change(self, *paths):
        """Set the names to the present ones."""
        folder = paths[0].parent
        if folder in self.there:
            self.there[folder].pending.append([(path.name, self.there.get(path)) for path in paths])

    def _node(self, path):
        """The node at a path; it is created if it does not exist."""
        if path not in self.there and path.parent in self.there:
            self.there[path] = Node(names={} if path.is_dir() else None)
            self._change(path)
        return self.there.get(path)

    def _open(self, descriptor, path, *rest):
        self.opened[descriptor] = Path(path)
        self._node(Path(path))

    def _mkdir(self, result, path, *rest):
        self._node(Path(path))

    def _fsync(self, result, descriptor):
        path = self.opened[descriptor]
        node = None if self.forget(path) else self._node(path)
        if node is None:
            return
        if node.names is None:
            node.content = path.read_bytes()
        for change in node.pending:
            apply(node.names, change)
        node.pending.clear()

    def _replace(self, result, source, target):
        source, target = Path(source), Path(target)
        self.there[target] = self.there.pop(source)
        self._change(target, source)

    _rename = _replace

    def _unlink(self, result, path):
        if self.there.pop(Path(path), None):
            self._change(Path(path))


def apply(names, change):
    for name, child in change:
        if child is None:
            names.pop(name, None)
        else:
            names[name] = child


def left(node, chance, rng, path=Path()):
    """Files (content) and folders (None) after a power cut; `chance`: probability that an unsynced change is kept."""
    names, found = dict(node.names), {path: None}
    for change in node.pending:
        if rng.random() < chance:
            apply(names, change)
    for name, child in names.items():
        if child.names is not None:
            found |= left(child, chance, rng, path / name)
        else:
            found[path / name] = rng.choice([b"", bytes(8)]) if child.content is None else child.content
    return found


def lay_out(files, folder):
    for path, content in files.items():  # a folder comes before what is in it
        if content is None:
            (folder / path).mkdir(parents=True)
        else:
            (folder / path).write_bytes(content)


def possible(image, seed, cuts):
    """States after a power cut: without and with all changes that were not synced, then with random subsets of them."""
    for number in range(cuts):
        yield left(image, (0.0, 1.0, 0.5)[min(number, 2)], random.Random(f"{seed} {number}"))
