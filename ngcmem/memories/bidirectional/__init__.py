"""Kosko's bidirectional associative memory (BAM)."""

from ngcmem.memories.bidirectional.bidirectional import (
    BidirectionalAssociative as BidirectionalAssociative,
)
from ngcmem.memories.bidirectional.bidirectional import (
    BidirectionalAssociativeState as BidirectionalAssociativeState,
)
from ngcmem.memories.bidirectional.storage import correlate as correlate
from ngcmem.memories.bidirectional.storage import multiple_training as multiple_training
from ngcmem.memories.bidirectional.storage import project as project
