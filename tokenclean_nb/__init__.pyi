# Every public name and the room it lives in. Editors complete from this list, and `__init__.py` loads a name when it is first used.

from .errors import BadInput as BadInput
from .settings import Settings as Settings, load_settings as load_settings
from .bounds import (
    noise_rate as noise_rate,
    quantity_term as quantity_term,
    error_bound as error_bound,
    required_noise_drop as required_noise_drop,
    tokens_to_pay as tokens_to_pay,
    fraction_to_pay as fraction_to_pay,
    noise_rate_after as noise_rate_after,
    precision_needed as precision_needed,
    precision_to_pay as precision_to_pay,
    noise_to_pay as noise_to_pay,
    tokens_needed as tokens_needed,
    noise_interval as noise_interval,
    benefit_ratio as benefit_ratio,
    bound_verdict as bound_verdict,
)
from .data.conversations import chat_template as chat_template
from .data.records import load_records as load_records
from .data.encoding import encode as encode, as_table as as_table
from .data.prepared import with_text as with_text
from .data.faults import find_faults as find_faults
from .data.export import export_table as export_table, exports as exports, segments as segments
from .data.table import (
    flat as flat,
    with_flat as with_flat,
    lengths as lengths,
    row_numbers as row_numbers,
    positions as positions,
    trained as trained,
)
from .scoring.losses import token_losses as token_losses, token_hits as token_hits
from .scoring.one_pass import token_quantities as token_quantities, measure_columns as measure_columns
from .scoring.texts import (
    rarity as rarity,
    repeated as repeated,
    common as common,
    prompt_match as prompt_match,
    topic as topic,
)
from .scoring.detectors import (
    agreement as agreement,
    detector as detector,
    rank_mean as rank_mean,
    clusters as clusters,
)
from .scoring.states import (
    token_states as token_states,
    learned_vectors as learned_vectors,
    neighbours as neighbours,
    gradient_pull as gradient_pull,
    token_attention as token_attention,
    token_types as token_types,
)
from .scoring.spans import (
    kinds_of_tokens as kinds_of_tokens,
    smooth as smooth, row_mean as row_mean, two_states as two_states,
)
from .scoring.carried import carried as carried
from .scoring.scorers import (
    scorers as scorers,
    excess_loss as excess_loss,
    random_score as random_score,
    score as score,
)
from .scoring.selection import keep_top as keep_top, soft_weights as soft_weights, groups as groups, clean_labels as clean_labels
from .scoring.thresholds import keep_mixture as keep_mixture, keep_balanced as keep_balanced
from .scoring.shards import (
    score_shards as score_shards,
    write_scored as write_scored,
    select_shards as select_shards,
)
from .training.models import (
    load_tokenizer as load_tokenizer,
    load_model as load_model,
    tiny_base as tiny_base,
    save_model as save_model,
    gpu_ready as gpu_ready,
    adapter_off as adapter_off,
)
from .training.finetune import finetune as finetune, training_in_force as training_in_force
from .figures.style import (
    template as template,
    ink as ink,
    kept_colour as kept_colour,
    orange as orange,
    removed_colour as removed_colour,
    diverging as diverging,
    escape_html as escape_html,
    escape_plotly as escape_plotly,
)
from .figures.lookup import row_tokens as row_tokens, tokens_at as tokens_at
from .figures.tokens import (
    TokenView as TokenView,
    token_view as token_view,
    token_context as token_context,
    side_by_side as side_by_side,
    one_below_the_other as one_below_the_other,
)
from .figures.token_figure import plot_tokens as plot_tokens
from .figures.scores import plot_scores as plot_scores, plot_quadrants as plot_quadrants
from .figures.types import plot_token_types as plot_token_types
from .figures.rounds import (
    plot_rounds as plot_rounds,
    plot_round_scores as plot_round_scores,
    plot_quadrant_rounds as plot_quadrant_rounds,
)
from .figures.pictures import (
    histogram_picture as histogram_picture,
    interval_picture as interval_picture,
    shift_picture as shift_picture,
)
from .figures.flow import flow_picture as flow_picture
from .figures.comparisons import disagreements as disagreements, plot_agreement as plot_agreement
from .figures.bounds import (
    plot_bounds as plot_bounds,
    plot_payoff as plot_payoff,
    plot_measured as plot_measured,
    plot_groups as plot_groups,
    figure_table as figure_table,
)
from .figures.inspection import Inspection as Inspection
from .figures.report import notable_tokens as notable_tokens, write_report as write_report
from .figures.differences import write_comparison as write_comparison, words_decided as words_decided
from .course.grading import progress as progress
from .course.tokens import (
    check_mask_prompt as check_mask_prompt,
    check_informative_share as check_informative_share,
    check_noise_rate as check_noise_rate,
    check_token_loss as check_token_loss,
    check_row_losses as check_row_losses,
    check_batch_loss as check_batch_loss,
)
from .course.scores import (
    check_influence_score as check_influence_score,
    check_select as check_select,
    check_agreement as check_agreement,
)
from .course.pipelines import (
    check_select_pool as check_select_pool,
    check_choose_fraction as check_choose_fraction,
    check_fixed as check_fixed,
)
from .course.loops import (
    check_split_rows as check_split_rows,
    check_evolve as check_evolve,
    check_kept_tokens as check_kept_tokens,
)
from .course.bounds import (
    check_fraction_by_bound as check_fraction_by_bound,
    check_pays as check_pays,
    check_random_noise as check_random_noise,
    check_noise_by_group as check_noise_by_group,
    check_left_out as check_left_out,
    check_benefit as check_benefit,
)
from .course.own_data import (
    check_chat_labels as check_chat_labels,
    check_choose_dtype as check_choose_dtype,
    check_training_batch as check_training_batch,
)
from .course.comparisons import (
    check_paired_interval as check_paired_interval,
    check_unfair as check_unfair,
    check_best_setting as check_best_setting,
)
from .course.judges import (
    check_chance_above as check_chance_above,
    check_smoothed as check_smoothed,
    check_verdict as check_verdict,
)
from .worlds.language import (
    draw_facts as draw_facts,
    question as question,
    question_kinds as question_kinds,
    openers as openers,
    closers as closers,
    known_towns as known_towns,
    new_towns as new_towns,
    off_topic as off_topic,
)
from .worlds.facts import make_records as make_records
from .worlds.tasks import Task as Task, make_task as make_task
from .worlds.damage import noise_kinds as noise_kinds, damage as damage
from .worlds.planted import plant_noise as plant_noise, with_planted_truth as with_planted_truth
from .worlds.recorded import (
    recorded_rows as recorded_rows,
    recorded_results as recorded_results,
    example_table as example_table,
)
from .widgets.guess import Guess as Guess, guesses as guesses
from .widgets.explorer import TokenExplorer as TokenExplorer
from .widgets.rounds import RoundPlayer as RoundPlayer
from .widgets.bounds import BoundExplorer as BoundExplorer
from .widgets.game import SelectionGame as SelectionGame, plot_room as plot_room
from .widgets.play import Playable as Playable
from .widgets.labeller import TokenLabeller as TokenLabeller, sample_tokens as sample_tokens
from .widgets.pool import PoolView as PoolView
from .widgets.pool import pool_view as pool_view
from .cleaning.results import Cleaning as Cleaning, telling_row as telling_row
from .cleaning.cards import dataset_card as dataset_card, model_card as model_card
from .cleaning.inputs import as_model as as_model, as_records as as_records, loss_on as loss_on
from .cleaning.jobs import (
    clean as clean,
    train as train,
    score_files as score_files,
)
from .cleaning.reports import report as report
from .cleaning.bandit import bandit_rows as bandit_rows
from .cleaning.exchange import inspect as inspect, export as export
from .cleaning.baselines import (
    clean_set as clean_set,
    full_tokens as full_tokens,
    no_training as no_training,
    oracle_tokens as oracle_tokens,
    random_rows as random_rows,
    random_tokens as random_tokens,
    top_tokens as top_tokens,
)
from .cleaning.evolving import (
    self_evolving_cleaning as self_evolving_cleaning,
    sequential_training as sequential_training,
    split_rows as split_rows,
)
from .cleaning.fixed import (
    best_rows as best_rows,
    cross_fitted_cleaning as cross_fitted_cleaning,
    fixed_model_cleaning as fixed_model_cleaning,
    rho_cleaning as rho_cleaning,
    self_scored_cleaning as self_scored_cleaning,
)
from .cleaning.pools import select_files as select_files
from .cleaning.methods import methods as methods, run_method as run_method
from .evidence.benchmarks import multiple_choice as multiple_choice, harness as harness
from .evidence.evaluation import auc as auc, accuracy as accuracy, quality as quality, evaluate as evaluate
from .evidence.measured import (
    error_on as error_on,
    measured_bounds as measured_bounds,
    bound_report as bound_report,
    rounds_by_group as rounds_by_group,
    regime as regime,
)
from .evidence.checks import (
    option_orders as option_orders,
    prefix_check as prefix_check,
    row_votes as row_votes,
    yes_no_questions as yes_no_questions,
)
from .evidence.advice import Advice as Advice, advise as advise
from .evidence.advice_plot import plot_advice as plot_advice
from .evidence.comparison import compare_methods as compare_methods
from .evidence.plan import study_worlds as study_worlds
from .evidence.grids import grid as grid, run_grid as run_grid
from .evidence.intervals import (
    interval as interval,
    summarise as summarise,
    payoff_table as payoff_table,
)
from .evidence.plots import (
    plot_comparison as plot_comparison, plot_measures as plot_measures, plot_work as plot_work,
    plot_lines as plot_lines,
    plot_gain_map as plot_gain_map, plot_payoff_map as plot_payoff_map, plot_by_kind as plot_by_kind,
)
