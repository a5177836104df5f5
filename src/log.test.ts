import { describe, expect, test } from 'vitest';
import { createLog } from './log.ts';
import type { Log, LogFormat, LogLevel } from './log.ts';

function logged(options: { level?: LogLevel; format?: LogFormat }, use: (log: Log) => void): string[] {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  use(createLog({ level: options.level ?? 'info', format: options.format ?? 'logfmt', destination }));
  return lines;
}

function systemError(): Error {
  return Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: 'EACCES' });
}

describe('logfmt', () => {
  test('puts time, level and message before the fields', () => {
    const [line] = logged({}, (log) => log.info({ address: '127.0.0.1:10061', containers: 3 }, 'listening'));
    expect(line).toMatch(
      /^time=\d{4}-\d\d-\d\dT[\d:.]+Z level=info msg=listening address=127\.0\.0\.1:10061 containers=3\n$/,
    );
  });

  test('quotes everything but plain words', () => {
    const [line] = logged({}, (log) =>
      log.warn({ a: 'two words', b: 'x=y', c: '', d: ['p', 1], e: true, f: ['p', 'q'] }, 'It is so'),
    );
    expect(line).toContain('msg="It is so" a="two words" b="x=y" c="" d="[\\"p\\",1]" e=true f=p,q\n');
  });

  test('flattens objects and omits undefined', () => {
    const [line] = logged({}, (log) => log.info({ labels: { engine: 'docker', 'a b': 1 }, gone: undefined }, 'm'));
    expect(line).toContain('msg=m labels.engine=docker labels.a_b=1\n');
  });

  test('a hostile value cannot forge a line, a field or an escape sequence', () => {
    const name = 'x"\n time=1 level=error msg="forged"\u001b[31m\u009b2J\u2028\u202e';
    const [line, ...rest] = logged({}, (log) => log.info({ name }, 'm'));
    expect(rest).toEqual([]);
    expect(line?.indexOf('\n')).toBe(line!.length - 1);
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u001b\u009b\u2028\u202e]/);
    expect(line).toContain('name="x\\"\\n time=1 level=error msg=\\"forged\\"\\u001b[31m\\u009b2J\\u2028\\u202e"');
  });
});

describe('json', () => {
  test('is one object per line', () => {
    const [line] = logged({ format: 'json' }, (log) => log.error({ name: 'a\nb\u009b', n: 1 }, 'failed'));
    expect(line).not.toContain('\u009b');
    expect(JSON.parse(line!)).toMatchObject({ level: 'error', msg: 'failed', name: 'a\nb\u009b', n: 1 });
  });

  test('fields cannot take the place of time, level and message', () => {
    const [line] = logged({ format: 'json' }, (log) => log.info({ level: 'x', msg: 'y', time: 'z' }, 'm'));
    expect(JSON.parse(line!)).toMatchObject({ level: 'info', msg: 'm', level_: 'x', msg_: 'y', time_: 'z' });
  });
});

describe('errors', () => {
  test('show message and code, and the stack only at debug', () => {
    const use = (log: Log): void => log.warn({ error: systemError() }, 'm');
    expect(logged({}, use)[0]).toMatch(/error="EACCES: permission denied, open '\/x'" error_code=EACCES\n$/);
    expect(logged({ level: 'debug' }, use)[0]).toContain('error_stack="Error: EACCES');
  });

  test('show their causes once', () => {
    const cause = systemError();
    const [first] = logged({}, (log) => log.warn({ error: new Error('Cannot read "/x"', { cause }) }, 'm'));
    expect(first).toContain(`error="Cannot read \\"/x\\": EACCES: permission denied, open '/x'" error_code=EACCES`);
    const [second] = logged({}, (log) => log.warn({ error: new Error(`So: ${cause.message}`, { cause }) }, 'm'));
    expect(second).toContain(`error="So: EACCES: permission denied, open '/x'" `);
  });

  test('of several addresses are all shown', () => {
    const error = new AggregateError([new Error('connect ::1'), new Error('connect 127.0.0.1')]);
    expect(logged({}, (log) => log.warn({ error }, 'm'))[0]).toContain('error="connect ::1; connect 127.0.0.1"');
  });
});

test('writes nothing below its level', () => {
  const lines = logged({ level: 'warn' }, (log) => {
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
  });
  expect(lines).toHaveLength(2);
});
