import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Browser, startBrowser } from '../lab/browser.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { within } from './docker-containers.ts';
import { faintTexts } from './contrast.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/host-v1-docker', import.meta.url));

/** The engine's names for the containers of the captured host, by the beginning of their ids. */
const NAMES: Readonly<Record<string, string>> = {
  '0da0a1cb31a6': 'limited',
  '856ab205ce32': '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>',
  '8be77d3fb1c4': 'a\u202eb\u0000c\u001b[31md\u2028e</td></table><h1>f',
  f0dff408f85b: 'exposed',
};

/** The names as the page shows them: without characters that hide text or change its direction. */
const SHOWN = [
  '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>',
  'a\ufffdb\ufffdc\ufffd[31md\ufffde</td></table><h1>f',
  'exposed',
  'limited',
];

describeLive('the page in Chromium', ['chromium'], () => {
  const socket = `/tmp/isolation-exporter-page-${process.pid}.sock`;
  let engine: Server;
  let exporter: Exporter;
  let browser: Browser;

  beforeAll(async () => {
    engine = await startEngine(socket);
    const paths = [`--path.procfs=${FIXTURE}/proc`, `--path.cgroupfs=${FIXTURE}/cgroup`];
    exporter = await startExporter(host, { flags: [...paths, `--docker.host=unix://${socket}`] });
    await within(host, 'names', async () => {
      const samples = await exporter.scrape();
      return samples.all.filter(({ name }) => name === 'isolation_container_info').length === 4;
    });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    engine?.closeAllConnections();
    engine?.close();
    await rm(socket, { force: true });
  });
  // In every test: no console errors, no policy violations, no dialogs.
  afterEach(() => expect(browser.complaints()).toEqual([]));

  const open = (query = '', options: BrowserContextOptions = {}): Promise<Page> =>
    browser.open(`http://${exporter.address}/${query}`, options);
  /** Advances the clock. */
  const openWithClock = async (query = ''): Promise<Page> => {
    const page = await open(query);
    await page.clock.install();
    await page.reload();
    return page;
  };
  const names = (page: Page): Promise<string[]> => page.locator('tbody .name').allTextContents();
  const container = (page: Page, name: string): Locator =>
    page.locator('tbody', { has: page.getByText(name, { exact: true }) });

  test('shows what the metrics say', async () => {
    const page = await open();
    const samples = await exporter.scrape();
    expect((await names(page)).toSorted()).toEqual(SHOWN.toSorted());
    for (const name of ['limited', 'exposed']) {
      const labels = { container: name };
      const row = container(page, name);
      const level = samples.value('isolation_container_isolation_level', labels);
      await expectText(row, new RegExp(`\\b${level} (host-like|weakened|standard|hardened)`));
      const limit = samples.value('isolation_container_memory_limit_bytes', labels);
      await expectText(row, limit === undefined ? /B \/ no limit/ : new RegExp(`B / ${limit / 1024 ** 2} MiB`));
      const kinds = ['pid', 'net', 'user'].filter(
        (ns) => samples.value('isolation_container_host_namespace', { ...labels, ns }) === 1,
      );
      await expectText(row, new RegExp(`host: ${kinds.join(' ')}`));
      const critical = samples.all.filter(
        (sample) =>
          sample.name === 'isolation_container_finding' &&
          sample.value === 1 &&
          new Map(Object.entries(sample.labels)).get('container') === name &&
          new Map(Object.entries(sample.labels)).get('severity') === 'high',
      ).length;
      await expectText(row, critical === 0 ? /^(?!.*\d high)/s : new RegExp(`${critical} high`));
    }
    await expectText(page.locator('caption'), /^4 containers, by isolation level, ascending$/);
  });

  test('is a table that a screen reader finds its way in', async () => {
    const page = await open();
    const table = page.getByRole('table', { name: '4 containers, by isolation level, ascending' });
    expect(await table.getByRole('columnheader').allInnerTexts()).toEqual([
      'Container',
      'Isolation level▲',
      'Findings',
      'Shared namespaces',
      'Memory',
      'OOM kills',
      'CPU limit',
      'Processes',
    ]);
    expect(await table.getByRole('rowheader').count()).toBe(4);
    expect(await page.getByRole('columnheader', { name: 'Isolation level' }).getAttribute('aria-sort')).toBe(
      'ascending',
    );
    for (const role of ['main', 'banner', 'search', 'contentinfo'] as const)
      expect(await page.getByRole(role).count()).toBe(1);
    // Every control and every link has a label.
    for (const role of ['button', 'link', 'searchbox', 'combobox'] as const) {
      for (const each of await page.getByRole(role).all()) {
        expect(await each.ariaSnapshot()).toMatch(new RegExp(`^- ${role} ["/:]`));
      }
    }
  });

  test('sorts', async () => {
    const page = await open();
    const heading = page.getByRole('columnheader', { name: 'Container' });
    await heading.getByRole('link').click();
    expect(await names(page)).toEqual(SHOWN);
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await heading.getByRole('link').click();
    expect(await names(page)).toEqual(SHOWN.toReversed());
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('columnheader', { name: 'Memory' }).getByRole('link').click();
    expect(await page.locator('[aria-sort]').allInnerTexts()).toEqual(['Memory▼']);
  });

  test('filters, and keeps the order', async () => {
    const page = await open('?sort=name&order=descending');
    await page.getByLabel('Search').fill('EXP');
    await page.getByLabel('Search').press('Enter');
    expect(await names(page)).toEqual(['exposed']);
    await expectText(page.locator('caption'), /^1 of 4 containers, by container, descending$/);
    await page.getByRole('link', { name: 'Show all' }).click();
    expect(await names(page)).toEqual(SHOWN.toReversed());
    await page.getByLabel('Severity').selectOption('high or worse');
    await page.getByRole('button', { name: 'Filter' }).click();
    expect(await names(page)).toContain('exposed');
    expect(await names(page)).not.toContain('limited');
    await page.getByLabel('Search').fill('nobody');
    await page.getByRole('button', { name: 'Filter' }).click();
    await expectText(page.locator('tbody'), /No container matches the filter\./);
  });

  test('is used with the keyboard alone', async () => {
    const page = await open();
    await page.keyboard.press('Tab');
    await expectText(page.locator(':focus'), /Skip to the containers/);
    await page.keyboard.press('Enter');
    await tabTo(page, page.getByRole('columnheader', { name: 'Container' }).getByRole('link'));
    // The focused element is visibly marked.
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForURL(/sort=name/);
    const row = container(page, 'exposed');
    await tabTo(page, row.locator('summary'));
    await page.keyboard.press('Enter');
    await row.getByText("The host's network namespace.").waitFor();
    await tabTo(page, row.getByRole('link', { name: 'How to fix it' }).first());
    await page.keyboard.press('Enter');
    const fix = page.locator('article:target');
    await expectText(fix, /docker run/);
    // The browser scrolls to the element smoothly.
    const isInView = "document.querySelector('article:target').getBoundingClientRect().top < innerHeight";
    await within(host, 'the explanation is in view', () => page.evaluate<boolean>(isInView));
  });

  test('takes hostile names for names', async () => {
    const page = await open();
    for (const name of SHOWN) expect(await page.getByText(name, { exact: true }).count()).toBe(1);
    expect(await page.evaluate("'hacked' in window")).toBe(false);
    expect(await page.locator('img, h1:has-text("f"), table script').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
    const attack = await open(`?search=${encodeURIComponent('"><script>window.hacked=3</script>')}`);
    expect(await attack.getByLabel('Search').inputValue()).toBe('"><script>window.hacked=3</script>');
    expect(await attack.evaluate("'hacked' in window")).toBe(false);
  });

  test('runs nothing that is not its own, even if it were in it', async () => {
    const page = await open();
    const blocked = await page.evaluate(`(async () => {
      const seen = new Set();
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.add(effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.hacked = 4';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<img src="/x"><b style="color:red" onclick="window.hacked = 5">x</b>');
      document.querySelector('b').click();
      await fetch('http://127.0.0.1:1/').catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { seen: [...seen].sort(), hacked: 'hacked' in window };
    })()`);
    expect(blocked).toEqual({
      seen: ['connect-src', 'img-src', 'script-src-attr', 'script-src-elem', 'style-src-attr'],
      hacked: false,
    });
    // A console error proves that the browser blocked it.
    expect(browser.complaints().length).toBeGreaterThan(0);
  });

  test('lacks nothing without JavaScript but to refresh itself', async () => {
    const page = await open('', { javaScriptEnabled: false });
    expect(await page.getByRole('button', { name: 'Pause refreshing' }).isVisible()).toBe(false);
    await page.getByRole('columnheader', { name: 'Container' }).getByRole('link').click();
    expect(await names(page)).toEqual(SHOWN);
    await page.getByLabel('Search').fill('limited');
    await page.getByRole('button', { name: 'Filter' }).click();
    expect(await names(page)).toEqual(['limited']);
    const row = container(page, 'limited');
    await row.locator('summary').click();
    await row.getByRole('link', { name: 'How to fix it' }).first().click();
    await expectText(page.locator('article:target'), /Kubernetes/);
  });

  test('refreshes itself, and leaves the reader in peace', async () => {
    const page = await openWithClock('?sort=name');
    const readAt = page.locator('#read time');
    const row = container(page, 'exposed');
    await row.locator('summary').press('Enter');
    await row.getByRole('link', { name: 'How to fix it' }).first().focus();
    await page.evaluate("document.getElementById('live').setAttribute('data-old', '')");
    const first = await readAt.getAttribute('datetime');

    await page.clock.runFor(16_000);
    await page.locator('#live:not([data-old])').waitFor();
    expect(await readAt.getAttribute('datetime')).not.toBe(first);
    expect(await row.locator('details[open]').count()).toBe(1);
    expect(await container(page, 'limited').locator('details[open]').count()).toBe(0);
    await expectText(page.locator(':focus'), /How to fix it/);
    expect(await names(page)).toEqual(SHOWN);

    await page.getByRole('button', { name: 'Pause refreshing' }).click();
    await expectText(page.getByRole('status'), /^Paused at \d\d:\d\d:\d\d UTC$/);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.clock.runFor(120_000);
    expect(requests).toEqual([]);
    await page.getByRole('button', { name: 'Resume refreshing' }).click();
    await page.clock.runFor(1_000);
    await within(host, 'a request', async () => requests.length > 0);
  });

  test('changes only what differs, so that scrolling, the focus and a screen reader stay where they are', async () => {
    const page = await open('?sort=name', { viewport: { width: 850, height: 500 } });
    await page.clock.install();
    await page.reload();
    await page.getByLabel('Search').fill('half ty');
    await container(page, 'limited').locator('summary').focus();
    await page.evaluate(`(() => {
      document.getElementById('containers').scrollLeft = 5;
      for (const element of document.querySelectorAll('#live *')) element.isOld = true;
      document.activeElement.scrollIntoView({ block: 'start', behavior: 'instant' });
    })()`);
    const topOfFocus = (): Promise<number> => page.evaluate('document.activeElement.getBoundingClientRect().top');
    const before = await topOfFocus();
    await page.route('**/*', async (route) => {
      const response = await route.fetch();
      const body = await response.text();
      // The first container is gone, and there are two new ones.
      const row = (id: string): string => new RegExp(`<tbody id="${id}".*?</tbody>`, 's').exec(body)?.[0] ?? '';
      const [first = '', second = ''] = [...body.matchAll(/<tbody id="(\w+)"/g)].map(([, id = '']) => row(id));
      const other = second.replaceAll(/id="c/g, 'id="d').replaceAll('exposed', 'another');
      const others = other + other.replaceAll(/id="d/g, 'id="e');
      await route.fulfill({ response, body: body.replace(first, '').replace('</thead>', `</thead>${others}`) });
    });
    await page.clock.runFor(16_000);
    await page.locator('tbody[id^=d]').waitFor();
    // A row above may change its height, but new and removed rows do not move the focused one.
    expect(Math.abs((await topOfFocus()) - before)).toBeLessThan(40);
    expect(await page.evaluate("document.getElementById('containers').scrollLeft")).toBe(5);
    expect(await page.getByLabel('Search').inputValue()).toBe('half ty');
    const isOld = '[...document.querySelectorAll("tbody")].map((element) => element.isOld === true)';
    expect(await page.evaluate(isOld)).toEqual([false, false, true, true, true]);
    await expectText(page.locator('tbody:has(:focus)'), /limited/);
    expect(await page.locator('#live [aria-live], #live [role=status]').count()).toBe(0);

    // The focused container disappears, and nothing else.
    await page.unroute('**/*');
    await container(page, 'exposed').locator('summary').focus();
    await page.route('**/*', async (route) => {
      const response = await route.fetch();
      const body = await response.text();
      const rows = body.match(/<tbody id=.*?<\/tbody>/gs) ?? [];
      const exposed = rows.find((each) => each.includes('>exposed<')) ?? '';
      await route.fulfill({ response, body: body.replace(exposed, '') });
    });
    await page.clock.runFor(16_000);
    await container(page, 'exposed').waitFor({ state: 'detached' });
    await expectText(page.locator('tbody:has(:focus)'), /limited/);
  });

  test('says so if it cannot refresh itself, and goes on when it can', async () => {
    const page = await openWithClock();
    await page.route('**/*', (route) => route.abort());
    await page.clock.runFor(16_000);
    await page
      .getByRole('status')
      .getByText(/^Not refreshed since [\d:]{8} UTC: the exporter does not answer$/)
      .waitFor();
    // The message is also visible after scrolling down.
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    const top = "document.querySelector('[role=status]').getBoundingClientRect().top";
    expect(await page.evaluate(`${top} > 0 && ${top} < innerHeight`)).toBe(true);
    expect(await names(page)).toHaveLength(4);
    await page.unroute('**/*');
    await page.route('**/*', (route) => route.fulfill({ status: 503, body: 'later' }));
    await page.clock.runFor(16_000);
    await page
      .getByRole('status')
      .getByText(/^Not refreshed since .*: HTTP status 503$/)
      .waitFor();
    await page.unroute('**/*');
    await page.clock.runFor(16_000);
    await within(host, 'the status is empty', async () => (await page.getByRole('status').textContent()) === '');
    // These are the errors of the simulated failure above.
    expect(browser.complaints().every((text) => /ERR_FAILED|503/.test(text))).toBe(true);
  });

  test.each(['light', 'dark'] as const)('can be read in the %s', async (colorScheme) => {
    const page = await open('', { colorScheme });
    for (const summary of await page.locator('#live summary').all()) await summary.click();
    expect(await faintTexts(page)).toEqual([]);
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const [red = 0] = (background.match(/\d+/g) ?? []).map(Number);
    expect(red > 128).toBe(colorScheme === 'light');
  });

  test.each([1280, 1024, 800, 400, 320])('fits into a window %i wide', async (width) => {
    const page = await open('', { viewport: { width, height: 800 } });
    for (const summary of await page.locator('tbody summary').all()) await summary.click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    // The findings are readable without scrolling the table. In a narrow window each figure has a label.
    const rest = '(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.getElementById("containers"))';
    expect(await page.evaluate(rest)).toBe(0);
    const label = await page.evaluate('getComputedStyle(document.querySelector("td.figure"), "::before").content');
    expect(label).toBe(width > 832 ? 'none' : '"Memory"');
  });

  test('has links and buttons that a finger can hit', async () => {
    const page = await open();
    const small =
      await page.evaluate(`[...document.querySelectorAll('thead a, summary, .summary a, button, select, input')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 24)
      .map((element) => element.textContent)`);
    expect(small).toEqual([]);
  });

  test('leads to the metrics', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'Metrics' }).click();
    await page.getByText('isolation_container_info').first().waitFor();
    // Chromium requests an icon by itself from responses that are not the page, and gets a 404.
    expect(browser.complaints().every((text) => text.includes('404'))).toBe(true);
  });
});

