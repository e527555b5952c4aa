"""Run the notebooks, two at a time, as `nbdev-test` does: python .ci/notebooks.py [folder]

The libraries are imported before the processes part, and what they are made of is kept from the garbage
collector, which `transformers.Trainer` calls before every training: half a second each time."""
import gc
import sys

import datasets
import peft
import plotly.express
import scipy.stats
import sklearn.ensemble
import torch # no calculation here: its threads would not survive the parting
import transformers.trainer
from nbdev.test import nbdev_test

loaded = datasets, peft, plotly.express, scipy.stats, sklearn.ensemble, torch, transformers.trainer
gc.freeze()
nbdev_test(*sys.argv[1:2], n_workers=2)
