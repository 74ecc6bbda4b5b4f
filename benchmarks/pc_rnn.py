"""Training and retrieval of a PC-RNN against the document's loop written in torch (or NumPy).

The document's program, step by step in torch on the same data and sizes, runs beside the compiled
one; CPU times of all threads, in turn. Without torch the same loop in NumPy takes its place (for
retrieval; training then is not compared). `--threads` sets torch's threads (1 by default: the
arrays are small, and more threads only add CPU time).
"""

import time

import jax
import numpy as np
from _script import arguments, finish, interleaved

import ngcmem as nm

try:
    import torch
except ImportError:
    torch = None

TAU, SIGMA_C, ALPHA_X, ALPHA_H, ALPHA_C, SIGMA_R = 50.0, 0.096, 0.1, 0.019, 0.0085, 2.6


def numpy_prior_pull(c, mus):
    away = c[:, None] - mus
    density = 1e-40 + np.exp(-(away**2).sum(-1) / (2 * SIGMA_C**2))
    return -(density[..., None] * away).sum(1) / (density.sum(1)[:, None] * 2 * SIGMA_C**2)


def torch_prior_pull(c, mus):
    """The document's `complexity`, as it is written there."""
    batch, count = c.shape[0], mus.shape[0]
    mus = mus.unsqueeze(0).repeat(batch, 1, 1).reshape(batch * count, 1, 2).transpose(1, 2)
    c = c.unsqueeze(1).repeat(1, count, 1).reshape(batch * count, 1, 2).transpose(1, 2)
    away = c - mus
    density = 1e-40 + torch.exp(-torch.bmm(away.transpose(1, 2), away) / (2 * SIGMA_C**2))
    num = (away * density.repeat(1, 2, 1)).reshape(batch, count, 2).sum(1)
    den = density.reshape(batch, count).sum(1) * (2 * SIGMA_C**2)
    return -num / den.unsqueeze(-1).repeat(1, 2)


def torch_forward(w, x, c, h, alpha_x, alpha_c):
    """One pass of the document's model (nothing stored but the errors), and the last causes."""
    batch = x.shape[1]
    errors = torch.zeros(x.shape)
    for t in range(len(x)):
        prior = (1 - 1 / TAU) * h + (1 / TAU) * (
            torch.mm(torch.tanh(h), w["w_r"].T)
            + torch.mm(c, w["w_c"].T)
            + w["b_r"].unsqueeze(0).repeat(batch, 1)
        )
        outputs = torch.mm(torch.tanh(prior), w["w_o"].T) + w["b_o"].unsqueeze(0).repeat(batch, 1)
        error = outputs - x[t]
        errors[t] = error
        h = prior
        if alpha_x > 0:
            h = prior - alpha_x * (1 - torch.tanh(prior) ** 2) * torch.mm(error, w["w_o"])
            mismatch = prior - h
            c = c - ALPHA_H * torch.mm(mismatch, w["w_c"])
            size = torch.sqrt(torch.sum(mismatch**2, axis=1)).unsqueeze(1).repeat(1, 2)
            c = c + torch.randn_like(c) * size * SIGMA_R
        if alpha_c > 0:
            c = c + alpha_c * torch_prior_pull(c, w["mus"])
    return errors, c


def torch_train(weights, x, iterations):
    w = {
        name: torch.tensor(value, requires_grad=name != "h_init") for name, value in weights.items()
    }
    trained = [value for name, value in w.items() if name != "h_init"]
    optimizer = torch.optim.Adam(trained, lr=0.03, weight_decay=1e-4)
    x = torch.tensor(x)
    for _ in range(iterations):
        optimizer.zero_grad()
        h = w["h_init"].repeat(x.shape[1], 1)
        loss = (torch_forward(w, x, w["mus"], h, 0.0, 0.0)[0] ** 2).mean()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def torch_retrieve(weights, x, trials):
    w, x = {name: torch.tensor(value) for name, value in weights.items()}, torch.tensor(x)
    h, c = w["h_init"].repeat(x.shape[1], 1), torch.randn(x.shape[1], 2)
    errors = None
    with torch.no_grad():
        for _ in range(trials):
            c = torch_forward(w, x, c, h, ALPHA_X, ALPHA_C)[1]
            errors = torch_forward(w, x, c, h, 0.0, ALPHA_C)[0]
    return float((errors**2).sum(-1).sqrt().mean())


