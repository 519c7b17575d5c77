"""Types of keys with their ranges and validators, and the declaration of a key."""

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from saddlescape.words.activations import ACTIVATIONS
from saddlescape.words.measures import MEASURES
from saddlescape.words.optimizers import HYPERPARAMETERS
from saddlescape.words.suggest import plain


class OneOf:
    """A validator: one of these words, in any capitalization, or an alias of one."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.words = tuple(words)
        self._same = {plain(word): word for word in words}
        self._same |= {plain(alias): word for word, row in words.items() for alias in getattr(row, "aliases", ())}

    def meant(self, value: Any) -> Any:
        """The word for a value: of any capitalization, or an alias; the value itself if there is none."""
        return self._same.get(plain(value), value) if isinstance(value, str) else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        literal = core_schema.literal_schema(list(self.words))
        return core_schema.no_info_before_validator_function(self.meant, literal)


def whole(value: Any) -> Any:
    """Convert a float without fractional part to an integer, so that 1e6 is 1000000; return other values unchanged."""
    return int(value) if type(value) is float and value.is_integer() else value


def _different(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"must differ from each other; got {', '.join(values)}")
    return values


Integer = Annotated[int, BeforeValidator(whole)]
Floats = Annotated[tuple[float, ...], Field(strict=False, min_length=1)]
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Steps = Annotated[Integer, Field(ge=1, le=10**12)]
MAX_UNITS = 256
"""Maximum number of units of a hidden layer."""

Width = Annotated[Integer, Field(ge=1, le=MAX_UNITS)]
Seed = Annotated[Integer, Field(ge=0, le=2**63 - 1)]
Activation = Annotated[str, OneOf(ACTIVATIONS)]
Fields = Annotated[
    tuple[Annotated[str, OneOf(MEASURES)], ...], Field(strict=False), AfterValidator(_different)
]


def key(
    default: Any, meaning: str, takes: str = "", *, later: bool = False, once: str = "", **bounds: Any
) -> Any:
    """Declare a key of a spec.

    Parameters
    ----------
    default : its default value.
    meaning : its description in docs/spec.md.
    takes : type and range in docs/spec.md, where they do not follow from the annotation.
    later : whether it was added after the first version.  It is then left out of the resolved spec if it has its
        default value, so that old specs keep their digest.
    once : the name it had in the first version, which the resolved spec keeps.
    bounds : as of `pydantic.Field`.
    """
    extra: Any = {"takes": takes, "later": later, "once": once}
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


def hyperparameter(name: str, *, later: bool = False) -> Any:
    """Declare the key of ``training`` for a hyperparameter of an optimizer."""
    its = HYPERPARAMETERS[name]
    limits = {"gt": its.above, "ge": its.least, "lt": its.below, "le": its.most}
    bounds: dict[str, Any] = {bound: value for bound, value in limits.items() if value is not None}
    return key(its.default, its.meaning, later=later, **bounds)


class Section(BaseModel):
    """A table of a spec."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def resolved(self) -> dict[str, Any]:
        """Plain JSON values by key; without pydantic's serializer, so that its version does not change the digest."""
        fields = type(self).model_fields.items()
        values = {name: getattr(self, name) for name, _ in fields}
        return {
            extra_of(field).get("once") or field.alias or name: as_json(values[name])
            for name, field in fields
            if not (extra_of(field).get("later") and values[name] == field.default)
            and not (isinstance(values[name], Section) and values[name].is_left_out)
        }

    @property
    def is_left_out(self) -> bool:
        """Whether it is a later table with only default values, which is left out of the resolved spec."""
        fields = type(self).model_fields
        return all(extra_of(field).get("later") for field in fields.values()) and not self.resolved()


def extra_of(field: Any) -> Mapping[str, Any]:
    """What `key` declares of a field besides pydantic's own attributes."""
    return field.json_schema_extra or {}


