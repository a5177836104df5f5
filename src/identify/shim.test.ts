import { describe, expect, test } from 'vitest';
import { parseShim } from './shim.ts';

const ID = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';

describe('the command line of a shim', () => {
  test.each<readonly [string, ...string[]]>([
    ['runc', '/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby', '-id', ID, '-address', '/run/c.sock'],
    ['two dashes', 'containerd-shim-runsc-v1', '--namespace', 'moby', '--id', ID],
    ['equals signs', 'containerd-shim-kata-v2', '-namespace=moby', '-address=/x', `--id=${ID}`],
    ['of Docker 18.06', 'docker-containerd-shim', '-namespace', 'moby', '-workdir', `/var/lib/docker/x/moby/${ID}`],
    ['of balenaEngine', '/usr/bin/balena-engine-containerd-shim', '-namespace', 'moby', '-workdir', `/x/moby/${ID}`],
    ['of balenaEngine 25', 'balena-containerd-shim-runc-v2', '-namespace', 'moby', '-id', ID],
    ['the old one', 'containerd-shim', '-namespace', 'moby', '-workdir', `/var/lib/x/moby/${ID}`, '-address', '/x'],
  ])('%s', (_, ...words) => {
    expect(parseShim(`${words.join('\0')}\0`)).toEqual({ namespace: 'moby', id: ID });
  });

  test.each<readonly [string, ...string[]]>([
    ['nothing', ''],
    ['another program', '/usr/bin/containerd', '-namespace', 'moby', '-id', ID],
    ['another program with its name in a word', 'grep', 'containerd-shim', '-namespace', 'moby', '-id', ID],
    ['a title in one piece', `containerd-shim -namespace moby -id ${ID}`],
    ['another program with its name at the end', 'my-containerd-shim', '-namespace', 'moby', '-id', ID],
    ['no id', 'containerd-shim-runc-v2', '-namespace', 'moby'],
    ['a flag without its value', 'containerd-shim-runc-v2', '-namespace', 'moby', '-id'],
    ['no namespace', 'containerd-shim-runc-v2', '-id', ID],
    ['values that are no flags', 'containerd-shim-runc-v2', 'namespace', 'moby', 'id', ID],
  ])('not: %s', (_, ...words) => {
    expect(parseShim(`${words.join('\0')}\0`)).toBeUndefined();
  });
});
