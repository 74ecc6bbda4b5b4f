"""Modern Hopfield memory with explicit slots, one-shot storage and local plasticity."""

from ngcmem.memories.hopfield.hopfield import Hopfield as Hopfield
from ngcmem.memories.hopfield.hopfield import HopfieldState as HopfieldState
