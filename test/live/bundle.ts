import { MAKE_ROOT } from './forky-engines.ts';

/** A script that makes a bundle for a runtime, with a memory limit and without a terminal, and prints its directory. */
export const MAKE_BUNDLE = `cd $(mktemp -d /tmp/isolation-exporter-bundle-XXXXXX)
  ${MAKE_ROOT('root.tar')}
  mkdir rootfs && tar -C rootfs -xf root.tar && rm -r root.tar $root
  runc spec
  node -e '
    const spec = JSON.parse(fs.readFileSync("config.json", "utf8"));
    Object.assign(spec.process, { terminal: false, args: ["/bin/sleep", "1000"] });
    spec.linux.resources.memory = { limit: 67108864 };
    fs.writeFileSync("config.json", JSON.stringify(spec));'
  pwd`;
