import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IPod } from 'kubernetes-models/v1';
import { afterAll, beforeAll } from 'vitest';
import { startDocker } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { buildImage } from '../lab/image.ts';
import type { Part } from '../lab/parts.ts';
import { kustomizeBuild } from './kustomize.ts';

/** What the shipped pod and its image need of the lab. */
export const PARTS_OF_SHIPPED: readonly Part[] = ['docker', 'newer-debian'];

/** The name of the DaemonSet and of the container in it. */
export const SHIPPED = 'isolation-exporter';

/**
 * The pod of a kustomization in deploy/kubernetes, as a manifest for a kubelet without an API server. Only its service account is left out:
 * the kubelet refuses a static pod that names one.
 */
export async function shippedPod(kustomization = 'base'): Promise<IPod> {
  const daemonSet = (await kustomizeBuild(kustomization)).find(({ kind }) => kind === 'DaemonSet') as
    | IDaemonSet
    | undefined;
  const namespace = daemonSet?.metadata?.namespace;
  const { metadata, spec: { serviceAccountName, ...spec } = { containers: [] } } = daemonSet?.spec?.template ?? {};
  if (namespace === undefined || serviceAccountName === undefined) throw new Error('The DaemonSet lacks fields');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: SHIPPED, namespace },
    spec,
  };
}

/** Builds the image of the shipped pod before all tests. @returns the path of an archive with it. */
export function shippedImage(): () => string {
  let directory: string | undefined;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-image-'));
    const image = (await shippedPod()).spec?.containers[0]?.image ?? '';
    await using docker = await startDocker(host);
    await buildImage(docker, image);
    await docker.cli('save', '--output', `${directory}/image.tar`, image);
  });
  afterAll(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });
  return () => `${directory}/image.tar`;
}
