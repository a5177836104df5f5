import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenedAcceptances, openAcceptances } from '../acceptance/open-acceptances.ts';
import type { CadvisorExposition } from '../cadvisor/exposition.ts';
import type { Scrape } from '../collectors/collector.ts';
import { collectorsWith } from '../collectors/index.ts';
import type { Config } from '../config/config.ts';
import type { CgroupMatch } from '../container.ts';
import { engineRecords } from '../containers/engine-records.ts';
import { ContainerInventory } from '../containers/inventory.ts';
import { membersByNamespace } from '../containers/namespace-members.ts';
import { ContainerStarts } from '../containers/starts.ts';
import { ContainersWithoutCgroup } from '../containers/without-cgroup.ts';
import { ContainerLimits } from '../discover/container-limits.ts';
import type { DiscoveredContainers } from '../discover/discovered-containers.ts';
import { discoverContainers } from '../discover/discovery.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import { startNameSources } from '../engines/name-sources.ts';
import type { NameSource } from '../engines/name-source.ts';
import { Naming } from '../engines/naming.ts';
import type { Pieces } from '../exposition/buffers.ts';
import { createdTimestamps } from '../exposition/created-timestamps.ts';
import { Encoder } from '../exposition/encode.ts';
import { Failures } from '../exposition/failures.ts';
import { LineCache } from '../exposition/line-cache.ts';
import { createOwnMetrics } from '../exposition/own-metrics.ts';
import { runCollectors } from '../exposition/scrape.ts';
import { isRuntimeCgroup, privateParentsOf } from '../identify/cgroup-scope.ts';
import { classify } from '../identify/classify.ts';
import { conmonsOf } from '../identify/conmon.ts';
import { AncestorFiles } from '../kernel/ancestor-files.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { descriptorBudget } from '../kernel/descriptor-limit.ts';
import { findHostNamespaces } from '../kernel/host-namespaces.ts';
import { findHostRoot } from '../kernel/host-root.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { LayerSizes } from '../layers/layer-sizes.ts';
import type { Log } from '../log.ts';
import { PostureReader } from '../posture/read-posture.ts';
import { ProbedCommandLines } from '../probes/command-lines.ts';
import { createPathCheck } from '../probes/path-check.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { readVersion } from '../version.ts';
import type { ScrapeRequest } from '../web/metrics-handler.ts';
import { stateOf } from './daemon-state.ts';
import { EventLoopWatch } from './event-loop-watch.ts';
import { OptionalReads } from './optional-reads.ts';
import { ownerOfLookUps } from './owner-of-look-ups.ts';
import { refuseUnsafePaths, whyStateFileIsUnsafe } from './unsafe-paths.ts';
import { watchOom } from './watch-oom.ts';

/** The running exporter, without its server. */
export interface Daemon extends AsyncDisposable {
  /** Renders one exposition. */
  scrape(request: ScrapeRequest): Promise<Pieces>;
  /** The same readings under the names of cAdvisor; `undefined` if nobody can request them. */
  readonly cadvisor:
    | {
        /** The collectors that a request may name. */
        readonly collectors: readonly string[];
        scrape(request: Omit<ScrapeRequest, 'format'>): Promise<Pieces>;
      }
    | undefined;
  /** Calls `use` with the data of a scrape made now. `use` has no deadline, but must yield to the event loop. */
  look<T>(use: (scrape: Scrape) => Promise<T>): Promise<T>;
  /** Waits up to `ms` until engines have named all containers. Returns whether they have. */
  waitForNames(ms: number): Promise<boolean>;
  /** Whether its event loop runs, and has not just stood still for long. */
  isHealthy(): boolean;
}

/** How often to check whether the names have arrived. */
const NAMES_EVERY_MS = 20;

/**
 * Starts everything that the exporter needs, in order: kernel files, engine connections, discovery. Between scrapes it only
 * follows kernel events about containers and OOM kills.
 *
 * @param probes look at paths for it. It disposes of them.
 * @throws Error if the host has no cgroup hierarchy, or if a path of the configuration could keep the exporter waiting for ever.
 */
