import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dockerSelections, namedByEvent, namedByInspect, namedByList } from './docker-names.ts';
import { exportedLabels } from '../config/container-labels.ts';
import { JsonProjection, type Selection } from './json-projection.ts';

const SELECTIONS = dockerSelections([]);

const LABELS = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
  'io.kubernetes.pod.namespace': 'prod',
  'io.kubernetes.pod.name': 'web-7d4b9c',
  'io.kubernetes.container.name': 'nginx',
  'io.kubernetes.docker.type': 'container',
};
const LABELLED = {
  composeProject: 'shop',
  composeService: 'web',
  namespace: 'prod',
  pod: 'web-7d4b9c',
  containerInPod: 'nginx',
};

describe('inspection', () => {
  test('of Docker', () => {
    expect(
      namedByInspect({
        Id: 'abc',
        Name: '/web',
        Image: 'sha256:12',
        Config: { Image: 'nginx:1', Labels: LABELS },
        HostConfig: { Runtime: 'runsc' },
      }),
    ).toEqual({ id: 'abc', names: { name: 'web', image: 'nginx:1', runtime: 'runsc', ...LABELLED } });
  });

  test('of Podman, where the runtime is always called the same', () => {
    const answer = { Id: 'abc', Name: '/web', Config: { Image: 'x', Labels: null }, HostConfig: { Runtime: 'oci' } };
    expect(namedByInspect(answer)?.names).toEqual({ name: 'web', image: 'x' });
  });

  test('has the chosen labels, under the names that they are exported by', () => {
    const chosen = exportedLabels(['team', 'com.docker.compose.project', 'absent', 'number', '__proto__']);
    const Labels = { ...LABELS, team: 'core', other: 'x', number: 7, long: 'x' };
    const labels = { label_team: 'core', label_com_docker_compose_project: 'shop' };
    expect(namedByInspect({ Id: 'abc', Config: { Labels } }, chosen)?.names).toEqual({ ...LABELLED, labels });
    expect(namedByList([{ Id: 'abc', Labels }], chosen)[0]?.names).toEqual({ ...LABELLED, labels });
    const Actor = { ID: 'abc', Attributes: Labels };
    expect(namedByEvent({ Type: 'container', Action: 'die', Actor }, chosen)?.names).toEqual({ ...LABELLED, labels });
    expect(namedByInspect({ Id: 'abc', Config: { Labels: {} } }, chosen)?.names).toEqual({});
    const [projected] = new JsonProjection(dockerSelections(chosen).inspect, 'object').push(
      Buffer.from(JSON.stringify({ Id: 'abc', Config: { Labels } })),
    );
    expect(namedByInspect(projected, chosen)?.names.labels).toEqual(labels);
  });

  test('has labels for rules apart, under their own names', () => {
    const chosen = [
      ...exportedLabels(['team']),
      ...['team', 'io.example/accept', 'absent', '__proto__'].map((name) => ({ name, exportedAs: undefined })),
    ];
    const Labels = { team: 'core', 'io.example/accept': 'net_raw', other: 'x' };
    const [projected] = new JsonProjection(dockerSelections(chosen).inspect, 'object').push(
      Buffer.from(JSON.stringify({ Id: 'abc', Config: { Labels } })),
    );
    expect(namedByInspect(projected, chosen)?.names).toEqual({
      labels: { label_team: 'core' },
      matchedLabels: { team: 'core', 'io.example/accept': 'net_raw' },
    });
  });

  // As Docker 20.10 has them.
  const TASK = '7aas3upge79h4ofswn317wcul';
  const NODE = 'gpiznnwzes1o4hrdvbx6bdtnp';
  const swarm = (service: string, more: object = {}) => ({
    'com.docker.swarm.node.id': NODE,
    'com.docker.swarm.service.name': service,
    'com.docker.swarm.task': '',
    'com.docker.swarm.task.id': TASK,
    ...more,
  });

  test.each([
    ['of a service', `web.1.${TASK}`, 'web', 'web.1'],
    ['of a stack', `shop_db.12.${TASK}`, 'shop_db', 'shop_db.12'],
    ['of a service with a dot', `a.b.1.${TASK}`, 'a.b', 'a.b.1'],
    ['of a global service', `agent.${NODE}.${TASK}`, 'agent', 'agent'],
    ['that was renamed', 'db', 'web', 'db'],
    ['with the name of another service', `db.1.${TASK}`, 'web', `db.1.${TASK}`],
    ['with something else for the slot', `web.x.${TASK}`, 'web', `web.x.${TASK}`],
    ['without a slot', `web.${TASK}`, 'web', `web.${TASK}`],
  ])('of a task in Swarm %s: %s', (_, name, service, expected) => {
    const Labels = swarm(service, { 'com.docker.stack.namespace': 'shop' });
    const names = { name: expected, swarmService: service, swarmStack: 'shop', swarmTask: TASK };
    expect(namedByInspect({ Id: 'abc', Name: `/${name}`, Config: { Labels } })?.names).toEqual(names);
    expect(namedByList([{ Id: 'abc', Names: [`/${name}`], Labels }])[0]?.names).toEqual(names);
    const Actor = { ID: 'abc', Attributes: { ...Labels, name } };
    expect(namedByEvent({ Type: 'container', Action: 'die', Actor })?.names).toEqual(names);
  });

  test('marks the sandbox of a pod as infra', () => {
    const answer = { Id: 'abc', Config: { Labels: { 'io.kubernetes.docker.type': 'podsandbox' } } };
    expect(namedByInspect(answer)?.names).toEqual({ infra: true });
  });

  test.each<readonly [unknown, unknown]>([
    [{ Id: 'abc', Name: 7, Config: 'x', HostConfig: [] }, {}],
    [{ Id: 'abc', Name: '/', Config: { Image: '', Labels: [] }, HostConfig: { Runtime: {} } }, {}],
    [{ Id: 'abc', Name: `/${'n'.repeat(2_000)}` }, { name: expect.stringMatching(/^n{986}~[0-9a-f]{12}$/) }],
    [{ Id: 'abc', Config: JSON.parse('{"Labels": {"__proto__": {"com.docker.compose.project": "x"}}}') }, {}],
  ])('leaves out fields of a wrong type and cuts long ones: %j', (answer, names) => {
    expect(namedByInspect(answer)).toEqual({ id: 'abc', names });
  });

  test.each([undefined, null, 7, 'abc', [], {}, { Id: 7 }, { Id: '' }, { Id: 'a'.repeat(2_000) }])(
    'no id: %j',
    (answer) => {
      expect(namedByInspect(answer)).toBeUndefined();
    },
  );
});

