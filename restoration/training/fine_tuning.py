"""Fine-tuning a prior on an album: Gen2Res (Ding et al. 2024), all its weights or low-rank changes.

The loss is that of the prior's own training. The learning rate falls along a line to nothing;
there is no average of the weights and no clipping. Everything drawn follows from (seed, step), so
that going on needs nothing but the state. Dropout is in the residual blocks alone.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restoration import tuning
from restoration.albums.knobs import TuneParams
from restoration.errors import RestorationError
from restoration.training.album_patches import Batch, Examples, parted
from restoration.training.loop import mixed_precision
from restoration.training.prior import hybrid_loss

TARGETS = ("conv1", "conv2", "to_q", "to_k", "to_v", "to_out.0")
"""Layers with a low-rank change: the convolutions of the residual blocks, and the attention."""
ADAPTER = "default"
"""What peft calls the one adapter of a network."""
CHECK_EVERY = 50
"""Steps between two looks at the fixed noise."""
MEMORY = 0.05
"""Share of the newest step in the loss that is shown."""


@dataclass(frozen=True)
class Mark:
    """How far a training has come; with the tensors of its tuner all that it takes to go on."""

    step: int = 0
    seconds: float = 0.0
    """Of training in all."""
    loss: float = math.nan
    """Running mean of the loss that is trained with."""
    check: float = math.nan
    """Squared error of the noise on crops and noise that stay the same, at its last measurement."""
    share: float = 0.0
    """Of the plan that has been made."""
    begun_step: int = 0
    """Where the plan began."""
    begun_seconds: float = 0.0
    best: float = math.inf
    """The lowest check so far."""
    worse: int = 0
    """Checks since then."""
    finished: bool = False

    @property
    def planned(self) -> int:
        """Steps in all once the plan is made, as it looks now."""
        made = self.step - self.begun_step
        if self.finished or not self.share:
            return self.step
        return self.begun_step + max(made + 1, round(made / self.share))

    def towards(self, params: TuneParams) -> Mark:
        """The same on the way to the end of a plan; at its beginning, where this one has ended."""
        share = _share(params, self.step - self.begun_step, self.seconds - self.begun_seconds)
        if self.finished or share >= 1:
            return replace(
                self,
                share=0.0,
                begun_step=self.step,
                begun_seconds=self.seconds,
                worse=0,
                finished=False,
            )
        return replace(self, share=share)

    def after(self, params: TuneParams, loss: float, seconds: float) -> Mark:
        """The mark of the next step, which ends after so many seconds in all."""
        share = _share(params, self.step + 1 - self.begun_step, seconds - self.begun_seconds)
        return replace(
            self,
            step=self.step + 1,
            seconds=seconds,
            loss=loss if math.isnan(self.loss) else self.loss + MEMORY * (loss - self.loss),
            share=share,
            finished=share >= 1,
        )


@dataclass(frozen=True)
class Tuner:
    """A network in training, its optimizer, and the best weights where they are asked for."""

    network: Any
    """x_t (B, 3, p, p), t -> ((B, 6, p, p),), in train mode; what requires a gradient is tuned."""
    optimizer: Any
    accelerator: Any
    device: torch.device
    half: bool
    """Whether its matrices are multiplied in bfloat16: on CUDA, where that costs no time."""
    best: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def ready(cls, network: nn.Module) -> Tuner:
        """With the paper's optimizer."""
        from accelerate import Accelerator

        device = next(network.parameters()).device
        accelerator = Accelerator(device_placement=False, mixed_precision=mixed_precision())
        trained = [one for one in network.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(
            trained,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=0.0,
            fused=device.type == "cuda",  # else it needs the weights' size again
        )
        half = device.type == "cuda" and accelerator.mixed_precision == "bf16"
        return cls(network.train(), accelerator.prepare(optimizer), accelerator, device, half)

    def learn(self, batch: Batch, rate: float, seed: int = 0) -> float:
        """Make a step, its dropout drawn from `seed`; gives the loss.

        Raises:
            RestorationError: the loss is no number.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x0, z, t = (tensor.to(self.device) for tensor in batch)
        with torch.enable_grad(), drawing_from(seed, self.device):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                mse, bound = hybrid_loss(self.network, x0, z, t)
            loss = (mse + bound).mean()
            found = float(loss.detach())
            if not math.isfinite(found):
                raise RestorationError(
                    f"the training went astray, its loss is {found}: choose a lower learning rate"
                )
            self.accelerator.backward(loss)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return found

    @torch.no_grad()
    def error(self, batch: Batch) -> float:
        """Mean squared error of the noise, without dropout."""
        x0, z, t = (tensor.to(self.device) for tensor in batch)
        self.network.eval()
        mse = [
            hybrid_loss(self.network, *one)[0]
            for one in zip(*(torch.split(tensor, 1) for tensor in (x0, z, t)), strict=True)
        ]
        self.network.train()
        return float(torch.cat(mse).mean())

    def weights(self) -> dict[str, Tensor]:
        """What is tuned, under the names that `tuning.read` knows; it goes on changing."""
        return {
            name.replace(f".{ADAPTER}.weight", ""): value.detach()
            for name, value in self.network.named_parameters()
            if value.requires_grad
        }

    @torch.no_grad()
    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Put such weights in place."""
        for name, value in self.weights().items():
            value.copy_(weights[name])

    def keep_best(self) -> None:
        """Remember the weights as they are, in main memory."""
        self.best.update(
            {name: value.to("cpu", copy=True) for name, value in self.weights().items()}
        )


def trainable(network: nn.Module, params: TuneParams) -> Any:
    """A network to be tuned, beside one that stays as it is.

    For the low-rank way it shares every tensor with it and gets layers of its own (Hu et al. 2022)
    that change nothing yet.
    """
    if params.way == "full":
        own: Any = copy.deepcopy(network).requires_grad_()
    else:
        from peft import LoraConfig, inject_adapter_in_model

        own = tuning.shared_copy(network)
        config = LoraConfig(
            r=params.rank, lora_alpha=params.rank, target_modules=list(TARGETS), lora_dropout=0.0
        )
        with drawing_from(params.seed, next(network.parameters()).device):
            inject_adapter_in_model(config, own, ADAPTER)
    for layer in own.modules():
        if hasattr(layer, "time_emb_proj") and isinstance(layer.dropout, nn.Dropout):
            layer.dropout.p = params.dropout
    return own


def rate_of(params: TuneParams, mark: Mark) -> float:
    """The learning rate of the step after `mark`.

    The published program lowers it after each step by what the steps before came to: the first
    two have all of it.
    """
    gone = mark.share
    if params.steps:
        gone = max(0, mark.step - mark.begun_step - 1) / params.steps
    return params.learning_rate * (1 - gone)


def fine_tune(
    tuner: Tuner, pictures: Sequence[Tensor], params: TuneParams, *, patch: int, mark: Mark
) -> Iterator[Mark]:
    """Train from `mark` to the end of the plan; yields how far it is after every step.

    Args:
        tuner: holds the weights that `mark` belongs to.
        pictures: in 8 bit, from `as_seen`.
        params: its rate, its way and its crops are taken as they are.
        patch: side of what the network sees.
        mark: `Mark()` at the beginning; not a finished one.
    """
    learned, held = parted(pictures, params)
    examples = Examples(learned, patch, params.levels)
    fixed = Examples(held, patch, params.levels).fixed(params.seed)
    start = time.monotonic() - mark.seconds
    if math.isnan(mark.check):
        mark = _checked(tuner, fixed, params, mark)
    while not mark.finished:
        rng = np.random.default_rng([params.seed, mark.step])
        batch = examples.batch(rng, params.batch)
        loss = tuner.learn(batch, rate_of(params, mark), int(rng.integers(2**63)))
        mark = mark.after(params, loss, time.monotonic() - start)
        if mark.step % CHECK_EVERY == 0 or mark.finished:
            mark = _checked(tuner, fixed, params, mark)
        if mark.finished and mark.worse and tuner.best:
            tuner.fill(tuner.best)
            mark = replace(mark, check=mark.best)
        yield mark


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's own generators start at `seed`, and put them back as they were.

    For dropout and peft, which cannot be handed a generator.
    """
    cuda = device.type == "cuda"
    with torch.random.fork_rng([torch.cuda.current_device()] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield


def _share(params: TuneParams, steps: int, seconds: float) -> float:
    """Of a plan, once it has taken that."""
    if params.steps:
        return min(1.0, steps / params.steps)
    return min(1.0, seconds / max(60 * params.minutes, 1e-9))


def _checked(tuner: Tuner, fixed: Batch, params: TuneParams, mark: Mark) -> Mark:
    """The mark with another check; the training is over where they have long been worse."""
    check = tuner.error(fixed)
    better = check < mark.best
    if better and params.patience:
        tuner.keep_best()
    worse = 0 if better else mark.worse + 1
    over = bool(params.patience) and worse >= params.patience
    return replace(
        mark,
        check=check,
        best=min(check, mark.best),
        worse=worse,
        finished=mark.finished or over,
    )
