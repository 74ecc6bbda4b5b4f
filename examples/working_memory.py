"""Four ways to hold something in mind: a bump, facilitated synapses, polynomials, an echo.

A ring attractor integrates a velocity and diffuses under noise as its laws say. A spiking network
with facilitating synapses (Mongillo, Barak and Tsodyks 2008) keeps a cue in silence, and answers an
unspecific drive with the cued population alone. A Legendre memory gives back what a signal was a
second ago. A linear orthogonal reservoir holds nearly as many past inputs as it has units.
"""

import jax
import matplotlib.pyplot as plt
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.analysis import memory_capacity

DT = 0.2  # ms, of the spiking network
POPULATIONS, SIZE, EXCITATORY, INHIBITORY = 5, 100, 1000, 250
EACH = 0.2 * 8000 / EXCITATORY  # synapses that one cell stands for, of the published network
DRIVE = 23.1  # mV, of the excitatory cells: in silence there is one stable state


def ring_speed(velocities):
    """The largest relative error of the bump's speed."""
    ring = nm.RingAttractor(units=128)
    state = nm.init(ring, jax.random.key(0), batch=len(velocities))
    state, _ = nm.run(ring, state.set({"velocity": velocities}), steps=300)
    _, seen = nm.run(ring, state, steps=2000, record="angle")
    angles = np.unwrap(np.asarray(seen["angle"], np.float64), axis=0)
    found = 1000 * np.polyfit(np.arange(2000), angles, 1)[0]  # rad/s
    return float(np.max(np.abs(found / velocities - 1))), angles


def ring_diffusion(trials, key):
    """The variance of the angle per time under noise, relative to its law."""
    quiet = nm.RingAttractor(units=512)
    bump = nm.run(quiet, nm.init(quiet, key), steps=500)[0].outputs[0]
    bump = np.asarray(bump, np.float64)
    slope = (np.roll(bump, -1) - np.roll(bump, 1)) * len(bump) / (4 * np.pi)
    noisy = quiet.replace(sigma=0.2)
    law = 0.2**2 / (noisy.tau**2 * np.sum(slope**2))
    state, _ = nm.run(noisy, nm.init(noisy, key, batch=trials), steps=200)
    _, seen = nm.run(noisy, state, steps=1100, record="angle", record_every=100)
    angles = np.unwrap(np.asarray(seen["angle"], np.float64), axis=0)
    return float(np.var(angles[-1] - angles[0]) / 1000 / law), np.degrees(angles - angles[0])


def spiking():
    """Mongillo's network, its sparse connections replaced by their mean."""
    noise = {tau: float(np.sqrt(1 / np.tanh(DT / (2 * tau)))) for tau in (15.0, 10.0)}  # 1 mV of v
    membrane = dict(v_rest=0.0, v_threshold=20.0, refractory_time=2.0)
    return nm.connect(
        dict(
            drive_e=nm.OrnsteinUhlenbeck(units=EXCITATORY, tau=DT / 100, sigma=noise[15.0]),
            drive_i=nm.OrnsteinUhlenbeck(units=INHIBITORY, tau=DT / 100, sigma=noise[10.0]),
            facilitating=nm.TsodyksMarkram(
                inputs=EXCITATORY,
                outputs=EXCITATORY,
                utilisation=0.2,
                tau_facilitation=1500.0,
                tau_depression=200.0,
            ),
            e_to_i=nm.Dense(inputs=EXCITATORY, outputs=INHIBITORY),
            i_to_e=nm.Dense(inputs=INHIBITORY, outputs=EXCITATORY),
            i_to_i=nm.Dense(inputs=INHIBITORY, outputs=INHIBITORY),
            e=nm.LIF(units=EXCITATORY, tau=15.0, v_reset=16.0, **membrane),
            i=nm.LIF(units=INHIBITORY, tau=10.0, v_reset=13.0, **membrane),
        ),
        [
            wire(delayed("e.spikes"), to="facilitating.inputs"),
            wire(delayed("e.spikes"), to="e_to_i.inputs"),
            wire(delayed("i.spikes"), to="i_to_e.inputs"),
            wire(delayed("i.spikes"), to="i_to_i.inputs"),
            wire("drive_e.outputs", "facilitating.outputs", "i_to_e.outputs", to="e.current"),
            wire("drive_i.outputs", "e_to_i.outputs", "i_to_i.outputs", to="i.current"),
        ],
    )


