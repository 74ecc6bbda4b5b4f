"""The plasticity rules at a glance: every published curve, and what the synapses make of it.

Dots are changes of weight measured on synapses inside a circuit, lines the curves of the papers,
error bars the pairing experiments of Sjostrom, Turrigiano and Nelson (2001).
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FREE = dict(bounds="none", weight_init=jax.nn.initializers.constant(0.5))
SJOSTROM = {  # 60 pairs at these rates: relative change of weight and its standard error
    "Hz": [0.1, 10, 20, 40, 50],
    10: ([-0.04, 0.14, 0.29, 0.53, 0.56], [0.05, 0.10, 0.14, 0.11, 0.26]),
    -10: ([-0.29, -0.41, -0.34, 0.56, 0.75], [0.08, 0.11, 0.10, 0.32, 0.19]),
}


def in_vitro(synapse: Any, taus: dict[str, float], pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """The change of the weights under spikes (steps, inputs) and (steps, outputs) from outside."""
    parts: dict[str, Any] = dict(
        before=nm.RateCell(units=pre.shape[1], tau=1e-6),
        after=nm.RateCell(units=post.shape[1], tau=1e-6),
        synapse=synapse,
    )
    wires = [
        wire("before.outputs", to="synapse.inputs"),
        wire("after.outputs", to="synapse.post"),
    ]
    for name, tau in taus.items():
        side = "before" if name.startswith("pre") else "after"
        parts[f"{name}_of"] = nm.Trace(units=parts[side].units, tau=tau)
        wires += [
            wire(f"{side}.outputs", to=f"{name}_of.inputs"),
            wire(f"{name}_of.trace", to=f"synapse.{name}"),
        ]
    circuit = nm.connect(parts, wires)
    state = nm.init(circuit, jax.random.key(0))
    drive = {"before.inputs": pre[:, None], "after.inputs": post[:, None]}
    final, _ = nm.run(circuit, state, steps=len(pre), inputs=drive, learn=True)
    return np.asarray(final["synapse.weights"] - state["synapse.weights"])


def window(axes: Any) -> float:
    lags = np.arange(-50, 51)
    pre, post = np.zeros((120, 101), np.float32), np.zeros((120, 1), np.float32)
    pre[60 - lags, np.arange(101)] = post[60] = 1
    synapse = nm.STDP(inputs=101, outputs=1, eta=1.0, a_plus=1.0, a_minus=0.6, **FREE)
    found = in_vitro(synapse, dict(pre_trace=17.0, post_trace=34.0), pre, post)[:, 0]
    exact = np.where(lags > 0, np.exp(-lags / 17), -0.6 * np.exp(lags / 34))
    exact[50] = 1 - 0.6  # a pair at 0 counts in both terms
    for side in (lags > 0, lags < 0):
        axes.plot(lags[side], exact[side], color="tab:gray", linewidth=1)
    axes.plot(lags[::2], found[::2], "o", markersize=3)
    axes.axhline(0, color="tab:gray", linewidth=0.6)
    axes.set(title="pair STDP", xlabel="post - pre, ms", ylabel="change of weight")
    return float(np.abs(found - exact).max())


def triplets(axes: Any) -> float:
    """The minimal model of Pfister and Gerstner (2006); the worst distance from the data."""
    fine = np.array([0.1, 2, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50])
    columns = [(lag, hz) for lag in (10, -10) for hz in fine]
    pre, post = np.zeros((2, 30_200, len(columns)), np.float32)
    for column, (lag, hz) in enumerate(columns):
        pairs = 60 if hz > 1 else 3  # pairs 10 s apart do not see each other: 3 of 60
        times = 20 + np.round(1000 / hz * np.arange(pairs)).astype(int)
        pre[times, column] = post[times + lag, column] = 1
    taus = dict(pre_trace=16.8, post_trace=33.7, pre_slow=101.0, post_slow=114.0)
    size = len(columns)
    found = np.diag(
        in_vitro(nm.TripletSTDP(inputs=size, outputs=size, **FREE), taus, pre, post)
    ).reshape(2, -1)
    found = found * np.where(fine > 1, 1, 20)
    worst = 0.0
    for row, (lag, color, name) in enumerate(
        ((10, "tab:red", "pre first"), (-10, "tab:blue", "post first"))
    ):
        mean, error = SJOSTROM[lag]
        axes.errorbar(SJOSTROM["Hz"], mean, error, fmt="s", color=color, ms=4, capsize=2)
        axes.plot(fine, found[row], color=color, label=name)
        at = np.isin(fine, SJOSTROM["Hz"])
        worst = max(worst, np.abs((found[row, at] - mean) / error).max())
    axes.axhline(0, color="tab:gray", linewidth=0.6)
    axes.set(title="triplet STDP: 60 pairs, 10 ms apart", xlabel="pairs per second")
    axes.legend(fontsize=8)
    return float(worst)


def sliding(axes: Any) -> None:
    post = np.linspace(0, 2, 41)
    for threshold, color in ((0.5, "tab:blue"), (1.0, "tab:green"), (1.5, "tab:red")):
        synapse = nm.BCM(inputs=1, outputs=41, threshold_start=threshold)
        state = nm.init(synapse, jax.random.key(0)).replace(inputs=[[1.0]], post=post[None])
        change = nm.weight_changes(synapse, state)[0]
        axes.plot(post, post * (post - threshold), color=color, linewidth=1, label=f"{threshold}")
        axes.plot(post[::2], change[::2], ".", color=color, markersize=4)
    axes.axhline(0, color="tab:gray", linewidth=0.6)
    axes.set(title="BCM", xlabel="post", ylabel="change of weight")
    axes.legend(fontsize=8, title="threshold", title_fontsize=8)


def components(axes: Any, steps: int) -> float:
    """Oja and Sanger: the angle between each output's weights and its principal component."""
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    data = (rng.normal(size=(512, 6)) * [3.0, 2.0, 1.2, 0.5, 0.3, 0.1]) @ basis.T
    data = (data - data.mean(0)).astype(np.float32)
    true = np.linalg.eigh(data.T @ data)[1][:, ::-1]
    circuit = nm.connect(
        dict(synapse=nm.Oja(inputs=6, outputs=3, eta=0.02)),
        wires=[wire("synapse.outputs", to="synapse.post")],
    )
    state = nm.init(circuit, jax.random.key(0), batch=512)
    _, seen = nm.run(
        circuit, state, steps=steps, clamp={"synapse.inputs": data}, record="synapse.weights",
        record_every=10, learn=True,
    )  # fmt: skip
    weights = np.asarray(seen["synapse.weights"])
    for j in range(3):
        along = weights[:, :, j] @ true[:, j]
        across = np.linalg.norm(weights[:, :, j] - np.outer(along, true[:, j]), axis=1)
        angle = np.degrees(np.arctan2(across, np.abs(along)))
        axes.semilogy(10 * np.arange(len(angle)), angle, label=f"output {j + 1}")
    axes.set(title="Oja: angle to the component", xlabel="step", ylabel="degrees")
    axes.legend(fontsize=8)
    worst = np.abs(np.abs(np.sum(weights[-1] * true[:, :3], 0)) - 1).max()
    return float(worst)


