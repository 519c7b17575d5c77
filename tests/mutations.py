"""Random mutations of HDF5 files, with corrected checksums; each is determined by its number."""

import random
import re
import struct
from typing import NamedTuple

from saddlescape.store.raw import lookup3

ENDS = {b"BTHD": 38, b"FRHP": 146}
"""Bytes of structures with a fixed length."""
LOOKED_FOR = rb"OHDR\x02|OCHK|BTHD|BTIN|BTLF|FRHP|FHDB|FHIB|FSHD|FSSE|FAHD|FADB|EAHD|EAIB|EASB|EADB|SMTB|SMLI"
BARE = rb"GCOL|TREE|SNOD|HEAP"
"""Structures without a checksum."""
MOST = 2048
"""Limit in bytes of the search for the end of a structure."""
MESSAGES = (1, 2, 3, 5, 6, 7, 8, 11, 12, 16, 17, 21)


class Part(NamedTuple):
    """A structure of metadata: its first and last offset, and the offset of its checksum (None: it has none)."""

    start: int
    stop: int
    sum: int | None


def parts(content):
    """The structures of a file, identified by valid checksums."""
    found = [Part(0, 48, 44)]
    for match in re.finditer(LOOKED_FOR, content):
        at, kind = match.start(), match[0][:4]
        if kind == b"FHDB":
            found += _heap_block(content, at)
            continue
        ends = [at + ENDS[kind]] if kind in ENDS else range(at + 10, min(at + MOST, len(content)))
        end = next((end for end in ends if lookup3(content[at : end - 4]) == _uint(content[end - 4 : end])), None)
        if end is not None:
            found.append(Part(at, end, end - 4))
    found += [Part(m.start(), min(m.start() + 400, len(content)), None) for m in re.finditer(BARE, content)]
    return found


def _uint(content):
    return int.from_bytes(content, "little")


def _heap_block(content, at):
    for size in (512 << n for n in range(8)):
        for place in range(at + 14, at + 22):
            bare = content[at:place] + bytes(4) + content[place + 4 : at + size]
            if lookup3(bare) == _uint(content[place : place + 4]):
                return [Part(at, at + size, place)]
    return []


def changed(content, found, draw):
    """The file with some structures changed, most of them with a corrected checksum."""
    file, touched = bytearray(content), []
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        part = draw.choice(found)
        draw.choice([_bits, _field, _field, _field, _copied, _message])(file, part, found, draw)
        touched.append(part)
    if draw.random() < 0.1:  # anywhere, such as in the values
        file[draw.randrange(len(file))] ^= 1 << draw.randrange(8)
    for part in (part for part in touched if part.sum is not None and draw.random() < 0.95):
        file[part.sum : part.sum + 4] = bytes(4)
        bare = file[part.start : part.stop] if part.stop - 4 > part.sum else file[part.start : part.sum]
        file[part.sum : part.sum + 4] = struct.pack("<I", lookup3(bytes(bare)))
    return bytes(file[: draw.randrange(len(file))] if draw.random() < 0.02 else file)


def _bits(file, part, found, draw):
    for _ in range(draw.choice([1, 2, 8])):
        at = draw.randrange(part.start, part.stop)
        file[at] = draw.choice([file[at] ^ 1 << draw.randrange(8), 0, 255, draw.randrange(256)])


def _field(file, part, found, draw):
    """Replace a number: by zero, a large number, a neighbor, or the address of a structure."""
    form = draw.choice("BHIQQ")
    size = struct.calcsize(f"<{form}")
    at = draw.randrange(part.start, max(part.start + 1, part.stop - size))
    (old,) = struct.unpack_from(f"<{form}", file, at)
    new = draw.choice(
        [0, 1, old + 1, old - 1, old * 2, 1 << draw.randrange(8 * size), -1, len(file), part.start]
        + [draw.choice(found).start] * 3
    )
    struct.pack_into(f"<{form}", file, at, new % (1 << 8 * size))


def _copied(file, part, found, draw):
    """Copy bytes of another structure."""
    other = draw.choice(found)
    size = min(draw.choice([4, 8, 16, 64, 4096]), part.stop - part.start, other.stop - other.start)
    at = part.start + draw.choice([0, draw.randrange(part.stop - part.start - size + 1)])
    source = other.start + draw.choice([0, draw.randrange(other.stop - other.start - size + 1)])
    file[at : at + size] = file[source : source + size]


def _message(file, part, found, draw):
    """Change the type, length or flags of a message of an object header."""
    at = part.start + 7 + draw.randrange(12)
    stops = []
    while at + 4 <= part.stop and len(stops) < 40:
        stops.append(at)
        at += 4 + struct.unpack_from("<H", file, at + 1)[0]
    if stops:
        at = draw.choice(stops)
        file[at] = draw.choice(MESSAGES)
        file[at + 3] ^= draw.choice([0, 0, 2, 1 << draw.randrange(8)])


def each(content, first, last, seed):
    """The files with these numbers; each number is printed before its file is returned."""
    found = parts(content)
    for number in range(first, last):
        print(number, flush=True)
        draw = random.Random(f"{seed} {number}")
        yield changed(content, found, draw), draw
    print("done", flush=True)
