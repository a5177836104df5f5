import { afterEach, describe, expect, it, vi } from 'vitest';
import { filesNamedIn } from '../web/web-config.ts';
import { FetchedFiles } from './fetched-files.ts';

const CONFIG = '/etc/web/web.yml';
const TLS = 'tls_server_config: { cert_file: tls/server.crt, key_file: /keys/server.key }\n';

describe('FetchedFiles', () => {
  let contents: Record<string, string | undefined>;
  let asked: string[];
  let files: FetchedFiles | undefined;

  const start = async (initial: typeof contents): Promise<FetchedFiles> => {
    contents = initial;
    asked = [];
    files = await FetchedFiles.start(
      CONFIG,
      async (file) => {
        asked.push(file);
        if (!(file in contents)) throw new Error(`ENOENT: ${file}`);
        return contents[file];
      },
      { namedIn: filesNamedIn, everyMs: 20 },
    );
    return files;
  };
  afterEach(() => files?.[Symbol.dispose]());

  it('has the configuration and the files that it names, also those it names later', async () => {
    const fetched = await start({ [CONFIG]: '', '/etc/web/tls/server.crt': 'cert', '/keys/server.key': 'key' });
    expect(asked).toEqual([CONFIG]);
    const before = fetched.stamp(CONFIG);
    contents[CONFIG] = TLS;
    await vi.waitFor(() => expect(fetched.stamp(CONFIG)).not.toBe(before));
    expect(fetched.text(CONFIG)).toBe(TLS);
    expect(['/etc/web/tls/server.crt', '/keys/server.key'].map((file) => fetched.text(file))).toEqual(['cert', 'key']);
    expect(() => fetched.text('/etc/web/other')).toThrow('/etc/web/other was not fetched');
  });

  it('keeps the last answers while one of the files does not answer', async () => {
    const all = { [CONFIG]: TLS, '/etc/web/tls/server.crt': 'cert', '/keys/server.key': 'key' };
    const fetched = await start(all);
    contents = { ...all, '/etc/web/tls/server.crt': 'new', '/keys/server.key': undefined };
    const { length } = asked;
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(length + 6));
    expect(fetched.text('/etc/web/tls/server.crt')).toBe('cert');
    contents['/keys/server.key'] = 'new key';
    await vi.waitFor(() => expect(fetched.text('/keys/server.key')).toBe('new key'));
    expect(fetched.text('/etc/web/tls/server.crt')).toBe('new');
  });

  it('does not start without an answer, and passes on errors', async () => {
    await expect(start({ [CONFIG]: undefined })).rejects.toThrow(`${CONFIG} does not answer`);
    const fetched = await start({});
    expect(() => fetched.text(CONFIG)).toThrow(`ENOENT: ${CONFIG}`);
    const before = fetched.stamp(CONFIG);
    contents[CONFIG] = '';
    await vi.waitFor(() => expect(fetched.stamp(CONFIG)).not.toBe(before));
  });

  it('looks for certificates in valid configurations only', () => {
    expect(filesNamedIn(TLS)).toEqual(['tls/server.crt', '/keys/server.key']);
    expect(
      filesNamedIn(
        'tls_server_config: { cert: text, key: text, client_ca_file: ca, client_auth_type: RequireAnyClientCert }',
      ),
    ).toEqual(['ca']);
    expect(filesNamedIn('nonsense: 1')).toEqual([]);
  });
});
