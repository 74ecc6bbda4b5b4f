"""How parts are joined: wires, circuits and their state, populations, hyper-parameters by path."""

from ngcmem.circuits.circuit import Circuit as Circuit
from ngcmem.circuits.circuit import connect as connect
from ngcmem.circuits.circuit import delayed_sources as delayed_sources
from ngcmem.circuits.clock import Clock as Clock
from ngcmem.circuits.clock import with_clocks as with_clocks
from ngcmem.circuits.hyperparameters import hyperparameters as hyperparameters
from ngcmem.circuits.hyperparameters import with_parameters as with_parameters
from ngcmem.circuits.population import Population as Population
from ngcmem.circuits.population import PopulationState as PopulationState
from ngcmem.circuits.selection import selected as selected
from ngcmem.circuits.selection import split as split
from ngcmem.circuits.state import CircuitState as CircuitState
from ngcmem.circuits.wires import Source as Source
from ngcmem.circuits.wires import Wire as Wire
from ngcmem.circuits.wires import delayed as delayed
from ngcmem.circuits.wires import reshaped as reshaped
from ngcmem.circuits.wires import wire as wire
