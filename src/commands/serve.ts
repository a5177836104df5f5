import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { listen } from '../web/server.ts';
import type { Log } from '../log.ts';
import { readHost } from '../report/host-report.ts';
import { connectToServiceManager } from '../service-manager.ts';
import { readVersion } from '../version.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { openWebRules } from './web-files.ts';

/**
 * The old generation is collected when it has grown by this share, not when it has doubled. Little lives between scrapes, so
 * this costs little (3 ms of 200 at 1,000 containers) and saves 30 MB.
 */
const HEAP_GROWTH = '--heap-growing-percent=20';

/** Serves until the signal aborts, then releases everything in reverse order. */
export async function serve(
  config: Config,
  options: {
    readonly log: Log;
    readonly signal: AbortSignal;
    readonly environment: Readonly<Record<string, string | undefined>>;
  },
): Promise<void> {
  const { log, signal, environment } = options;
  setFlagsFromString(HEAP_GROWTH);
  using manager = connectToServiceManager(environment, { log });
  using probes = new PathProbes(log);
  // First, so that an invalid file fails before any work.
  using rules = await openWebRules(config.web.configFile, probes, log);
  await using daemon = await startDaemon(config, log, probes);
  await using server = await listen(
    config.web,
    {
      version: readVersion(),
      collectors: config.collectors,
      scrape: (request) => daemon.scrape(request),
      cadvisor: daemon.cadvisor,
      report: () => daemon.look(readHost),
      isHealthy: () => daemon.isHealthy(),
    },
    { log, rules },
  );
  log.info({ addresses: server.addresses }, 'listening');
  manager.ready();
  if (!signal.aborted) await once(signal, 'abort');
}
