"""A memory whose addresses are attractors made before anything is stored."""

from ngcmem.memories.scaffold.grid import Grid as Grid
from ngcmem.memories.scaffold.scaffold import Scaffold as Scaffold
from ngcmem.memories.scaffold.scaffold import ScaffoldState as ScaffoldState
