"""Closed forms from the papers: what a memory of random patterns should do.

Plain functions of numbers and NumPy arrays (they broadcast), evaluated in double precision, to be
drawn through measured curves. Each names its source; `tests/laws/` compares them with the
memories.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def _erfc(x: ArrayLike) -> Numbers:
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


def pinv_cosine(inputs: ArrayLike, n_pairs: ArrayLike) -> Numbers:
    """Mean cosine of W = V K^+ on its own n random pairs, keys and values N(0, 1) in d dimensions.

    1 for n <= d, else sqrt(d / n) (1 - 3/(4d)): the recalled value is the projection of the value
    onto a random subspace of d of n directions. The factor is exact for n >> d. After Kohonen
    (1989), Self-Organization and Associative Memory, chapter 6.
    """
    d, n = np.asarray(inputs, float), np.asarray(n_pairs, float)
    return np.where(n <= d, 1.0, np.sqrt(np.minimum(d / n, 1.0)) * (1.0 - 0.75 / d))


def pinv_distance(
    inputs: ArrayLike, n_pairs: ArrayLike, outputs: ArrayLike | None = None
) -> Numbers:
    """Mean Euclidean distance between value and recalled value: sqrt(1 - d/n) E chi_m, 0 to n = d.

    m is the width of the values, d by default. As `pinv_cosine`.
    """
    d, n = np.asarray(inputs, float), np.asarray(n_pairs, float)
    return np.sqrt(np.maximum(1.0 - d / n, 0.0)) * mean_chi(d if outputs is None else outputs)


def mean_chi(degrees: ArrayLike) -> Numbers:
    """E chi_d = sqrt(2) Gamma((d + 1)/2) / Gamma(d/2): the mean norm of a N(0, 1) vector."""
    lgamma = np.vectorize(math.lgamma, otypes=[np.float64])
    d = np.asarray(degrees, float)
    return np.sqrt(2.0) * np.exp(lgamma((d + 1) / 2) - lgamma(d / 2))


def random_distance(features: ArrayLike) -> Numbers:
    """Mean distance of two independent N(0, 1) vectors, sqrt(2) E chi_d."""
    return np.sqrt(2.0) * mean_chi(features)


def dot_cosine(inputs: ArrayLike, n_pairs: ArrayLike) -> Numbers:
    """Mean cosine of V K^T k on its own random pairs, 1 / sqrt(1 + (n - 1)/d).

    Kohonen (1972), IEEE Trans. Computers C-21, 353; Anderson (1972), Math. Biosciences 14, 197.
    """
    d, n = np.asarray(inputs, float), np.asarray(n_pairs, float)
    return 1.0 / np.sqrt(1.0 + (n - 1.0) / d)


def relu_cosine(inputs: ArrayLike, n_pairs: ArrayLike) -> Numbers:
    """As `dot_cosine` with half the cross-talk: relu drops the negative similarities."""
    d, n = np.asarray(inputs, float), np.asarray(n_pairs, float)
    return 1.0 / np.sqrt(1.0 + (n - 1.0) / (2.0 * d))


def hebb_bit_error(features: ArrayLike, n_patterns: ArrayLike) -> Numbers:
    """Wrong bits one step after a stored pattern, erfc(sqrt(N / 2P)) / 2 for P of N bits.

    The same for Hopfield, BAM, correlation matrix and asymmetric sequences. Hertz, Krogh and
    Palmer (1991), Introduction to the Theory of Neural Computation, table 2.1.
    """
    return 0.5 * _erfc(np.sqrt(np.asarray(features) / (2.0 * np.asarray(n_patterns))))


def hopfield_transition() -> float:
    """The load P/N at which recall of Hebb's network breaks down, 0.138 (replica symmetric).

    Amit, Gutfreund and Sompolinsky (1985), Phys. Rev. Lett. 55, 1530.
    """
    return 0.1379


def hopfield_overlap(load: ArrayLike) -> Numbers:
    """Overlap m of the retrieval state at load alpha, 0 beyond the transition.

    The largest root of y (sqrt(2 alpha) + (2/sqrt(pi)) exp(-y^2)) = erf(y), m = erf(y): the
    zero-temperature equations of Amit, Gutfreund and Sompolinsky (1985) in one variable; see
    Hertz, Krogh and Palmer (1991), section 2.5.
    """

    def one(alpha: float) -> float:
        grid = np.linspace(6.0, 0.05, 20001)
        erf = np.vectorize(math.erf)(grid)
        gap = erf - grid * (math.sqrt(2 * alpha) + 2 / math.sqrt(math.pi) * np.exp(-(grid**2)))
        above = np.flatnonzero(gap >= 0)  # coming down from large y, where the gap is negative
        return float(erf[above[0]]) if len(above) else 0.0

    return np.vectorize(one, otypes=[np.float64])(load)


def hebb_fixed_points(features: ArrayLike) -> Numbers:
    """How many patterns are exact fixed points, N / (2 ln N) for Hebb's rule.

    McEliece, Posner, Rodemich and Venkatesh (1987), IEEE Trans. Information Theory 33, 461.
    """
    n = np.asarray(features, float)
    return n / (2.0 * np.log(n))


def storkey_fixed_points(features: ArrayLike) -> Numbers:
    """As `hebb_fixed_points` for Storkey's rule, N / sqrt(2 ln N).

    Storkey and Valabregue (1999), Neural Networks 12, 869.
    """
    n = np.asarray(features, float)
    return n / np.sqrt(2.0 * np.log(n))


def perceptron_capacity(margin: ArrayLike = 0.0) -> Numbers:
    """Largest load P/N at which couplings of stability `margin` exist for random patterns,

        1 / ((1 + k^2) Phi(k) + k phi(k))     (phi, Phi: the normal density and its integral)

    2 without a margin. Gardner (1988), J. Phys. A 21, 257, for couplings that are not symmetric.
    """
    k = np.asarray(margin, float)
    density = np.exp(-(k**2) / 2) / math.sqrt(2 * math.pi)
    return 1.0 / ((1.0 + k**2) * (1.0 - 0.5 * _erfc(k / math.sqrt(2))) + k * density)


def dense_bit_error(features: int, n_patterns: ArrayLike, exponent: int) -> Numbers:
    """Wrong bits one step after a stored pattern with F(s) = s^n,

        erfc(sqrt(N^(n-1) / (2 K (2n-3)!!))) / 2

    Krotov and Hopfield (2016), arXiv:1606.01164, equation 4.
    """
    size = float(features) ** (exponent - 1)
    k = np.asarray(n_patterns, float)
    return 0.5 * _erfc(np.sqrt(size / (2.0 * k * double_factorial(2 * exponent - 3))))


def dense_capacity(features: int, exponent: int, error: float = 0.005) -> float:
    """How many patterns a dense memory holds at this share of wrong bits, alpha_n N^(n-1).

    `dense_bit_error` solved for K: alpha_2 = 0.1507 and alpha_3 = 0.0502 at 0.5 %.
    """
    low, high = 0.0, 10.0
    for _ in range(200):  # bisection of erfc(x)/2 = error
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 0.5 * math.erfc(middle) > error else (low, middle)
    return float(features) ** (exponent - 1) / (2.0 * low**2 * double_factorial(2 * exponent - 3))


def double_factorial(odd: int) -> int:
    """n!! = n (n-2) (n-4) ..., 1 for n < 2."""
    return math.prod(range(odd, 0, -2))


def sdm_activation(bits: int, radius: int) -> float:
    """Share of random hard locations within a Hamming radius: the lower tail of Binomial(n, 1/2).

    Kanerva (1988), Sparse Distributed Memory, chapter 7; 0.00107 for 1000 bits and radius 451.
    """
    total = sum(math.comb(bits, k) for k in range(int(radius) + 1))
    return float(total / 2**bits)


def sdm_active_limit(bits: int, radius: int, locations: int) -> int:
    """A limit for how many locations a random address activates: the mean and ten deviations."""
    p = sdm_activation(bits, radius)
    mean = locations * p
    return min(locations, math.ceil(mean + 10.0 * math.sqrt(mean * (1 - p)) + 10.0))


def willshaw_load(
    inputs: int,
    ones: int,
    n_pairs: ArrayLike,
    outputs: int | None = None,
    output_ones: int | None = None,
) -> Numbers:
    """Share of synapses that are on after M random pairs, 1 - (1 - k l / (n m))^M.

    Willshaw, Buneman and Longuet-Higgins (1969), Nature 222, 960.
    """
    share = ones * (output_ones or ones) / (inputs * (outputs or inputs))
    return 1.0 - (1.0 - share) ** np.asarray(n_pairs, float)


def willshaw_spurious(
    inputs: int,
    ones: int,
    n_pairs: ArrayLike,
    outputs: int | None = None,
    output_ones: int | None = None,
) -> Numbers:
    """Expected units that answer a complete cue although they should not, (m - l) load^k.

    Takes synapses for independent, which underestimates small networks by a quarter or so. Palm
    (1980), Biological Cybernetics 36, 19.
    """
    load = willshaw_load(inputs, ones, n_pairs, outputs, output_ones)
    return ((outputs or inputs) - (output_ones or ones)) * load**ones


def willshaw_pairs(inputs: int, ones: int) -> int:
    """The number of pairs that turns half the synapses on, ln 2 (n / k)^2. As `willshaw_load`."""
    return round(math.log(2.0) * (inputs / ones) ** 2)


def sequence_capacity(features: ArrayLike, exponent: int, whole: bool = False) -> Numbers:
    """Length of a sequence recalled with polynomial separation of this exponent d,

        N^d / (2 gamma_d ln N)             one transition without an error
        N^d / (2 (d + 1) gamma_d ln N)     the whole sequence,   gamma_d = (2d - 1)!!

    Chaudhry, Zavatone-Veth, Krotov and Pehlevan (2023), arXiv:2306.04532.
    """
    n = np.asarray(features, float)
    shorter = exponent + 1 if whole else 1
    return n**exponent / (2.0 * shorter * double_factorial(2 * exponent - 1) * np.log(n))


def sequence_bit_error(features: ArrayLike, n_patterns: ArrayLike, exponent: int) -> Numbers:
    """Wrong bits after one transition, erfc(sqrt(N^d / (2 P gamma_d))) / 2. As above, section 3."""
    n, p = np.asarray(features, float), np.asarray(n_patterns, float)
    return 0.5 * _erfc(np.sqrt(n**exponent / (2.0 * p * double_factorial(2 * exponent - 1))))


def minerva_discriminability(features: int, traces: ArrayLike, encoding: ArrayLike) -> Numbers:
    """How far MINERVA 2's echo intensities of old and new probes lie apart,

        (mean of old - mean of new) / standard deviation of new = E B^3 / sqrt(M E R^6)

    for M traces of n random +-1 features, each stored with probability L: B is Binomial(n, L),
    R a sum of n independent values, +-1 with probability L/2 each, else 0. Follows from the model
    of Hintzman (1988), Psychological Review 95, 528.
    """
    n, m, p = float(features), np.asarray(traces, float), np.asarray(encoding, float)
    triples, twins = n * (n - 1) * (n - 2), n * (n - 1)
    third = triples * p**3 + 3 * twins * p**2 + n * p
    sixth = 15 * triples * p**3 + 15 * twins * p**2 + n * p
    return third / np.sqrt(m * sixth)


def bundle_accuracy(
    features: ArrayLike, n_pairs: ArrayLike, entries: ArrayLike, *, phasors: bool = False
) -> Numbers:
    """How often the right one of D entries is the most similar to what a bundle of M pairs gives,

        integral dh phi(h - SNR) Phi(h)^(D - 1),    SNR = sqrt(N / M), of phasors sqrt(2 N / M)

    (phi, Phi: the normal density and its integral) for `nm.vector_symbols.MAP` and unitary `HRR`,
    and with `phasors` for `FHRR`. Plain HRR, whose unbinding is approximate, does about as they do
    with one more pair. Frady, Kleyko and Sommer (2018), doi:10.1162/neco_a_01084.
    """
    n, m, d = (np.asarray(x, float)[..., None] for x in (features, n_pairs, entries))
    snr = np.sqrt((2.0 if phasors else 1.0) * n / m)
    away = np.linspace(-9.0, 9.0, 2001)  # the trapezium rule of a Gaussian: all digits
    density = np.exp(-(away**2) / 2) / math.sqrt(2.0 * math.pi)
    below = 0.5 * _erfc(-(away + snr) / math.sqrt(2.0))
    return np.sum(density * below ** (d - 1.0), axis=-1) * (away[1] - away[0])
