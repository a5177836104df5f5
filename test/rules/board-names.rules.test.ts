import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ofContainer, ofContainerOrPod } from '../../grafana/queries.ts';
import { CONTAINER_VARIABLES } from '../../grafana/variables.ts';
import { identityOfLabels } from '../../src/exposition/series-labels.ts';
import { type Choice, interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { describeOnScrapers, type Scraper } from '../live/victoria-metrics.ts';
import { configOf, type Served, serve } from '../lab/served.ts';

/** Each of them as a regular expression or a pattern of PromQL means something else, often the name after it. */
const NAMES = [
  'a.b',
  'a-b',
  'a|b',
  'a',
  'b',
  String.raw`a\b`,
  String.raw`\d`,
  '7',
  "it's",
  String.raw`it\'s`,
  'say "hi"',
  '$pod',
  '(x)+',
  'x',
  '[x]{1}',
  '/x',
  'tick`tock',
];

/** The name that a container with it has. */
const shown = (name: string) => name.replaceAll('`', "'");

/** A container in a pod of its name and a namespace of its name, with a network of its own, and one of the pod. */
function seriesOf(name: string): string {
  const labels = { engine: 'lab', namespace: name, pod: name, container: name };
  return `isolation_container_info{${identityOfLabels(labels)}} 1
isolation_container_network_receive_bytes_total{${identityOfLabels({ ...labels, container: '' })}} 1
isolation_container_network_receive_bytes_total{${identityOfLabels(labels)}} 2
`;
}

describeOnScrapers('boards and odd names', (kind) => {
  let served: Served;
  let scraper: Scraper;
  beforeAll(async () => {
    served = await serve(() => NAMES.map(seriesOf).join(''));
    scraper = await kind.start(host, configOf([served]));
  });
  afterAll(async () => {
    await scraper?.[Symbol.asyncDispose]();
    await served?.[Symbol.asyncDispose]();
  });

  const found = async (expr: string, choice: Choice, label: string) => {
    const all = await scraper.labels(interpolate(expr, choice));
    return [...new Set(all.map((labels) => labels[label]))].toSorted();
  };

  describe.each([
    ['by default', {}],
    ['with its feature toggle for special characters', { specialCharacters: true }],
  ] as const)('escaped by Grafana %s', (_, grafana) => {
    const at = { from: 0, to: 3600, scrapeInterval: 1, ...grafana };

    test.each(NAMES)('the container %j is selected alone', async (name) => {
      const choice = { ...at, values: { container: shown(name) } };
      expect(await found(ofContainer('isolation_container_info'), choice, 'container')).toEqual([shown(name)]);
      const received = ofContainerOrPod('isolation_container_network_receive_bytes_total', (counter) => counter);
      // The pod's network has no container label, and is that of its container.
      expect(await found(received, choice, 'pod')).toEqual([shown(name)]);
      expect(await scraper.labels(interpolate(received, choice))).toHaveLength(2);
    });

    test.each([...NAMES.map((name) => [name]), ['a.b', "it's", 'say "hi"'], NAMES])(
      'the pods and namespaces %j … are selected alone',
      async (...names) => {
        const selected = names.map(shown);
        const expr = ofContainer('isolation_container_info').replace(/, container=`[^`]*`/, '');
        for (const label of ['pod', 'namespace']) {
          const choice = { ...at, values: { [label]: selected } };
          expect(await found(expr, choice, 'container')).toEqual(selected.toSorted());
        }
      },
    );

    test('without a choice all are selected', async () => {
      for (const { definition = '' } of CONTAINER_VARIABLES) {
        const [, query, label = ''] = /^label_values\((isolation_container_info.*), (\w+)\)$/.exec(definition) ?? [];
        if (query === undefined || label === 'engine') continue;
        expect(await found(query, { ...at, values: {} }, label)).toEqual(NAMES.map(shown).toSorted());
      }
    });

    test('a choice in a variable narrows the next one', async () => {
      const [, query = ''] =
        /^label_values\((.*), container\)$/.exec(CONTAINER_VARIABLES.at(-1)?.definition ?? '') ?? [];
      const choice = { ...at, values: { namespace: [String.raw`\d`, 'a.b'], pod: ['a.b', 'say "hi"'] } };
      expect(await found(query, choice, 'container')).toEqual(['a.b']);
    });
  });
});
