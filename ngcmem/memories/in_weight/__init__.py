"""In-weight memory: an episode written into a network's own weights."""

from ngcmem.memories.in_weight.in_weight import InWeight as InWeight
from ngcmem.memories.in_weight.in_weight import InWeightState as InWeightState
