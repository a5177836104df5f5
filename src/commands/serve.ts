import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { startDaemon } from '../daemon.ts';
import { listen } from '../web/server.ts';
import { readWebRules } from '../web/web-rules.ts';
import type { Log } from '../log.ts';
import { readHost } from '../report/host-report.ts';
import { readVersion } from '../version.ts';

/**
 * The old generation is collected when it has grown by this share, and not when it has doubled: what lives between scrapes
 * is small, so that costs little (3 ms of 200 at 1,000 containers), and holds 30 MB less.
 */
const HEAP_GROWTH = '--heap-growing-percent=20';

/** Serves until the signal aborts, then lets go of everything in the reverse order of taking it. */
export async function serve(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  setFlagsFromString(HEAP_GROWTH);
  // First, so that nothing is begun with a file that is wrong.
  const rules = readWebRules(config.web.configFile, log);
  await using daemon = await startDaemon(config, log);
  await using server = await listen(
    config.web,
    {
      version: readVersion(),
      collectors: config.collectors,
      scrape: (request) => daemon.scrape(request),
      report: () => daemon.look(readHost),
    },
    { log, rules },
  );
  log.info({ addresses: server.addresses }, 'listening');
  if (!signal.aborted) await once(signal, 'abort');
}
