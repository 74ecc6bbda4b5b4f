"""Retrieval: similarity, separation and projection of probes onto a slot memory."""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Domain, Interval, held_to_domains, number_in_domain
from ngcmem.retrieval._checks import check_arguments
from ngcmem.retrieval._largest import stream_largest
from ngcmem.retrieval._streaming import (
    Slots,
    Streamed,
    Task,
    chunk_size,
    compare,
    stream_sums,
    sums_of,
    taking_part,
)
from ngcmem.retrieval.energies import energy
from ngcmem.retrieval.names import resolve_separation, resolve_similarity
from ngcmem.retrieval.separation import Separation, Softmax, Summable
from ngcmem.retrieval.similarity import Similarity, accumulation_dtype
from ngcmem.retrieval.sparse import Max, TopK

MATERIALISED_SLOTS = {False: 1 << 17, True: 1 << 13}
MATERIALISED_BYTES = {False: 16 << 20, True: 1 << 20}
"""Above either "auto" streams: sooner with a count, which costs the materialised form a masked copy
of every stored row (`benchmarks/retrieval.py` measures both forms around these)."""

BETA = Domain("a number", Interval("[0, inf)"), False)

Method = Literal["auto", "materialised", "streamed"]


class RetrievalResult(NamedTuple):
    """What a probe retrieves; `retrieve_batch` puts a batch axis B first everywhere."""

    outputs: Array
    """(v,) sum_i w_i value_i, in the dtype of the probe."""
    energy: Array
    """() the energy of the probe; 0 for an empty memory."""
    matched: Array
    """() bool: some slot has a weight other than 0, and the outputs are finite."""
    similarities: Array | None = None
    """(N,) 0 in unused slots; None unless method="materialised"."""
    weights: Array | None = None
    """(N,) 0 in unused slots; None unless method="materialised"."""


def retrieve(
    probe: Array,
    patterns: Array,
    *,
    values: Array | None = None,
    count: Array | int | None = None,
    similarity: str | Similarity,
    separation: str | Separation,
    beta: Array | float = 1.0,
    known: Array | None = None,
    method: Method = "auto",
    chunk: int | None = None,
    axis_name: str | None = None,
) -> RetrievalResult:
    """Retrieve with one probe (d,) from patterns (N, d), of which the first `count` are used.

    Written to be vmapped over probes with the patterns shared. Under
    `jax.vmap(..., axis_name="examples")` pass `axis_name="examples"`: the probes are then gathered
    and go through `retrieve_batch`, which chooses its method by the true batch size and whose
    gradient by the patterns is one matrix product. All other arguments are as there; with an
    `axis_name` they must be the same for every example, except `known`.
    """
    engine = partial(
        retrieve_batch,
        patterns=patterns,
        values=values,
        count=count,
        similarity=similarity,
        separation=separation,
        beta=beta,
        method=method,
        chunk=chunk,
    )
    if axis_name is None:
        recall = engine(jnp.asarray(probe)[None], known=None if known is None else known[None])
        return jax.tree.map(lambda array: array[0], recall)
    gathered = None if known is None else lax.all_gather(known, axis_name)
    recall = engine(lax.all_gather(probe, axis_name), known=gathered)
    mine = lax.axis_index(axis_name)
    return jax.tree.map(lambda array: array[mine], recall)


def retrieve_batch(
    probes: Array,
    patterns: Array,
    *,
    values: Array | None = None,
    count: Array | int | None = None,
    similarity: str | Similarity,
    separation: str | Separation,
    beta: Array | float = 1.0,
    known: Array | None = None,
    method: Method = "auto",
    chunk: int | None = None,
) -> RetrievalResult:
    """Retrieve with probes (B, d) from patterns (N, d).

    Args:
        probes: (B, d), what is looked for.
        patterns: (N, d), the slots it is compared with.
        values: (N, v), what is read out; the patterns themselves if None (auto-associative).
        count: how many slots, from the first, are used; all if None. Others may hold anything.
        similarity: an instance, or a name for one with default hyper-parameters.
        separation: an instance, or a name for one with default hyper-parameters.
        beta: inverse temperature, >= 0; 0 is the limit (for softmax: equal weights).
        known: (B, d), 1 where a probe's feature is given and 0 where it is not.
        method: "materialised" forms the (B, N) similarities; "streamed" takes `chunk` slots at a
            time in O(B chunk) memory, skips unused slots, and has a reverse-mode derivative that
            recomputes but no forward-mode one; "auto" chooses by size.
        chunk: slots at a time; chosen by B if None.

    A probe with NaN or infinity in a feature that is read has no answer: everything retrieved for
    it is NaN, and `matched` False, whatever the method. So it is where NaN is stored in use.

    Raises ValueError for shapes that do not fit, unknown names or an unknown method, and for
    "streamed" with a separation that needs every similarity at once (sparsemax, entmax), and for a
    beta below 0 (traced: NaN).
    """
    pair = (resolve_similarity(similarity), resolve_separation(separation))
    probes, patterns = jnp.asarray(probes), jnp.asarray(patterns)
    values, known = (None if x is None else jnp.asarray(x) for x in (values, known))
    check_arguments(probes, patterns, values, known, pair[0], method, chunk)
    batch, slots = probes.shape[0], patterns.shape[0]
    dtype = accumulation_dtype(probes, patterns)
    if not jnp.issubdtype(probes.dtype, jnp.floating):
        probes = probes.astype(dtype)  # outputs have the dtype of the probes
    leaves, structure = jax.tree.flatten(pair)
    leaves = [jnp.asarray(leaf).astype(dtype) for leaf in held_to_domains(pair, leaves)[0]]
    pair = jax.tree.unflatten(structure, leaves)
    beta = number_in_domain("retrieve: beta", beta, BETA)
    task = Task(probes, pair[0], pair[1], jnp.asarray(beta).astype(dtype))
    stored = Slots(patterns, values)
    count = None if count is None else jnp.asarray(count, jnp.int32)
    known = lax.stop_gradient(known)
    if method == "auto":
        method = choose(batch, slots, task.separation, counted=count is not None)
    similarities = weights = None
    if method == "streamed":
        size = min(slots, chunk_size(batch, slots) if chunk is None else chunk)
        streamed = _stream(task, stored, known, count, size)
    else:
        used = None if count is None else jnp.arange(slots, dtype=jnp.int32) < count
        streamed, similarities, weights = _materialise(task, stored, known, used)
    outputs, potential, penalty, matched = streamed
    mask = None if known is None else 0
    energies = jax.vmap(energy, (None, 0, 0, None, None, mask))(
        task.similarity, probes, potential, penalty, slots if count is None else count, known
    )
    sound = jax.vmap(_sound, (None, 0, mask))(task.similarity, probes, known)
    matched = matched & jnp.all(jnp.isfinite(outputs), axis=1)
    found = RetrievalResult(outputs.astype(probes.dtype), energies, matched, similarities, weights)
    return jax.tree.map(lambda array: _only(sound, array), found)


