"""Kanerva's sparse distributed memory."""

from ngcmem.memories.sparse_distributed.counters import hard_locations as hard_locations
from ngcmem.memories.sparse_distributed.counters import read_sparsely as read_sparsely
from ngcmem.memories.sparse_distributed.sparse_distributed import (
    SparseDistributed as SparseDistributed,
)
from ngcmem.memories.sparse_distributed.sparse_distributed import (
    SparseDistributedState as SparseDistributedState,
)
