"Speed of `token_losses` on an accelerator for three sizes of model, beside the plain loop; small on a CPU"
import argparse
import time

import torch
from common import markdown, report
from losses import matmul_rate, plain_loop, random_table, work
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from tokenclean_nb.data.table import lengths, trained
from tokenclean_nb.scoring.losses import token_losses
from tokenclean_nb.training.models import fuse_gelu

shapes = {
    'tiny': (torch.float32, GPT2Config(n_layer=2, n_embd=64, n_head=2, vocab_size=1000, bos_token_id=0, eos_token_id=0)),
    'gpt2-124M': (torch.bfloat16, GPT2Config()),
    'llama-1B': (torch.bfloat16, LlamaConfig(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8, vocab_size=128256, max_position_embeddings=4096, tie_word_embeddings=True)),
    'llama-7B': (torch.bfloat16, LlamaConfig(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32, vocab_size=32000, max_position_embeddings=4096)),
}
ours = lambda model, ds: token_losses(model, ds, progress=False)
ways = {'plain loop': plain_loop, 'token_losses': ours, 'token_losses, compiled body': ours}


def measured(way, model, ds):
    "Tokens per second, and the most memory above the weights where the device counts it"
    counted = model.device.type == 'cuda'
    if way.endswith('compiled body'): model.base_model.compile(dynamic=True)
    ways[way](model, ds.select(range(min(len(ds), 16)))) # warm up; compiles
    if counted: torch.cuda.reset_peak_memory_stats()
    held, start = torch.cuda.memory_allocated() if counted else 0, time.perf_counter()
    ways[way](model, ds) # ends with the losses on the host
    seconds = time.perf_counter() - start
    return lengths(ds).sum() / seconds, seconds, f'{(torch.cuda.max_memory_allocated() - held) / 1e9:.2f} GB' if counted else 'not counted'


def rows_of(name, rows, names, device):
    "Table rows of one shape"
    dtype, config = shapes[name]
    torch.manual_seed(0)
    with torch.device(device): model = fuse_gelu(AutoModelForCausalLM.from_config(config, dtype=dtype).eval())
    ds = random_table(rows, config.vocab_size)
    rate = matmul_rate(dtype, device=device, tokens=8192 if device != 'cpu' else 512, width=config.hidden_size, inner=getattr(config, 'intermediate_size', 4 * config.hidden_size))
    out, first = [], None
    for way in names:
        speed, seconds, memory = measured(way, model, ds)
        first = first or speed
        out.append([name, way, f'{speed:,.0f}', f'{speed / first:.1f}x', f'{work(ds, model) / seconds / rate:.0%}', memory])
    return out, f'{name} {rate / 1e12:.2f} TFLOP/s in {str(dtype).removeprefix("torch.")}'


if __name__ == '__main__':
    there = torch.accelerator.is_available()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--shapes', nargs='+', choices=shapes, default=[s for s in shapes if s != 'tiny'] if there else ['tiny'], help='models to measure, with random weights')
    parser.add_argument('--rows', type=int, default=2000 if there else 40, help='rows of random tokens')
    parser.add_argument('--no-compile', action='store_true', help='leave the compiled body out')
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    args = parser.parse_args()
    device = torch.accelerator.current_accelerator().type if there else 'cpu'
    names = [w for w in ways if not (args.no_compile and w.endswith('compiled body'))]
    found = [rows_of(name, args.rows, names, device) for name in args.shapes]
    where = torch.cuda.get_device_name() if device == 'cuda' else device
    table = markdown(['model', 'way', 'tokens/s', 'speed', 'share of the matrix-product rate', 'memory above the weights'], [row for rows, _ in found for row in rows])
    ds = random_table(args.rows)
    report('gpu', f'{table}\n\nDevice: {where}; {args.rows} rows, {lengths(ds).sum():,} random tokens, {trained(ds).mean():.0%} trained; one run after a warm-up. Matrix products: {"; ".join(rate for _, rate in found)}. The share counts only operations that the losses need.', args.write)