export async function startDaemon(config: Config, log: Log, probes = new PathProbes(log)): Promise<Daemon> {
  const checkPath = createPathCheck(probes);
  let accepted: OpenedAcceptances;
  try {
    await refuseUnsafePaths(config, checkPath);
    accepted = await openAcceptances(config.acceptFile, probes, log);
  } catch (error) {
    probes[Symbol.dispose]();
    throw error;
  }
  const { acceptances } = accepted;
  const reads = new OptionalReads(log);
  const kernel = new KernelFiles({
    procRoot: config.path.procfs,
    commandLines: new ProbedCommandLines(probes, config.path.procfs),
    layout: findCgroupLayout(config.path.procfs, config.path.cgroupfs),
    descriptorBudget: descriptorBudget(
      reads.read('/proc/self/limits', () => readFileSync('/proc/self/limits', 'utf8')) ?? '',
    ),
  });
  const { discovery: hierarchy, version: cgroup } = kernel.layout;
  const hostNamespaces = findHostNamespaces(kernel.procRoot);
  const hostRoot = (): string | undefined => findHostRoot(kernel, hostNamespaces);
  const asked = { ...config, containerLabels: [...config.containerLabels, ...accepted.labels] };
  const sources = startNameSources(asked, {
    log,
    checkPath,
    probes,
    hostRoot,
    findConmons: (path) => conmonsOf(kernel, path),
  });
  const naming = new Naming(sources);
  const postures = new PostureReader(kernel, hostNamespaces, probes);
  const starts = new ContainerStarts(naming);
  const withoutCgroup = new ContainersWithoutCgroup<NameSource>();
  const { maxNested: nested, maxPerUser: perUser } = config.discovery;
  const limits = new ContainerLimits({ nested, perUser }, log);
  const inventory = new ContainerInventory({
    kernel,
    naming,
    postures,
    onRestarted: (found) => starts.restarted(found),
    onPause: (found) => starts.corrected(found),
    isSurplus: (path) => limits.isSurplus(path),
  });
  const stateFileUnsafe = await whyStateFileIsUnsafe(config, checkPath);
  let started: DiscoveredContainers | undefined;
  const oom = watchOom({ config, kernel, naming, limits, stateFileUnsafe, discovery: () => started, log });
  const discovery = await discoverContainers({
    root: hierarchy.root,
    mounts: kernel.layout.mountPoints,
    classify: (path) => classify(kernel, path, { engineOf: (id) => naming.engineOf(id), hostRoot }),
    onAppeared: (found, how) => {
      inventory.add(found);
      starts.appeared(found, how);
      // Its kills so far are in the counter of the container around it, where they stay.
      if (how !== 'promoted') oom?.appeared(found);
    },
    onRemoved: (found, how) => {
      inventory.remove(found);
      if (how === 'removed') starts.removed(found);
      else starts.corrected(found);
      oom?.removed(found);
    },
    onUnseen: (path) => oom?.unseen(path),
    log,
    limits,
    walkIntervalMs: config.discovery.walkInterval,
  });
  started = discovery;
  probes.groupBy((subject) => ownerOfLookUps(subject, discovery));
  // The first scrape must find everything that later scrapes find.
  await probes.start();
  oom?.start();
  log.info({ cgroup, containers: discovery.containers.size }, 'discovery finished');

  const ancestors = new AncestorFiles(kernel);
  const enabled = collectorsWith(config).filter(({ name }) => config.collectors.includes(name));
  const failures = new Failures(log);
  const drift = config.collectors.includes('drift') ? new DriftWatch(log) : undefined;
  // Processes of their own: a count keeps them busy for seconds.
  const layerProbes = new PathProbes(log);
  layerProbes.groupBy((subject) => ownerOfLookUps(subject, discovery));
  const layers = config.collectors.includes('layers')
    ? new LayerSizes({ kernel, hostNamespaces, probes: layerProbes, intervalMs: config.layerInterval })
    : undefined;
  const lineCache = new LineCache();
  const eventLoop = new EventLoopWatch();
  const ownMetrics = createOwnMetrics(readVersion(), {
    probes: {
      get stuck() {
        return probes.stuck + layerProbes.stuck;
      },
    },
    eventLoop,
    acceptFile: acceptances,
  });
  const created = config.createdTimestamps
    ? createdTimestamps(reads.read('stat', () => kernel.proc('stat')))
    : undefined;
  const lookUntil = async <T>(deadline: number, use: (scrape: Scrape) => Promise<T>): Promise<T> => {
    acceptances?.refresh();
    const containers = await inventory.containers(deadline);
    const result = await use({
      kernel,
      containers,
      hostNamespaces,
      levels: ({ files }, controller) => ancestors.levels(files, controller),
      privateParents: privateParentsOf,
      isRuntimeCgroup,
      members: membersByNamespace(containers),
      oom: reads.read('OOM kills', () => oom?.counts(containers)),
      starts: starts.entries(),
      engineRecords: engineRecords(containers, sources),
      acceptances,
      drift,
      layers,
      state: stateOf({
        kernel,
        reads,
        discovery,
        limits,
        sources,
        naming,
        withoutCgroup,
        hostNamespaces,
        oom,
        acceptances,
      }),
    });
    ancestors.prune();
    return result;
  };
  const cadvisor = config.web.cadvisorPath === undefined ? undefined : await cadvisorFor(config, log);
  return {
    cadvisor: cadvisor && {
      collectors: cadvisor.collectors,
      scrape: (request) => cadvisor.scrape(request, lookUntil),
    },
    async scrape({ format, collect, exclude, deadline = Infinity }) {
      const chosen = enabled.filter(
        ({ name }) => (collect?.includes(name) ?? true) && exclude?.includes(name) !== true,
      );
      const source = lineCache.take(format, chosen);
      const encoder = new Encoder(format, source.pieces);
      const createdAt = format === 'openmetrics' ? created : undefined;
      await lookUntil(deadline, (scrape) =>
        runCollectors({ collectors: chosen, scrape, encoder, failures, deadline, lines: source.lines, createdAt }),
      );
      await reads.wait('metrics of the process', () => ownMetrics.encode(encoder, createdAt));
      const pieces = encoder.finish();
      lineCache.keep(format, source, pieces);
      return pieces;
    },
    look: (use) => lookUntil(Infinity, use),
    isHealthy: () => eventLoop.isHealthy(),
    async waitForNames(ms) {
      const isNamed = (match: CgroupMatch): boolean => {
        const own = sources.filter((source) => source.up !== undefined && source.mayKnow(match));
        return own.length === 0 || own.some((source) => source.namesOf(match.id) !== undefined);
      };
      const areNamed = (): boolean =>
        sources.every(({ tried }) => tried) && [...discovery.containers.values()].every(({ match }) => isNamed(match));
      const deadline = performance.now() + ms;
      while (!areNamed() && performance.now() < deadline) await sleep(NAMES_EVERY_MS);
      return areNamed();
    },
    async [Symbol.asyncDispose]() {
      eventLoop[Symbol.dispose]();
      await discovery[Symbol.asyncDispose]();
      await oom?.[Symbol.asyncDispose]();
      inventory.close();
      starts[Symbol.dispose]();
      ancestors.close();
      accepted[Symbol.dispose]();
      await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
      probes[Symbol.dispose]();
      layerProbes[Symbol.dispose]();
    },
  };
}

/** Loaded only if somebody may request it. */
async function cadvisorFor(config: Config, log: Log): Promise<CadvisorExposition> {
  const { CadvisorExposition: Exposition } = await import('../cadvisor/exposition.ts');
  return new Exposition({ ...config, labels: config.cadvisorLabels, log });
}