def balance(axes: Any, seconds: int) -> dict[str, float]:
    """Inhibitory STDP: one cell per target rate, under the same excitation."""
    found = {}
    for target, color in ((4.0, "tab:blue"), (8.0, "tab:green"), (16.0, "tab:red")):
        circuit = nm.connect(
            dict(
                source=nm.Poisson(units=40, rate=40.0),
                synapse=nm.InhibitorySTDP(
                    inputs=40, outputs=8, target_rate=target, eta=0.3, weight_max=100.0, scale=0.3
                ),
                drive=nm.RateCell(units=8, tau=1e-6),
                cell=nm.LIF(units=8),
                pre=nm.Trace(units=40),
                post=nm.Trace(units=8),
            ),
            wires=[
                wire("source.spikes", to="synapse.inputs"),
                wire("drive.outputs", "-synapse.outputs", to="cell.current"),
                wire("source.spikes", to="pre.inputs"),
                wire("cell.spikes", to="post.inputs"),
                wire("pre.trace", to="synapse.pre_trace"),
                wire("post.trace", to="synapse.post_trace"),
                wire("cell.spikes", to="synapse.post"),
            ],
        )
        state = nm.init(circuit, jax.random.key(0), batch=8)
        held = {"source.inputs": jnp.ones((8, 40)), "drive.inputs": jnp.full((8, 8), 22.0)}
        _, seen = nm.run(
            circuit, state, steps=1000 * seconds, clamp=held, record="cell.spikes", learn=True
        )
        rate = 1000 * np.asarray(seen["cell.spikes"]).mean((1, 2)).reshape(-1, 200).mean(1)
        found[f"{target:g}"] = float(rate[-5:].mean())
        axes.plot(0.2 * np.arange(len(rate)), rate, color=color, label=f"{target:g} Hz")
        axes.axhline(target, color=color, linestyle="--", linewidth=0.8)
    axes.set(title="inhibitory STDP", xlabel="s", ylabel="rate, Hz")
    axes.legend(fontsize=8, title="target", title_fontsize=8)
    return found


