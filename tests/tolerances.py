"""The tolerances of the tests: named constants with the reasons for their values."""

# A closed formula of about twelve float64 operations, computed in two ways: a few units in the last place.
INTERVAL = 1e-14

# A few products of normal numbers, summed in two orders, and tanh to 4 units in the last place.
SUMMED = 1e-14

# Published tables with four decimals: half a unit of the last one.
PUBLISHED = 0.5e-4

# Kernel against the NumPy reference, 100 steps: order of sums, fused operations, elementary functions.
TRAJECTORY = {"float64": 1e-12, "float32": 2e-5}

# The same for optimizers that divide by the size of the gradient: rounding errors of a component near 0 are amplified.
AMPLIFIED = {"float64": 1e-8, "float32": 5e-3}

# A thousand steps of PyTorch's optimizers, float64: the order of sums, amplified by adaptive rates up to 5e-14.
PEERS = 1e-12

# Gradients of up to five layers against automatic differentiation, float64, relative to their norm.
AUTODIFF = 1e-12

# Central differences at step 1e-6 of losses up to 100: errors of 1e-14 after cancellation, divided by 2e-6.
DIFFERENCES = 1e-7

# Central differences at step 1e-5 of losses up to 30: a sixth of the square of the step times the third derivative, and
# errors of 1e-14 divided by 2e-5; a step in float32 of parameters up to 3.
OBJECTIVE = {"float64": 1e-8, "float32": 2e-6}

# Functions and their derivatives against mpmath, in units in the last place.  The values of silu, mish and gelu are
# products of a gate and z; the gate of gelu is itself a product of four factors.
ELEMENTARY_ULP = {"all": (2.0, 3.2), "silu": (3.0, 4.0), "mish": (3.0, 5.0), "gelu": (7.0, 8.0)}

# Derivatives of silu, mish and gelu where terms of size 1 cancel, in units of the rounding error of 1.
SLOPE_NEAR_ROOT = 3

# Exponential tails are clipped at their last normal number, exp(-85) in float32, times at most 85.
HELD = 1e-33

# A function with an error of two units may decrease by one unit from one number to the next.
MONOTONE_ULP = 1

# Eigenvalues of a 9 x 9 Hessian from central differences of exact gradients at step 1e-5.
HESSIAN = 1e-9

# Stationary points found by Newton steps until the gradient is at most 1e-10, where curvatures are of size one.
POLISHED = 1e-9

# Central differences of gradients at step 1e-5, relative to the largest second derivative: their error is a sixth of
# the square of the step times the fourth derivative, and roundings of 1e-16 over the step.
SECOND_DIFFERENCES = 1e-8

# Norm of nine numbers divided by their norm, computed from two sums of squares: 22 rounding errors of 1.1e-16.
LENGTH = 2.5e-15

# Growth of peak memory with ten or a hundred times as many runs: at most one or two blocks are in memory.
MEMORY_GROWTH = 0.2

# Growth in bytes of the memory of a merge over half of its blocks; the index of their chunks takes 2700 bytes a
# block: 1.1 MB for 400 blocks.
INDEX = 0.7e6

# Largest ratio of the estimated memory of a run to its peak: two threads seldom peak together.
ROOMY = 8

# Largest ratio of the estimated disk space to the used: data compress to a fifth at best, and 128 KiB are added.
ROOMY_DISK = 8

# Least loss of a search by gradients, and extrema on a grid of 1e-4: errors enter squared.
SEARCHED = 1e-8

# The flow and SciPy's RK45 take the same steps: order of sums and powers of errors, amplified along the path.
SAME_STEPS = 1e-9

# Error of the flow at the end of a path, in units of rtol: about a hundred steps, each with the largest allowed error.
FLOW = 10

# The same between steps, where the order of the interpolant is lower by one.
BETWEEN_STEPS = 30

# Times of events at rtol 1e-8: the error of the path, a few units, divided by the speed.
FLOW_EVENT = 1e-7

