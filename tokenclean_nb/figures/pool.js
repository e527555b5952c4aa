// A whole pool at a glance: charts that brush, words, a table of rows, and the tokens of a row. No kernel, no network.
// Everything from the table is written as text, never as markup. Numbers come packed: JSON, then arrays as bytes.
async function poolView(root) {
  if (!root || root.dataset.bound) return;
  root.dataset.bound = 'yes';
  const part = name => root.querySelector(`[data-part=${name}]`);
  const make = (tag, more = {}, ...inside) => { const e = Object.assign(document.createElement(tag), more); e.append(...inside); return e; };
  const count = n => n.toLocaleString('en');

  // ---- the data
  const raw = Uint8Array.from(atob(part('data').textContent.trim()), c => c.charCodeAt(0));
  const bytes = await new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer();
  const headSize = new DataView(bytes).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, headSize)));
  const kinds = {uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array, float32: Float32Array};
  const d = {};
  let at = 4 + headSize;
  for (const [name, kind, n] of head.arrays) {
    const size = n * kinds[kind].BYTES_PER_ELEMENT;
    d[name] = new kinds[kind](bytes.slice(at, at + size));
    at += size;
  }
  const nRows = d.number.length, nTokens = d.score.length, two = !!d.kept2;
  const rowOf = new Uint32Array(nTokens); // the row of each sampled token
  for (let r = 0, t = 0; r < nRows; r++) for (let k = 0; k < d.sampled[r]; k++) rowOf[t++] = r;
  const bin = x => Math.max(0, Math.min(255, Math.floor((x - head.low) / (head.high - head.low) * 256)));
  const binned = Uint8Array.from(d.score, bin); // what the charts draw
  const scoreAt = bin => head.low + (bin + .5) / 256 * (head.high - head.low);
  const lossAt = bin => (bin + .5) / 256 * head.loss_high;
  const nWords = head.words.length, bands = 10;

  // ---- what is selected: a condition each; null: everything
  const nothing = {score: null, loss: null, words: null, band: null, type: null, source: null, search: '', differs: false};
  const chosen = {...nothing};
  const tokenChosen = () => chosen.score || chosen.loss || chosen.words !== null || chosen.band !== null || chosen.type !== null || chosen.differs;
  const rowIn = new Uint8Array(nRows).fill(1), hits = new Uint32Array(nRows);
  const inside = new Uint8Array(nTokens).fill(1), anyWord = inside.slice(), anyBand = inside.slice(), anyType = inside.slice();
  let order = [], sort = {key: two ? 'differ' : 'removed', down: true}, page = 0, open = -1;
  const pageSize = 12;
  const firsts = head.firsts.map(s => s.toLowerCase());

  const select = () => {
    const find = chosen.search.toLowerCase();
    for (let r = 0; r < nRows; r++)
      rowIn[r] = (chosen.source === null || d.source[r] === chosen.source)
        && (!find || firsts[r].includes(find) || (textOf[r] !== undefined && texts[r].includes(find))) ? 1 : 0;
    const [s0, s1] = chosen.score || [-Infinity, Infinity], [x0, x1, y0, y1] = chosen.loss || [-1, 256, -1, 256];
    const word = chosen.words, band = chosen.band, type = chosen.type, differs = chosen.differs;
    hits.fill(0);
    for (let t = 0; t < nTokens; t++) {
      const s = d.score[t], y = binned[t];
      const rest = rowIn[rowOf[t]] && s >= s0 && s <= s1
        && (!chosen.loss || (d.loss[t] >= x0 && d.loss[t] <= x1 && y >= y0 && y <= y1))
        && (!differs || d.kept[t] !== d.kept2[t]);
      const itsWord = word === null || d.word[t] === word, itsBand = band === null || d.band[t] === band, itsType = type === null || d.type[t] === type;
      inside[t] = rest && itsWord && itsBand && itsType ? 1 : 0;
      anyWord[t] = rest && itsBand && itsType ? 1 : 0; // the lists stay whole when one of their words is pressed
      anyBand[t] = rest && itsWord && itsType ? 1 : 0;
      anyType[t] = rest && itsWord && itsBand ? 1 : 0;
      if (inside[t]) hits[rowOf[t]]++;
    }
    const byToken = tokenChosen();
    order = [];
    for (let r = 0; r < nRows; r++) if (rowIn[r] && (!byToken || hits[r])) order.push(r);
    sortRows();
  };

  // ---- rows
  const keys = {
    number: r => d.number[r], tokens: r => d.tokens[r], mean: r => d.mean[r], hits: r => hits[r],
    removed: r => d.tokens[r] ? 1 - d.keptCount[r] / d.tokens[r] : 0, source: r => head.sources ? head.sources[d.source[r]] : '',
    differ: r => two ? d.differ[r] : 0, first: r => firsts[r]};
  const sortRows = () => {
    const key = keys[sort.key], sign = sort.down ? -1 : 1;
    const value = order.map(key), text = typeof value[0] === 'string';
    const index = value.map((_, k) => k).sort((a, b) => {
      const x = value[a], y = value[b];
      if (text) return sign * (x < y ? -1 : x > y ? 1 : 0) || a - b;
      if (x !== x || y !== y) return (x !== x) - (y !== y); // no number goes to the end
      return sign * (x - y) || a - b;
    });
    order = index.map(k => order[k]);
    page = 0;
  };
  const percent = share => `${Math.round(100 * share)} %`;
  const columns = () => [['number', 'row'], ...(tokenChosen() ? [['hits', 'selected tokens']] : []), ...(two ? [['differ', 'decided differently']] : []),
    ['removed', 'removed'], ['mean', 'mean score'], ['tokens', 'tokens'], ...(head.sources ? [['source', head.source_name]] : []), ['first', 'first words']];
  const cell = (key, r) => {
    if (key === 'removed') {
      const share = keys.removed(r), bar = make('span', {className: 'tc-bar'});
      bar.style.setProperty('--share', `${100 * share}%`);
      return [bar, percent(share)];
    }
    if (key === 'mean') return [d.mean[r] === d.mean[r] ? d.mean[r].toFixed(2) : '–'];
    if (key === 'first') return [head.firsts[r]];
    if (key === 'number') return [make('button', {type: 'button', textContent: d.number[r], ariaLabel: `show row ${d.number[r]}`, onclick: () => show(r)})];
    const value = keys[key](r);
    return [typeof value === 'number' ? count(value) : value];
  };
  const table = () => {
    const used = columns();
    const headRow = make('tr', {}, ...used.map(([key, words]) => {
      const th = make('th', {scope: 'col'}, make('button', {type: 'button', textContent: words, onclick: () => {
        sort = {key, down: sort.key === key ? !sort.down : key !== 'first' && key !== 'source' && key !== 'number'};
        sortRows(); table(); part('table').querySelector(`th[data-key=${key}] button`).focus(); tell();
      }}));
      th.dataset.key = key;
      if (sort.key === key) th.setAttribute('aria-sort', sort.down ? 'descending' : 'ascending');
      return th;
    }));
    const rows = order.slice(page * pageSize, (page + 1) * pageSize).map(r => {
      const tr = make('tr', {onclick: e => { if (!e.target.closest('button')) show(r); }},
        ...used.map(([key]) => { const td = make('td', {}, ...cell(key, r)); td.dataset.key = key; return td; }));
      if (r === open) tr.setAttribute('aria-current', 'true');
      return tr;
    });
    part('table').replaceChildren(make('thead', {}, headRow), make('tbody', {}, ...rows));
    const pages = Math.max(1, Math.ceil(order.length / pageSize));
    const turn = (words, to) => make('button', {type: 'button', textContent: words, disabled: to < 0 || to >= pages, onclick: () => {
      page = to; table();
      const open = [...part('pager').querySelectorAll('button')].filter(b => !b.disabled);
      (open.find(b => b.textContent === words) || open[0])?.focus();
    }});
    part('pager').replaceChildren(turn('first', page && 0 || -1), turn('previous', page - 1),
      ` page ${count(page + 1)} of ${count(pages)} `, turn('next', page + 1), turn('last', page < pages - 1 ? pages - 1 : -1));
  };

  // ---- the tokens of one row
  const texts = [], textOf = [], startOf = [];
  { let k = 0, t = 0; for (let r = 0; r < nRows; r++) if (d.carried[r]) { textOf[r] = k; texts[r] = head.texts[k++].toLowerCase(); startOf[r] = t; t += d.rowLength[r]; } }
  const sign = s => s.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, c => /[\n\t\u200c\u200d]/.test(c) ? c
    : c.codePointAt(0) < 32 ? String.fromCharCode(0x2400 + c.codePointAt(0)) : `⟦U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟧`);
  const tint = score => {
    const share = Math.max(-1, Math.min(1, score / head.limit)), below = share < 0;
    const strength = below ? .14 + .11 * share : .22 + .38 * share;
    return (below ? head.low_hue : head.high_hue) + Math.round(255 * strength).toString(16).padStart(2, '0');
  };
  const thin = c => c.slice(0, 7) + Math.round(parseInt(c.slice(7), 16) / 5).toString(16).padStart(2, '0');
  const looks = {kept: ['', c => c], removed: ['.62', thin], prompt: ['.75', () => ''], mixed: ['.82', c => c], trained: ['', c => c], none: ['.62', () => '']};
  const number = x => Number(x.toPrecision(3)).toString();
  // pieces: tokens that share a character, as a reader sees characters, stand together
  const piecesOf = r => {
    const chars = [...head.texts[textOf[r]]], borders = new Uint8Array(chars.length + 1).fill(1);
    if (Intl.Segmenter && /[^\x00-\x7f]|\r/.test(head.texts[textOf[r]])) {
      borders.fill(0);
      let c = 0;
      for (const s of new Intl.Segmenter('en', {granularity: 'grapheme'}).segment(chars.join(''))) { borders[c] = 1; c += [...s.segment].length; }
      borders[c] = 1;
    }
    const pieces = [], from = startOf[r];
    let reach = 0, end = 0;
    for (let k = 0; k < d.rowLength[r]; k++) {
      let a = Math.max(0, Math.min(chars.length, end + d.gap[from + k])), b = Math.min(chars.length, a + d.size[from + k]);
      end = a + d.size[from + k];
      if (b > a) { while (!borders[a]) a--; while (!borders[b]) b++; } else a = b = reach;
      if (a > reach) pieces.push({a: reach, b: a, tokens: []});
      if (a >= reach) pieces.push({a, b, tokens: [k]});
      else { const p = pieces[pieces.length - 1]; p.b = Math.max(p.b, b); p.tokens.push(k); }
      reach = Math.max(reach, b);
    }
    for (const p of pieces) p.text = sign(chars.slice(p.a, p.b).join(''));
    return {pieces, left: chars.length - reach};
  };
  const flag = {prompt: 0, removed: 1, kept: 2, trained: 3}, names = ['prompt', 'removed', 'kept', 'trained'];
  const rowBox = (r, which) => {
    const from = startOf[r], n = d.rowLength[r], {pieces, left} = piecesOf(r);
    const step = head.step, value = k => d.rowScore[from + k] === -32768 ? NaN : d.rowScore[from + k] * step;
    const typeOf = k => d.rowType && head.types[d.rowType[from + k]]; // none where no token is trained
    const status = k => names[which ? d.rowFlag[from + k] >> 2 : d.rowFlag[from + k] & 3];
    const scored = [...Array(n).keys()].filter(k => value(k) === value(k)).sort((x, y) => value(y) - value(x) || x - y);
    const rank = new Uint32Array(n);
    scored.forEach((k, place) => { rank[k] = place + 1; });
    const box = part('row-template').content.firstElementChild.cloneNode(true);
    const total = {};
    for (let k = 0; k < n; k++) total[status(k)] = (total[status(k)] || 0) + 1;
    const title = [`row ${d.number[r]}${two ? `, ${head.run_names[which]}` : ''}: ${count(n)} tokens`, ...['kept', 'removed', 'trained', 'prompt'].filter(s => total[s]).map(s => `${count(total[s])} ${s}`)].join(', ');
    box.querySelector('[data-part=title]').textContent = title;
    box.setAttribute('aria-label', title);
    const say = (k, text) => {
      const facts = [`${text.trim() ? `'${text}'` : {' ': 'space', '\n': 'line break', '\t': 'tab'}[text] || 'space'} position ${k}`];
      if (rank[k]) facts.push(`score ${number(value(k))}`, `rank ${rank[k]}`);
      if (d.rowLoss && d.rowLoss[from + k] !== -32768) facts.push(`base loss ${number(d.rowLoss[from + k] * step)}`);
      if (d.rowRef && d.rowRef[from + k] !== -32768) facts.push(`reference loss ${number(d.rowRef[from + k] * step)}`);
      if (typeOf(k)) facts.push(`type ${typeOf(k)}`);
      return [...facts, status(k)].join(', ');
    };
    const spans = pieces.map(p => {
      const e = make('span', {textContent: p.text || (p.tokens.length ? '⟦⟧' : '')}), found = new Set(p.tokens.map(status));
      const kind = !p.tokens.length ? 'none' : found.has('kept') && found.has('removed') ? 'mixed' : [...found][0];
      const v = p.tokens.map(value).filter(x => x === x).reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, NaN);
      const colour = v === v && kind !== 'prompt' ? tint(v) : '', [opacity, change] = looks[kind];
      e.dataset.kind = kind;
      if (colour) { e.style.backgroundColor = change(colour); e.dataset.c = colour; }
      e.style.opacity = opacity;
      if (kind === 'prompt') e.style.fontStyle = 'italic';
      if (p.tokens.length) { e.title = p.tokens.map(k => say(k, p.text)).join('\n'); e.dataset.r = p.tokens.map(k => rank[k] || '-').join(' '); }
      const itsWord = chosen.words !== null && p.text.trim() === head.words[chosen.words];
      if (itsWord || chosen.type !== null && p.tokens.some(k => d.rowType[from + k] === chosen.type)) { e.style.outline = '2px solid #c65d00'; e.style.outlineOffset = '-1px'; }
      return e;
    });
    if (left > 0) spans.push(make('span', {textContent: ' …'}));
    box.querySelector('[data-part=text]').replaceChildren(...spans);
    if (scored.length > 1 && !two) {
      box.dataset.scores = scored.map(k => number(value(k))).join(',');
      box.dataset.kept = scored.filter(k => status(k) !== 'removed').length;
    }
    return box;
  };
  const show = r => {
    open = r;
    const place = part('row');
    if (textOf[r] === undefined) place.replaceChildren(make('p', {textContent:
      `The tokens of row ${d.number[r]} are not on this page: it carries ${count(head.texts.length)} rows, drawn at random, to stay small. In Python: tc.token_view(ds, ${d.number[r]})`}));
    else {
      place.replaceChildren(...(two ? [0, 1] : [0]).map(k => rowBox(r, k)));
      for (const box of place.querySelectorAll('[data-view=tokens]')) tokenView(box);
    }
    for (const tr of part('table').querySelectorAll('[aria-current]')) tr.removeAttribute('aria-current');
    const k = order.indexOf(r) - page * pageSize;
    if (k >= 0 && k < pageSize) part('table').tBodies[0]?.rows[k]?.setAttribute('aria-current', 'true');
    tell();
  };

  // ---- charts
  const ink = () => getComputedStyle(root).color, dark = () => parseInt(ink().match(/\d+/)[0]) > 128;
  const axis = (label, more) => ({stroke: ink, grid: {show: false}, ticks: {stroke: ink, width: .5, size: 5}, label, labelSize: 18, labelFont: '12px system-ui', font: '11px system-ui', ...more});
  const bins = 64, binsOf = 256 / bins;
  const histogram = () => {
    const all = new Float64Array(bins), some = new Float64Array(bins), kept = new Float64Array(bins);
    for (let t = 0; t < nTokens; t++) {
      const b = binned[t] / binsOf | 0;
      all[b]++;
      if (inside[t]) { some[b]++; if (d.kept[t]) kept[b]++; }
    }
    return [Float64Array.from({length: bins}, (_, b) => scoreAt((b + .5) * binsOf - .5)), all, some, kept];
  };
  const bars = fill => ({stroke: null, fill, points: {show: false}, paths: uPlot.paths.bars({size: [1], gap: 1, align: 0})});
  const charts = [];
  const brush = (name, read) => u => {
    const {left, top, width, height} = u.select;
    chosen[name] = width > 2 ? read(u, left, top, width, height) : null;
    changed(name);
  };
  const lossBin = x => Math.max(0, Math.min(255, Math.floor(x / head.loss_high * 256)));
  const across = () => Math.max(240, part('histogram').clientWidth);
  const chart = (name, options, data) => { const u = new uPlot({legend: {show: false}, height: 190, padding: [8, 8, 0, 0], ...options, width: Math.max(240, part(name).clientWidth)}, data, part(name)); charts.push([name, u]); return u; };
  const pale = () => dark() ? '#8fb7e8' : '#c5d9ee';
  const bare = {drag: {x: true, y: false, setScale: false}, points: {show: false}};
  const hist = chart('histogram', {
    cursor: bare, scales: {x: {time: false, range: [head.low, head.high]}, y: {range: (u, low, high) => [0, high || 1]}},
    axes: [axis('score', {size: 30}), axis('tokens', {size: 56, values: (u, v) => v.map(count)})],
    series: [{}, bars(() => dark() ? '#3a3a3a' : '#e4e4e4'), bars(pale), bars(() => '#2f6db3')],
    hooks: {setSelect: [brush('score', (u, left, _, width) => { // the outer bars hold what lies beyond them
      const [a, b] = [left, left + width].map(at => u.posToVal(at, 'x'));
      return [bin(a) ? Number(a.toPrecision(3)) : -Infinity, bin(b) < 255 ? Number(b.toPrecision(3)) : Infinity];
    })],
      draw: [u => {
        if (head.threshold === null) return;
        const x = u.valToPos(head.threshold, 'x', true), c = u.ctx;
        c.save(); c.strokeStyle = ink(); c.setLineDash([5, 4]); c.beginPath(); c.moveTo(x, u.bbox.top); c.lineTo(x, u.bbox.top + u.bbox.height); c.stroke(); c.restore();
      }]}}, histogram());
  let scatter = null;
  if (d.loss) scatter = chart('scatter', {
    cursor: {drag: {x: true, y: true, uni: 0, setScale: false}, points: {show: false}},
    scales: {x: {time: false, range: [0, head.loss_high]}, y: {range: [head.low, head.high]}},
    axes: [axis('base loss (nats)', {size: 30}), axis('score', {size: 50})],
    series: [{}, {paths: () => null, points: {show: false}}],
    hooks: {setSelect: [brush('loss', (u, left, top, width, height) => [lossBin(u.posToVal(left, 'x')), lossBin(u.posToVal(left + width, 'x')), bin(u.posToVal(top + height, 'y')), bin(u.posToVal(top, 'y'))])],
      draw: [u => {
        const cells = 64, step = 256 / cells, n = new Uint32Array(cells * cells), kept = new Uint32Array(cells * cells);
        let most = 1;
        for (let t = 0; t < nTokens; t++) if (inside[t]) {
          const k = (d.loss[t] / step | 0) * cells + (binned[t] / step | 0);
          if (++n[k] > most) most = n[k];
          kept[k] += d.kept[t];
        }
        const {left, top, width, height} = u.bbox, w = width / cells, h = height / cells, c = u.ctx;
        c.save();
        for (let k = 0; k < n.length; k++) if (n[k]) {
          c.globalAlpha = .25 + .75 * Math.log(1 + n[k]) / Math.log(1 + most);
          c.fillStyle = kept[k] * 2 >= n[k] ? '#2f6db3' : dark() ? '#a0a0a0' : '#9a9a9a';
          c.fillRect(left + (k / cells | 0) * w, top + height - (k % cells + 1) * h, Math.ceil(w), Math.ceil(h));
        }
        c.globalAlpha = 1; c.strokeStyle = ink(); c.setLineDash([3, 4]); c.beginPath();
        const y = u.valToPos(0, 'y', true);
        if (y > top && y < top + height) { c.moveTo(left, y); c.lineTo(left + width, y); }
        c.stroke(); c.restore();
      }]}}, [[0, head.loss_high], [null, null]]);

  // ---- positions and words
  const example = () => { const r = order.find(r => textOf[r] !== undefined); if (r !== undefined) show(r); };
  const toggles = (place, entries, name) => place.replaceChildren(...entries.map(([value, share, words, note]) => {
    const b = make('button', {type: 'button', onclick: () => { chosen[name] = chosen[name] === value ? null : value; changed(name); example(); }}, make('span', {textContent: words}), make('small', {textContent: note}));
    b.style.setProperty('--share', `${100 * share}%`);
    b.dataset.value = value;
    b.setAttribute('aria-pressed', String(chosen[name] === value));
    return b;
  }));
  // how much of each place in the answer, or of each type, is kept
  const shares = (name, value, size, among, entry) => {
    const n = new Uint32Array(size), kept = new Uint32Array(size);
    for (let t = 0; t < nTokens; t++) if (among[t]) { n[value[t]]++; kept[value[t]] += d.kept[t]; }
    return [...n.keys()].map(k => [k, n[k] ? kept[k] / n[k] : 0, name(k), n[k] ? entry(percent(kept[k] / n[k]), n[k]) : '–']);
  };
  const positions = () => toggles(part('bands'), shares(b => b === 0 ? 'start' : b === bands - 1 ? 'end' : `${10 * b} %`, d.band, bands, anyBand, share => share), 'band');
  const types = () => {
    if (d.type) toggles(part('types'), shares(k => head.types[k], d.type, head.types.length, anyType, (share, n) => `${share} of ${count(n)}`).reverse(), 'type');
  };
  const wordLists = () => {
    const kept = new Uint32Array(nWords), removed = new Uint32Array(nWords), other = two ? d.kept2 : null;
    for (let t = 0; t < nTokens; t++) if (anyWord[t]) {
      if (two) { if (d.kept[t] !== other[t]) (d.kept[t] ? kept : removed)[d.word[t]]++; }
      else (d.kept[t] ? kept : removed)[d.word[t]]++;
    }
    const most = (n, others) => [...n.keys()].filter(w => n[w] && head.words[w]).sort((a, b) => n[b] - n[a] || a - b).slice(0, 20)
      .map(w => [w, n[w] / (n[w] + others[w]), head.words[w], `${count(n[w])} of ${count(n[w] + others[w])}`]);
    toggles(part('kept-words'), most(kept, removed), 'words');
    toggles(part('removed-words'), most(removed, kept), 'words');
  };

  // ---- what is selected, in words; and to Python
  let timer = 0;
  const told = () => {
    const said = [];
    if (chosen.score) said.push('score' + (chosen.score[0] > -Infinity ? ` from ${chosen.score[0]}` : '') + (chosen.score[1] < Infinity ? ` up to ${chosen.score[1]}` : ''));
    if (chosen.loss) said.push(`base loss ${number(lossAt(chosen.loss[0]))} to ${number(lossAt(chosen.loss[1]))} and score ${number(scoreAt(chosen.loss[2]))} to ${number(scoreAt(chosen.loss[3]))}`);
    if (chosen.words !== null) said.push(`the word ${head.words[chosen.words]}`);
    if (chosen.band !== null) said.push(`position ${10 * chosen.band} to ${10 * chosen.band + 10} % of the answer`);
    if (chosen.type !== null) said.push(`type ${head.types[chosen.type]}`);
    if (chosen.source !== null) said.push(`${head.source_name} ${head.sources[chosen.source]}`);
    if (chosen.search) said.push(`text with ${chosen.search}`);
    if (chosen.differs) said.push('decided differently');
    return said;
  };
  const tell = () => {
    const said = told(), n = inside.reduce((a, b) => a + b, 0);
    part('said').textContent = said.length
      ? `Selected: ${said.join('; ')}. ${count(order.length)} of ${count(nRows)} rows, ${count(n)} of ${count(nTokens)} tokens.`
      : `Everything is selected: ${count(nRows)} rows, ${count(nTokens)} tokens.${head.note ? ' ' + head.note : ''}`;
    part('clear').hidden = !said.length;
    clearTimeout(timer);
    timer = setTimeout(() => root.dispatchEvent(new CustomEvent('tc-rows', {bubbles: true,
      detail: {rows: order.length === nRows && !said.length ? null : order.map(r => d.number[r]), open: open < 0 ? null : d.number[open]}})), 150);
  };
  const changed = name => {
    select();
    hist.setData(histogram());
    if (scatter) scatter.redraw(false);
    const held = document.activeElement, at = held && held.parentElement && root.contains(held) ? [held.parentElement.dataset.part, held.dataset.value] : null;
    positions(); types(); wordLists(); table();
    if (at && at[1] !== undefined) root.querySelector(`[data-part=${at[0]}] [data-value="${at[1]}"]`)?.focus();
    if (name !== 'score' && !chosen.score) hist.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
    if (scatter && name !== 'loss' && !chosen.loss) scatter.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
    for (const input of root.querySelectorAll('[data-bound-of]')) {
      const k = +(input.dataset.boundOf === 'high');
      if (document.activeElement !== input) input.value = chosen.score && isFinite(chosen.score[k]) ? chosen.score[k] : '';
    }
    tell();
  };
  for (const input of root.querySelectorAll('[data-bound-of]')) input.addEventListener('change', () => {
    const [low, high] = ['low', 'high'].map(k => root.querySelector(`[data-bound-of=${k}]`).value);
    chosen.score = low === '' && high === '' ? null : [low === '' ? -Infinity : +low, high === '' ? Infinity : +high];
    const [left, right] = (chosen.score || [0, 0]).map(x => hist.valToPos(Math.max(head.low, Math.min(head.high, x)), 'x'));
    hist.setSelect({left: chosen.score ? left : 0, top: 0, width: chosen.score ? Math.max(0, right - left) : 0, height: chosen.score ? hist.over.clientHeight : 0}, false);
    changed('score');
  });
  part('search').addEventListener('input', e => { chosen.search = e.target.value; changed('search'); });
  const sources = part('sources');
  if (sources) sources.addEventListener('change', () => { chosen.source = sources.value === '' ? null : +sources.value; changed('source'); });
  const differs = part('differs');
  if (differs) differs.addEventListener('click', () => { chosen.differs = !chosen.differs; differs.setAttribute('aria-pressed', String(chosen.differs)); changed('differs'); });
  part('clear').addEventListener('click', () => {
    Object.assign(chosen, nothing);
    part('search').value = '';
    if (sources) sources.value = '';
    if (differs) differs.setAttribute('aria-pressed', 'false');
    changed('clear');
    if (open >= 0) show(open); // without frames
    part('search').focus();
  });
  for (const [name, u] of charts) { const e = part(name); new ResizeObserver(() => { if (e.clientWidth > 100 && Math.abs(e.clientWidth - u.width) > 4) u.setSize({width: e.clientWidth, height: 190}); }).observe(e); }
  root.classList.add('tc-live');
  select(); positions(); types(); wordLists(); table(); tell();
  if (order.length) show(order.find(r => textOf[r] !== undefined) ?? order[0]);
  root.tcPool = {chosen, changed, charts}; // for tests of speed
  root.dispatchEvent(new CustomEvent('tc-ready', {bubbles: true}));
}
