"""Every tolerance of the tests: a named constant, and the reason for its size."""

# A closed formula of a dozen float64 operations, computed in two ways: a few units in the last place.
INTERVAL = 1e-14

# A few products of normal numbers, summed in two orders, and tanh to 4 units in the last place.
SUMMED = 1e-14

# Published tables give four decimals: half a unit of the last one.
PUBLISHED = 0.5e-4

# Kernel against NumPy twin, 100 steps, float64: sums in another order, fused operations, libm's functions.
TRAJECTORY = {"float64": 1e-12, "float32": 2e-5}

# The same where steps are divided by the gradient's own size: a component near zero passes its rounding on in full.
AMPLIFIED = {"float64": 1e-8, "float32": 5e-3}

# A thousand steps of PyTorch's optimizers, float64: sums in another order, grown by adaptive rates.
PEERS = 1e-9

# Gradients of up to five layers against automatic differentiation, float64, relative to their norm.
AUTODIFF = 1e-12

# Central differences at step 1e-6 of losses up to 100: they cancel to 1e-14, over 2e-6.
DIFFERENCES = 1e-7

# Functions against mpmath, in units in the last place: values; derivatives, which are products of more.  The gates of
# silu, mish and gelu are values times z; that of gelu is itself a product of four.
ELEMENTARY_ULP = {"all": (2.0, 3.2), "silu": (3.0, 4.0), "mish": (3.0, 5.0), "gelu": (7.0, 8.0)}

# Derivatives of silu, mish and gelu where terms of size one cancel, in units of the rounding of one.
SLOPE_NEAR_ROOT = 3

# Tails that decay exponentially are held at their last normal number, exp(-85) in float32, times at most 85.
HELD = 1e-33

# A function with an error of two units may fall by a unit from one number to the next.
MONOTONE_ULP = 1

# Eigenvalues of a 9 x 9 Hessian from central differences of exact gradients at step 1e-5.
HESSIAN = 1e-9

# Stationary points found by Newton steps until the gradient is at most 1e-10, where curvatures are of size one.
POLISHED = 1e-9

# Central differences of gradients at step 1e-5, relative to the largest second derivative: their error is a sixth of
# the square of the step times the fourth derivative, and roundings of 1e-16 over the step.
SECOND_DIFFERENCES = 1e-8

# Squared length of nine numbers divided by their length, which two sums of squares make of it: 22 roundings of 1.1e-16.
LENGTH = 2.5e-15

# Peak memory of ten or a hundred times as many runs: one or two blocks of them are in memory, and no more.
MEMORY_GROWTH = 0.2

# Bytes by which the memory of a merge may grow over half of its blocks; the index of their chunks, held in memory,
# takes 2700 bytes a block: 1.1 MB of 400 blocks.
INDEX = 0.7e6

# How many times as much memory as a run takes it may be said to take at most: two threads seldom peak together.
ROOMY = 8

# As many times for the disk, where numbers are deflated to a fifth at best here, and a small run has 128 KiB to spare.
ROOMY_DISK = 8

# The least loss that a search by gradients finds, and extrema found on a grid of 1e-4: errors enter squared.
SEARCHED = 1e-8

# The flow and SciPy's RK45 take the same steps: sums in another order, and powers of errors, grown along the path.
SAME_STEPS = 1e-9

# Error of the flow at the end of a path, in units of rtol: a hundred or so steps, each as wrong as it may be.
FLOW = 10

# The same between steps, where the interpolant is of one order less.
BETWEEN_STEPS = 30

# Times of events at rtol 1e-8: the path is off by a few units, and the time by that over the speed.
FLOW_EVENT = 1e-7

# a**2 - b**2 along the product's flow, which the integrator conserves to its tolerance.
CONSERVED = 1e-7

# Distance of descent from the flow is the rate times a constant; the next term of the expansion is of this size.
HALVED = 0.003

# A few products of normal numbers, summed in two orders, and tanh to 4 units in the last place.
SUMMED = 1e-14

# Published tables that give three decimals: half a unit of the last one.
PUBLISHED_3 = 0.5e-3

# Dimensions from box counts: at powers of the set's own step, exact; at powers of two on sets whose counts go in other
# steps, the mean over where the set lies; and the length of the 95 % interval then.
DIMENSION = {"exact": 1e-12, "twos": 0.06, "bar": 0.25}

# Newton's method for the likeliest law ends within the rounding of sums of thousands of terms.
LIKELIEST = 1e-9

# Near a saddle, hundreds of steps of a linear recursion, each rounded twice.
SADDLE = 1e-13

# Closed integrals against quadrature, or inverted where they are near their end.
QUADRATURE = 1e-9

# A power of a float64, in two ways: the exponent's rounding, times the logarithm of the range.
POWER = 1e-14

# A product of two weights along the flow at rtol 1e-8, each off by some units of it, grown while the product doubles.
FLOW_PRODUCT = 3e-7

# The flow of a linear network at rtol 1e-8: a hundred steps, and twelve numbers of a product, which add up.
MODE = 1e-6

# The same from a random start of scale 1e-3, relative to the singular value: what two modes have in common has died out
# to about the scale when the second is learned.
RANDOM_MODE = 1e-3

# The same where the top of the likelihood is flat: few escapes, most of them at one scale.
UNITS = 1e-5

# A start near a saddle grows a thousandfold and more before it escapes, and so do its roundings.
NARROWED = 1e-12

# Escape times of XOR differ from those of the quartic by a share of the scale: a few per cent at some hundredths.
QUARTIC = 0.2

# A random search for the smallest kick ends some thousandths above it; near a smallest one, norms grow like the square
# of the angle.
SEARCHED_NORM = 2e-3
SEARCHED_DIRECTION = 0.05

# Distance in CIELAB at which two colours are told apart at a glance; 2.3 is just noticeable.
GLANCE = 10

# A number written with so many decimals is off by half a unit of the last, and float64 adds a few units of its own.
ROUNDED = 0.5 + 1e-6

# Confidence of intervals of which fifty and more are looked at: all hold, but for once in a hundred tables.
SURE = 0.9998

# How often intervals of 95 % held the truth in a thousand samples and more: few runs give a few in a hundred off.
COVERAGE = (0.92, 0.98)

# Wilson's interval near 0 and 1, of five starts and more.
WILSON_LEAST = 0.83

# How often error bars of dimensions held them, of so many draws.
BAR_HELD, BAR_OF = 0.98, 150

# Escape times of XOR's flow times scale^2, over the constant of the quartic: off by a share of the scale.
XOR_TIME, XOR_EXPONENT = 8, 0.05

# An activation's values against what its row tells of them: some roundings of numbers near 1.
POINTWISE = 1e-14
