import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Source } from './contents.ts';
import { bundledModules } from './modules.ts';

/** What npm writes, as far as it is changed here. */
interface Bom {
  serialNumber: string;
  metadata: { timestamp: string; component: { 'bom-ref': string; name: string; type: string } };
  components: readonly Component[];
  dependencies: readonly { readonly ref: string; dependsOn: readonly string[] }[];
}

interface Component {
  readonly name: string;
  readonly version: string;
  licenses?: readonly { readonly license: { readonly id: string } }[];
  readonly 'bom-ref': string;
  readonly properties: readonly { readonly name: string }[];
}

/**
 * The packages of production, their versions, hashes and licences, as CycloneDX 1.5: npm's own list of the lockfile, with the name of the
 * program (npm writes that of the folder), and with a date and serial number that are the same in each build of the same commit.
 */
export function cycloneDx({ root, name, date }: Source): string {
  // With --omit=dev npm 11.19 also leaves out packages of production that one of development needs too.
  const output = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  const bom = JSON.parse(output) as Bom;
  const { component } = bom.metadata;
  bom.components = bom.components.filter(
    ({ properties }) => !properties.some((property) => property.name === 'cdx:npm:package:development'),
  );
  // npm does not know the old field `licenses`, which ssh2 has.
  const licenses = new Map(bundledModules(root).map((module) => [`${module.name}@${module.version}`, module.license]));
  for (const each of bom.components) {
    const id = licenses.get(`${each.name}@${each.version}`);
    if (id !== undefined) each.licenses ??= [{ license: { id } }];
  }
  const kept = new Set([component['bom-ref'], ...bom.components.map((each) => each['bom-ref'])]);
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map((each) => ({ ...each, dependsOn: each.dependsOn.filter((ref) => kept.has(ref)) }));
  component.name = name;
  component.type = 'application';
  bom.metadata.timestamp = date.toISOString();
  bom.serialNumber = `urn:uuid:${uuidOf(JSON.stringify([bom.components, bom.metadata.timestamp]))}`;
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** A name-based UUID (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
