"""The library's instances under the names of the reference."""

from ngcmem.retrieval import (
    Cosine,
    Dot,
    Entmax,
    Euclidean,
    Hamming,
    Identity,
    LogSumRelu,
    Manhattan,
    Max,
    Power,
    Relu,
    Softmax,
    Sparsemax,
    Threshold,
    TopK,
)

SIMILARITIES = {
    "dot": Dot(),
    "cosine": Cosine(),
    "euclidean": Euclidean(),
    "manhattan": Manhattan(),
    "hamming": Hamming(),
}

SEPARATIONS = {
    "identity": Identity(),
    "relu": Relu(),
    "cube": Power(exponent=3),
    "rectified_square": Power(exponent=2, rectified=True),
    "threshold": Threshold(threshold=0.1),
    "softmax": Softmax(),
    "log_sum_relu": LogSumRelu(epsilon=1e-6),
    "top_3": TopK(k=3),
    "top_3_entmax": TopK(k=3, separation=Entmax(alpha=1.5)),
    "max": Max(),
    "sparsemax": Sparsemax(),
    "entmax": Entmax(alpha=1.5),
    "entmax_1.2": Entmax(alpha=1.2),
}

NOT_STREAMED = ("sparsemax", "entmax", "entmax_1.2")
