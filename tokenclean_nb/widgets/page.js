// The picture of a live widget: HTML from Python, bound anew whenever it changes; picks and keys go back.
function render({model, el}) {
  el.tabIndex = -1;
  const views = () => [...el.querySelectorAll('[data-view=tokens]')];
  const draw = () => {
    const old = views().map(v => v.tcState && v.tcState());
    el.innerHTML = model.get('html');
    views().forEach((v, k) => { tokenView(v); if (old[k]) v.tcState(old[k]); });
    for (const pool of el.querySelectorAll('[data-view=pool]')) poolView(pool); // its page brings this function
  };
  model.on('change:html', draw);
  el.addEventListener('tc-rows', event => model.send({rows: event.detail.rows}));
  el.addEventListener('tc-pick', event => model.send({pick: event.detail}));
  el.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input,textarea,select')) return;
    if (!model.get('listens').includes(event.key)) return;
    model.send({key: event.key});
    event.preventDefault();
    event.stopPropagation();
  });
  draw();
}
export default {render};
