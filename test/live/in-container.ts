import { fileURLToPath } from 'node:url';
import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import { quote } from '../lab/machine.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Creates a script that runs a command of this repository in a container. The image has no Node, so the script mounts
 * the machine's Node with the libraries that it is linked to.
 *
 * @param options.flags of `docker run`, quoted for bash.
 */
export function inContainer(docker: Docker, options: { readonly flags: string; readonly command: string }): string {
  const same = ['/usr', '/lib', '/lib64', process.execPath, REPOSITORY, docker.directory];
  return `
    volumes=()
    for path in ${quote(...same)}; do
      if [ -e "$path" ]; then volumes+=(-v "$path:$path:ro"); fi
    done
    exec env ${docker.client} run --rm ${options.flags} "\${volumes[@]}" ${LAB_IMAGE} ${options.command}`;
}
