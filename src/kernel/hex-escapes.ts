/**
 * Decodes `\xHH` escapes of bytes, as in `/dev/kmsg` (bytes that are not printable ASCII) and in names of systemd units (bytes
 * that a unit name cannot contain): `m\x2d2` is `m-2`. Bytes that are not UTF-8 become U+FFFD.
 */
export function decodeHexEscapes(text: string): string {
  if (!text.includes('\\x')) return text;
  return text.replace(/(?:\\x[0-9a-f]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}
