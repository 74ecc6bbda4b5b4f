"""Synapses: transmission, conductances, delays and local learning."""

from ngcmem.synapses.bcm import BCM as BCM
from ngcmem.synapses.bcm import BCMState as BCMState
from ngcmem.synapses.benna_fusi import BennaFusi as BennaFusi
from ngcmem.synapses.benna_fusi import BennaFusiState as BennaFusiState
from ngcmem.synapses.benna_fusi import exchange_matrix as exchange_matrix
from ngcmem.synapses.delay import Delay as Delay
from ngcmem.synapses.delay import DelayState as DelayState
from ngcmem.synapses.dense import Dense as Dense
from ngcmem.synapses.dense import DenseState as DenseState
from ngcmem.synapses.double_exponential import DoubleExponentialSynapse as DoubleExponentialSynapse
from ngcmem.synapses.double_exponential import (
    DoubleExponentialSynapseState as DoubleExponentialSynapseState,
)
from ngcmem.synapses.eligibility import Eligibility as Eligibility
from ngcmem.synapses.eligibility import EligibilityState as EligibilityState
from ngcmem.synapses.exponential import ExponentialSynapse as ExponentialSynapse
from ngcmem.synapses.exponential import ExponentialSynapseState as ExponentialSynapseState
from ngcmem.synapses.feedback import Feedback as Feedback
from ngcmem.synapses.feedback import FeedbackState as FeedbackState
from ngcmem.synapses.fusi_cascade import FusiCascade as FusiCascade
from ngcmem.synapses.fusi_cascade import FusiCascadeState as FusiCascadeState
from ngcmem.synapses.hebbian import Hebbian as Hebbian
from ngcmem.synapses.hebbian import HebbianState as HebbianState
from ngcmem.synapses.hypersynapse import HyperSynapse as HyperSynapse
from ngcmem.synapses.hypersynapse import HyperSynapseState as HyperSynapseState
from ngcmem.synapses.inhibitory_stdp import InhibitorySTDP as InhibitorySTDP
from ngcmem.synapses.inhibitory_stdp import InhibitorySTDPState as InhibitorySTDPState
from ngcmem.synapses.interactions import AttentionInteraction as AttentionInteraction
from ngcmem.synapses.interactions import ConvolutionInteraction as ConvolutionInteraction
from ngcmem.synapses.interactions import DenseInteraction as DenseInteraction
from ngcmem.synapses.interactions import DifferenceInteraction as DifferenceInteraction
from ngcmem.synapses.interactions import Interaction as Interaction
from ngcmem.synapses.interactions import MemoryInteraction as MemoryInteraction
from ngcmem.synapses.interactions import ThreeWayInteraction as ThreeWayInteraction
from ngcmem.synapses.lateral_inhibition import LateralInhibition as LateralInhibition
from ngcmem.synapses.lateral_inhibition import LateralInhibitionState as LateralInhibitionState
from ngcmem.synapses.oja import Oja as Oja
from ngcmem.synapses.oja import OjaState as OjaState
from ngcmem.synapses.plastic import PlasticState as PlasticState
from ngcmem.synapses.plastic import PlasticSynapse as PlasticSynapse
from ngcmem.synapses.predictive import Predictive as Predictive
from ngcmem.synapses.predictive import PredictiveState as PredictiveState
from ngcmem.synapses.reward_stdp import RewardSTDP as RewardSTDP
from ngcmem.synapses.reward_stdp import RewardSTDPState as RewardSTDPState
from ngcmem.synapses.sparse import Sparse as Sparse
from ngcmem.synapses.sparse import SparseState as SparseState
from ngcmem.synapses.stdp import STDP as STDP
from ngcmem.synapses.stdp import STDPState as STDPState
from ngcmem.synapses.triplet_stdp import TripletSTDP as TripletSTDP
from ngcmem.synapses.triplet_stdp import TripletSTDPState as TripletSTDPState
from ngcmem.synapses.tsodyks_markram import TsodyksMarkram as TsodyksMarkram
from ngcmem.synapses.tsodyks_markram import TsodyksMarkramState as TsodyksMarkramState
