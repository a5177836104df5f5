import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PodMonitor, PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { DaemonSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { ConfigMap, Namespace, ResourceQuota, ServiceAccount } from 'kubernetes-models/v1';

/** An object for the API server. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
}

type Model = new (object: never) => { validate(): void };

/** The shipped kinds, by the module of their types. */
const MODELS: Readonly<Record<string, Readonly<Record<string, Model>>>> = {
  'kubernetes-models/v1': { ConfigMap, Namespace, ResourceQuota, ServiceAccount },
  'kubernetes-models/apps/v1': { DaemonSet },
  'kubernetes-models/networking.k8s.io/v1': { NetworkPolicy },
  '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1': { PodMonitor, PrometheusRule },
};

/**
 * Validates objects against the API's schemas, with one line for each problem. The schema finds wrong values; the compiler finds
 * unknown fields, which schemas allow.
 */
export function schemaErrors(objects: readonly KubernetesObject[]): readonly string[] {
  return [...objects.flatMap(wrongValues), ...unknownFields(objects)];
}

function wrongValues(object: KubernetesObject): readonly string[] {
  const [, Known] = modelOf(object);
  try {
    new Known(object as never).validate();
    return [];
  } catch (error) {
    return [`${object.kind}: ${String(error)}`];
  }
}

function unknownFields(objects: readonly KubernetesObject[]): readonly string[] {
  const work = mkdtempSync(join(tmpdir(), 'isolation-exporter-types-'));
  try {
    const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
    symlinkSync(modules, join(work, 'node_modules'));
    const lines = objects.map((object, index) => {
      const [module] = modelOf(object);
      return `export const object${index} = ${JSON.stringify(object)} satisfies import('${module}').I${object.kind};`;
    });
    writeFileSync(join(work, 'objects.ts'), lines.join('\n'));
    execFileSync(
      join(modules, '.bin/tsc'),
      '--noEmit --strict --skipLibCheck --types --module nodenext --target esnext objects.ts'.split(' '),
      { cwd: work, encoding: 'utf8' },
    );
    return [];
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string };
    if (stdout === undefined || stdout === '') throw error;
    return stdout.trim().split('\n');
  } finally {
    rmSync(work, { recursive: true });
  }
}

function modelOf({ apiVersion, kind }: KubernetesObject): readonly [module: string, model: Model] {
  for (const [module, models] of Object.entries(MODELS)) {
    const model = models[kind];
    if (model !== undefined && module.endsWith(`/${apiVersion}`)) return [module, model];
  }
  throw new Error(`No schema is known of ${apiVersion} ${kind}`);
}
