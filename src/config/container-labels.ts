/** A label of containers that engines are asked for. */
export interface ContainerLabel {
  /** As the engine has it: `app.kubernetes.io/name`. */
  readonly name: string;
  /** As the metric has it: `label_app_kubernetes_io_name`; `undefined`: it is not exported, and rules compare it. */
  readonly exportedAs: string | undefined;
}

/** The maximum number of labels. Each is read and kept for each container. */
export const MOST_LABELS = 50;

/** The name of a label, in printable ASCII. Engines allow more, but nobody uses it. Commas separate names. */
const NAME = /^[!-+\--~]{1,250}$/;

/** Reads names separated by commas. Returns `undefined` if one of them cannot be a label. */
export function parseLabelNames(text: string): readonly string[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  return names.every((name) => NAME.test(name)) ? names : undefined;
}

/**
 * The names under which labels are exported, as kube-state-metrics makes them: characters that Prometheus does not allow become
 * underscores. If several labels get the same name, all of them get `_conflict1`, `_conflict2`, … in the order of the list, so
 * that the result does not depend on the labels that a container has.
 */
export function exportedLabels(names: readonly string[]): readonly ContainerLabel[] {
  const distinct = [...new Set(names)];
  const plain = distinct.map((name) => `label_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`);
  const taken = new Set(plain);
  return distinct.map((name, index) => {
    const base = plain[index] ?? '';
    if (plain.filter((each) => each === base).length === 1) return { name, exportedAs: base };
    let exportedAs = base;
    for (let nth = 1; taken.has(exportedAs); nth += 1) exportedAs = `${base}_conflict${nth}`;
    taken.add(exportedAs);
    return { name, exportedAs };
  });
}
