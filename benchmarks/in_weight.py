"""The in-weight memory against the same experiment written by hand.

Three comparisons, timed in turn in one process, CPU time of all threads:
`speedup_over_loop`, one run against the document's training loop in torch (in NumPy where torch is
not installed); `ratio_over_scan`, one run against a scan written by hand for this experiment;
`ratio_16_seeds`, 16 seeds by vmap against 16 runs one after the other.
"""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _script import arguments, finish, interleaved

import ngcmem as nm

ADAM = optax.adam(1e-4)
MEMORY = nm.InWeight(vocabulary=2, outputs=2, hidden=(128,), memory=(2,), optimizer=ADAM)


@partial(jax.jit, static_argnames="steps")
def with_library(key: Any, *, steps: int) -> Any:
    """Losses and correctness of one experiment."""
    init_key, token_key = jax.random.split(key)
    tokens = jax.random.randint(token_key, (steps, 1), 0, 2)
    answers = jax.nn.one_hot(1 - tokens, 2)
    _, seen = nm.run(
        MEMORY,
        nm.init(MEMORY, init_key),
        steps=steps,
        inputs={"content": jax.nn.one_hot(tokens, 2), "targets": answers},
        clamp={"inputs": jnp.eye(1, 2), "clear": jnp.ones(1)},
        record="outputs",
        learn=True,
    )
    return scored(seen["outputs"][:, 0], answers[:, 0])


def scored(logits: Any, answers: Any) -> Any:
    loss = -jnp.sum(answers * jax.nn.log_softmax(logits), -1)
    return loss, logits.argmax(-1) == answers.argmax(-1)


@partial(jax.jit, static_argnames="steps")
def by_hand(key: Any, *, steps: int) -> Any:
    """The same experiment as a careful user would write it for itself alone."""
    init_key, token_key = jax.random.split(key)
    tokens = jax.random.randint(token_key, (steps,), 0, 2)
    contents, answers = jax.nn.one_hot(tokens, 2), jax.nn.one_hot(1 - tokens, 2)
    begun = nm.init(MEMORY, init_key)
    weights, head, moments = begun.weights, begun.head, begun.optimizer_state

    def features(weights: Any, fast: Any) -> Any:
        e = weights["embedding"][0]
        (layer,) = weights["layers"]
        pre = jnp.concatenate(
            [e @ layer["kernel"] + layer["bias"], e @ fast["kernel"] + fast["bias"]]
        )
        return jax.nn.gelu(pre, approximate=False)

    def cross_entropy(logits: Any, target: Any) -> Any:
        return -jnp.sum(target * jax.nn.log_softmax(logits))

    def step(carry: Any, x: Any) -> Any:
        weights, moments = carry
        content, answer = x
        empty = {"kernel": jnp.zeros((64, 2)), "bias": jnp.zeros(2)}
        slope = jax.grad(lambda fast: cross_entropy(features(weights, fast) @ head, content))(empty)
        fast = jax.tree.map(lambda g: -10.0 * g, slope)

        def loss(weights: Any) -> Any:
            logits = features(weights, fast) @ weights["readout"]
            return cross_entropy(logits, answer), logits

        gradient, logits = jax.grad(loss, has_aux=True)(weights)
        updates, moments = ADAM.update(gradient, moments, weights)
        return (optax.apply_updates(weights, updates), moments), logits

    _, logits = jax.lax.scan(step, (weights, moments), (contents, answers))
    return scored(logits, answers)


