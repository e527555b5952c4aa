"Speed and memory of `token_losses`, beside the plain loop a user would write"
import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import in_own_process, markdown, peak_memory, report
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config

from tokenclean_nb.scoring import losses
from tokenclean_nb.data.encoding import encode
from tokenclean_nb.data.records import load_records
from tokenclean_nb.data.table import lengths, trained
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import fuse_gelu

shared = Path(__file__).resolve().parents[1].parent/'shared'/'data'
variants = {'plain': 'plain loop, float32', 'float32': 'token_losses, float32', 'bfloat16': 'token_losses, bfloat16'}


def table(args):
    "Alpaca rows in GPT-2's tokens, or random tokens"
    if Path(args.data).exists() and Path(args.tokenizer).exists():
        records = load_records(args.data).shuffle(seed=0)
        return encode(records.select(range(min(len(records), args.rows + 20))), AutoTokenizer.from_pretrained(args.tokenizer), 1024, keep_text=False).select(range(args.rows))
    return random_table(args.rows)


def random_table(rows, vocabulary=50257):
    "Random tokens in rows of such lengths as Alpaca's"
    rng = np.random.default_rng(0)
    prompt, answer = (np.clip(rng.lognormal(m, s, rows), 3, 500).astype(int) for m, s in ((3.0, 0.5), (3.7, 1.0)))
    ids = [rng.integers(0, vocabulary, p + a).tolist() for p, a in zip(prompt, answer)]
    return Dataset.from_dict(dict(input_ids=ids, labels=[[-100] * p + r[p:] for p, r in zip(prompt, ids)]))


def gpt2(seed=0, noise=0.0, fused=True):
    "A model of GPT-2's shape with random weights, 124M parameters, as `load_model` gives it or as transformers does; `noise` moves every weight"
    torch.manual_seed(seed)
    model = fuse_gelu(AutoModelForCausalLM.from_config(GPT2Config()).eval()) if fused else AutoModelForCausalLM.from_config(GPT2Config()).eval()
    with torch.no_grad():
        for p in model.parameters(): p += noise * p.std() * torch.randn_like(p) if noise else 0
    return model


@torch.no_grad()
def plain_loop(model, ds, batch=6):
    "File order, batches of 6, padding and mask, all logits in float32, cross entropy everywhere, then the labels' mask"
    out = []
    for start in range(0, len(ds), batch):
        rows = ds[start:start+batch]
        width = max(map(len, rows['input_ids']))
        pad = lambda lists, value, width=width: torch.tensor([r + [value] * (width - len(r)) for r in lists])
        ids, labels, mask = (t.to(model.device) for t in (pad(rows['input_ids'], 0), pad(rows['labels'], -100), pad([[1] * len(r) for r in rows['input_ids']], 0)))
        logits = model(input_ids=ids, attention_mask=mask).logits.float()
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction='none').view(len(ids), -1)
        loss = torch.where(labels[:, 1:] == -100, torch.nan, loss)
        for row, l in zip(rows['input_ids'], loss): out.append(np.concatenate([[np.nan], l[:len(row) - 1].cpu().numpy()]))
    return np.concatenate(out).astype(np.float32)


def score(variant, model, ds, **options):
    "Losses by one of the variants"
    return plain_loop(model, ds) if variant == 'plain' else token_losses(model, ds, dtype=variant, progress=False, **options)


def one(args, variant):
    "Seconds and memory above the weights of one variant, in this process"
    ds, model = table(args), gpt2(fused=variant != 'plain')
    score(variant, model, ds.select(range(2)))
    with peak_memory() as memory:
        start = time.perf_counter()
        score(variant, model, ds)
        seconds = time.perf_counter() - start
    return dict(seconds=seconds, memory=memory['bytes'])


def matmul_rate(dtype, seconds=1.5, device='cpu', tokens=512, width=768, inner=3072):
    "Floating-point operations per second of the device's matrix products at a model's shapes"
    x, up, down = (torch.randn(*shape).to(device, dtype) for shape in ((tokens, width), (width, inner), (inner, width)))
    rates, wait = [], torch.accelerator.synchronize if x.device.type != 'cpu' else lambda: None
    with torch.inference_mode():
        for _ in range(3):
            n, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds / 3:
                for _ in range(4): x @ up @ down
                wait()
                n += 4
            rates.append(n * 4 * tokens * width * inner / (time.perf_counter() - start))
    return max(rates)


def work(ds, model):
    "Operations the losses of a table need: body and attention up to each row's last trained token, the head at trained tokens"
    c, n = model.config, losses.last_trained(ds).astype(float)
    tables = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    matrices = sum(p.numel() for p in model.base_model.parameters() if p.ndim == 2 and id(p) not in tables)
    return 2 * matrices * n.sum() + 4 * c.num_hidden_layers * c.hidden_size * (n**2).sum() + 2 * c.hidden_size * c.vocab_size * trained(ds).sum()


