"""Bridges to other libraries, loaded on first use."""

from ngcmem.interop.hopfield_layers import HopfieldLookup as HopfieldLookup
from ngcmem.interop.hopfield_layers import HopfieldPooling as HopfieldPooling
from ngcmem.interop.hopfield_layers import HopfieldRetrieval as HopfieldRetrieval
from ngcmem.interop.nnx import CircuitLayer as CircuitLayer
from ngcmem.interop.nnx import Compartment as Compartment
from ngcmem.interop.nnx import HyperParameter as HyperParameter
from ngcmem.interop.nnx import MemoryLayer as MemoryLayer
