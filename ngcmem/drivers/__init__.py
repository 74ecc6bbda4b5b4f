"""What runs components and circuits: the verbs and their arguments, compiled programs, the loop."""

from ngcmem.drivers.arguments import as_duration as as_duration
from ngcmem.drivers.arguments import as_scalar as as_scalar
from ngcmem.drivers.arguments import as_time as as_time
from ngcmem.drivers.arguments import checked as checked
from ngcmem.drivers.arguments import typed_key as typed_key
from ngcmem.drivers.memory_verbs import read as read
from ngcmem.drivers.memory_verbs import recall as recall
from ngcmem.drivers.memory_verbs import store as store
from ngcmem.drivers.program import Program as Program
from ngcmem.drivers.program import canonical as canonical
from ngcmem.drivers.program import form as form
from ngcmem.drivers.simulation import check_driven as check_driven
from ngcmem.drivers.simulation import run as run
from ngcmem.drivers.verbs import advance_batch as advance_batch
from ngcmem.drivers.verbs import advance_state as advance_state
from ngcmem.drivers.verbs import evolve as evolve
from ngcmem.drivers.verbs import init as init
from ngcmem.drivers.verbs import init_batch as init_batch
from ngcmem.drivers.verbs import parameters as parameters
from ngcmem.drivers.verbs import reset as reset
from ngcmem.drivers.verbs import step_time as step_time
from ngcmem.drivers.verbs import weight_changes as weight_changes