def agreement(args):
    "How float32, bfloat16 and the plain loop agree: losses, and tokens kept at 60 % by excess loss against a moved model"
    from tokenclean_nb.scoring.selection import keep_top
    ds = table(args).select(range(min(args.rows, 100)))
    base, reference, taught = gpt2(), gpt2(noise=0.3), trained(ds)
    got = {v: [score(v, m, ds) for m in (base, reference)] for v in ('float32', 'bfloat16')}
    kept = {v: keep_top(a - b, taught, 0.6) for v, (a, b) in got.items()}
    apart = lambda a, b: [float(f(abs(a - b)[taught])) for f in (np.mean, np.max)]
    excess = got['float32'][0] - got['float32'][1]
    return dict(plain=apart(score('plain', base, ds), got['float32'][0]), half=apart(got['bfloat16'][0], got['float32'][0]), spread=float(excess[taught].std()),
        jaccard=float((kept['float32'] & kept['bfloat16']).sum() / (kept['float32'] | kept['bfloat16']).sum()), rows=len(ds))


def compare(args):
    "All variants, each in its own process, in turning order; medians"
    names, runs = list(variants), {v: [] for v in variants}
    given = ['--rows', args.rows, '--data', args.data, '--tokenizer', args.tokenizer]
    for k in range(args.repeats):
        for v in names[k % 3:] + names[:k % 3]: runs[v].append(json.loads(in_own_process(__file__, *given, '--one', v)))
    ds, rates = table(args), {v: matmul_rate(torch.bfloat16 if v == 'bfloat16' else torch.float32) for v in variants}
    tokens, same = lengths(ds).sum(), json.loads(in_own_process(__file__, *given, '--one', 'agreement'))
    seconds, memory = ({v: statistics.median(r[what] for r in runs[v]) for v in variants} for what in ('seconds', 'memory'))
    ratio = {v: statistics.median(p['seconds'] / r['seconds'] for p, r in zip(runs['plain'], runs[v])) for v in variants}
    row = lambda v: [variants[v], f'{tokens / seconds[v]:,.0f}', f'{ratio[v]:.1f}x', f'{memory[v] / 1e9:.2f} GB', f"{memory[v] / memory['plain']:.2f}x", f'{work(ds, gpt2()) / seconds[v] / rates[v]:.0%}',
        ' to '.join(f'{tokens / f(r["seconds"] for r in runs[v]):,.0f}' for f in (max, min))]
    head = ['way', 'tokens/s', 'speed', 'memory above the weights', 'memory', 'share of the matrix-product rate', 'slowest to fastest run, tokens/s']
    return markdown(head, map(row, variants)) + f"""

GPT-2-124M shape, random weights, {torch.get_num_threads()} threads; {len(ds)} rows, {tokens:,} tokens, {trained(ds).mean():.0%} trained, longest row {lengths(ds).max()}; medians of {args.repeats} runs, ratios run by run.
Matrix products at GPT-2's shapes: {rates['float32'] / 1e9:.0f} GFLOP/s in float32, {rates['bfloat16'] / 1e9:.0f} in bfloat16. The share counts only operations that the losses need.
On {same['rows']} rows the plain loop and `token_losses` in float32 differ by {same['plain'][0]:.1e} nats on average, {same['plain'][1]:.1e} at most; bfloat16 and float32 by {same['half'][0]:.4f} and {same['half'][1]:.3f}.
Kept tokens at 60 % by excess loss (spread {same['spread']:.2f} nats), float32 against bfloat16: Jaccard {same['jaccard']:.3f}."""


def sweep(args):
    "Tokens per second over token budgets, then over rows of logits at once, in this process"
    ds, model, out = table(args), gpt2(), []
    tokens, first = lengths(ds).sum(), dict(losses.budgets)
    def rate(dtype, budget, chunk):
        losses.budgets['cpu'] = losses.budgets['other'] = budget, chunk
        start = time.perf_counter()
        score(dtype, model, ds)
        return tokens / (time.perf_counter() - start)
    for dtype in ('float32', 'bfloat16'):
        score(dtype, model, ds.select(range(2)))
        grid = [(b, 256) for b in (128, 256, 512, 1024, 2048, 4096, 8192)] + [(first['cpu'][0], c) for c in (64, 128, 512, 1024)]
        runs = {g: [] for g in grid}
        for k in range(args.repeats):
            for g in grid[::1 if k % 2 else -1]: runs[g].append(rate(dtype, *g))
        best = max(map(statistics.median, runs.values()))
        out += [[dtype, b, c, f'{(m := statistics.median(r)):,.0f}', f'{m / best:.0%}'] for (b, c), r in runs.items()]
    return markdown(['dtype', 'token_budget', 'rows of logits', 'tokens/s', 'of the best'], out) + f'\n\n{len(ds)} rows, {tokens:,} tokens; medians of {args.repeats} runs in turning order.'


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rows', type=int, default=300, help='rows to score')
    parser.add_argument('--repeats', type=int, default=3, help='runs of each variant')
    parser.add_argument('--data', default=shared/'alpaca_17k'/'alpaca_17k.jsonl', help='instruction records; random tokens if absent')
    parser.add_argument('--tokenizer', default=shared/'gpt2_tokenizer', help="a folder with GPT-2's tokenizer")
    parser.add_argument('--sweep', action='store_true', help='measure token budgets and chunks instead')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    parser.add_argument('--one', choices=[*variants, 'agreement'], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one: print(json.dumps(agreement(args) if args.one == 'agreement' else one(args, args.one)))
    elif args.sweep: report('sweep', sweep(args), args.write)
    else: report('losses', compare(args), args.write)
