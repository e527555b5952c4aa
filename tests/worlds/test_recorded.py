"The recorded losses are those of the model they name."
import numpy as np

from tokenclean_nb.data.table import flat, trained
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import load_model
from tokenclean_nb.worlds.recorded import recorded_rows


def test_every_token_has_its_text_and_losses():
    ds = recorded_rows()
    assert (np.isfinite(flat(ds, 'loss_base')) == trained(ds)).all() and trained(ds).sum() > 200
    for row in ds: assert all(row['text'][a:b] for a, b in zip(row['starts'], row['ends']))


def test_base_losses_are_the_models(shared):
    ds, (model, _) = recorded_rows(), load_model(shared('models/tiny-gpt2-en'), dtype='float32')
    again = token_losses(model, ds, progress=False)
    np.testing.assert_allclose(again[trained(ds)], flat(ds, 'loss_base')[trained(ds)], atol=2e-3)
