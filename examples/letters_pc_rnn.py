"""A PC-RNN learns 20 handwritten letters and then infers which one it is shown.

The letters are drawn by the Hershey vector fonts, or read from `--data FILE` (.npz with `trajs`
and `labels`, or the UCI Character Trajectories .mat).
"""

import argparse
import time
from pathlib import Path

import jax
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from _script import arguments, finish, progress

import ngcmem as nm

COPIES = 4  # retrievals per letter


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="FILE", help="trajectories, .npz or .mat")
    parser.add_argument("--iterations", type=int, help="of training (2000; published: 1000)")


def load(given: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    if given.data is None:
        return nm.datasets.hershey_letters()
    if given.data.suffix == ".mat":
        return nm.datasets.load_character_trajectories(given.data)
    return nm.datasets.load_trajectories(given.data)


def scores(state, found, labels) -> dict[str, float]:
    """How often the cause nearest to the inferred one is that of the letter shown."""
    right = np.asarray(nm.memories.nearest_pattern(state, found.causes)) == labels
    best = [np.asarray(found.errors[:k]).argmin(0) for k in (100, 300)]
    pick = [right[index, np.arange(right.shape[1])].mean() for index in best]
    stays = (right[1:] & right[:-1]).sum() / max(right[:-1].sum(), 1)
    return {
        "best_100": pick[0],
        "best_300": pick[1],
        "nearest_last100": right[-100:].mean(),
        "stay_correct": stays,
    }


def varied(sequences, seed) -> np.ndarray:
    """The letters written anew: slanted, stretched, and with a hand that is not steady."""
    rng = np.random.default_rng(seed)
    count = sequences.shape[1]
    change = np.eye(2) + 0.08 * rng.normal(size=(count, 2, 2))
    time = np.linspace(0.0, np.pi, len(sequences))
    waves = np.stack([np.sin(k * time) / k for k in range(1, 6)], 1)
    shake = np.einsum("tk,kcd->tcd", waves, 0.08 * rng.normal(size=(5, count, 2)))
    return np.einsum("tcd,ced->tce", sequences, change) + shake


def curves(state, found, labels) -> tuple[np.ndarray, np.ndarray]:
    """Per trial: nearest now, and nearest at the smallest error so far."""
    right = np.asarray(nm.memories.nearest_pattern(state, found.causes)) == labels
    errors = np.asarray(found.errors)
    leaders = np.zeros(errors.shape[1], int)
    best = np.zeros(len(errors))
    for trial, row in enumerate(errors):
        leaders = np.where(row < errors[leaders, np.arange(len(row))], trial, leaders)
        best[trial] = right[leaders, np.arange(len(row))].mean()
    return right.mean(1), best


def draw_letters(state, net, sequences, names, losses, file):
    generated = np.asarray(
        nm.memories.generate_sequences(net, state, state.mus, steps=len(sequences))
    )
    figure, axes = plt.subplots(3, 7, figsize=(11, 5.2), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, name, seen, made in zip(
        axes.flat, names, sequences.swapaxes(0, 1), generated.swapaxes(0, 1), strict=False
    ):
        axis.plot(*seen.T, "--", color="0.3", lw=1)
        axis.plot(*made.T, color="tab:blue", lw=2)
        axis.set_title(name, fontsize=11)
        axis.set_aspect("equal")
    last = axes.flat[-1]
    last.axis("on")
    last.semilogy(losses, lw=0.8)
    last.spines[["top", "right"]].set_visible(False)
    last.set_title("training loss", fontsize=11)
    figure.suptitle("Generated from the learned causes (blue) and shown (dashed)")
    figure.savefig(file, dpi=80)


def draw_causes(state, net, steps, labels, file):
    """The map of the hidden causes: each letter as it is generated, drawn at its cause."""
    mus = np.asarray(state.mus)
    generated = np.asarray(nm.memories.generate_sequences(net, state, state.mus, steps=steps))
    figure, axis = plt.subplots(figsize=(7, 7), layout="constrained")
    gaps = np.linalg.norm(mus[:, None] - mus, axis=-1) + np.diag(np.full(len(mus), np.inf))
    size = 0.5 * np.median(gaps.min(1)) / np.abs(generated).max()
    for i, (mu, name) in enumerate(zip(mus, labels, strict=True)):
        path = generated[:, i] - 0.5 * (generated[:, i].max(0) + generated[:, i].min(0))
        color = plt.get_cmap("twilight")(0.15 + 0.7 * i / len(mus))
        axis.plot(*(mu + 2 * size * path).T, color=color, lw=2)
        axis.plot(*mu, "+", color="0.5", ms=5, zorder=0)
        axis.annotate(name, mu, (9, 9), textcoords="offset points", fontsize=9, color="0.35")
    axis.set(xlabel="hidden cause 1", ylabel="hidden cause 2", aspect="equal")
    axis.set_title("The map of hidden causes")
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=80)


def draw_walk(state, results, names, target, file):
    mus = np.asarray(state.mus)
    reach = 1.15 * np.abs(mus).max()
    figure, axes = plt.subplots(
        2, 2, figsize=(8.6, 8), sharex=True, sharey=True, layout="constrained"
    )
    for place, axis in np.ndenumerate(axes):
        name = ("published", "Metropolis")[place[0]]
        walk = np.asarray(results[name].causes[:, place[1] * len(names) + target])
        axis.set_title(f"{name}, start {place[1] + 1}", fontsize=11)
        axis.plot(*walk.T, color="0.7", lw=0.3, alpha=0.5, zorder=1)
        trial = np.arange(1, len(walk) + 1)
        dots = axis.scatter(*walk.T, s=12, c=trial, cmap="viridis", norm="log", zorder=3)
        for mu, letter in zip(mus, names, strict=True):
            axis.plot(*mu, "+", color="black", ms=5, zorder=5)
            axis.annotate(letter, mu, (3, 3), textcoords="offset points", fontsize=12, zorder=6)
        axis.add_patch(plt.Circle(mus[target], 0.15, color="red", fill=False, lw=1.5, zorder=6))
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    figure.colorbar(dots, ax=axes, label="trial", shrink=0.5)
    figure.suptitle(f"Retrievals of {names[target]}: the hidden causes after every trial")
    figure.supxlabel("hidden cause 1")
    figure.supylabel("hidden cause 2")
    figure.savefig(file, dpi=70)


def draw_success(state, results, labels, chance, ranked, file):
    figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for name, found in results.items():
        now, best = curves(state, found, labels)
        trials = np.arange(1, len(now) + 1)
        # a mean over the trials within 10 % shows the trend on the logarithmic axis
        around = [now[int(0.9 * k) : int(1.1 * k) + 1].mean() for k in range(len(now))]
        (line,) = axis.semilogx(trials, around, lw=2, label=f"{name}, now")
        axis.semilogx(trials, now, color=line.get_color(), lw=0.5, alpha=0.3)
        if name == "published":
            axis.semilogx(
                trials, best, color=line.get_color(), ls=":", label=f"{name}, smallest error so far"
            )
    axis.semilogx(trials, 1 - (1 - chance) ** trials, "k:", lw=1, label="guessing, smallest error")
    axis.axhline(ranked, color="tab:green", ls="--", lw=1, label="ranking of all stored causes")
    axis.axhline(chance, color="gray", ls="--", lw=1, label="chance")
    axis.set(xlabel="trial", ylabel="part of retrievals at the right letter", ylim=(0, 1.03))
    axis.set_xlim(1, len(trials))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=80)


