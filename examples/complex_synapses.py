"""How long synapses keep a memory: simple ones, a cascade, and Benna and Fusi's chain.

The exact laws beside a Monte Carlo through the components, and 100 x 100 synapses of a spiking
circuit under ongoing STDP: soft-bounded ones forget a pattern after a hundred others, the same
synapses with a chain of five hidden variables, as strong at the start, after a thousand.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import wire
from ngcmem.analysis import benna_fusi_snr, cascade_snr, measured_snr, memory_lifetime

CHAIN = {"1e4": (10**4, 5), "1e5": (10**5, 6), "1e6": (10**6, 8)}  # synapses, stages
CASCADE = {"1e4": (10**4, 8), "1e5": (10**5, 10), "1e6": (10**6, 12)}
UNITS = 100  # of each population of the spiking circuit
EPISODE = 60  # ms, one pattern
STAGES = 5
STDP = dict(inputs=UNITS, outputs=UNITS, a_minus=1.0, weight_init=jax.nn.initializers.constant(0.5))


def monte_carlo(memories, key):
    """Signal to noise of 4,000 synapses by age through nm.BennaFusi, and the law's."""
    synapse = nm.Hebbian(inputs=1, outputs=4000, eta=1.0, bounds="none")
    component = nm.BennaFusi(synapse=synapse, stages=4)
    of_events, of_state = jax.random.split(key)
    events = jax.random.rademacher(of_events, (memories, 1, 4000), jnp.float32)
    zero = jnp.zeros((1, 4000))
    state = nm.init(component, of_state)
    state = state.set({"inputs": [[1.0]], "weights": zero, "chain": jnp.zeros((3, 1, 4000))})
    run = dict(steps=memories, inputs={"post": events}, record="weights", learn=True)
    _, seen = nm.run(component, state, **run)
    # A record is what was there before the step learned.
    ages = np.array([0, 1, 2, 3, 5, 10, 20, 30, 50, 100])
    found = measured_snr(seen["weights"][1:], events[:-1, :], ages, begin=200)
    return ages, found.snr, benna_fusi_snr(ages, 4000, 4, relaxed=True)


