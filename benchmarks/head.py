"The loss of kept tokens from hidden states, forwards and backwards: all logits at once, in parts, or fused in PyTorch"
import argparse
import time

import torch
import torch.nn.functional as F
from common import markdown, report
from torch.utils.checkpoint import checkpoint

shapes = {'GPT-2': (768, 50257), 'Llama 3': (2048, 128256)} # width, vocabulary


def at_once(states, weight, target): return F.cross_entropy((states @ weight.T).float(), target, reduction='sum')


def in_parts(states, weight, target, most=2048):
    "As tc.finetune does where all logits would not fit"
    return sum(checkpoint(at_once, s, weight, t, use_reentrant=False) for s, t in zip(states.split(most), target.split(most)))


def fused(states, weight, target):
    "PyTorch's own, in its chunks"
    return F.linear_cross_entropy(states, weight, target, reduction='sum', options=torch.nn.LinearCrossEntropyOptions())


ways = {'all logits at once': at_once, 'in parts of 2,048': in_parts, 'linear_cross_entropy': fused}


def measured(way, tokens, width, vocabulary, device, repeats):
    "Median seconds, and the most memory above states and weight"
    torch.manual_seed(0)
    dtype = torch.bfloat16 if device == 'cuda' else torch.float32
    states = torch.randn(tokens, width, device=device, dtype=dtype, requires_grad=True)
    weight = (torch.randn(vocabulary, width, device=device, dtype=dtype) / width ** .5).requires_grad_()
    target, times = torch.randint(vocabulary, (tokens,), device=device), []
    wait = torch.cuda.synchronize if device == 'cuda' else lambda: None
    for k in range(repeats + 1):
        states.grad = weight.grad = None
        if k == 1 and device == 'cuda': torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated() if device == 'cuda' else 0
        wait()
        start = time.perf_counter()
        loss = ways[way](states, weight, target)
        loss.backward()
        wait()
        times.append(time.perf_counter() - start)
    most = f'{(torch.cuda.max_memory_allocated() - held) / 1e9:.2f} GB' if device == 'cuda' else 'not counted'
    return sorted(times[1:])[repeats // 2], most, float(loss.detach()) / tokens


if __name__ == '__main__':
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tokens', type=int, nargs='+', default=[2048, 16384] if device == 'cuda' else [512], help='kept tokens of a batch')
    parser.add_argument('--shapes', nargs='+', choices=shapes, default=[*shapes])
    parser.add_argument('--repeats', type=int, default=9 if device == 'cuda' else 3)
    parser.add_argument('--write', action='store_true', help='put the result into README.md')
    args = parser.parse_args()
    there = [way for way in ways if way != 'linear_cross_entropy' or hasattr(torch.nn, 'LinearCrossEntropyOptions')]
    rows = []
    for name in args.shapes:
        for tokens in args.tokens:
            first = None
            for way in there:
                seconds, most, loss = measured(way, tokens, *shapes[name], device, args.repeats)
                first = first or seconds
                rows.append([name, f'{tokens:,}', way, f'{seconds * 1e3:.1f} ms', f'{first / seconds:.2f}x', most, f'{loss:.4f}'])
    where = torch.cuda.get_device_name() if device == 'cuda' else 'one thread of a CPU' if torch.get_num_threads() == 1 else 'CPU'
    absent = '' if len(there) == len(ways) else ' This PyTorch has no linear_cross_entropy.'
    table = markdown(['head', 'kept tokens', 'way', 'time', 'speed', 'memory above states and head', 'loss'], rows)
    report('head', f'{table}\n\n{where}; forwards and backwards, median of {args.repeats} after a warm-up.{absent}', args.write)
