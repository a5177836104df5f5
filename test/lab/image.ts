import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Docker } from './docker.ts';
import { host } from './host.ts';
import { quote, succeed } from './machine.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Builds the image of the Dockerfile with Docker's own builder. The base images may not be available, so
 * each is replaced by an image of the same name with this host's Node and npm, a shell and a C library, and nothing
 * else.
 */
export async function buildImage(docker: Docker, tag: string): Promise<void> {
  const dockerfile = readFileSync(`${REPOSITORY}/Dockerfile`, 'utf8');
  const stages = [...dockerfile.matchAll(/^FROM (\S+)(?: AS (\S+))?$/gm)].map(([, image = '', stage]) => ({
    image,
    stage,
  }));
  const bases = new Set(
    stages.map(({ image }) => image).filter((image) => stages.every(({ stage }) => stage !== image)),
  );
  if (bases.size === 0) throw new Error('The Dockerfile has no base image');
  for (const base of bases) await succeed(host, STAND_IN(docker, base));
  await succeed(
    host,
    // Uses the old builder, because the new one always contacts a registry.
    `export DOCKER_BUILDKIT=0
    ${docker.client} build --network host --build-arg REVISION=of-the-lab --tag ${quote(tag)} ${quote(REPOSITORY)}`,
    { timeoutMs: 400_000 },
  );
}

const STAND_IN = (docker: Docker, name: string) => `
  set -e -o pipefail
  root=$(mktemp -d ${docker.directory}/base-XXXXXX)
  cd "$root"
  mkdir -p bin etc/ssl/certs lib64 root tmp usr/bin usr/local/bin usr/local/lib/node_modules
  chmod 1777 tmp
  cp ${quote(process.execPath)} usr/local/bin/node
  cp -r "$(npm root --global)/npm" usr/local/lib/node_modules/
  ln -s ../lib/node_modules/npm/bin/npm-cli.js usr/local/bin/npm
  ln -s ../lib/node_modules/npm/bin/npx-cli.js usr/local/bin/npx
  cp "$(readlink -f /bin/sh)" bin/sh
  cp "$(readlink -f /usr/bin/env)" usr/bin/env
  # All libraries that they are linked to, where they look for them.
  ldd usr/local/bin/node bin/sh usr/bin/env | grep -o '/[^ ]*[.]so[^ ]*' | sort -u | xargs cp -L --parents -t .
  cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/
  echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
  tar -C "$root" -c . | ${docker.client} import \\
    -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin' \\
    -c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - ${quote(name)}
  rm -r "$root"`;