def as_json(value: Any) -> Any:
    """The value of a key as plain JSON values."""
    if isinstance(value, tuple):
        return [as_json(each) for each in value]
    return value.resolved() if isinstance(value, Section) else value


def schedule(spacing: str, what: str, numbers: tuple[type, ...]) -> Callable[[Any], str | tuple[Any, ...]]:
    """Validator of recorded steps or times: "log:N", "`spacing`:N", or an increasing list of numbers."""

    def check(value: Any) -> str | tuple[Any, ...]:
        if isinstance(value, str) and re.fullmatch(rf"(log|{spacing}):0*[1-9]\d{{0,8}}", value, re.ASCII):
            return value
        steps = [whole(v) for v in value] if isinstance(value, list | tuple) else []
        if steps and all(type(v) in numbers and 0 <= v < 1e300 for v in steps):
            if falls := [(a, b) for a, b in pairwise(steps) if b <= a]:
                raise ValueError(f"must be increasing; got {falls[0][1]!r} after {falls[0][0]!r}")
            return tuple(map(numbers[-1], steps))
        raise ValueError(f'must be "log:N", "{spacing}:N" or a list of {what}, 0 or larger; got {value!r:.80}')

    return check


def activations(value: Any) -> str | tuple[str, ...]:
    """Validator of one activation for all layers, or of a list with one for each layer."""
    one = OneOf(ACTIVATIONS)
    names = [one.meant(name) for name in (value if isinstance(value, list | tuple) else [value])]
    for name in names:
        if not isinstance(name, str) or name not in ACTIVATIONS:
            words = [repr(word) for word in ACTIVATIONS]
            expected = f"{', '.join(words[:-1])} or {words[-1]}"
            raise PydanticCustomError("literal_error", "{expected}", {"expected": expected})
    return str(names[0]) if isinstance(value, str) else tuple(names)


def numbers(value: Any) -> float | tuple[float, ...]:
    """Validator of one number for all layers, or of a list with one for each layer."""
    given = value if isinstance(value, list | tuple) else [value]
    if not given or not all(type(v) in (int, float) and abs(v) < math.inf for v in given):
        raise ValueError(f"must be a finite number, or a list of them; got {value!r:.80}")
    return float(value) if given[0] is value else tuple(map(float, given))


BATCHES = {"full": 0, "online": 1, "shuffled": 1, "sampled": 1}
"""Words for the number of samples per step; 0 means all."""

ORDERS = ("fixed", "shuffled", "sampled")
"""Orders in which the steps of an epoch take the samples: as given, in a new random order, drawn with replacement."""


class Minibatch(Section):
    """Several samples per step, in an order that is not fixed."""

    size: Annotated[Integer, Field(ge=2)]
    order: Literal["shuffled", "sampled"]

    def __str__(self) -> str:
        """The label of the value along an axis."""
        return f"{self.size}-{self.order}"


def samples(value: Any) -> int | str | Minibatch:
    """Validator of the samples of a step; the tables that mean the same as a number or a word are replaced by it."""
    value = whole(value)
    if isinstance(value, Minibatch) or value in tuple(BATCHES) or (type(value) is int and value >= 1):
        return cast(int | str | Minibatch, value)
    if isinstance(value, Mapping) and value.keys() == {"size", "order"}:
        size, order = whole(value["size"]), value["order"]
        if type(size) is int and size >= 1 and order in ORDERS:
            return size if order == "fixed" else order if size == 1 else Minibatch(size=size, order=order)
    words, orders = (", ".join(f'"{word}"' for word in names) for names in (BATCHES, ORDERS))
    table = f"{{ size = N, order = O }} with N from 1 and O one of {orders}"
    raise ValueError(f"must be {words}, a number of samples, 1 or more, or {table}; got {value!r:.80}")


def line(value: str) -> str:
    """Validator of a string of one line."""
    if len(value) > 1000 or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError(f"must be one line of at most 1000 characters; got {value!r:.80}")
    return value