def numpy_retrieve(w, x, trials):
    rng = np.random.default_rng(0)
    start, c = np.repeat(w["h_init"][None], x.shape[1], 0), rng.normal(size=(x.shape[1], 2))
    for trial in range(2 * trials):
        h = start
        inner = c
        for target in x:
            drive = np.tanh(h) @ w["w_r"].T + inner @ w["w_c"].T + w["b_r"]
            prior = (1 - 1 / TAU) * h + drive / TAU
            rate = np.tanh(prior)
            error = rate @ w["w_o"].T + w["b_o"] - target
            h = prior
            if trial % 2 == 0:
                h = prior - ALPHA_X * (1 - rate**2) * (error @ w["w_o"])
                size = np.sqrt(((prior - h) ** 2).sum(1, keepdims=True))
                inner = inner - ALPHA_H * (prior - h) @ w["w_c"]
                inner = inner + rng.normal(size=inner.shape) * size * SIGMA_R
            inner = inner + ALPHA_C * numpy_prior_pull(inner, w["mus"])
        c = inner if trial % 2 == 0 else c
    return c.mean()


def options(parser):
    parser.add_argument("--threads", type=int, default=1, help="torch's threads")


def main() -> None:
    given = arguments("pc_rnn", __doc__.split("\n")[0], options)
    iterations, trials, repeats = (20, 10, 1) if given.quick else (1000, 1000, 2)
    reference_part = 1 if given.quick else 10  # the slow loop runs a tenth; its cost is linear
    if torch is not None:
        torch.set_num_threads(given.threads)
        torch.manual_seed(given.seed)
    sequences = nm.datasets.hershey_letters()[0]
    shown = np.tile(sequences, (1, 4, 1))
    net = nm.PredictiveCodingRNN(outputs=2, states=50, causes=2, n_patterns=20)
    state = nm.init(net, jax.random.key(given.seed))
    names = ("w_o", "b_o", "w_c", "w_r", "b_r", "mus", "h_init")
    begin = {name: np.array(state[name]) for name in names}
    trained, _, _ = nm.memories.train_sequences(net, state, sequences, iterations=iterations)
    learned = {name: np.array(trained[name]) for name in names}

    def retrieve():
        key = jax.random.key(given.seed)
        return nm.memories.infer_causes(net, trained, shown, key=key, trials=trials)

    candidates = {
        "train": lambda: nm.memories.train_sequences(net, state, sequences, iterations=iterations)[
            1
        ],
        "retrieve": retrieve,
    }
    few, some = iterations // reference_part, trials // reference_part
    if torch is not None:
        candidates["reference_train"] = lambda: torch_train(begin, sequences, few)
        candidates["reference_retrieve"] = lambda: torch_retrieve(learned, shown, some)
    else:
        candidates["reference_retrieve"] = lambda: numpy_retrieve(learned, shown, some)
    began = time.perf_counter()
    times = interleaved(candidates, repeats)
    metrics = {"reference": "numpy" if torch is None else "torch"}
    for name in ("train", "retrieve"):
        metrics[f"{name}_cpu_seconds"] = times[name]["cpu"]
        if f"reference_{name}" in times:
            slow = times[f"reference_{name}"]["cpu"] * reference_part
            metrics[f"reference_{name}_cpu_seconds"] = slow
            metrics[f"{name}_ratio"] = slow / times[name]["cpu"]
    finish(metrics | {"wall_seconds": time.perf_counter() - began}, given.out)


if __name__ == "__main__":
    main()
