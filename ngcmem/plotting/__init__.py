"""Figures; each function takes and returns matplotlib Axes."""

from ngcmem.plotting.heatmap import memory_heatmap as memory_heatmap
from ngcmem.plotting.raster import plot_raster as plot_raster
from ngcmem.plotting.recall import plot_energy as plot_energy
from ngcmem.plotting.recall import plot_images as plot_images
from ngcmem.plotting.recall import plot_recall as plot_recall