# a**2 - b**2 along the product's flow, which the integrator conserves to its tolerance.
CONSERVED = 1e-7

# Distance of descent from the flow is the rate times a constant; the next term of the expansion is of this size.
HALVED = 0.003

# Published tables with three decimals: half a unit of the last one.
PUBLISHED_3 = 0.5e-3

# Dimensions from box counts: exact at powers of the step of the set; mean over positions of the set at powers of two
# for sets with another step; and the length of the 95 % interval in that case.
DIMENSION = {"exact": 1e-12, "twos": 0.06, "bar": 0.25}

# Newton's method for the maximum likelihood ends within the rounding error of sums of thousands of terms.
LIKELIEST = 1e-9

# Near a saddle, hundreds of steps of a linear recursion, each rounded twice.
SADDLE = 1e-13

# Closed integrals against quadrature, or inverted near their end.
QUADRATURE = 1e-9

# A power of a float64, computed in two ways: the rounding error of the exponent, times the logarithm of the range.
POWER = 1e-14

# A product of two weights along the flow at rtol 1e-8: errors of some units, amplified while the product doubles.
FLOW_PRODUCT = 3e-7

# The flow of a linear network at rtol 1e-8: errors of a hundred steps and of the twelve terms of a product.
MODE = 1e-6

# The same from a random start of scale 1e-3, relative to the singular value: the coupling of two modes has decayed to
# about the scale when the second is learned.
RANDOM_MODE = 1e-3

# The maximum likelihood with few escapes, most of them at one scale, where the likelihood is flat.
UNITS = 1e-5

# A start near a saddle grows by a factor of a thousand or more before it escapes, and so does its rounding error.
NARROWED = 1e-12

# Relative difference between escape times of XOR and of its quartic term, which is proportional to the scale.
QUARTIC = 0.2

# A random search for the smallest perturbation ends some thousandths above it; near the smallest one, the norm grows
# like the square of the angle.
SEARCHED_NORM = 2e-3
SEARCHED_DIRECTION = 0.05

# Distance in CIELAB at which two colors can be distinguished at a glance; 2.3 is just noticeable.
GLANCE = 10

# Error of a number printed with a fixed number of decimals, in units of the last one, with the rounding of float64.
ROUNDED = 0.5 + 1e-6

# Confidence of each of about fifty intervals: in all but one of a hundred tables every interval holds.
SURE = 0.9998

# Measured coverage of 95 % intervals in a thousand samples or more; with few runs it differs by a few percent.
COVERAGE = (0.92, 0.98)

# Difference of two shares of few draws, in standard errors: with more, the test would not see half the share.
FEW_DRAWS = 3

# Least coverage of Wilson's interval near 0 and 1, with five starts or more.
WILSON_LEAST = 0.83

# Least measured coverage of the error bars of dimensions, and the number of draws.
BAR_HELD, BAR_OF = 0.98, 150

# Escape times of XOR's flow: relative error of the constant over the scale, and error of the exponent.
XOR_TIME, XOR_EXPONENT = 8, 0.05

# Values of an activation against its row in the vocabulary: some rounding errors of numbers near 1.
POINTWISE = 1e-14

# Estimates from independent draws against their expectation, in standard errors: one of two million is further away.
STANDARD_ERRORS = 5

# Quotients of a few correctly rounded numbers, and means that are exactly zero but for rounding.
QUOTIENT = 1e-14

# Products of orthonormal vectors of up to 64 components, Gram-Schmidt twice: some rounding errors of 1.
ORTHOGONAL = 1e-14

# Fractions solved of 2000 starts, whose standard error is 1 %, against those of another program.
FRACTION = 0.03

# The flow at rtol 1e-11 against a closed form.
CLOSED_FORM = 1e-8

# Escape times from small layers: the next term of the expansion, for the scales of the test.
ESCAPE_LAW = 0.01

