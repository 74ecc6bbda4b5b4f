"""Neural memories in JAX: components with explicit state that compose into circuits.

    import jax, ngcmem as nm
    memory = nm.Hopfield(slots=256, features=784, beta=0.1)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
    recalled = nm.recall(memory, state, noisy)

Run: what one does with a component or a circuit
    init              the state of a batch before anything happened
    advance_state     one step of the dynamics
    evolve            one step of learning
    run               many steps in one compiled program, with records
    reset             the dynamics as after `init`; what was learned is kept
    rebatch           a state for another batch size; what was learned is kept
    store             add patterns to a memory
    clear             a memory without anything stored
    read, recall      the state, or the outputs, after recall from probes
    weight_changes    what `evolve` would change, without changing it
    parameters        the learned compartments, for `jax.grad` and optax
    hyperparameters   every hyper-parameter by path
    with_parameters   a copy with some of them changed, for sweeps
    to_xarray         what `run` recorded, as a labelled dataset
    where_not_finite  the first compartment and step that stopped being finite

Build: how components are joined
    connect           a circuit from components and wires
    wire, delayed     one wire; a source that lags
    reshaped          a source with other axes
    Circuit           what `connect` returns, itself a component
    Population        copies of one component

Write: a component of one's own (docs/own_component.md)
    Component, Memory                        their base classes
    State, MemoryState                       base classes of their states
    Input, PerExample, LearningInput, Shared, Borrowed    the roles of compartments
    part                                     a named part of a compartment
    Static, Pytree                           sizes and functions; immutable dataclasses
    WiringError                              what does not fit together

Memories
    Hopfield                  similarity, separation, projection onto stored patterns
    ClassicalHopfield         binary units and pairwise couplings
    DenseAssociative          binary units, energies of higher order
    SequenceHopfield          every pattern calls the next
    BidirectionalAssociative  two layers that call each other up
    LinearAssociative         values as a linear function of keys
    Willshaw                  binary synapses
    SparseDistributed         words spread over hard locations
    Minerva2                  all traces answer together
    Scaffold                  places first, content bound to them
    Episodic                  entries with named fields, written once
    InWeight                  an episode in a network's own weights
    FastWeights               one memory per example, regressed as its pairs come
    PredictiveCodingRNN       sequences by predictive coding with hidden causes
    GenerativePC, BayesPCN, CovariancePC, TemporalPC, DeepTemporalPC    predictive coding

Cells, encoders, traces
    LIF, AdaptiveLIF, AdEx, Izhikevich, HodgkinHuxley, WinnerTakeAll    spiking cells
    ConductanceLIF, CubaLIF   with synaptic conductances, with a synaptic current
    RateCell, Value           a rate; a value that descends the circuit's energy
    Reservoir                 recurrent cells with fixed weights, an echo of recent inputs
    RingAttractor             a bump that keeps an angle and integrates a velocity
    LegendreMemory, LegendreHistory         the past as coefficients of polynomials
    EnergyNeurons             a layer with a Lagrangian, driven by hypersynapses
    GaussianError, LaplacianError, BernoulliError, TotalEnergy          errors and energies
    Poisson, Bernoulli, Latency, OrnsteinUhlenbeck                      encoders and noise
    WhiteNoise, PoissonInput  what the rest of a brain does to a membrane
    Trace, SpikeCount, SpikeIndices                                     read-outs of spikes

Synapses
    Dense, Sparse, Feedback, LateralInhibition, Delay                   transmission
    EventSynapse, EventSTDP   given connections, read where cells fire
    Conv, ConvTranspose, Patched, Pool                                  windows over space
    HyperSynapse              an energy of one layer, two or more
    ExponentialSynapse, DoubleExponentialSynapse, TsodyksMarkram        with a course in time
    Conductance               the same behind any synapse
    Hebbian, Oja, BCM, Predictive                                       learning from rates
    STDP, TripletSTDP, InhibitorySTDP, RewardSTDP, Eligibility          learning from spikes
    BennaFusi, FusiCascade                                              keeping what was learned

Folders: what one passes to a component or calls on arrays, and the states
    nm.retrieval     similarities, separations, gains, energies, bounds, diagnostics
    nm.plasticity    rules, storage prescriptions, linear solvers
    nm.vector_symbols  codes that are bound and bundled: MAP, FHRR, HRR
    nm.memories      the memories' helpers: fast-weight updates, sequences of a PC-RNN
    nm.cells, nm.synapses, nm.circuits, nm.core, nm.drivers
    nm.analysis      measures, capacity sweeps, laws      (loaded on first use)
    nm.connectivity  who is connected to whom, as lists   (loaded on first use)
    nm.datasets      real data that needs no network      (loaded on first use)
    nm.plotting      figures                              (loaded on first use)
    nm.interop       layers of Flax networks              (loaded on first use)
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from ngcmem.cells import LIF as LIF
from ngcmem.cells import AdaptiveLIF as AdaptiveLIF
from ngcmem.cells import AdEx as AdEx
from ngcmem.cells import Bernoulli as Bernoulli
from ngcmem.cells import BernoulliError as BernoulliError
from ngcmem.cells import ConductanceLIF as ConductanceLIF
from ngcmem.cells import CubaLIF as CubaLIF
from ngcmem.cells import EnergyNeurons as EnergyNeurons
from ngcmem.cells import GaussianError as GaussianError
from ngcmem.cells import HodgkinHuxley as HodgkinHuxley
from ngcmem.cells import Izhikevich as Izhikevich
from ngcmem.cells import LaplacianError as LaplacianError
from ngcmem.cells import Latency as Latency
from ngcmem.cells import LegendreHistory as LegendreHistory
from ngcmem.cells import LegendreMemory as LegendreMemory
from ngcmem.cells import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from ngcmem.cells import Poisson as Poisson
from ngcmem.cells import PoissonInput as PoissonInput
from ngcmem.cells import RateCell as RateCell
from ngcmem.cells import Reservoir as Reservoir
from ngcmem.cells import RingAttractor as RingAttractor
from ngcmem.cells import SpikeCount as SpikeCount
from ngcmem.cells import SpikeIndices as SpikeIndices
from ngcmem.cells import TotalEnergy as TotalEnergy
from ngcmem.cells import Trace as Trace
from ngcmem.cells import Value as Value
from ngcmem.cells import WhiteNoise as WhiteNoise
from ngcmem.cells import WinnerTakeAll as WinnerTakeAll
from ngcmem.circuits import Circuit as Circuit
from ngcmem.circuits import Population as Population
from ngcmem.circuits import connect as connect
from ngcmem.circuits import delayed as delayed
from ngcmem.circuits import hyperparameters as hyperparameters
from ngcmem.circuits import reshaped as reshaped
from ngcmem.circuits import wire as wire
from ngcmem.circuits import with_parameters as with_parameters
from ngcmem.core import Borrowed as Borrowed
from ngcmem.core import Component as Component
from ngcmem.core import Input as Input
from ngcmem.core import LearningInput as LearningInput
from ngcmem.core import Memory as Memory
from ngcmem.core import MemoryState as MemoryState
from ngcmem.core import PerExample as PerExample
from ngcmem.core import Pytree as Pytree
from ngcmem.core import Shared as Shared
from ngcmem.core import State as State
from ngcmem.core import Static as Static
from ngcmem.core import WiringError as WiringError
from ngcmem.core import part as part
from ngcmem.drivers import advance_state as advance_state
from ngcmem.drivers import clear as clear
from ngcmem.drivers import evolve as evolve
from ngcmem.drivers import init as init
from ngcmem.drivers import parameters as parameters
from ngcmem.drivers import read as read
from ngcmem.drivers import rebatch as rebatch
from ngcmem.drivers import recall as recall
from ngcmem.drivers import reset as reset
from ngcmem.drivers import run as run
from ngcmem.drivers import store as store
from ngcmem.drivers import to_xarray as to_xarray
from ngcmem.drivers import weight_changes as weight_changes
from ngcmem.drivers import where_not_finite as where_not_finite
from ngcmem.memories import BayesPCN as BayesPCN
from ngcmem.memories import BidirectionalAssociative as BidirectionalAssociative
from ngcmem.memories import ClassicalHopfield as ClassicalHopfield
from ngcmem.memories import CovariancePC as CovariancePC
from ngcmem.memories import DeepTemporalPC as DeepTemporalPC
from ngcmem.memories import DenseAssociative as DenseAssociative
from ngcmem.memories import Episodic as Episodic
from ngcmem.memories import FastWeights as FastWeights
from ngcmem.memories import GenerativePC as GenerativePC
from ngcmem.memories import Hopfield as Hopfield
from ngcmem.memories import InWeight as InWeight
from ngcmem.memories import LinearAssociative as LinearAssociative
from ngcmem.memories import Minerva2 as Minerva2
from ngcmem.memories import PredictiveCodingRNN as PredictiveCodingRNN
from ngcmem.memories import Scaffold as Scaffold
from ngcmem.memories import SequenceHopfield as SequenceHopfield
from ngcmem.memories import SparseDistributed as SparseDistributed
from ngcmem.memories import TemporalPC as TemporalPC
from ngcmem.memories import Willshaw as Willshaw
from ngcmem.synapses import BCM as BCM
from ngcmem.synapses import STDP as STDP
from ngcmem.synapses import BennaFusi as BennaFusi
from ngcmem.synapses import Conductance as Conductance
from ngcmem.synapses import Conv as Conv
from ngcmem.synapses import ConvTranspose as ConvTranspose
from ngcmem.synapses import Delay as Delay
from ngcmem.synapses import Dense as Dense
from ngcmem.synapses import DoubleExponentialSynapse as DoubleExponentialSynapse
from ngcmem.synapses import Eligibility as Eligibility
from ngcmem.synapses import EventSTDP as EventSTDP
from ngcmem.synapses import EventSynapse as EventSynapse
from ngcmem.synapses import ExponentialSynapse as ExponentialSynapse
from ngcmem.synapses import Feedback as Feedback
from ngcmem.synapses import FusiCascade as FusiCascade
from ngcmem.synapses import Hebbian as Hebbian
from ngcmem.synapses import HyperSynapse as HyperSynapse
from ngcmem.synapses import InhibitorySTDP as InhibitorySTDP
from ngcmem.synapses import LateralInhibition as LateralInhibition
from ngcmem.synapses import Oja as Oja
from ngcmem.synapses import Patched as Patched
from ngcmem.synapses import Pool as Pool
from ngcmem.synapses import Predictive as Predictive
from ngcmem.synapses import RewardSTDP as RewardSTDP
from ngcmem.synapses import Sparse as Sparse
from ngcmem.synapses import TripletSTDP as TripletSTDP
from ngcmem.synapses import TsodyksMarkram as TsodyksMarkram

if TYPE_CHECKING:
    from ngcmem import analysis as analysis
    from ngcmem import connectivity as connectivity
    from ngcmem import datasets as datasets
    from ngcmem import interop as interop
    from ngcmem import plotting as plotting

__version__ = "0.1.0"

_ON_FIRST_USE = ("analysis", "connectivity", "datasets", "interop", "plotting")


def __getattr__(name: str) -> ModuleType:
    if name in _ON_FIRST_USE:
        return importlib.import_module(f"ngcmem.{name}")
    raise AttributeError(f"module 'ngcmem' has no attribute {name!r}.{_where(name)}")


def __dir__() -> list[str]:
    hidden = {"importlib", "ModuleType", "TYPE_CHECKING"}
    return sorted({*globals(), *_ON_FIRST_USE} - hidden)


def _where(name: str) -> str:
    """The folder that has the name, or a close one."""
    from ngcmem.core import did_you_mean

    folders = sorted(name for name in __dir__() if isinstance(globals().get(name), ModuleType))
    for folder in (*folders, *_ON_FIRST_USE):
        module = importlib.import_module(f"ngcmem.{folder}")
        if name in vars(module) and not name.startswith("_"):
            return f" Write nm.{folder}.{name}."
    close = did_you_mean(name, [known for known in __dir__() if not known.startswith("_")])
    return close if close.startswith(" Did") else ""
