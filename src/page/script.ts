/**
 * What the page does by itself where it may: it reads itself anew and puts what has changed in place of what was there.
 * What is unfolded stays so, and so does the focus. It rests while nobody looks, while text is selected, and when told to.
 */
export const SCRIPT = `
'use strict';
(() => {
  const EVERY_MS = 15000;
  const LONGEST_MS = 60000;
  const control = document.getElementById('refresh');
  const button = control.querySelector('button');
  const status = control.querySelector('[role=status]');
  let isOn = true;
  let timer;

  const isSelecting = () => !getSelection().isCollapsed;

  function put(page) {
    const live = document.getElementById('live');
    const next = page.getElementById('live');
    const open = new Set(Array.from(live.querySelectorAll('details'), ({ id, open }) => [id, open]).filter(([id]) => id).map(String));
    for (const details of next.querySelectorAll('details')) {
      if (open.has(String([details.id, true]))) details.open = true;
      if (open.has(String([details.id, false]))) details.open = false;
    }
    const focused = live.contains(document.activeElement) ? pathTo(document.activeElement, live) : undefined;
    live.replaceWith(document.adoptNode(next));
    if (focused !== undefined) find(focused)?.focus({ preventScroll: true });
  }

  // What has no id is found by its place in what has one.
  function pathTo(element, live) {
    const steps = [];
    for (let each = element; each !== live; each = each.parentElement) {
      if (each.id !== '') return { id: each.id, steps };
      steps.unshift(Array.prototype.indexOf.call(each.parentElement.children, each));
    }
    return { id: live.id, steps };
  }

  function find({ id, steps }) {
    return steps.reduce((element, step) => element?.children[step], document.getElementById(id));
  }

  async function refresh() {
    if (document.hidden || isSelecting()) return EVERY_MS;
    const started = performance.now();
    try {
      const response = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(LONGEST_MS) });
      if (!response.ok) throw new Error('it answers ' + response.status);
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (page.getElementById('live') === null) throw new Error('it answers something else');
      if (isOn && !isSelecting()) put(page);
      say('');
    } catch (error) {
      say('Not refreshed since ' + last + ': ' + (error instanceof TypeError ? 'the exporter does not answer' : error.message));
      return EVERY_MS;
    }
    last = new Date().toLocaleTimeString();
    // A page that takes long to make is made less often.
    return Math.max(EVERY_MS, 10 * (performance.now() - started));
  }

  let last = new Date().toLocaleTimeString();

  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  function schedule(ms) {
    clearTimeout(timer);
    if (isOn) timer = setTimeout(() => refresh().then(schedule), ms);
  }

  button.addEventListener('click', () => {
    isOn = !isOn;
    button.textContent = isOn ? 'Pause' : 'Go on';
    say(isOn ? '' : 'Paused at ' + last);
    schedule(0);
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) schedule(0);
  });
  control.hidden = false;
  schedule(EVERY_MS);
})();
`;
