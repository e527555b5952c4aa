"What a page of a pool carries"
import base64
import json
import re
import zlib

import numpy as np


def opened(html):
    "The head and the arrays that a page carries"
    raw = zlib.decompress(base64.b64decode(re.search(r'data-part="data">([^<]*)<', html)[1]))
    size = int(np.frombuffer(raw[:4], np.uint32)[0])
    head, at, arrays = json.loads(raw[4:4 + size]), 4 + size, {}
    for name, kind, n in head['arrays']:
        arrays[name] = np.frombuffer(raw, kind, n, at)
        at += arrays[name].nbytes
    assert at == len(raw)
    return head, arrays
