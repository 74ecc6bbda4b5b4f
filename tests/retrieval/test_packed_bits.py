import jax.numpy as jnp
import numpy as np

from ngcmem.memories._packed_bits import distances, overlaps, pack, unpack, within

DRAW = np.random.default_rng(2)


def test_distances_and_overlaps_count_bits():
    for n in (5, 32, 77):
        rows, cue = DRAW.random((40, n)) > 0.5, DRAW.random(n) > 0.5
        packed, packed_cue = pack(jnp.asarray(rows)), pack(jnp.asarray(cue))
        assert np.array_equal(unpack(packed, n), rows)
        assert np.array_equal(distances(packed_cue, packed), np.sum(rows != cue, axis=1))
        assert np.array_equal(overlaps(packed_cue, packed), np.sum(rows & cue, axis=1))


def test_rows_within_a_radius_come_in_order_and_are_counted():
    rows, cue = DRAW.random((101, 40)) > 0.5, DRAW.random(40) > 0.5
    near = np.flatnonzero(np.sum(rows != cue, axis=1) <= 19)
    packed, packed_cue = pack(jnp.asarray(rows)), pack(jnp.asarray(cue))
    for chunk in (7, 50, 1000):
        for limit in (60, 10):
            found, count = within(packed_cue, packed, 19, limit, chunk)
            assert int(count) == len(near)
            assert [i for i in found.tolist() if i < 101] == near[:limit].tolist()
