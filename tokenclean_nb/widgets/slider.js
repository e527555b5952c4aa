// A slider over powers: it says and announces the number itself, not its exponent.
function render({model, el}) {
  const make = (tag, more) => Object.assign(document.createElement(tag), more);
  const low = Math.log10(model.get('low')), high = Math.log10(model.get('high'));
  const input = make('input', {type: 'range', min: low, max: high, step: (high - low) / 60});
  const output = make('output'), label = make('label', {textContent: model.get('description')});
  input.setAttribute('aria-label', model.get('description'));
  Object.assign(el.style, {width: '32em', maxWidth: '100%', font: 'var(--jp-widgets-font-size, 13px) system-ui,sans-serif'});
  Object.assign(label.style, {display: 'flex', gap: '.6em', alignItems: 'center'});
  input.style.flex = '1 1 8em';
  const draw = () => {
    const words = model.get('value').toLocaleString('en-US', {maximumSignificantDigits: 3});
    input.value = Math.log10(model.get('value'));
    input.setAttribute('aria-valuetext', words);
    output.textContent = words;
  };
  input.oninput = () => {
    model.set('value', Number((10 ** input.value).toPrecision(3)));
    model.save_changes();
  };
  model.on('change:value', draw);
  label.append(input, output);
  el.append(label);
  draw();
}
export default {render};
