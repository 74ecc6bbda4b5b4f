"""The networks of networks.py in brian2 (cython target), run by a Python that has it.

`python _brian2_network.py MODEL LISTS.npz SECONDS` prints CPU seconds per second of biological time
and the rate in Hz, as JSON. The first 200 ms are not timed: code is compiled in them.
"""

import json
import sys
import time

import brian2 as b
import numpy as np

TAU, MEAN, SIGMA = 20.0, 17.0, 10.0**0.5


def white_noise(lists):
    cells = b.NeuronGroup(
        int(lists["size"]),
        "dv/dt = (mean - v) / tau + sigma * sqrt(2 / tau) * xi : 1 (unless refractory)",
        threshold="v > 20",
        reset="v = 10",
        refractory=2 * b.ms,
        method="euler",
        namespace=dict(mean=MEAN, sigma=SIGMA, tau=TAU * b.ms),
    )
    synapses = b.Synapses(
        cells, cells, "weight : 1 (shared)", on_pre="v_post += weight", delay=1.5 * b.ms
    )
    synapses.connect(i=lists["sources"], j=lists["targets"])
    synapses.weight = float(lists["weight"])
    cells.v = lists["v"]
    return cells, [cells, synapses]


def coba(lists):
    cells = b.NeuronGroup(
        4000,
        """dv/dt = (ge * (0 - v) + gi * (-80 - v) - (v + 60)) / (20 * ms) : 1 (unless refractory)
        dge/dt = -ge / (5 * ms) : 1
        dgi/dt = -gi / (10 * ms) : 1""",
        threshold="v > -50",
        reset="v = -60",
        refractory=5 * b.ms,
        method="exponential_euler",
    )
    parts = [cells]
    for name, jump, part in (("e", "ge += 0.6", cells[:3200]), ("i", "gi += 6.7", cells[3200:])):
        synapses = b.Synapses(part, cells, on_pre=jump)
        synapses.connect(i=lists[f"sources_{name}"], j=lists[f"targets_{name}"])
        parts.append(synapses)
    cells.v, cells.ge, cells.gi = lists["v"], lists["ge"], lists["gi"]
    return cells, parts


def main():
    model, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    b.prefs.codegen.target = "cython"
    b.defaultclock.dt = 0.1 * b.ms
    cells, parts = dict(white_noise=white_noise, coba=coba)[model](np.load(path))
    counter = b.SpikeMonitor(cells, record=False)
    network = b.Network(*parts, counter)
    network.run(200 * b.ms)
    before, begin = counter.num_spikes, time.process_time()
    network.run(seconds * b.second)
    used = time.process_time() - begin
    rate = (counter.num_spikes - before) / len(cells) / seconds
    print(json.dumps(dict(cpu=used / seconds, rate=rate)))


main()