def spiking(synapse):
    """Two populations driven spike by spike, and STDP between them."""
    return nm.connect(
        dict(
            pre=nm.Trace(units=UNITS, tau=5.0),
            synapse=synapse,
            cell=nm.LIF(units=UNITS, tau=2.0),
            post=nm.Trace(units=UNITS, tau=5.0),
        ),
        [
            wire("cell.spikes", to="post.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("post.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
        ],
    )


def episodes(count, key):
    """Spikes that ask for a pattern of +-1 at every synapse, the product of two random signs.

    Presynaptic cells fire early or late; a postsynaptic cell of sign + between the two, one of
    sign - before the early and after the late ones.
    """
    of_pre, of_post = jax.random.split(key)
    pre, post = (np.asarray(jax.random.rademacher(k, (count, UNITS))) for k in (of_pre, of_post))
    early, late = pre > 0, pre < 0
    spikes, current = np.zeros((2, count, EPISODE, 1, UNITS), np.float32)
    spikes[:, 11, 0], spikes[:, 31, 0] = early, late
    between, around = post > 0, post < 0
    current[:, 21, 0] = 1e3 * between
    current[:, 1, 0] = current[:, 41, 0] = 1e3 * around
    patterns = pre[:, :, None] * post[:, None, :]
    flat = (count * EPISODE, 1, UNITS)
    return {"spikes": spikes.reshape(flat), "current": current.reshape(flat)}, patterns


def lifetime_under_stdp(synapse, count, ages, key):
    """Signal to noise by age, of the weights after every episode of the later ones."""
    circuit = spiking(synapse)
    of_state, of_episodes = jax.random.split(key)
    driven, patterns = episodes(count, of_episodes)
    inputs = {
        "pre.inputs": driven["spikes"],
        "synapse.inputs": driven["spikes"],
        "cell.current": driven["current"],
    }
    _, seen = nm.run(
        circuit,
        nm.init(circuit, of_state),
        steps=count * EPISODE,
        inputs=inputs,
        record="synapse.weights",
        record_every=EPISODE,
        learn=True,
    )
    return measured_snr(seen["synapse.weights"], patterns, ages, begin=int(ages.max()))


def soft_bounded(eta):
    return nm.STDP(**STDP, eta=eta, bounds="soft")


def with_a_chain(eta):
    free = nm.STDP(**STDP, eta=eta, bounds="none")
    return nm.BennaFusi(synapse=free, stages=STAGES, tau=float(EPISODE), rest=0.5)


def below_one(ages, snr):
    """The age at which a falling curve crosses 1, between two ages on logarithmic axes."""
    after = int(np.argmax(snr < 1))
    if snr[after] >= 1:
        return None  # it is kept for longer
    x, y = np.log(ages[after - 1 : after + 1]), np.log(np.maximum(snr[after - 1 : after + 1], 1e-9))
    return float(np.exp(x[0] + y[0] / (y[0] - y[1]) * (x[1] - x[0])))


def figure(laws, chain, simple, path):
    drawn, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    ages = np.unique(np.geomspace(1, 1e4, 60).astype(int)) - 1
    left.loglog(ages + 1, benna_fusi_snr(ages, 10**4, 5), label="chain, 5 stages")
    left.loglog(ages + 1, np.maximum(cascade_snr(ages, 10**4, 8), 1e-9), label="cascade, 8 stages")
    fast = 100 * 0.5 * 0.5 ** ages.astype(float)
    left.loglog(ages + 1, np.maximum(fast, 1e-9), label="simple binary, q = 1/2")
    tried, found, law = laws
    left.loglog(tried + 1, law, color="0.6", lw=1, label="chain, 4 stages, 4,000 synapses")
    left.loglog(tried + 1, found, "k.", label="the same through nm.BennaFusi")
    left.axhline(1, color="0.7", lw=0.8)
    left.set(xlabel="age + 1 (patterns)", ylabel="signal to noise", ylim=(0.3, 200))
    left.set_title("10,000 synapses: the laws")
    left.legend(fontsize=8)
    for (ages, trace), label in ((chain, "STDP with a chain"), (simple, "soft-bounded STDP")):
        right.loglog(ages + 1, np.maximum(trace.snr, 1e-9), ".-", label=label)
    right.axhline(1, color="0.7", lw=0.8)
    right.set(xlabel="age + 1 (patterns of 60 ms)", ylabel="signal to noise", ylim=(0.3, 60))
    right.set_title("100 x 100 synapses under ongoing STDP")
    right.legend(fontsize=8)
    drawn.savefig(path, dpi=150)


def main():
    given = arguments("complex_synapses", __doc__.splitlines()[0])
    key = jax.random.key(given.seed)
    ages = np.geomspace(10, 2.0**12, 60)
    slope = np.polyfit(np.log(ages), np.log(benna_fusi_snr(ages, 1, 8)), 1)[0]
    lifetime = {
        name: memory_lifetime(lambda age, n=n, m=m: benna_fusi_snr(age, n, m))
        for name, (n, m) in CHAIN.items()
    }
    cascade = {
        name: memory_lifetime(lambda age, n=n, m=m: cascade_snr(age, n, m))
        for name, (n, m) in CASCADE.items()
    }
    tried, found, law = monte_carlo(600 if given.quick else 3000, jax.random.fold_in(key, 1))
    difference = float(np.max(np.abs(found / law - 1)))

    count, oldest = (300, 150) if given.quick else (4000, 2000)
    ages = np.unique(np.r_[0, np.geomspace(1, oldest, 40).astype(int)])
    simple = lifetime_under_stdp(soft_bounded(0.23), count, ages, jax.random.fold_in(key, 2))
    chain = lifetime_under_stdp(with_a_chain(0.23), count, ages, jax.random.fold_in(key, 3))
    kept, forgotten = below_one(ages, chain.snr), below_one(ages, simple.snr)
    print(f"the chain's slope {slope:.3f}, its lifetimes {lifetime}, the cascade's {cascade}")
    print(f"signal to noise at first: {chain.snr[0]:.1f} with a chain, {simple.snr[0]:.1f} without")
    longer = f"more than {ages[-1]}" if kept is None else f"{kept:.0f}"
    print(f"kept for {longer} patterns with a chain, {forgotten:.0f} without")
    figure((tried, found, law), (ages, chain), (ages, simple), given.out / "complex_synapses.png")
    finish(
        dict(
            slope=slope,
            lifetime=lifetime,
            cascade_lifetime=cascade,
            monte_carlo_max_difference=difference,
            snr_chain=float(chain.snr[0]),
            snr_simple=float(simple.snr[0]),
            lifetime_chain=kept,
            lifetime_simple=forgotten,
            lifetime_ratio_stdp=None if kept is None else kept / forgotten,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
