// A game and a guess on a page without a kernel: what was said opens what was hidden.
// They read numbers from their own elements, and write text, never markup.
function play(root) {
  if (!root || root.dataset.bound) return;
  root.dataset.bound = 'yes';
  const part = name => root.querySelector(`:scope>[data-part=${name}], :scope>p [data-part=${name}]`);
  const make = (tag, text) => Object.assign(document.createElement(tag), {textContent: text});
  const numbers = name => root.dataset[name].split(' ').map(Number);
  const answer = () => part('answer').content.cloneNode(true);
  const percent = share => Math.round(100 * share) + ' %';
  const mean = all => all.reduce((a, b) => a + b, 0) / all.length;
  part('controls').hidden = false;

  function guess() {
    const said = part('guess').value.trim(), choice = part('guess').tagName === 'SELECT';
    const number = Number(said.replace(',', '.').replace(/%$/, '')) / (said.endsWith('%') ? 100 : 1);
    if (!said || !choice && !Number.isFinite(number)) { part('said').textContent = choice ? 'Choose one first.' : 'Type a number first.'; return; }
    const right = Number(root.dataset.number), by = Math.abs(number - right), digits = Number(root.dataset.digits);
    part('said').textContent = choice ? `You said ${said}.` : by < .5 * 10 ** -digits ? `You said ${said}. Just so.`
      : `You said ${said}: ${by.toFixed(digits)} too ${number > right ? 'high' : 'low'}.`;
    part('shown').replaceChildren(answer());
  }

  const framed = '2px solid #c65d00'; // as a view draws what is marked
  let marked = new Set();
  const frame = (e, on) => {
    e.style.outline = on ? framed : '';
    e.style.outlineOffset = '-1px';
    e.setAttribute('aria-pressed', String(on));
  };
  const own = e => e.dataset.n.split(' ').map(Number);
  const whole = e => own(e).every(t => marked.has(t));
  const paint = () => root.querySelectorAll('[data-part=blank] [data-n]').forEach(e => frame(e, whole(e)));
  function count() {
    part('said').textContent = `${marked.size} of ${numbers('tokens').length} tokens marked. Which would you train on? Click them, or walk with the arrow keys and press Enter; then reveal.`;
  }
  function again() {
    marked = new Set();
    part('blank').hidden = false;
    part('shown').replaceChildren();
    paint();
    count();
  }
  function line(bits) {
    const name = part('name').value.replace(/[^\p{L}\p{N}_]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 24);
    if (!name) return make('p', 'With a name you get a line for the room here: type it and reveal again.');
    const said = make('p', 'Your line for the room: ');
    said.append(make('code', `game:${name}:${root.dataset.line}:${bits.length}:${BigInt('0b' + bits).toString(16)}`));
    return said;
  }
  function reveal() {
    const tokens = numbers('tokens'), keep = numbers('keep'), score = numbers('score');
    const mine = tokens.map(t => marked.has(t) ? 1 : 0), share = [mean(mine), mean(keep)];
    const alike = mean(mine.map((m, k) => m === keep[k] ? 1 : 0)), chance = share[0] * share[1] + (1 - share[0]) * (1 - share[1]);
    part('said').textContent = `You and the scores decide alike on ${percent(alike)} of ${tokens.length} tokens; ${percent(chance)} would be chance. Framed: yours. Blue: what the scores keep.`;
    const told = [['you', mine], ['the scores', keep]].map(([who, kept]) => {
      const those = score.filter((_, k) => kept[k]);
      return `${who}: ${those.length} kept` + (those.length ? `, mean score ${mean(those).toFixed(2)}` : '');
    });
    const view = answer();
    for (const e of view.querySelectorAll('[data-n]')) {
      if (whole(e)) e.style.outline = framed;
      delete e.dataset.n; // what was played is played
    }
    part('blank').hidden = true;
    part('shown').replaceChildren(view, make('p', told.join('; ') + '.'), line(mine.join('')));
  }

  if (root.dataset.tokens === undefined) {
    part('see').addEventListener('click', guess);
    part('guess').addEventListener('keydown', event => { if (event.key === 'Enter') guess(); });
    return;
  }
  root.addEventListener('tc-pick', event => {
    const on = !event.detail.every(t => marked.has(t));
    event.detail.forEach(t => on ? marked.add(t) : marked.delete(t));
    paint();
    count();
  });
  part('see').addEventListener('click', reveal);
  part('again').addEventListener('click', again);
  again();
}
