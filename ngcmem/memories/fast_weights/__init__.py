"""Fast-weight memory: a regression fitted to key-value pairs while a sequence goes by."""

from ngcmem.memories.fast_weights.fast_weights import FastWeights as FastWeights
from ngcmem.memories.fast_weights.fast_weights import FastWeightsState as FastWeightsState
from ngcmem.memories.fast_weights.regressors import LinearRegressor as LinearRegressor
from ngcmem.memories.fast_weights.regressors import MLPRegressor as MLPRegressor
from ngcmem.memories.fast_weights.regressors import Regressor as Regressor
from ngcmem.memories.fast_weights.sequence import regress_sequence as regress_sequence
from ngcmem.memories.fast_weights.updates import AdditiveUpdate as AdditiveUpdate
from ngcmem.memories.fast_weights.updates import DeltaUpdate as DeltaUpdate
from ngcmem.memories.fast_weights.updates import LeastSquaresUpdate as LeastSquaresUpdate
from ngcmem.memories.fast_weights.updates import MomentumUpdate as MomentumUpdate
from ngcmem.memories.fast_weights.updates import Update as Update
