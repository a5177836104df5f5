import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { PAGE_POLICY, renderPage } from './page.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: 'abcdef' };

test('links to the metrics and tells version and number of containers', () => {
  const page = renderPage({ version, telemetryPath: '/metrics', containers: 42 });
  expect(page).toContain('<a href="./metrics">');
  expect(page).toContain('<dd>1.2.3, abcdef</dd>');
  expect(page).toContain('<dd>42</dd>');
});

test('the policy allows the style sheet of the page', () => {
  const style = /<style>(.*)<\/style>/s.exec(renderPage({ version, telemetryPath: '/m', containers: 0 }))?.[1] ?? '';
  expect(PAGE_POLICY).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
});

test('nothing breaks out of its place', () => {
  const page = renderPage({ version, telemetryPath: '/"><script>&\'', containers: 0 });
  expect(page).not.toContain('<script');
  expect(page).toContain('href="./&#34;&#62;&#60;script&#62;&#38;&#39;"');
});
