import type { ContainerReport } from '../report/container-report.ts';

/** The labels that name a container. */
export type Labels = ContainerReport['labels'];

/** The characters of the random parts of generated names (k8s.io/apimachinery, `util/rand`): no vowels, no 0, 1 and 3. */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';

/**
 * The generated end of a pod's name: `-7d9c5bdf44-x2x4z` of a Deployment, `-x2x4z` of a DaemonSet or a Job, `-28471230-x2x4z`
 * of a CronJob. The pods of a StatefulSet (`-0`) have names that stay.
 */
const GENERATED = new RegExp(`-(?:(?:${RANDOM}{6,10}|\\d{8})-)?${RANDOM}{5}$`);

/** What the inventory adds to the name of the older of two containers with the same name. */
const OLDER = /~[0-9a-f]{12}$/;

/**
 * The labels of a container as they are after its next start: without the generated part of a pod's name (`cart-*`), and
 * without any id. Containers with the same identity are replicas.
 */
export function identityOf({ engine, namespace, pod, container }: Labels): Labels {
  return {
    engine,
    namespace,
    // Only Kubernetes generates names of pods.
    pod: namespace === '' ? pod : pod.replace(GENERATED, '-*'),
    container: container.replace(OLDER, ''),
  };
}

/** A text that only the same identity has. */
export function keyOf({ engine, namespace, pod, container }: Labels): string {
  return JSON.stringify([engine, namespace, pod, container]);
}