def _sound(similarity: Similarity, probe: Array, known: Array | None) -> Array:
    """Whether every feature of a probe (d,) that is read is finite."""
    return jnp.all(jnp.isfinite(probe) | ~similarity.reads(probe.shape[0], known))


def _only(sound: Array, found: Array) -> Array:
    """What was found (B, ...) for sound probes; NaN, or False, for the others."""
    sound = sound.reshape(-1, *[1] * (found.ndim - 1))
    return found & sound if found.dtype == bool else jnp.where(sound, found, jnp.nan)


def _stream(
    task: Task, slots: Slots, known: Array | None, count: Array | None, chunk: int
) -> Streamed:
    """Dispatch on what the separation needs of the slots: sums, or the k most similar."""
    capacity = slots.patterns.shape[0]
    match task.separation:
        case TopK(k=k, separation=among):
            k = min(k, capacity)
            task = task._replace(separation=among)
            return stream_largest(task, slots, known, count, max(chunk, k), k)
        case Max():
            task = task._replace(separation=Softmax())
            return stream_largest(task, slots, known, count, chunk, 1)
        case Summable():
            return stream_sums(task, slots, known, count, chunk)
        case separation:
            name = type(separation).__name__
            raise ValueError(
                f"{name} needs every similarity at once and cannot be streamed. Use "
                f"method='materialised', or separation=TopK(k=..., separation={name}(...)), which "
                "is exact if at most k slots have a weight."
            )


def streamable(separation: Separation) -> bool:
    """Whether the separation can be taken a chunk of slots at a time."""
    return isinstance(separation, (Summable, TopK, Max))


def choose(
    batch: int, slots: int, separation: Separation, counted: bool = True
) -> Literal["materialised", "streamed"]:
    """Materialise only what is small: few slots and (B, N) similarities that fit the cache."""
    few = slots <= MATERIALISED_SLOTS[counted]
    small = 4 * batch * slots <= MATERIALISED_BYTES[counted]
    return "materialised" if (few and small) or not streamable(separation) else "streamed"


def _materialise(
    task: Task, slots: Slots, known: Array | None, used: Array | None
) -> tuple[Streamed, Array, Array]:
    """Through the (B, N) similarities; `used` (N,) is None where every slot is."""
    patterns, values = slots
    if used is not None:
        patterns = jnp.where(used[:, None], patterns, 0)
        values = None if values is None else jnp.where(used[:, None], values, 0)
    similarities = compare(task, patterns, known)
    penalties = task.similarity.pattern_penalties(patterns)
    if used is not None:
        similarities = jnp.where(used[None], similarities, 0)
        penalties = jnp.where(used, penalties, 0)
    used = taking_part(task.similarity, used, len(patterns))
    values = patterns if values is None else values
    weigh = _weigh_by_sums if isinstance(task.separation, Summable) else _weigh
    weights, outputs, potential, matched = weigh(task, similarities, used, values)
    return Streamed(outputs, potential, _largest(penalties), matched), similarities, weights


@jax.custom_jvp
def _largest(values: Array) -> Array:
    """The maximum, whose derivative at ties is that of the first, as in streaming."""
    return jnp.max(values)


@_largest.defjvp
def _largest_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return jnp.max(primals[0]), tangents[0][jnp.argmax(primals[0])]


def _weigh(
    task: Task, similarities: Array, used: Array | None, values: Array
) -> tuple[Array, Array, Array, Array]:
    """Weights (B, N), outputs, potential and matched."""
    axes = (0, None, None)
    weights = jax.vmap(task.separation, axes)(similarities, task.beta, used)
    potential = jax.vmap(task.separation.potential, axes)(similarities, task.beta, used)
    outputs = weights @ values.astype(weights.dtype)
    return weights, outputs, potential, jnp.any(weights != 0, axis=1)


def _weigh_by_sums(
    task: Task[Summable], similarities: Array, used: Array | None, values: Array
) -> tuple[Array, Array, Array, Array]:
    """The same. Outputs are divided, not weights: one (B, N) array less if no weight is read."""
    separation = task.separation
    top = jax.vmap(separation.top, (0, None))(similarities, used)
    sums, density = sums_of(task, similarities, values, used, top)
    divisor = jax.vmap(separation.normaliser)(sums.totals)[:, None]
    potential = jax.vmap(separation.close, (0, None, 0))(sums.totals, task.beta, top)
    matched = jax.vmap(separation.matched)(sums.totals)
    return density / divisor, sums.values / divisor, potential, matched