def main() -> None:
    given = arguments("letters_pc_rnn", __doc__.split("\n")[0], options)
    sequences, names = load(given)
    if given.quick:
        sequences, names = sequences[::2, :6], names[:6]
    count, trials = len(names), 100 if given.quick else 1000
    net = nm.PredictiveCodingRNN(outputs=2, states=50, causes=2, n_patterns=count)

    start = time.perf_counter()
    state, losses, _ = nm.memories.train_sequences(
        net,
        nm.init(net, jax.random.key(given.seed)),
        sequences,
        iterations=given.iterations or (200 if given.quick else 2000),
        keep_best=True,
    )
    losses = np.asarray(losses)
    train_seconds = time.perf_counter() - start
    ranking = np.asarray(nm.memories.rank_causes(net, state, sequences)).argmin(1)

    shown = np.tile(sequences, (1, COPIES, 1))
    labels = np.tile(np.arange(count), COPIES)
    key = jax.random.key(given.seed + 1)
    controls = {"sigma_r_0": net.replace(sigma_r=0.0), "alpha_c_0": net.replace(alpha_c=0.0)}
    start = time.perf_counter()
    published = nm.memories.infer_causes(net, state, shown, key=key, trials=trials)
    jax.block_until_ready(published)
    retrieve_seconds = time.perf_counter() - start
    annealed = nm.memories.infer_causes(
        net.replace(**nm.memories.ANNEALED), state, shown, key=key, trials=trials, cooling=0.1
    )
    metropolis = nm.memories.infer_causes(
        net.replace(**nm.memories.METROPOLIS),
        state,
        shown,
        key=key,
        trials=trials,
        temperature=0.01,
    )
    unseen = varied(sequences, given.seed)
    inferred = nm.memories.infer_causes(
        net.replace(**nm.memories.METROPOLIS),
        state,
        unseen,
        key=key,
        trials=trials,
        temperature=0.01,
    )
    metrics = {
        "loss_median_last50": np.median(losses[-50:]),
        "ranking_correct": int((ranking == np.arange(count)).sum()),
        **scores(state, published, labels),
        "train_seconds": train_seconds,
        "retrieve_seconds": retrieve_seconds,
        "nan": bool(np.isnan(published.causes).any()),
        **{f"annealed_{k}": v for k, v in scores(state, annealed, labels).items()},
        **{f"metropolis_{k}": v for k, v in scores(state, metropolis, labels).items()},
        "unseen_ranking": np.mean(
            np.asarray(nm.memories.rank_causes(net, state, unseen)).argmin(1) == np.arange(count)
        ),
        "unseen_metropolis": scores(state, inferred, np.arange(count))["nearest_last100"],
    }
    for name, control in progress(controls.items(), "controls", total=len(controls)):
        found = nm.memories.infer_causes(control, state, shown, key=key, trials=min(trials, 300))
        metrics[f"{name}_nearest_last100"] = scores(state, found, labels)["nearest_last100"]

    draw_letters(state, net, sequences, names, losses, given.out / "letters.png")
    draw_causes(state, net, len(sequences), names, given.out / "causes.png")
    target = list(names).index("p") if "p" in names else 0
    results = dict(published=published, annealed=annealed, Metropolis=metropolis)
    draw_walk(state, results, names, target, given.out / "walk.png")
    ranked = metrics["ranking_correct"] / count
    draw_success(state, results, labels, 1 / count, ranked, given.out / "success.png")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
