import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptsGzip, negotiateFormat, scrapeBudget } from './negotiate.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const PROMETHEUS_2_42 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3_PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,' + PROMETHEUS_3;
const PROMETHEUS_3_OPENMETRICS_2 =
  'application/openmetrics-text;version=2.0.0;escaping=allow-utf-8;q=0.8,' + PROMETHEUS_3;
const PROTOBUF_ONLY =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.6,*/*;q=0.5';
const FIREFOX = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

describe('negotiateFormat', () => {
  test.each([
    [undefined, TEXT],
    ['', TEXT],
    ['*/*', TEXT],
    ['text/*', TEXT],
    [FIREFOX, TEXT],
    [PROMETHEUS_2_42, OPENMETRICS],
    [PROMETHEUS_3, `${OPENMETRICS}; escaping=allow-utf-8`],
    [PROMETHEUS_3_PROTOBUF, `${OPENMETRICS}; escaping=allow-utf-8`],
    ['application/openmetrics-text', OPENMETRICS],
    ['application/openmetrics-text; version=0.0.1', TEXT],
    [PROMETHEUS_3_OPENMETRICS_2, `${OPENMETRICS}; escaping=allow-utf-8`],
    ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', OPENMETRICS],
    ['application/openmetrics-text;version=2.1.0', OPENMETRICS],
    ['application/openmetrics-text;version=3.0.0', TEXT],
    [PROTOBUF_ONLY, TEXT],
    ['text/plain;version=1.0.0;escaping=values', 'text/plain; version=1.0.0; charset=utf-8; escaping=values'],
    ['text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3', 'text/plain; version=1.0.0; charset=utf-8'],
    ['text/plain;version=2.0.0', TEXT],
    ['Application/OpenMetrics-Text; Version="1.0.0"; Escaping=dots', `${OPENMETRICS}; escaping=underscores`],
    ['text/plain;escaping=constructor', TEXT],
    ['application/openmetrics-text;escaping=nonsense', OPENMETRICS],
    ['application/openmetrics-text;q=0.5,text/plain;q=0.6', TEXT],
    ['application/openmetrics-text;q=0,*/*', TEXT],
    ['text/plain;version=0.0.4;escaping=underscores', `${TEXT}; escaping=underscores`],
    ['text/plain;q=0.5, application/openmetrics-text;q=0.500', TEXT],
    ['application/openmetrics-text;q=0.5, text/plain;q=0.5', OPENMETRICS],
    ['application/openmetrics-text;q=nonsense, text/plain;q=0.1', TEXT],
    ['application/openmetrics-text;q=2', TEXT],
    ['image/png', TEXT],
    ['text/plain;q=0', TEXT],
    ['x;a="text/plain, application/openmetrics-text', TEXT],
    ['x;a="\\",", application/openmetrics-text', OPENMETRICS],
    [',,;;=;,"', TEXT],
  ])('%s gets %s', (accept, contentType) => {
    const negotiated = negotiateFormat(accept);
    expect(negotiated.contentType).toBe(contentType);
    expect(negotiated.format).toBe(contentType.startsWith('text') ? 'text' : 'openmetrics');
  });

  test('has an answer for any header', () => {
    fc.assert(
      fc.property(fc.string(), (accept) => {
        expect(negotiateFormat(accept).contentType).toMatch(/; charset=utf-8(?:$|; escaping=)/);
        acceptsGzip(accept);
      }),
    );
  });
});

describe('acceptsGzip', () => {
  test.each([
    ['gzip', true],
    ['gzip, deflate, br, zstd', true],
    ['GZIP;q=0.5', true],
    ['x-gzip', true],
    ['*', true],
    ['*;q=0.1', true],
    ['identity;q=0.5, gzip;q=1.0', true],
    [undefined, false],
    ['', false],
    ['identity', false],
    ['br', false],
    ['zstd', false],
    ['zstd, gzip;q=0.5', true],
    ['zstd;q=1, gzip;q=0', false],
    ['gzip;q=0', false],
    ['gzip;q=0.000', false],
    ['gzip;q=0, *', false],
    ['*;q=0', false],
    ['gzip;q=0.3, identity', false],
    ['gzip;q=nonsense', false],
  ])('%s: %s', (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
  });
});

describe('scrapeBudget', () => {
  test.each([
    ['10', 9_500],
    ['0.9', 450],
    ['1', 500],
    ['0.000001', 0.0005],
    [undefined, undefined],
    ['', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1e3', undefined],
    ['10, 10', undefined],
    ['10s', undefined],
    [`${'9'.repeat(400)}`, undefined],
  ])('%s seconds leave %s ms', (header, expected) => {
    expect(scrapeBudget(header)).toBe(expected);
  });
});
