"""Predictive-coding recurrent network with hidden causes: a memory of sequences."""

from ngcmem.memories.pc_rnn.predictive_coding_rnn import PredictiveCodingRNN as PredictiveCodingRNN
from ngcmem.memories.pc_rnn.predictive_coding_rnn import (
    PredictiveCodingRNNState as PredictiveCodingRNNState,
)
from ngcmem.memories.pc_rnn.retrieval import ANNEALED as ANNEALED
from ngcmem.memories.pc_rnn.retrieval import METROPOLIS as METROPOLIS
from ngcmem.memories.pc_rnn.retrieval import InferredCauses as InferredCauses
from ngcmem.memories.pc_rnn.retrieval import infer_causes as infer_causes
from ngcmem.memories.pc_rnn.retrieval import nearest_pattern as nearest_pattern
from ngcmem.memories.pc_rnn.retrieval import rank_causes as rank_causes
from ngcmem.memories.pc_rnn.training import generate_sequences as generate_sequences
from ngcmem.memories.pc_rnn.training import train_sequences as train_sequences
