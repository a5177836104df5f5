import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Chromium without a window, and what its pages had to complain of. */
export interface Browser extends AsyncDisposable {
  /** Opens a page of its own, with cookies and settings of its own. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Errors in the console, exceptions, requests that failed, dialogs, and what a policy forbade: since the last call. */
  complaints(): readonly string[];
}

/** Starts the distribution's Chromium. */
export async function startBrowser(): Promise<Browser> {
  // Root has no sandbox to give it, and what it is shown is our own.
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
