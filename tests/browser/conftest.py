"Chromium, a JupyterLab and the pages that the browser tests look at"
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

root = Path(__file__).parents[2]
shots = Path(os.environ.get('SHOTS', root / 'build/shots'))
options = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']


@pytest.fixture(scope='session')
def chromium():
    "A browser; Debian's Chromium where there is one, else the one Playwright installed"
    shots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which('chromium'), args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport=dict(width=1200, height=900))
    yield context.new_page()
    context.close()


def notebook(path, cells):
    "Write a notebook of code cells"
    cell = lambda k, source: dict(cell_type='code', id=f'c{k}', metadata={}, execution_count=None, outputs=[], source=source)
    kernel = dict(display_name='Python 3', language='python', name='python3')
    path.write_text(json.dumps(dict(cells=[cell(k, s) for k, s in enumerate(cells)], metadata=dict(kernelspec=kernel), nbformat=4, nbformat_minor=5)))
    return path


@pytest.fixture(scope='session')
def lab(tmp_path_factory):
    "A running JupyterLab: (address, folder of its notebooks)"
    folder, port = tmp_path_factory.mktemp('lab'), 18888 + os.getpid() % 1000
    environment = {k: v for k, v in os.environ.items() if k not in ('IN_TEST', 'PLOTLY_RENDERER')} | dict(PYTHONPATH=str(root), JUPYTER_CONFIG_DIR=str(folder / '.config'))
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--allow-root', f'--port={port}', '--port-retries=0', '--ip=127.0.0.1', '--IdentityProvider.token=', '--ServerApp.password=', f'--ServerApp.root_dir={folder}', '--LabApp.news_url=None']
    with open(folder / 'lab.log', 'w') as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(120):
                try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api').read(); break
                except OSError: time.sleep(.5)
            else: raise RuntimeError((folder / 'lab.log').read_text()[-2000:])
            yield f'http://127.0.0.1:{port}', folder
        finally:
            server.terminate()
            server.wait(20)
