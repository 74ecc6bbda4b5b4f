"""Who is connected to whom, as lists: drawn on the host in O(connections)."""

from ngcmem.connectivity.connections import Columns as Columns
from ngcmem.connectivity.connections import Connections as Connections
from ngcmem.connectivity.distance import distance_dependent as distance_dependent
from ngcmem.connectivity.lists import from_csr as from_csr
from ngcmem.connectivity.lists import from_lists as from_lists
from ngcmem.connectivity.random import fixed_in_degree as fixed_in_degree
from ngcmem.connectivity.random import fixed_out_degree as fixed_out_degree
from ngcmem.connectivity.random import fixed_probability as fixed_probability
from ngcmem.connectivity.random import fixed_total_number as fixed_total_number
from ngcmem.connectivity.random import one_to_one as one_to_one
