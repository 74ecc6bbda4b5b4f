"""Free recall with the temporal context model: two linear memories and a drifting context.

    c <- rho c + b c_in,  rho such that |c| = 1         an item drags the context along
    item -> context:  weights += g f c^T                what the context was when it was studied
    context -> item:  weights += phi_i c f^T            what was studied in this context
    recall:  P(item) ~ activation^tau;  the recalled item's context is reinstated in c

A list is studied once and recalled until recall stops; every list is a pair of memories, all lists
run in one vmap. Measured as in experiments: serial positions, first recalls, and the conditional
response probability by lag. Without reinstatement (b = 0 in recall) neighbours no longer follow
each other. After Howard and Kahana (2002), J. Math. Psychology 46:269, and Polyn, Norman and
Kahana (2009), Psychological Review 116:129. Parameters are plausible, not fitted.
"""

from functools import partial

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish
from jax import Array

import ngcmem as nm

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ITEMS = 20
LEARNED, PRIMACY, PRIMACY_DECAY = 0.4, 3.0, 0.8
ENCODING, RECALL, POWER = 0.5, 0.9, 2.0
STOP, STOP_RATE = 0.01, 0.3


class TemporalContextState(nm.State):
    """The context, and what moves it."""

    inputs: nm.Input[Array, "features"]  # the context an item brings, of any length but 0
    drift: nm.Input[Array, ""]  # b, how far the context goes towards it
    context: nm.PerExample[Array, "features"]  # of length 1


class TemporalContext(nm.Component[TemporalContextState]):
    """c <- rho c + b c_in with rho = sqrt(1 + b^2 ((c.c_in)^2 - 1)) - b c.c_in, so |c| = 1."""

    features: nm.Static[int]

    def init(self, key):
        start = jnp.zeros(self.features).at[-1].set(1.0)  # before the list
        return TemporalContextState(inputs=start, drift=jnp.zeros(()), context=start)

    def advance_state(self, state, t, dt):
        arriving = state.inputs / jnp.linalg.norm(state.inputs)
        overlap, b = state.context @ arriving, state.drift
        rho = jnp.sqrt(1 + b**2 * (overlap**2 - 1)) - b * overlap
        return state.replace(context=rho * state.context + b * arriving)


CONTEXT = TemporalContext(features=ITEMS + 1)
TO_CONTEXT = nm.LinearAssociative(inputs=ITEMS, outputs=ITEMS + 1, rule=nm.plasticity.Correlation())
TO_ITEM = nm.LinearAssociative(inputs=ITEMS + 1, outputs=ITEMS, rule=nm.plasticity.Correlation())


def drifted(context, to_context, item, b):
    brought = nm.recall(TO_CONTEXT, to_context, item[None])
    return nm.advance_state(CONTEXT, context.replace(inputs=brought, drift=jnp.full(1, b)))


def one_list(key, *, reinstatement):
    """Study a list, recall it: item numbers in the order recalled, then -1."""
    before = (1 - LEARNED) * jnp.eye(ITEMS, ITEMS + 1)  # an item's own context, known beforehand
    to_context = nm.init(TO_CONTEXT, key).replace(weights=before)
    start = (nm.init(CONTEXT, key), to_context, nm.init(TO_ITEM, key))

    def study(carry, presented):
        context, to_context, to_item = carry
        item, place = presented
        context = drifted(context, to_context, item, ENCODING)
        c, f = context.context, item[None]
        primacy = PRIMACY * jnp.exp(-PRIMACY_DECAY * place) + 1
        to_context = nm.store(TO_CONTEXT, to_context, f, LEARNED * c)
        to_item = nm.store(TO_ITEM, to_item, c, primacy * f)
        return (context, to_context, to_item), None

    items = jnp.eye(ITEMS)
    (context, to_context, to_item), _ = jax.lax.scan(study, start, (items, jnp.arange(20.0)))

    def recall(carry, output):
        context, left, going, key = carry
        key, stop, choice = jax.random.split(key, 3)
        going &= jax.random.uniform(stop) > STOP * jnp.exp(STOP_RATE * output)
        active = nm.recall(TO_ITEM, to_item, context.context)[0]
        odds = jnp.where(left, jnp.maximum(active, 1e-6) ** POWER, 0)
        chosen = jax.random.categorical(choice, jnp.log(odds))
        context = drifted(context, to_context, items[chosen], reinstatement)
        left &= jnp.arange(ITEMS) != chosen
        return (context, left, going, key), jnp.where(going, chosen, -1)

    everything = jnp.ones(ITEMS, bool)
    start = (context, everything, jnp.array(True), key)
    return jax.lax.scan(recall, start, jnp.arange(float(ITEMS)))[1]


