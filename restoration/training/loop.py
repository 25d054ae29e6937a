"""The training loop, the same on a CPU, on one GPU and on several (`accelerate launch`).

What is trained is a `Recipe`; this file knows batches, steps, averages and files. All randomness
of a batch follows from (seed, step, process), so that resuming needs nothing but the state file.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from restoration.errors import RestorationError
from restoration.params import Params
from restoration.training.optimisers import Manner, move_average, usual
from restoration.training.state import State, load_state, save_state

Batch = tuple[Tensor, ...]

SAVE_EVERY = 60.0
"""Seconds between two states on disk."""
AGREE_EVERY = 10
"""Steps after which several processes take over the clock of the first."""


class LoopParams(Params):
    """How long and how hard to train."""

    minutes: float = Field(default=10.0, ge=0, le=100_000)
    """How long this run takes; the learning rate falls to its end along a cosine."""
    steps: int = Field(default=0, ge=0, le=100_000_000)
    """How many steps this run makes, instead of minutes; the same steps give the same weights."""
    until: int = Field(default=0, ge=0, le=100_000_000)
    """The step at which training ends, instead of minutes, however many runs lead there."""
    batch: int = Field(default=8, ge=1, le=4096)
    """Crops per step and process."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """The highest one of the run, reached after the warm-up."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Decides the first weights, the crops and the degradations."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads of a process; 0 leaves it to torch."""
    workers: int = Field(default=0, ge=0, le=256)
    """Processes that prepare batches ahead; a GPU waits without them, a CPU is faster without."""

    def manner(self) -> Manner:
        """How the network is optimised."""
        return usual(self.learning_rate)


class Recipe(Protocol):
    """One trainable part."""

    name: str
    """Of its state file and of what is exported."""
    config: dict[str, Any]
    """Constructor arguments, kept in the metadata of the exported file."""

    def build(self) -> nn.Module:
        """A network with its first weights."""
        ...

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """What `loss` takes for `count` examples."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """What is to become small, a scalar; the batch is on the network's device."""
        ...


@dataclass(frozen=True)
class Learner:
    """A network on its device, with its optimizer and the running average of its weights."""

    accelerator: Any
    recipe: Recipe
    network: nn.Module
    optimizer: Any
    ema: dict[str, Tensor]
    manner: Manner

    @classmethod
    def ready(cls, recipe: Recipe, params: LoopParams, state: State | None) -> Learner:
        """As `state` left off, or with the first weights of the recipe.

        Raises:
            RestorationError: the state is that of another network.
        """
        from accelerate import Accelerator

        accelerator = Accelerator(mixed_precision=mixed_precision())
        network = first_network(recipe, params.seed)
        if state:
            _fill(network, state, recipe.name)
        averaged = state.ema if state else network.state_dict()
        ema = {
            key: value.detach().to(accelerator.device, copy=True) for key, value in averaged.items()
        }
        manner = params.manner()
        optimizer: Any = manner.optimizer(network, params.learning_rate)
        network, optimizer = accelerator.prepare(network.train(), optimizer)
        if state and state.optimizer:
            optimizer.load_state_dict(state.optimizer)
        return cls(accelerator, recipe, network, optimizer, ema, manner)

    def learn(self, batch: Batch, rate: float, step: int) -> Tensor:
        """Make step number `step`; gives its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        there = tuple(tensor.to(self.accelerator.device) for tensor in batch)
        loss = self.recipe.loss(self.network, there)
        self.accelerator.backward(loss)
        if self.manner.longest:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.manner.longest)
        self.optimizer.step()
        self.optimizer.zero_grad()
        move_average(self.ema, self.weights(), self.manner.kept(step))
        return loss.detach()

    def weights(self) -> dict[str, Tensor]:
        """Those of the network as the recipe built it; they go on changing."""
        return dict(self.accelerator.unwrap_model(self.network).state_dict())

    def state(self, step: int, seconds: float) -> State:
        """What to save after `step` steps and `seconds` of training in all."""
        return State(self.weights(), self.ema, self.optimizer.state_dict(), step, seconds)


@dataclass(frozen=True)
class Batches(Dataset[Batch]):
    """Batch number i, whichever process or worker asks for it."""

    recipe: Recipe
    params: LoopParams
    process: int

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([self.params.seed, step, self.process])
        return self.recipe.batch(rng, self.params.batch)


def train(recipe: Recipe, params: LoopParams, folder: Path, start: State | None = None) -> State:
    """Train from the last state in `folder` on; returns, and has saved, the new one.

    Every process runs this; only the main one writes. Where `folder` holds no state, training
    goes on from `start`, or begins.
    """
    if params.threads:
        torch.set_num_threads(params.threads)
    path = folder / f"{recipe.name}.pt"
    last = load_state(path) or start
    learner = Learner.ready(recipe, params, last)
    main = learner.accelerator.is_main_process
    step, seconds = (last.step, last.seconds) if last else (0, 0.0)
    begun = saved = time.monotonic()
    rates = _rates(params, learner.accelerator, step)
    batches = _batches(recipe, params, step, learner)
    with tqdm(desc=recipe.name, unit="step", initial=step, disable=None if main else True) as bar:
        for rate, batch in zip(rates, batches, strict=False):  # the rates end, batches never do
            loss = learner.learn(batch, rate, step)
            step += 1
            bar.update()
            now = time.monotonic()
            if main and now - saved > SAVE_EVERY:
                bar.set_postfix(loss=f"{float(loss):.4f}")
                save_state(path, learner.state(step, seconds + now - begun))
                saved = now
    state = learner.state(step, seconds + time.monotonic() - begun)
    if main:
        save_state(path, state)
    return state


def first_network(recipe: Recipe, seed: int) -> nn.Module:
    """A network whose first weights follow from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return recipe.build()


