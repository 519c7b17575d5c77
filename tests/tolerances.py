"""Every tolerance of the tests: a named constant, and the reason for its size."""

# A closed formula of a dozen float64 operations, computed in two ways: a few units in the last place.
INTERVAL = 1e-14

# Published tables give four decimals: half a unit of the last one.
PUBLISHED = 0.5e-4