def reward(axes: Any) -> None:
    """Two synapses see a pair of spikes each; the reward comes 300 ms after the first."""
    circuit = nm.connect(
        dict(
            eligible=nm.Eligibility(inputs=2, outputs=1, tau=300.0),
            synapse=nm.RewardSTDP(inputs=2, outputs=1, eta=1.0, **FREE),
        ),
        wires=[wire("eligible.eligibility", to="synapse.eligibility")],
    )
    steps, pairs = 700, (100, 340)
    drive = {f"eligible.{name}": np.zeros((steps, 1, 2), np.float32) for name in ("pre_trace",)}
    drive["eligible.post"] = np.zeros((steps, 1, 1), np.float32)
    for line, at in enumerate(pairs):
        drive["eligible.pre_trace"][at, 0, line] = 0.6  # 10 ms after its spike
        drive["eligible.post"][at] = 1.0
    drive["synapse.reward"] = np.zeros((steps, 1), np.float32)
    drive["synapse.reward"][400:440] = 0.02
    names = ("eligible.eligibility", "synapse.weights")
    state = nm.init(circuit, jax.random.key(0))
    _, seen = nm.run(circuit, state, steps=steps, inputs=drive, record=names, learn=True)
    for line, color in enumerate(("tab:blue", "tab:orange")):
        label = f"pair at {pairs[line]} ms"
        axes.plot(seen[names[1]][:, line, 0] - 0.5, color=color, label=label)
        axes.plot(seen[names[0]][:, 0, line, 0], color=color, linestyle=":", linewidth=1)
    axes.axvspan(400, 440, color="tab:green", alpha=0.2, linewidth=0)
    axes.set(title="reward (shaded); dotted: eligibility", xlabel="ms", ylabel="change of weight")
    axes.set_ylim(-0.03, 0.85)
    axes.legend(fontsize=8, loc="upper left")


def main() -> None:
    given = arguments("plasticity", __doc__.splitlines()[0])
    figure, grid = plt.subplots(2, 3, figsize=(11, 5.8), layout="constrained")
    error = window(grid[0, 0])
    distance = triplets(grid[0, 1])
    sliding(grid[0, 2])
    oja = components(grid[1, 0], 1000 if given.quick else 3000)
    held = balance(grid[1, 1], 2 if given.quick else 8)
    reward(grid[1, 2])
    figure.savefig(given.out / "plasticity.png", dpi=110)
    plt.close(figure)
    finish(
        dict(
            window_worst_error=error,
            triplet_worst_standard_errors=distance,
            oja_worst_error=oja,
            rates_at_targets=held,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