def is_main() -> bool:
    """Whether this process is the one that writes and reports."""
    from accelerate import PartialState

    return bool(PartialState().is_main_process)


def mixed_precision() -> str:
    """What every accelerator is told, since a process has one answer: bf16 where the hardware can.

    Where it would be imitated it costs time instead of saving it.
    """
    if torch.cuda.is_available():
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bf16" if able else "no"


def _rates(params: LoopParams, accelerator: Any, first: int = 0) -> Iterator[float]:
    """The learning rate of each step from `first` until the run is over, the same everywhere.

    Processes whose clocks differ would learn at different rates and stop at different steps, and
    the last would wait for the others for ever; so they ask the first one now and then.
    """
    start, alone = time.monotonic(), accelerator.num_processes == 1
    progress, rate = 0.0, params.manner().rate
    for made in itertools.count():
        if params.until:
            if params.steps and made == params.steps:
                return
            progress = (first + made) / params.until
        elif params.steps:
            progress = made / params.steps
        elif alone or made % AGREE_EVERY == 0:
            over = (time.monotonic() - start) / (60 * params.minutes) if params.minutes else 1.0
            progress = over if alone else _of_the_first(over, accelerator.device)
        if progress >= 1:
            return
        yield rate(first + made if params.until else made, progress)


def _of_the_first(value: float, device: torch.device) -> float:
    from accelerate.utils import broadcast

    return float(broadcast(torch.tensor([value], device=device)))


def _batches(recipe: Recipe, params: LoopParams, first: int, learner: Learner) -> Iterable[Batch]:
    """Batches from number `first` on, without end."""
    return DataLoader(
        Batches(recipe, params, learner.accelerator.process_index),
        batch_size=None,
        sampler=itertools.count(first),
        num_workers=params.workers,
        generator=torch.Generator(),  # else the loader draws from the global one
        pin_memory=learner.accelerator.device.type == "cuda",
    )


def _fill(network: nn.Module, state: State, name: str) -> None:
    try:
        network.load_state_dict(state.network)
    except RuntimeError as error:
        raise RestorationError(
            f"the training state of {name} is that of a network of another size: give the same "
            "knobs as before, or move it away to begin anew"
        ) from error