def torch_loop(steps: int) -> None:
    """The document's network and loop, eager torch, on one thread: more would only wait."""
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(1)

    class MemoryMLP(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(2, 64)
            self.hidden, self.memory = torch.nn.Linear(64, 128), torch.nn.Linear(64, 2)
            self.readout = torch.nn.Linear(130, 2, bias=False)
            self.head = torch.nn.Linear(130, 2, bias=False)
            self.head.requires_grad_(False)

        def forward(self, x: Any) -> Any:
            z = self.embedding(x)
            z = F.gelu(torch.cat([self.hidden(z), self.memory(z)], dim=-1))
            return self.readout(z), self.head(z)

    model = MemoryMLP()
    normal = [*model.hidden.parameters(), *model.readout.parameters(), model.embedding.weight]
    slow = torch.optim.Adam(normal, lr=1e-4)
    fast = torch.optim.SGD([*model.memory.parameters(), model.head.weight], lr=10)
    losses, right = [], []
    for _ in range(steps):
        x = torch.randint(0, 2, (1,))
        zero = torch.zeros_like(x)
        model.memory.weight.data.fill_(0)
        model.memory.bias.data.fill_(0)
        loss = F.cross_entropy(model(zero)[1], x)
        fast.zero_grad()
        loss.backward()
        fast.step()
        out = model(zero)[0]
        loss = F.cross_entropy(out, (x + 1) % 2)
        losses.append(loss.item())
        right.append((out.argmax(-1) == (x + 1) % 2).int().item())
        slow.zero_grad()
        loss.backward()
        slow.step()


def numpy_loop(steps: int, seed: int = 0) -> None:
    """The same loop in NumPy with gradients written out (a much harder mark than torch's)."""
    from math import erf, sqrt

    random = np.random.default_rng(seed)
    cdf = np.vectorize(lambda x: 0.5 * (1.0 + erf(x / sqrt(2.0))))
    sizes = {"e": (64,), "W": (64, 128), "b": (128,), "R": (130, 2)}
    slow = {n: random.uniform(-0.1, 0.1, s).astype(np.float32) for n, s in sizes.items()}
    slow["e"] = random.normal(size=64).astype(np.float32)
    head = random.uniform(-0.1, 0.1, (130, 2)).astype(np.float32)
    first = {n: np.zeros_like(p) for n, p in slow.items()}
    second = {n: np.zeros_like(p) for n, p in slow.items()}

    def forward(M: Any, c: Any) -> Any:
        a = np.concatenate([slow["e"] @ slow["W"] + slow["b"], slow["e"] @ M + c])
        phi = cdf(a)
        return a * phi, phi + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)

    def softmax(x: Any) -> Any:
        return np.exp(x - x.max()) / np.exp(x - x.max()).sum()

    for t in range(1, steps + 1):
        x = random.integers(2)
        z, slope = forward(np.zeros((64, 2)), np.zeros(2))
        d = (head @ (softmax(z @ head) - np.eye(2)[x]) * slope)[128:]
        M, c = -10 * np.outer(slow["e"], d), -10 * d
        z, slope = forward(M, c)
        wrong = softmax(z @ slow["R"]) - np.eye(2)[1 - x]
        d = slow["R"] @ wrong * slope
        gradient = {
            "e": slow["W"] @ d[:128] + M @ d[128:],
            "W": np.outer(slow["e"], d[:128]),
            "b": d[:128],
            "R": np.outer(z, wrong),
        }
        for n, g in gradient.items():
            first[n] = 0.9 * first[n] + 0.1 * g
            second[n] = 0.999 * second[n] + 0.001 * g**2
            rate = 1e-4 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            slow[n] = slow[n] - rate * first[n] / (np.sqrt(second[n]) + 1e-8)


def cpu_seconds(function: Any) -> float:
    begun = time.process_time()
    function()
    return time.process_time() - begun


def main() -> None:
    given = arguments("in_weight", __doc__.splitlines()[0])
    steps, repeats = (500, 3) if given.quick else (5000, 5)
    try:
        import torch  # noqa: F401
    except ImportError:
        loop, name = numpy_loop, "numpy"
    else:
        loop, name = torch_loop, "torch"
    keys = jax.random.split(jax.random.key(given.seed), 16)
    many = jax.jit(jax.vmap(partial(with_library, steps=steps)))
    ours, hand = with_library(keys[0], steps=steps), by_hand(keys[0], steps=steps)
    apart = float(jnp.abs(ours[0][:100] - hand[0][:100]).max())

    # Every call gets a key it has not seen; the loops draw their own tokens.
    fresh = iter(range(10**6))
    times = interleaved(
        {
            "library": lambda: with_library(jax.random.key(next(fresh)), steps=steps),
            "hand": lambda: by_hand(jax.random.key(next(fresh)), steps=steps),
            "16 by vmap": lambda: many(jax.random.split(jax.random.key(next(fresh)), 16)),
            "16 in turn": lambda: [
                with_library(jax.random.key(next(fresh)), steps=steps) for _ in range(16)
            ],
        },
        repeats=repeats,
    )
    loop(10)
    loop_seconds = cpu_seconds(lambda: loop(steps))
    metrics = {
        "loop": name,
        "steps": steps,
        "loop_cpu_seconds": loop_seconds,
        "run_cpu_seconds": times["library"]["cpu"],
        "speedup_over_loop": loop_seconds / times["library"]["cpu"],
        "ratio_over_scan": times["library"]["cpu"] / times["hand"]["cpu"],
        "ratio_16_seeds": times["16 by vmap"]["cpu"] / times["16 in turn"]["cpu"],
        "loss_difference_100_steps": apart,
    }
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
