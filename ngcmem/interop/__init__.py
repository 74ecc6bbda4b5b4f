"""Bridges to other libraries, loaded on first use."""

from ngcmem.interop.hopfield_layers import HopfieldLookup as HopfieldLookup
from ngcmem.interop.hopfield_layers import HopfieldPooling as HopfieldPooling
from ngcmem.interop.hopfield_layers import HopfieldRetrieval as HopfieldRetrieval
from ngcmem.interop.nnx import CircuitLayer as CircuitLayer
from ngcmem.interop.nnx import FixedParameter as FixedParameter
from ngcmem.interop.nnx import MemoryLayer as MemoryLayer
from ngcmem.interop.nnx import StateVariable as StateVariable