async function expectText(locator: Locator, text: RegExp): Promise<void> {
  expect(await locator.first().innerText()).toMatch(text);
}

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let steps = 0; steps < 200; steps += 1) {
    if ((await target.and(page.locator(':focus')).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('Tab does not lead there');
}

/** Answers like Docker for the containers of the captured host, with names that a real engine would not accept. */
async function startEngine(socket: string): Promise<Server> {
  const ids = readdirSync(`${FIXTURE}/cgroup/pids/docker`).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const nameOf = (id: string): string => NAMES[id.slice(0, 12)] ?? '';
  const engine = createServer((request, response) => {
    const { url = '' } = request;
    const id = /\/containers\/([0-9a-f]{64})\/json/.exec(url)?.[1];
    if (url.includes('/_ping')) response.end('OK');
    else if (url.includes('/events')) response.writeHead(200).flushHeaders();
    else if (id !== undefined) {
      const config = { Image: 'lab:1', Labels: {} };
      response.end(JSON.stringify({ Id: id, Name: nameOf(id), Config: config, HostConfig: { Runtime: 'runc' } }));
    } else response.end(JSON.stringify(ids.map((each) => ({ Id: each, Names: [nameOf(each)], Image: 'lab:1' }))));
  }).listen(socket);
  await once(engine, 'listening');
  return engine;
}
