"""Episodic memory: one-shot storage of entries with keys and values in explicit slots."""

from ngcmem.memories.episodic._state import EpisodicState as EpisodicState
from ngcmem.memories.episodic.episodic import Episodic as Episodic
