"""What to try next, and which trials to give up early: decided by Optuna from the trials so far.

Optuna keeps nothing on disk: its study is made again for every trial from our records, with a random stream of its own
for each, so that a search that was stopped goes on as if it had not been.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipelines.batch.jobs import FAILED, FINISHED
from pipelines.tuning.search_space import Range, SearchSpace, Value
from pipelines.tuning.trials import PRUNED, Trial
from vecmill.extras import needs

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

COMPLETE_BEFORE_PRUNING = 4
"""Trials that are trained to their end in any case, before others are compared with them."""
_SHORT = 1  # step of Optuna at which the score of the short training is reported


class Proposals:
    """Proposes settings by the tree-structured Parzen estimator and gives up trials by the median rule.

    Parameters
    ----------
    space : SearchSpace
    minimize : bool
        Whether a lower score is better.
    seed : int

    Raises
    ------
    MissingExtraError
        Optuna is not installed.

    References
    ----------
    Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization" (TPE); Akiba et al. 2019, "Optuna"; Golovin et
    al. 2017, "Google Vizier", section 3.2.2 (the median rule).
    """

    def __init__(self, space: SearchSpace, *, minimize: bool, seed: int) -> None:
        with needs("tune", "tuning"):
            import optuna
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._minimize, self._seed = space, minimize, seed
        self._distributions = {name: _distribution(values) for name, values in space.items()}

    def propose(self, trials: Sequence[Trial]) -> dict[str, Value]:
        """Return the settings of the trial after these; the same for the same trials."""
        proposed = self._study(trials).ask(self._distributions).params
        return {name: self._space[name].rounded(value) for name, value in proposed.items()}

    def is_hopeless(self, trials: Sequence[Trial], short_score: float) -> bool:
        """Return whether a short training scores worse than the median of those whose trials were finished."""
        trial = self._study(trials).ask()
        trial.report(short_score, _SHORT)
        return trial.should_prune()

    def _study(self, trials: Sequence[Trial]) -> "Study":
        import optuna

        stream = int(np.random.SeedSequence([self._seed, len(trials)]).generate_state(1)[0])
        study = optuna.create_study(
            direction="minimize" if self._minimize else "maximize",
            sampler=optuna.samplers.TPESampler(seed=stream),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=COMPLETE_BEFORE_PRUNING),
        )
        study.add_trials([self._frozen(trial) for trial in trials if self._is_inside(trial.settings)])
        return study

    def _is_inside(self, settings: Mapping[str, Value]) -> bool:
        """Return whether settings lie in the search space; those of the user need not."""
        return all(settings[name] in values for name, values in self._space.items())

    def _frozen(self, trial: Trial) -> "FrozenTrial":
        from optuna.trial import TrialState, create_trial

        states = {FINISHED: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}
        return create_trial(
            state=states[trial.status],
            value=trial.score,
            params={name: trial.settings[name] for name in self._space},
            distributions=self._distributions,
            intermediate_values={} if trial.short_score is None else {_SHORT: trial.short_score},
        )


def _distribution(values: object) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(values, Range):
        return CategoricalDistribution(values.ends)  # type: ignore[attr-defined]
    kind = IntDistribution if values.whole else FloatDistribution
    return kind(*values.ends, log=values.logarithmic)
