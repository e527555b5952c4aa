// A notebook that was opened again has lost its widgets: then their twin, as it was saved, takes the place.
function showTwin(here, twin) {
  const live = here.closest('.jp-OutputArea-child')?.previousElementSibling;
  if (!live) return;
  const look = () => {
    if (!/Error displaying widget/.test(live.textContent)) return false;
    live.style.display = 'none';
    here.innerHTML = twin;
    for (const old of here.querySelectorAll('script')) { // scripts in innerHTML do not run
      const script = document.createElement('script');
      script.textContent = old.textContent;
      for (const a of old.attributes) script.setAttribute(a.name, a.value);
      old.replaceWith(script);
    }
    return true;
  };
  if (look()) return;
  const watch = new MutationObserver(() => look() && watch.disconnect());
  watch.observe(live, {childList: true, subtree: true, characterData: true});
}
