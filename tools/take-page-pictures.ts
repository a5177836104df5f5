/**
 * Takes pictures of the page for the documentation, with containers in various states in a Docker of their own. It needs what the
 * live suites need, and Chromium.
 *
 *     npm run build && npx tsx tools/take-page-pictures.ts      docs/page-light.png and docs/page-dark.png
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startBrowser } from '../test/lab/browser.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../test/lab/docker.ts';
import { startExporter } from '../test/lab/exporter.ts';
import { host } from '../test/lab/host.ts';
import { prepareLab } from '../test/lab/prepare.ts';
import { untilShown } from '../test/live/docker-containers.ts';

const DOCS = new URL('../docs/', import.meta.url).pathname;
const BUSY = 'while :; do :; done';
/** A child is killed and the shell survives, which engines do not report. */
const GREEDY = 'sleep 2; tail /dev/zero; tail /dev/zero; sleep 100000';

for (const { text } of Object.values(await prepareLab())) console.warn(text);
await using docker = await startDocker(host);
const ids = await startContainers(docker);
await using exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
await untilShown(host, exporter, ids);
// Until kills and throttling have happened.
await sleep(20_000);
await using browser = await startBrowser();
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.open(`http://${exporter.address}/`, {
    colorScheme,
    viewport: { width: 1280, height: 900 },
  });
  await page.locator('tbody summary').first().click();
  await page.screenshot({ path: `${DOCS}page-${colorScheme}.png` });
}

async function startContainers(docker: Docker): Promise<readonly string[]> {
  const start = (name: string, options: string, ...command: readonly string[]): Promise<string> =>
    docker.run('--name', name, ...options.split(' '), LAB_IMAGE, ...command);
  const hardened =
    '--cap-drop ALL --user 1000 --security-opt no-new-privileges --read-only --memory 64m --cpus 0.5 --pids-limit 50';
  return [
    await start('node-agent', `--network host --pid host --volume ${docker.socket}:/run/engine.sock`),
    await start('proxy', '--network host --memory 128m --pids-limit 100'),
    await start('web', '--network none --memory 128m --cpus 1 --pids-limit 100'),
    await start('report-builder', '--network none --memory 64m --cpus 0.1 --pids-limit 100', 'sh', '-c', BUSY),
    await start('worker', '--network none --memory 16m --memory-swap 16m --pids-limit 100', 'sh', '-c', GREEDY),
    await start('legacy', '--network none'),
    await start('vault', `--network none ${hardened}`),
  ];
}
