/**
 * Refreshes the page: fetches it again and changes only what differs. Unfolded details, focus and scroll position stay. It
 * pauses while the page is hidden, while text is selected, and on request.
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
    const focused = live.contains(document.activeElement) ? document.activeElement : undefined;
    const rows = [];
    for (let row = focused?.closest('tbody'); row; row = row.nextElementSibling) rows.push(row);
    become(live, page.getElementById('live'));
    document.title = page.title;
    if (focused === undefined || document.activeElement === focused) return;
    // The focused element was moved or removed. If removed, focus the next remaining container.
    const left = rows.find(({ isConnected }) => isConnected)?.querySelector('summary');
    (focused.isConnected ? focused : (left ?? live)).focus({ preventScroll: true });
  }

  // Changes an element into another one and keeps details unfolded. Equal nodes are not touched.
  function become(element, next) {
    if (element.isEqualNode(next)) return;
    for (const { name } of Array.from(element.attributes)) {
      if (name !== 'open' && !next.hasAttribute(name)) element.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) if (name !== 'open') element.setAttribute(name, value);
    const wanted = new Set(Array.from(next.children, ({ id }) => id));
    for (const child of Array.from(element.children)) if (child.id && !wanted.has(child.id)) child.remove();
    const known = new Map(Array.from(element.children, (child) => [child.id, child]));
    let place = element.firstChild;
    for (const child of Array.from(next.childNodes)) {
      const isThere = place?.nodeName === child.nodeName && !place.id;
      const kept = child.id ? known.get(child.id) : isThere ? place : undefined;
      if (kept === place && kept) place = place.nextSibling;
      else element.insertBefore(kept ?? child, place);
      if (kept?.nodeType === Node.ELEMENT_NODE) become(kept, child);
      else if (kept && kept.data !== child.data) kept.data = child.data;
    }
    while (place !== null) {
      const rest = place.nextSibling;
      place.remove();
      place = rest;
    }
  }

  async function refresh() {
    if (document.hidden || isSelecting()) return EVERY_MS;
    const started = performance.now();
    try {
      const response = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(LONGEST_MS) });
      if (!response.ok) throw new Error('HTTP status ' + response.status);
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (page.getElementById('live') === null) throw new Error('unexpected content');
      if (isOn && !isSelecting()) put(page);
      say('');
    } catch (error) {
      const isSilent = error instanceof TypeError || error.name === 'TimeoutError';
      say('Not refreshed since ' + last + ': ' + (isSilent ? 'the exporter does not answer' : error.message), 'stale');
      return EVERY_MS;
    }
    last = now();
    // Refresh a page that takes long to render less often.
    return Math.max(EVERY_MS, 10 * (performance.now() - started));
  }

  let last = now();

  // The same format as the page's own time.
  function now() {
    return new Date().toISOString().slice(11, 19) + ' UTC';
  }

  function say(text, kind = '') {
    status.className = kind;
    if (status.textContent !== text) status.textContent = text;
  }

  function schedule(ms) {
    clearTimeout(timer);
    if (isOn) timer = setTimeout(() => refresh().then(schedule), ms);
  }

  button.addEventListener('click', () => {
    isOn = !isOn;
    button.textContent = isOn ? 'Pause refreshing' : 'Resume refreshing';
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
