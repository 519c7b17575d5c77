"""What a page may say to the session: plain dicts, validated."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from saddlescape.explorer.lattice import Window

LARGEST = 2**52
"""Integers up to here, and their halves, are exact in a page and in float64."""

LEVELS = (-900, 90)
"""Levels whose starts are normal numbers within the limits of a spec."""

CELLS, EDGE = 2**19, 2**11
"""Maximum number of starts of a view, and along one of its sides."""

VALUES = 2048
"""Maximum number of parameters of a start that a page gives."""

Integer = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Level = Annotated[int, Field(ge=LEVELS[0], le=LEVELS[1])]
Ends = Annotated[tuple[Integer, Integer], Field(strict=False)]


Number = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | Annotated[float, Field(ge=-1e300, le=1e300)]
Theta = Annotated[list[Annotated[float, Field(ge=-1e300, le=1e300)]], Field(min_length=1, max_length=VALUES)]


class Message(BaseModel):
    """A message; anything that is not declared is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Part(Message):
    """A window of the lattice."""

    k: Level
    n: Ends
    m: Ends

    @model_validator(mode="after")
    def _is_small(self) -> "_Part":
        sides = [high - low + 1 for low, high in (self.n, self.m)]
        if not all(1 <= side <= EDGE for side in sides) or sides[0] * sides[1] > CELLS:
            raise ValueError(f"must have 1 to {CELLS} starts, at most {EDGE} along a side; got {sides}")
        return self

    @property
    def window(self) -> Window:
        """The window."""
        return Window(self.k, self.n, self.m)


class View(_Part):
    """Show these starts."""

    type: Literal["view"]


class Export(_Part):
    """Send these starts as a spec, as a page in one file, or as a result."""

    type: Literal["export"]
    to: Literal["spec", "page", "result"] = "spec"


class Stop(Message):
    """Make no file any more."""

    type: Literal["stop"]


class Forget(_Part):
    """The page does not keep these starts any more."""

    type: Literal["forget"]


class Start(Message):
    """Train this start and send its path."""

    type: Literal["start"]
    k: Level
    n: Integer
    m: Integer


Word = Annotated[str, Field(max_length=40)]
Value = bool | Number | Word | Annotated[list[Number | Word], Field(max_length=32)] | None


Key = Annotated[str, Field(max_length=60)]
Numbers = Annotated[dict[Key, Annotated[float, Field(ge=-1e300, le=1e300)]], Field(max_length=2)]


class Given(Message):
    """Train the start with these parameters, to which `kick` times the standard normal start of run `draw` is added."""

    type: Literal["given"]
    theta: Theta
    kick: Annotated[float, Field(ge=0, le=1e300)] = 0.0
    draw: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    numbers: Numbers = Field(default_factory=dict)


class Take(Message):
    """Send the start with these parameters as a spec."""

    type: Literal["take"]
    theta: Theta
    numbers: Numbers = Field(default_factory=dict)


class Keys(Message):
    """Change keys of the spec: None is the value that was opened, "" the default."""

    type: Literal["keys"]
    values: Annotated[dict[Annotated[str, Field(max_length=40)], Value], Field(max_length=64)] = Field(
        default_factory=dict
    )
    learning_rate: Annotated[float, Field(gt=0, le=1e300)] | None = None
    steps: Annotated[int, Field(ge=1, le=10**12)] | None = None

    @property
    def all(self) -> dict[str, Value]:
        """The keys that are given, by their dotted names."""
        short = {f"training.{name}": getattr(self, name) for name in ("learning_rate", "steps")}
        return {**{key: value for key, value in short.items() if value is not None}, **self.values}


Index = Annotated[int, Field(ge=0, le=LARGEST)]
Axis = Index | Annotated[str, Field(max_length=60, pattern=r"^(log:)?[a-z]+\.[a-z0-9_]+(\.[0-9])?$")]
Run = Annotated[str, Field(pattern=r"^end:(0|[1-9][0-9]{0,14})$")]


class Plane(Message):
    """Show the plane along two parameters, or numbers of the spec, through a point of weight space."""

    type: Literal["plane"]
    x: Axis
    y: Axis
    point: Literal["slice", "zero", "solution"] | Run | Index | Theta
    at: Index | None = None


class Cancel(Message):
    """Do not look for the point of the last planes any more."""

    type: Literal["cancel"]


Asked = View | Export | Forget | Start | Given | Take | Keys | Plane | Cancel | Stop
Any_ = Annotated[Asked, Field(discriminator="type")]
_ADAPTER: TypeAdapter[Asked] = TypeAdapter(Any_)


class BadMessage(ValueError):
    """A message that no page sends; one line says what is wrong."""


def read(message: Any) -> Asked:
    """Validate a message; BadMessage if it is not valid."""
    try:
        return _ADAPTER.validate_python(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        line = f"message: {place}: {first['msg']}" if place else f"message: {first['msg']}"
        raise BadMessage("".join(c if c.isprintable() else "\ufffd" for c in line[:200])) from None
    except RecursionError:
        raise BadMessage("message: nested too deeply") from None
