/**
 * Takes pictures of the dashboards for the documentation and for review, without Grafana (docs/decisions/023). Runs containers in all
 * states that the dashboards show for five minutes. It needs what the live suites need, Chromium and pngquant.
 *
 *     npx tsx test/pictures/take.ts                     pictures in docs/
 *     npx tsx test/pictures/take.ts ADDRESS FROM TO DIRECTORY
 *                                                       from a running Prometheus (http://127.0.0.1:9090), between
 *                                                       two times in seconds since the epoch
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { boardFiles } from '../dashboards/board-files.ts';
import { startBrowser } from '../lab/browser.ts';
import { prepareLab } from '../lab/prepare.ts';
import { startScene } from '../live/board-scene.ts';
import type { Ask } from './data.ts';
import { pageOf, WIDTH } from './page.ts';

const DOCS = new URL('../../docs/', import.meta.url).pathname;
/** This container has OOM kills. */
const CONTAINER = 'worker';

const [address, start, end, directory = DOCS] = process.argv.slice(2);
if (address === undefined) {
  for (const { text } of Object.values(await prepareLab())) console.warn(text);
  const from = seconds();
  await using scene = await startScene();
  for (let minute = 1; minute <= 5; minute += 1) {
    await setTimeout(60_000);
    if (minute < 5) await scene.docker.cli('restart', '-t', '0', 'flaky');
  }
  await take({ from, to: seconds() }, (path) => scene.prometheus.ask(path));
} else {
  await take({ from: Number(start), to: Number(end) }, async (path) => {
    const answer = (await (await fetch(`${address}/api/v1/${path}`)).json()) as { data?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(`${answer.error}: ${decodeURIComponent(path)}`);
    return answer.data;
  });
}

async function take(time: { readonly from: number; readonly to: number }, ask: Ask): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await using browser = await startBrowser();
  for (const board of boardFiles()) {
    const values: Readonly<Record<string, string>> = board.name === 'container' ? { container: CONTAINER } : {};
    const page = await browser.open('about:blank', { viewport: { width: WIDTH, height: 1 } });
    await page.setContent(await pageOf(board, { ...time, scrapeInterval: 1, values }, ask));
    const path = `${directory}/dashboard-${board.name}.png`;
    await page.screenshot({ path, fullPage: true });
    const complaints = browser.complaints();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    // A third of the size, without a visible difference.
    execFileSync('pngquant', ['--force', '--strip', '--output', path, '64', path]);
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