def lag_crp(recalled):
    """How often each lag -3..3 was taken, of the times it could have been."""
    taken, possible = np.zeros(2 * ITEMS), np.zeros(2 * ITEMS)
    for outputs in recalled:
        outputs = outputs[outputs >= 0]
        for n in range(len(outputs) - 1):
            left = np.setdiff1d(np.arange(ITEMS), outputs[: n + 1])
            possible[left - outputs[n] + ITEMS] += 1
            taken[outputs[n + 1] - outputs[n] + ITEMS] += 1
    share = taken / np.maximum(possible, 1)
    return share[ITEMS + np.array([-3, -2, -1, 1, 2, 3])]


def contiguity(recalled):
    """Share of transitions to a neighbour, above that of pairs from two different lists.

    Pairs of the same output positions from different lists keep recency and primacy, not order.
    """

    def neighbours(first, second):
        both = (first >= 0) & (second >= 0) & (first != second)
        return (np.abs(first - second) == 1)[both].mean()

    first, second = recalled[:, :-1], recalled[:, 1:]
    return float(neighbours(first, second) - neighbours(first, np.roll(second, 1, axis=0)))


def figure(serial, first, crp, without, path):
    _, (a, b, c) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    places = np.arange(1, ITEMS + 1)
    a.plot(places, serial, "o-", ms=3)
    a.set(title="serial position", xlabel="position in the list", ylabel="P(recalled)", ylim=(0, 1))
    b.plot(places, first, "o-", ms=3)
    b.set(title="first recall", xlabel="position in the list", ylabel="P(recalled first)")
    for shares, label in ((crp, "model"), (without, "no reinstatement")):
        line = c.plot([-3, -2, -1], shares[:3], "o-", ms=3, label=label)[0]
        c.plot([1, 2, 3], shares[3:], "o-", ms=3, color=line.get_color())
    c.set(title="which follows which", xlabel="lag", ylabel="P(lag | possible)", ylim=(0, None))
    c.legend(fontsize=8)
    for ax in (a, b, c):
        ax.grid(alpha=0.3)
    a.figure.savefig(path, dpi=110)


def main():
    options = arguments("free_recall", __doc__ or "")
    keys = jax.random.split(jax.random.key(options.seed), 400 if options.quick else 3000)
    runs = {}
    for name, b in (("model", RECALL), ("no reinstatement", 0.0)):
        runs[name] = np.asarray(jax.jit(jax.vmap(partial(one_list, reinstatement=b)))(keys))
    recalled = runs["model"]
    serial = np.array([(recalled == i).any(1).mean() for i in range(ITEMS)])
    first = np.array([(recalled[:, 0] == i).mean() for i in range(ITEMS)])
    crp, without = lag_crp(recalled), lag_crp(runs["no reinstatement"])
    figure(serial, first, crp, without, options.out / "free_recall.png")
    finish(
        {
            "recalled_per_list": float((recalled >= 0).sum(1).mean()),
            "first_recall_peak": int(first.argmax()) + 1,
            "first_recall_last": first[-1],
            "serial_position": serial,
            "lag_crp": crp,
            "lag_crp_without_reinstatement": without,
            "contiguity": contiguity(recalled),
            "contiguity_without_reinstatement": contiguity(runs["no reinstatement"]),
        },
        options.out,
    )


if __name__ == "__main__":
    main()
