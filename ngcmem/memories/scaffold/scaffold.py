"""Content bound to a scaffold of attractors: MESH and Vector-HaSH."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    LearningInput,
    Memory,
    MemoryState,
    PerExample,
    PositivePart,
    Real,
    Shared,
    Static,
    check_choice,
    check_whole,
    counted,
    widen,
)
from ngcmem.memories.scaffold.grid import Grid
from ngcmem.plasticity import LinearRule, PseudoInverse

CODES = ("sign", "rectified")
CONTENTS = ("sign", "linear")


class ScaffoldState(MemoryState):
    inputs: Input[Array, "features"]  # the cue
    known: Input[Array, "features"]  # 1 where a feature of the cue is given
    sense: Input[Array, ""]  # 1: the place is read from the cue; 0: it is the last one, moved
    velocity: Input[Array, "axes"]  # by how much the place moves, whole steps
    follow: Input[Array, ""]  # 1: by the move stored with the last place, too
    gate: LearningInput[Array, ""]  # whether evolve stores this example
    place: PerExample[Array, "axes"]  # whole coordinates
    code: PerExample[Array, "hidden"]  # the hippocampal code of the place
    move: PerExample[Array, "axes"]  # the move stored with the place
    outputs: PerExample[Array, "features"]  # the content recalled
    projection: Shared[Array, "cells hidden"]  # from grid cells to codes, fixed
    back: Shared[Array, "hidden cells"]  # from codes to grid cells: makes places attractors
    read_out: Shared[Array, "hidden features"]  # from codes to content
    read_in: Shared[Array, "features hidden"]  # from content to codes
    moves: Shared[Array, "hidden axes"]  # from codes to moves
    statistics: Shared[dict[str, dict[str, Array]], ""]  # what the rule remembers of the three
    count: Shared[Array, ""]  # contents stored
    refused: Shared[Array, ""]  # contents for which there was no place left
    cursor: Shared[Array, "axes"]  # where a path goes on


class Scaffold(Memory[ScaffoldState]):
    """Content-addressable memory on a scaffold of places that are attractors before any content.

    One active cell g in each module of grid cells is a place; a fixed random projection gives it a
    hippocampal code h, and a Hebbian return from all places makes each code an attractor:

        h = f(P g),   f = sign, or max(. - threshold, 0)
        g <- the winner of every module of B h,    B = sum_places g h'

    Content s is bound to the code of the next free place, both ways, by a linear rule (the
    pseudo-inverse by default): R h = s, Q s = h. Recall goes from s to h to g, where it becomes
    exact, and back to h and s:

        h0 = Q s;   g = winners of B sign(h0);   h = f(P g);   outputs = sign(R h)

    So what is damaged is the content, never the address. With P contents of random signs on N =
    `hidden` cells the overlap of a clean recall is 1 up to P = N and erf(sqrt(N / 2 (P - N)))
    beyond: it falls smoothly where a Hopfield network falls off a cliff.

    With `sense` 0 the place is not read but integrated: it is the last one moved by `velocity`,
    exact for any number of steps, and with `follow` 1 also by the move that was stored with it: a
    walk replays itself. `nm.store` gives contents the places in raster order;
    `memory.store_path(state, contents, moves)` those along a path. `evolve` stores what the last
    step completed: the cue where it is known, elsewhere what was recalled.

    Raises:
        ValueError: an unknown code or content, no `modules`, or a `rule` that is none.

    References: Sharma, Chandra and Fiete (2022), arXiv:2202.00159 (MESH); Chandra, Sharma,
    Chaudhuri and Fiete (2025), Nature, doi:10.1038/s41586-024-08392-y (Vector-HaSH).

    Attributes:
        features: of the content.
        modules: lengths of the grid modules without a common factor, see `nm.memories.Grid`:
            (3, 4, 5) are rings, ((3, 3), (4, 4), (5, 5)) tori of 60 x 60 places.
        hidden: N, cells of the code.
        code: "sign", or "rectified" at `threshold`.
        content: "sign" recalls signs, "linear" what the rule reads.
        connection: the share of the projection that is present.
        rule: how content and moves are bound, an instance from `nm.plasticity`.
        learned: from how many places, chosen at random, the return is learned; all if None.
    """

    features: Static[int]
    modules: Static[tuple[int, ...] | tuple[tuple[int, ...], ...]] = ((3, 3), (4, 4), (5, 5))
    hidden: Static[int] = 400
    code: Static[Literal["sign", "rectified"]] = "sign"
    content: Static[Literal["sign", "linear"]] = "sign"
    threshold: Real = 0.5
    connection: PositivePart = 0.6
    rule: LinearRule = PseudoInverse()
    learned: Static[int | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Scaffold", "code", self.code, CODES)
        check_choice("Scaffold", "content", self.content, CONTENTS)
        places = self.grid.places
        if self.learned is not None and check_whole("Scaffold: learned", self.learned) > places:
            raise ValueError(
                f"Scaffold: learned={self.learned} is more than the {places} places of "
                f"modules={self.modules}. Write learned=None for all."
            )
        if not isinstance(self.rule, LinearRule):
            raise ValueError(
                f"Scaffold: rule is a linear rule such as nm.plasticity.PseudoInverse(), got "
                f"{self.rule!r}."
            )

    @property
    def grid(self) -> Grid:
        """The grid modules."""
        return Grid(modules=self.modules)

    def no_convergence(self) -> str:
        return "A recall is exact in its address after one step, and content may still change it."

    def init(self, key: Array) -> ScaffoldState:
        of_weights, of_links, of_places = jax.random.split(key, 3)
        grid, features, hidden = self.grid, self.features, self.hidden
        axes = grid.axes
        shape = (grid.cells, hidden)
        present = jax.random.bernoulli(of_links, self.connection, shape)
        projection = jnp.where(present, jax.random.normal(of_weights, shape), 0.0)
        numbers = jnp.arange(grid.places, dtype=jnp.int32)
        if self.learned is not None:
            numbers = jax.random.permutation(of_places, numbers)[: self.learned]
        cells = grid.active(grid.numbered(numbers)).astype(projection.dtype)
        back = self._code(cells @ projection).T @ cells
        return ScaffoldState(
            inputs=jnp.zeros(features),
            known=jnp.ones(features),
            sense=jnp.ones(()),
            velocity=jnp.zeros(axes),
            follow=jnp.zeros(()),
            gate=jnp.ones(()),
            place=jnp.zeros(axes, jnp.int32),
            code=jnp.zeros(hidden),
            move=jnp.zeros(axes),
            outputs=jnp.zeros(features),
            projection=projection,
            back=back,
            read_out=jnp.zeros((hidden, features)),
            read_in=jnp.zeros((features, hidden)),
            moves=jnp.zeros((hidden, axes)),
            statistics={
                "read_out": self.rule.init(hidden, features),
                "read_in": self.rule.init(features, hidden),
                "moves": self.rule.init(hidden, axes),
            },
            count=jnp.zeros((), jnp.int32),
            refused=jnp.zeros((), jnp.int32),
            cursor=jnp.zeros(axes, jnp.int32),
        )

    def advance_state(self, state: ScaffoldState, t: Array, dt: Array) -> ScaffoldState:
        cue = jnp.where(state.known > 0, state.inputs, 0.0)
        seen = self.completed(state, jnp.sign(cue @ state.read_in))
        moved = state.velocity + jnp.where(state.follow > 0.5, state.move, 0.0)
        went = self.grid.wrapped(state.place + jnp.round(moved).astype(jnp.int32))
        place = jnp.where(state.sense > 0.5, seen, went)
        code = self.codes(state, place)
        found = code @ state.read_out
        return state.recalled(
            outputs=jnp.sign(found) if self.content == "sign" else found,
            place=place,
            code=code,
            move=code @ state.moves,
            matched=state.count > 0,
        )

    def codes(self, state: ScaffoldState, place: Array) -> Array:
        """The hippocampal codes of places (..., axes): (..., hidden)."""
        cells = self.grid.active(jnp.asarray(place)).astype(state.projection.dtype)
        return self._code(cells @ state.projection)

    def completed(self, state: ScaffoldState, codes: Array) -> Array:
        """The places to which codes (..., hidden), noisy ones too, are drawn: (..., axes) int32."""
        return self.grid.place(codes @ state.back)

    def evolve(self, state: ScaffoldState, t: Array, dt: Array) -> ScaffoldState:
        completed = jnp.where(state.known > 0, state.inputs, state.outputs)
        return self._write(state, completed, None, state.gate > 0.5)

    def store(
        self, state: ScaffoldState, inputs: Any, targets: Any, key: Array | None
    ) -> ScaffoldState:
        if targets is not None:
            raise ValueError(
                "store: Scaffold recalls what it stored: leave out targets. For moves along a path "
                "write memory.store_path(state, contents, moves)."
            )
        return self._write(state, inputs, None, jnp.ones(inputs.shape[0], bool))

    def store_path(self, state: ScaffoldState, contents: Any, moves: Any) -> ScaffoldState:
        """The state with contents bound to the places of a path, and its moves to them too.

        Args:
            state: a state of any batch.
            contents: (steps, features), what is at every place.
            moves: (steps, axes) whole numbers, how the path goes on from there. The path begins
                at place 0, or where the last one ended.

        Raises:
            ValueError: arrays of another shape.
        """
        contents, moves = jnp.asarray(contents), jnp.asarray(moves)
        expected = ((len(contents), self.features), (len(contents), self.grid.axes))
        if (contents.shape, moves.shape) != expected:
            raise ValueError(
                f"store_path: contents are (steps, {self.features}) and moves (steps, "
                f"{self.grid.axes}), got {contents.shape} and {moves.shape}."
            )
        kind = state.read_out.dtype
        everything = jnp.ones(len(contents), bool)
        return _along(self, state, contents.astype(kind), moves.astype(kind), everything)

    def _write(
        self, state: ScaffoldState, contents: Array, moves: Array | None, gate: Array
    ) -> ScaffoldState:
        """Contents bound to the next places, or along a path; those without a gate are not."""
        grid, number = self.grid, jnp.cumsum(gate.astype(jnp.int32)) - 1
        if moves is None:
            place = grid.numbered(jnp.minimum(state.count + number, grid.places - 1))
            cursor = state.cursor
        else:
            steps = jnp.where(gate[:, None], jnp.round(moves).astype(jnp.int32), 0)
            ends = state.cursor[None] + jnp.cumsum(steps, axis=0)
            place, cursor = grid.wrapped(ends - steps), grid.wrapped(ends[-1:])[0]
        fits = gate & (state.count + number < grid.places)
        codes = jnp.where(fits[:, None], self.codes(state, place), 0.0)  # 0: says nothing
        contents = jnp.where(fits[:, None], contents, 0.0)
        new, statistics = {}, dict(state.statistics)
        pairs = {"read_out": (codes, contents), "read_in": (contents, codes)}
        if moves is not None:
            pairs["moves"] = (codes, jnp.where(fits[:, None], moves, 0.0))
        for name, (keys, values) in pairs.items():
            given = widen((state[name], state.statistics[name], keys, values))
            new[name], statistics[name] = self.rule.write(*given)
        stored = jnp.sum(fits.astype(jnp.int32))
        return state.replace(
            **new,
            statistics=statistics,
            count=counted(state.count, stored),
            refused=counted(state.refused, jnp.sum(gate.astype(jnp.int32)) - stored),
            cursor=cursor,
        )

    def _code(self, drive: Array) -> Array:
        if self.code == "sign":
            return jnp.where(drive >= 0, 1.0, -1.0).astype(drive.dtype)
        return jnp.maximum(drive - self.threshold, 0.0)


@jax.jit
def _along(
    memory: Scaffold, state: ScaffoldState, contents: Array, moves: Array, gate: Array
) -> ScaffoldState:
    return memory._write(state, contents, moves, gate)
