"""What runs components and circuits: the verbs, batching, the one loop."""

from ngcmem.drivers._run_checks import check_driven as check_driven
from ngcmem.drivers.batching import advance_batch as advance_batch
from ngcmem.drivers.batching import batch_axis as batch_axis
from ngcmem.drivers.batching import init_batch as init_batch
from ngcmem.drivers.batching import learn_times as learn_times
from ngcmem.drivers.batching import over_examples as over_examples
from ngcmem.drivers.batching import reset_batch as reset_batch
from ngcmem.drivers.batching import step_times as step_times
from ngcmem.drivers.batching import strong as strong
from ngcmem.drivers.canonical import canonical as canonical
from ngcmem.drivers.canonical import form as form
from ngcmem.drivers.memory_verbs import read as read
from ngcmem.drivers.memory_verbs import recall as recall
from ngcmem.drivers.memory_verbs import store as store
from ngcmem.drivers.simulation import run as run
from ngcmem.drivers.verbs import advance_state as advance_state
from ngcmem.drivers.verbs import as_duration as as_duration
from ngcmem.drivers.verbs import as_scalar as as_scalar
from ngcmem.drivers.verbs import as_time as as_time
from ngcmem.drivers.verbs import checked as checked
from ngcmem.drivers.verbs import evolve as evolve
from ngcmem.drivers.verbs import init as init
from ngcmem.drivers.verbs import parameters as parameters
from ngcmem.drivers.verbs import reset as reset
from ngcmem.drivers.verbs import typed_key as typed_key
from ngcmem.drivers.verbs import weight_changes as weight_changes
