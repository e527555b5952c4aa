// What a view of tokens does on a page: a slider, toggles, and a panel with the numbers of one token.
// It reads numbers and facts from its own elements, and writes text, never markup.
function tokenView(root) {
  const text = root && root.querySelector('[data-part=text]');
  if (!text || root.dataset.bound) return;
  root.dataset.bound = 'yes';
  const make = (tag, more) => Object.assign(document.createElement(tag), more);
  const scores = (root.dataset.scores || '').split(',').filter(Boolean);
  const n = scores.length;
  let now = -1, kept = null; // the token of the panel; how many the slider keeps, null: as selected

  // a piece: its element, facts, ranks, and what became of it: 0 removed, 1 kept, 2 both
  const states = {removed: 0, kept: 1, trained: 1, mixed: 2};
  const pieces = [...text.querySelectorAll('[title]')].map((e, k) => {
    const facts = e.title.split('\n'), all = (e.dataset.r || '').split(' ');
    const ranks = all.filter(Number).map(Number);
    e.removeAttribute('title'); // the panel says it: a tooltip is for pages without scripts
    e.dataset.k = k;
    if (e.dataset.n) { // it can be picked: a frame says that it is
      e.setAttribute('role', 'button');
      e.setAttribute('aria-pressed', String(e.style.outlineStyle === 'solid'));
    }
    const first = states[e.dataset.kind];
    return {e, facts, all, first, state: first, tint: e.dataset.c || '',
      best: Math.min(...ranks), worst: Math.max(...ranks), ranked: ranks.length > 0};
  });
  const thin = tint => tint && tint.slice(0, 7) + Math.round(parseInt(tint.slice(7), 16) / 5).toString(16).padStart(2, '0');
  const looks = [['removed', '.62', thin], ['kept', '', tint => tint], ['mixed', '.82', tint => tint]];
  const repaint = () => {
    for (const p of pieces) {
      if (!p.ranked) continue;
      const state = kept === null ? p.first : p.best > kept ? 0 : p.worst <= kept ? 1 : 2;
      if (state === p.state) continue;
      const [kind, opacity, tint] = looks[p.state = state];
      p.e.dataset.kind = kind;
      p.e.style.opacity = opacity;
      p.e.style.backgroundColor = tint(p.tint);
    }
    if (now >= 0) say();
  };

  // the panel
  const panel = make('div', {tabIndex: 0, textContent: 'Point at a token, or press ← and → in the text: its numbers stand here.'});
  panel.dataset.part = 'panel';
  panel.setAttribute('role', 'group');
  panel.setAttribute('aria-label', 'numbers of a token');
  panel.setAttribute('aria-live', 'polite');
  text.after(panel);
  const status = /, (kept|removed|trained)(, truth: [a-z ]+)?$/;
  const fate = (line, rank) => kept === null || !Number(rank) ? line
    : line.replace(status, (_, before, truth) => `, ${rank <= kept ? 'kept' : 'removed'}${truth || ''}`);
  const say = () => panel.replaceChildren(...pieces[now].facts.map((line, k) =>
    make('div', {textContent: fate(line, pieces[now].all[k])})));
  const show = (k, scroll) => {
    if (k < 0 || k >= pieces.length) return;
    if (now >= 0) pieces[now].e.classList.remove('tc-now');
    now = k;
    pieces[k].e.classList.add('tc-now');
    if (scroll) pieces[k].e.scrollIntoView({block: 'nearest', inline: 'nearest'});
    say();
  };
  const at = event => event.target.closest && event.target.closest('[data-k]');
  text.addEventListener('pointerover', event => { const e = at(event); if (e) show(+e.dataset.k); });
  text.tabIndex = 0;
  text.setAttribute('role', 'group');
  text.setAttribute('aria-label', 'tokens; the arrow keys move from one to the next');
  const pick = k => k >= 0 && pieces[k].e.dataset.n && root.dispatchEvent(
    new CustomEvent('tc-pick', {bubbles: true, detail: pieces[k].e.dataset.n.split(' ').map(Number)}));
  text.addEventListener('click', event => { const e = at(event); if (e) { show(+e.dataset.k); pick(now); } });
  text.addEventListener('keydown', event => {
    const to = {ArrowRight: now + 1, ArrowLeft: Math.max(0, now - 1), Home: 0, End: pieces.length - 1}[event.key];
    if (to !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) show(Math.min(to, pieces.length - 1), true);
    else if ((event.key === 'Enter' || event.key === ' ') && now >= 0 && pieces[now].e.dataset.n) pick(now);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // a live widget draws its view anew: what a reader did with it stays
  root.tcState = old => {
    if (!old) return {now, focus: root.contains(document.activeElement), top: text.scrollTop, lines: root.classList.contains('tc-lines')};
    root.classList.toggle('tc-lines', old.lines);
    text.scrollTop = old.top;
    if (old.focus) text.focus({preventScroll: true});
    if (old.now < pieces.length) show(old.now);
  };

  // the controls
  const controls = root.querySelector('[data-part=controls]');
  if (n > 1) {
    const first = +root.dataset.kept, said = make('output'), label = make('label', {textContent: 'keep '});
    const range = make('input', {type: 'range', min: 0, max: n, value: first});
    const back = make('button', {type: 'button', textContent: 'as selected'});
    const title = root.querySelector('[data-part=title]'), whole = title.textContent;
    range.setAttribute('aria-label', 'how many tokens of this row to keep');
    said.setAttribute('aria-live', 'off'); // the slider announces itself
    const tell = () => {
      const k = +range.value, share = Math.round(100 * k / n);
      const words = kept === null ? 'as selected' : `the ${k} highest of ${n} scores (${share} %)${k ? `, from ${scores[k - 1]} up` : ''}`;
      said.textContent = words;
      range.setAttribute('aria-valuetext', words);
      back.hidden = kept === null;
      title.textContent = kept === null ? whole : whole.replace(/ tokens[^;]*/, ' tokens'); // it counts the selection
    };
    range.addEventListener('input', () => { kept = +range.value; repaint(); tell(); });
    back.addEventListener('click', () => { kept = null; range.value = first; repaint(); tell(); range.focus(); });
    label.append(range);
    controls.append(label, said, back);
    tell();
  }
  if (n || text.querySelector('[data-kind=kept]')) {
    const lines = make('button', {type: 'button', textContent: 'underline kept'});
    lines.setAttribute('aria-pressed', 'false'); // the class of the view is the state
    lines.addEventListener('click', () => lines.setAttribute('aria-pressed', String(root.classList.toggle('tc-lines'))));
    controls.append(lines);
  }
}
