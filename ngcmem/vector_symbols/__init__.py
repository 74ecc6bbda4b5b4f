"""Vector symbols: long random vectors that are bound, bundled and taken apart again."""

from ngcmem.vector_symbols.fhrr import FHRR as FHRR
from ngcmem.vector_symbols.fhrr import unit_modulus as unit_modulus
from ngcmem.vector_symbols.hrr import HRR as HRR
from ngcmem.vector_symbols.map import MAP as MAP
from ngcmem.vector_symbols.symbols import VectorSymbols as VectorSymbols
