"""The published PC-RNN loop in float64 NumPy, written from the document, without jax."""

import numpy as np


def step(w, h, c, x, noise, *, tau, alpha_x, alpha_h, alpha_c, sigma_r, sigma_c):
    """One time step of a batch: (outputs, error, hidden_prior, hidden_post, causes, energy)."""
    prior = (1 - 1 / tau) * h + (np.tanh(h) @ w["w_r"].T + c @ w["w_c"].T + w["b_r"]) / tau
    outputs = np.tanh(prior) @ w["w_o"].T + w["b_o"]
    error = outputs - x
    post = prior
    if alpha_x > 0:
        post = prior - alpha_x * (1 - np.tanh(prior) ** 2) * (error @ w["w_o"])
        mismatch = prior - post
        c = c - alpha_h * mismatch @ w["w_c"]
        c = c + noise * np.sqrt((mismatch**2).sum(1, keepdims=True)) * sigma_r
    if alpha_c > 0:
        c = c + alpha_c * complexity(c, w["mus"], sigma_c)
    distance = ((c[:, None] - w["mus"]) ** 2).sum(-1) / (2 * sigma_c**2)
    nearest = distance.min(1)
    log_prior = np.log(np.exp(nearest[:, None] - distance).mean(1)) - nearest
    energy = 0.5 * (error**2).sum(1) + 0.5 * ((prior - post) ** 2).sum(1) - log_prior
    return outputs, error, prior, post, c, energy


def complexity(c, mus, sigma_c):
    away = c[:, None] - mus
    density = 1e-40 + np.exp(-(away**2).sum(-1) / (2 * sigma_c**2))
    total = density.sum(1, keepdims=True) * 2 * sigma_c**2
    return -(density[..., None] * away).sum(1) / total


def loss(w, x, tau):
    """Mean squared error of generating sequence i from cause i."""
    h = np.repeat(w["h_init"][None], x.shape[1], 0)
    total = 0.0
    for target in x:
        h = (1 - 1 / tau) * h
        h = h + (np.tanh(h / (1 - 1 / tau)) @ w["w_r"].T + w["mus"] @ w["w_c"].T + w["b_r"]) / tau
        total += ((np.tanh(h) @ w["w_o"].T + w["b_o"] - target) ** 2).mean()
    return total / len(x)
