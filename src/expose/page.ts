import { createHash } from 'node:crypto';
import type { Version } from '../version.ts';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em; color-scheme: light dark; }
dt { font-weight: bold; }
`;

/** What the page's `Content-Security-Policy` allows: its own style sheet and nothing else. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${sha256(STYLE)}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

/** Renders the page at `/`, for people who find the port and wonder. */
export function renderPage(facts: {
  readonly version: Version;
  readonly telemetryPath: string;
  readonly containers: number;
}): string {
  const { version, telemetryPath, containers } = facts;
  // Relative links also work behind a proxy that puts the exporter under a path.
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(version.name)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(version.name)}</h1>
<p>Prometheus metrics of what containers share, what their limits are, and whether they hit them.</p>
<ul>
<li><a href=".${escapeHtml(telemetryPath)}">Metrics</a></li>
<li><a href="./-/healthy">Health</a>, <a href="./-/ready">readiness</a></li>
</ul>
<dl>
<dt>Version</dt><dd>${escapeHtml([version.version, version.revision].filter(Boolean).join(', '))}</dd>
<dt>Containers</dt><dd>${containers}</dd>
</dl>
</body>
</html>
`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
