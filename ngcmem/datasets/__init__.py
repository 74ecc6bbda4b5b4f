"""Real data that needs no network."""

from ngcmem.datasets.digits import digits as digits
from ngcmem.datasets.letters import LETTERS as LETTERS
from ngcmem.datasets.letters import hershey_letters as hershey_letters
from ngcmem.datasets.rumelhart import rumelhart_patterns as rumelhart_patterns
from ngcmem.datasets.trajectories import load_character_trajectories as load_character_trajectories
from ngcmem.datasets.trajectories import load_trajectories as load_trajectories
from ngcmem.datasets.trajectories import resample as resample
from ngcmem.datasets.trajectories import standardise as standardise
