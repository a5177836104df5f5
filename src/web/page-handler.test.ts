import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { containerReport, hostReport } from '../../test/reports.ts';
import type { HostReport } from '../report/host-report.ts';
import { createPageHandler, PAGE_POLICY } from './page-handler.ts';
import type { Reply } from './respond.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };
const bytesOf = ({ body }: Reply): Buffer => (typeof body === 'string' ? Buffer.from(body) : Buffer.concat(body));
const request = (headers: object = {}): IncomingMessage => ({ headers }) as IncomingMessage;

function handlerOf(report: () => Promise<HostReport>) {
  return createPageHandler({ report, version, telemetryPath: '/metrics' });
}

/** A report that waits until the test provides it. */
function gate() {
  const waiting: ((report: HostReport) => void)[] = [];
  return {
    waiting,
    report: () => new Promise<HostReport>((resolve) => waiting.push(resolve)),
    release: () => waiting.splice(0).forEach((resolve) => resolve(hostReport())),
  };
}

describe('the policy', () => {
  test('allows the style sheet and the script of the page, and nothing else', async () => {
    const reply = await handlerOf(async () => hostReport())(request(), '');
    const hash = (tag: string): string => {
      const text = new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(bytesOf(reply).toString())?.[1] ?? '';
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    };
    expect(reply.headers?.['Content-Security-Policy']).toBe(PAGE_POLICY);
    expect(PAGE_POLICY).toContain(`style-src ${hash('style')};`);
    expect(PAGE_POLICY).toContain(`script-src ${hash('script')};`);
    expect(PAGE_POLICY).toMatch(/^default-src 'none';/);
    expect(PAGE_POLICY).not.toContain('unsafe');
  });
});

describe('the page', () => {
  test('reads nothing until somebody asks', async () => {
    const { waiting, report, release } = gate();
    const page = handlerOf(report);
    expect(waiting).toHaveLength(0);
    const answers = ['', 'sort=name'].map((query) => page(request(), query));
    // Concurrent requests share the report.
    expect(waiting).toHaveLength(1);
    release();
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
  });

  test('is made for a few at a time', async () => {
    const { report, release } = gate();
    const page = handlerOf(report);
    const answers = Array.from({ length: 5 }, () => page(request(), ''));
    expect((await answers[4])?.status).toBe(503);
    release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 503]);
    release();
    const next = page(request(), '');
    release();
    expect((await next).status).toBe(200);
  });

  test('is compressed for who takes it so', async () => {
    const page = handlerOf(async () =>
      hostReport(...Array.from({ length: 50 }, (_, index) => containerReport(`c${index}`))),
    );
    const plain = await page(request(), '');
    const packed = await page(request({ 'accept-encoding': 'gzip' }), '');
    expect(packed.headers?.['Content-Encoding']).toBe('gzip');
    expect(plain.headers?.['Content-Encoding']).toBeUndefined();
    expect(gunzipSync(bytesOf(packed)).toString()).toBe(bytesOf(plain).toString());
    expect(bytesOf(packed).length).toBeLessThan(bytesOf(plain).length / 4);
  });

  test('of a thousand containers lets others have turns', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `container-${index}`);
    const findings = { privileged: 'yes', net_raw: 'yes', runs_as_root: 'yes', memory_unlimited: 'yes' } as const;
    const report = hostReport(...names.map((name) => containerReport(name, { id: name }, findings)));
    const page = handlerOf(async () => report);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const started = performance.now();
    const reply = await page(request(), '');
    const took = performance.now() - started;
    clearInterval(timer);
    expect(
      bytesOf(reply)
        .toString()
        .match(/class="name"/g),
    ).toHaveLength(1000);
    // On a slow machine too, a single turn takes less time than the whole page.
    if (took > 100) expect(longest).toBeLessThan(took / 2);
  });
});