# Numbers printed with six, and with nine, decimals: half a unit of the last one.
PRINTED_6, PRINTED_9 = 0.5e-6, 0.5e-9

# Factors of the learning rate: powers and cosines to a few units in the last place, and steps of one part in a thousand
# of the parameters, whose rounding error is 1e-13 of them.
SCHEDULED = 1e-10

# The end of a flow at rtol 1e-8 that contracts: a hundred errors of steps.
DECAYING = 1e-6

# A thousand steps along a path that converges, or whose steps depend on signs alone, against a twin in NumPy.
TWIN = {"float64": 1e-12, "float32": 1e-4}

# The smallest value of a quartic on the sphere by a quasi-Newton search: its error is the square of that of the point.
QUARTIC_MINIMUM = 1e-6

# Mean escape time of 500 runs over Kramers' formula at a barrier of 7 temperatures: a standard error of 0.05, and the
# next term of the formula.
KRAMERS = 0.1

# The limit of half of 16 starts, read off cells of a factor of 1.18 each, against theory to leading order.
CELLS = 1.0

# The held radius at decay 1e-4: the bisection's thousandth, and corrections of the order of the radius, 0.009.
HELD_RADIUS = 0.01

# Shares of the same 64 starts, printed in percent; of 1000 starts against a law to leading order: three standard
# errors of 0.015, and the next order at scale 1e-3.
SHARE_TABLE, SHARE_LAW = 0.03, 0.06

# The logarithm of a growth against central differences of step 1e-6: their error is that of `DIFFERENCES`, amplified by
# steps that divide by the size of the gradient.
TANGENT = 1e-6

# An exponent that is the same in each of 50 steps: rounding errors of products.
EXPONENT = 1e-13

# Mean of a logarithm over 100 000 steps that differs from its limit by a bounded number over the steps.
CHEBYSHEV = 1e-4

# An exponent over 3000 steps of a cycle: the logarithm of the part of the first tangent vector in its direction, over
# the steps.
TWO_CYCLE = 2e-3

# The rate at which stochastic gradients of two targets are pulled into zero: 1, as of docs/measures.md.
THRESHOLD = 1e-3

# Eigenvalues, traces and quadratic forms of matrices of up to 20 rows: some ten rounding errors per row.
EIGENVALUES = 1e-12

# Closed forms of the flow of a linear 1-1-1 network, integrated at rtol 1e-13 to a time of 60.
CLOSED_FORM = 1e-8

# Entries of J J^T from central differences at step 1e-6: errors of 1e-16 / 1e-6, times eight for condition numbers.
NTK_DIFFERENCES = 1e-7

# Isolated stationary points found from different starts: a gradient of 1e-10 over a curvature of 1e-3.
FOUND = 1e-6

# Points of a family whose gradient grows like the square of the distance: the root of the gradient of 1e-10, times ten.
LINE = 1e-4

# Coverage of Newcombe's 95 % intervals in 4000 samples of 60 runs: discrete counts, and 0.0034 standard error.
DIFFERENCE_HELD = 0.93, 0.98

# P-values that are sums of the same probabilities in another order.
P_VALUE = 1e-9

# Levels of the plateaus of a linear network: the rest of the last mode, and the beginning of the next, are below this.
LEVELS = 0.01

# Times at which modes are learned, of ln(1 / scale) / s: ln 4 for the 16 hidden units over ln 10^12 is 5 %.
JUMPS = 0.07

# The threshold of a learning rate, above and below which a thousand steps on a quadratic grow and shrink.
STABILITY = 0.01

# Learning coefficients: the leading law at levels that are not infinitely small, and the standard error of the draws.
LEARNING = 0.02

# The highest point of a line on a grid of 4000 points, whose curvature is of the order of its length squared, 100.
GRID = 1e-5

# Height of the pass of a band above the infimum of the loss behind it, which is reached only at infinity.
PASS = 0.02
