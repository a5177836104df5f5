import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Headless Chromium, and the problems that its pages report. */
export interface Browser extends AsyncDisposable {
  /** Opens a page with its own cookies and settings. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Console errors, exceptions, failed requests, dialogs and policy violations since the last call. */
  complaints(): readonly string[];
}

/** Starts the distribution's Chromium. */
export async function startBrowser(): Promise<Browser> {
  // The browser has no sandbox as root, and it only opens our own pages.
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  let complaints: string[] = [];
  return {
    async open(url, options = {}) {
      const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.goto(url);
      return page;
    },
    complaints() {
      const found = complaints;
      complaints = [];
      return found;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