describe('list', () => {
  test('of Docker, with links', () => {
    const list = [
      { Id: 'abc', Names: ['/other/alias', '/web'], Image: 'nginx', Labels: LABELS },
      { Id: 'def', Names: null, Labels: null },
      { Id: null, Names: ['/x'] },
      'x',
    ];
    expect(namedByList(list)).toEqual([
      { id: 'abc', names: { name: 'web', image: 'nginx', ...LABELLED } },
      { id: 'def', names: {} },
    ]);
  });

  test('rejects anything but a list', () => {
    expect(() => namedByList({ message: 'no' })).toThrow(SyntaxError);
  });
});

describe('event', () => {
  const event = (more: object = {}): object => ({
    Type: 'container',
    Action: 'start',
    Actor: { ID: 'abc', Attributes: { name: 'web', image: 'nginx', ...LABELS } },
    time: 1,
    ...more,
  });

  test('names the container', () => {
    expect(namedByEvent(event())).toEqual({
      id: 'abc',
      action: 'start',
      at: 1_000,
      names: { name: 'web', image: 'nginx', ...LABELLED },
      exit: { at: 1 },
      health: undefined,
      podId: undefined,
    });
  });

  test('has no time if the event has none', () => {
    expect(namedByEvent(event({ time: 'now' }))?.at).toBeUndefined();
  });

  test.each([
    undefined,
    null,
    7,
    [],
    event({ Type: 'network' }),
    event({ Action: undefined }),
    event({ Actor: null }),
    event({ Actor: { ID: 3 } }),
  ])('none: %j', (line) => {
    expect(namedByEvent(line)).toBeUndefined();
  });
});

test('names are short strings whatever an engine says, and the selections leave none of them out', () => {
  const plain = ['Id', 'Name', 'Names', 'Config', 'HostConfig', 'Labels', 'Image', 'Runtime', 'Actor', 'ID', 'name'];
  const key = fc.constantFrom(...plain, 'Attributes', ...Object.keys(LABELS));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.dictionary(key, tie('tree')), fc.array(tie('tree'))),
  }));
  fc.assert(
    fc.property(tree, (answer) => {
      const selected = (selection: Selection): unknown => {
        const [object] = new JsonProjection(selection, 'list').push(Buffer.from(JSON.stringify([answer])));
        return object;
      };
      expect(namedByInspect(selected(SELECTIONS.inspect))).toEqual(namedByInspect(answer));
      expect(namedByEvent(selected(SELECTIONS.event))).toEqual(namedByEvent(answer));
      expect(namedByList([selected(SELECTIONS.list)])).toEqual(namedByList([answer]));
      for (const found of [namedByInspect(answer), namedByEvent(answer), ...namedByList([answer])]) {
        for (const [name, value] of Object.entries(found?.names ?? {})) {
          expect(typeof value).toBe(name === 'infra' ? 'boolean' : 'string');
        }
      }
    }),
  );
});
