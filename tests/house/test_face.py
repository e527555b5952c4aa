"The face: `import tokenclean_nb as tc` is fast, loads nothing, and offers every public name; what needs no model works without torch"
import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tokenclean_nb as tc

root = Path(__file__).resolve().parents[2]
stub = ast.parse((root/'tokenclean_nb/__init__.pyi').read_text(encoding='utf-8'))
homes = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
contract = '''load_records encode flat with_flat trained load_model tiny_base token_losses excess_loss score keep_top clean_labels finetune fixed_model_cleaning
self_evolving_cleaning clean Cleaning error_bound required_noise_drop noise_rate_after noise_rate benefit_ratio make_task token_view plot_tokens plot_quadrants plot_scores plot_bounds
plot_rounds TokenExplorer SelectionGame BoundExplorer RoundPlayer TokenLabeller'''.split()


def python(code, **options):
    "What a fresh process prints"
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=root, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_every_name_is_there():
    assert set(contract) <= set(tc.__all__) == set(homes)
    for name in homes: assert getattr(tc, name) is not None


def test_dir_lists_what_to_look_at_first():
    "The checks of the lessons are reached, and not listed"
    checks = {name for name in homes if name.startswith('check_')}
    assert checks and set(dir(tc)) == set(homes) - checks | {'__version__'} and tc.__version__


def test_every_name_is_listed_once():
    names = [alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert len(names) == len(set(names))
    wings = {p.parent.name for p in (root/'tokenclean_nb').glob('*/__init__.py')} | {p.stem for p in (root/'tokenclean_nb').glob('*.py')}
    assert not wings & set(names), 'a name of the face must not hide a wing'


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match='token_veiw.*Did you mean token_view'): tc.token_veiw
    with pytest.raises(AttributeError, match='tokn_view.*Did you mean token_view'): tc.tokn_view
    with pytest.raises(AttributeError, match='attribute xyz$'): tc.xyz
    assert not hasattr(tc, '__wrapped__')


def test_import_is_fast_and_loads_nothing():
    code = 'import sys, time; start = time.perf_counter(); import tokenclean_nb as tc; seconds = time.perf_counter() - start; print(seconds, *(m for m in ("torch", "datasets", "pandas", "plotly") if m in sys.modules))'
    seconds, *loaded = min((python(code) for _ in range(3)), key=lambda out: float(out[0]))
    assert float(seconds) < .3 and not loaded


without_torch = '''
import sys
from importlib.machinery import PathFinder
class NotInstalled(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split('.')[0] in ('torch', 'transformers', 'accelerate', 'peft') else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = NotInstalled
import tempfile, os
import tokenclean_nb as tc
ds = tc.example_table()
for shown in (tc.token_view(ds, 0), tc.TokenExplorer(ds), tc.SelectionGame(ds), tc.TokenLabeller(ds), tc.BoundExplorer()): assert shown._repr_mimebundle_() if hasattr(shown, '_repr_mimebundle_') else shown._repr_html_()
for fig in (tc.plot_scores(ds), tc.plot_quadrants(ds), tc.plot_tokens(ds, 0), tc.plot_bounds(.4, .2)): fig.to_json()
path = os.path.join(tempfile.mkdtemp(), 'report.html')
tc.write_report(path, ds)
tc.check_token_loss, tc.progress
tc.keep_top(tc.flat(ds, 'score'), tc.trained(ds), .5)
tc.recorded_rows()
print(os.path.getsize(path) > 1e6, 'torch' in sys.modules)
try: tc.tiny_base()
except ModuleNotFoundError as e: print(e.name)
'''


def test_what_needs_no_model_works_without_torch(): assert python(without_torch)[:2] == ['True', 'False'] and python(without_torch)[2] in ('torch', 'transformers')


pages = [p for p in (root/'nbs').rglob('*') if p.suffix in ('.ipynb', '.qmd') and 'api' not in p.parts and '.ipynb_checkpoints' not in p.parts] + [root/'README.md']


@pytest.mark.parametrize('path', pages, ids=lambda p: str(p.relative_to(root)))
def test_pages_use_the_face_alone(path):
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.ipynb': text = '\n'.join(''.join(c['source']) for c in json.loads(text)['cells'])
    assert not re.findall(r'^\s*(?:from tokenclean_nb[. ].*|import tokenclean_nb\..*)', text, flags=re.M)
    for name in set(re.findall(r'\btc\.(\w+)', text)): assert name in homes, f'tc.{name} is no public name'