def connected(state):
    """The published efficacies in mV, as currents of one step; half the cells code no item."""
    basal, potentiated = 0.10, 0.45
    of = np.minimum(np.arange(EXCITATORY) // SIZE, POPULATIONS)
    efficacies = np.full((EXCITATORY, EXCITATORY), basal)
    efficacies[of[:, None] == of[None]] = potentiated
    some = (of[:, None] == POPULATIONS) | (of[None] == POPULATIONS)
    efficacies[some] = 0.9 * basal + 0.1 * potentiated
    to_e, to_i = (EACH / -np.expm1(-DT / tau) for tau in (15.0, 10.0))
    return state.set(
        {
            "facilitating.weights": efficacies * to_e,
            "e_to_i.weights": np.full((EXCITATORY, INHIBITORY), 0.135 * to_i),
            "i_to_e.weights": np.full((INHIBITORY, EXCITATORY), -0.25 * to_e),
            "i_to_i.weights": np.full((INHIBITORY, INHIBITORY), -0.20 * to_i),
        }
    )


def facilitated(trials, key):
    """Settle, cue the first population, wait in silence, drive all a little: rates and u x."""
    circuit = spiking()
    state = connected(nm.init(circuit, key, batch=trials))
    state = state.set({"drive_i.inputs": np.full((trials, INHIBITORY), 21.0)})
    plain, cue = np.full((trials, EXCITATORY), DRIVE), np.full((trials, EXCITATORY), DRIVE)
    cue[:, :SIZE] *= 1.15
    selective = POPULATIONS * SIZE
    rates = []
    for drive, duration in ((plain, 1000), (cue, 350), (plain, 650), (1.05 * plain, 250)):
        state = state.set({"drive_e.inputs": drive})
        run = dict(steps=round(duration / DT), dt=DT, record="e.spikes")
        if duration == 250:
            release = 0.2 + 0.8 * state["facilitating.release"]  # u as published, before a spike
            efficacy = np.asarray(release * state["facilitating.resources"])[:, :selective]
        state, seen = nm.run(circuit, state, **run)
        spikes = np.asarray(seen["e.spikes"])[..., :selective]
        # Hz, in bins of 10 ms: (bins, trials, populations)
        bins = spikes.reshape(-1, round(10 / DT), trials, POPULATIONS, SIZE)
        rates.append(1e3 * bins.sum(1).mean(-1) / 10)
    efficacy = efficacy.reshape(trials, POPULATIONS, SIZE).mean(-1)
    peak = rates[-1].max(0)  # of the unspecific drive
    return dict(
        rates=np.concatenate(rates),
        cued=float(peak[:, 0].mean()),
        others=float(peak[:, 1:].max(1).mean()),
        peaks=peak[:, 0],
        silent=float(rates[2][10:, :, 0].mean()),
        efficacy=efficacy.mean(0),
    )


def remembered(steps, seed):
    """A signal of up to 3 Hz, and what the memory of a second says it was a second ago."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=steps))
    spectrum[np.fft.rfftfreq(steps, 1e-3) > 3] = 0
    signal = np.fft.irfft(spectrum, steps)
    memory = nm.LegendreMemory(inputs=1, order=12, theta=1000.0)
    state = nm.init(memory, jax.random.key(seed))
    inputs = {"inputs": signal[:, None, None]}
    _, seen = nm.run(memory, state, steps=steps, inputs=inputs, record="outputs")
    found = np.asarray(seen["outputs"])[1500:, 0, 0, 0]
    ago = signal[500:-1000]
    return float(np.sqrt(np.mean((found - ago) ** 2) / np.mean(ago**2))), found, ago


def echoed(steps, seed):
    reservoir = nm.Reservoir(inputs=1, units=50, spectral_radius=0.98, activation=nm.cells.linear)
    inputs = np.random.default_rng(seed).uniform(-1, 1, (steps, 1, 1)).astype(np.float32)
    state = nm.init(reservoir, jax.random.key(seed))
    _, seen = nm.run(reservoir, state, steps=steps, inputs={"inputs": inputs}, record="outputs")
    return memory_capacity(
        seen["outputs"][:, 0], inputs[:, 0, 0], delays=min(200, steps // 20), begin=200
    )


def figure(turning, diffusing, held, signal, capacity, path):
    drawn, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    ring, spikes, past, echo = axes.flat
    ring.plot(100 * np.arange(len(diffusing)), diffusing[:, :40], color="0.6", lw=0.6)
    ring.set(xlabel="ms", ylabel="angle (degrees)", title="a bump diffuses (512 units)")
    for p in range(POPULATIONS):
        style = dict(color="C3", label="cued") if p == 0 else dict(color="0.6")
        spikes.plot(10 * np.arange(len(held["rates"])), held["rates"][:, 0, p], **style)
    spikes.axvspan(1000, 1350, color="C0", alpha=0.2, label="cue")
    spikes.axvspan(2000, 2250, color="C1", alpha=0.2, label="drive of all")
    spikes.set(xlabel="ms", ylabel="rate (Hz)", title="facilitated synapses")
    spikes.legend(fontsize=8)
    _, found, ago = signal
    past.plot(ago[:2000], label="the signal 1 s ago")
    past.plot(found[:2000], "--", label="read from 12 coefficients")
    past.set(xlabel="ms", title="Legendre memory")
    past.legend(fontsize=8)
    echo.plot(capacity.by_delay)
    echo.set(xlabel="delay (steps)", ylabel="squared correlation", title="reservoir of 50 units")
    drawn.savefig(path, dpi=150)


def main():
    given = arguments("working_memory", __doc__.splitlines()[0])
    key = jax.random.key(given.seed)
    velocities = np.array([1.667, 5.0, 16.67, 50.0])
    speed, turning = ring_speed(velocities)
    print(f"the bump turns at the given velocity, within {100 * speed:.1f} %")
    ratio, diffusing = ring_diffusion(100 if given.quick else 600, jax.random.fold_in(key, 1))
    print(f"and diffuses at {ratio:.2f} times the law")
    held = facilitated(1 if given.quick else 8, jax.random.fold_in(key, 2))
    print(
        f"driven a little, the cued population answers at {held['cued']:.0f} Hz, the others at "
        f"{held['others']:.1f}; in silence before, {held['silent']:.2f} Hz, u x {held['efficacy']}"
    )
    print(f"trial by trial, the cued population: {held['peaks']} Hz")
    signal = remembered(5000 if given.quick else 20_000, given.seed)
    capacity = echoed(3000 if given.quick else 12_000, given.seed)
    print(f"Legendre error {signal[0]:.4f}, the reservoir holds {capacity.total:.1f} of 50")
    figure(turning, diffusing, held, signal, capacity, given.out / "working_memory.png")
    finish(
        dict(
            ring_speed_error=speed,
            diffusion_ratio=ratio,
            cued_hz=held["cued"],
            others_hz=held["others"],
            lmu_error=signal[0],
            capacity_orthogonal=capacity.total,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
