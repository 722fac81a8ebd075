/** What `/` shows until the dashboard is built. Without style or script of its own, which the policy would not allow. */

export type Placeholder = {
  readonly html: string
  /** After how many seconds the browser loads it again. */
  readonly refreshSeconds: number
}

export const building = (basePath: string): Placeholder => ({
  html: page(
    basePath,
    'Posthorn: building the dashboard',
    '<h1>The dashboard is being built</h1>',
    '<p role="status">This takes some seconds, after an update only. The page reloads itself.</p>',
    '<p>The API is ready in the meantime: <a href="openapi.json">openapi.json</a> describes it.</p>',
  ),
  refreshSeconds: 1,
})

export const missing = (basePath: string): Placeholder => ({
  html: page(
    basePath,
    'Posthorn: the dashboard is not built',
    '<h1>The dashboard is not built</h1>',
    '<p>Build it once after each update, in the folder of Posthorn:</p>',
    '<pre><code>npm run build:dashboard</code></pre>',
    '<p role="status">The server needs no restart: this page reloads itself. <code>npm start -- --dev</code> and ',
    '<code>npm run demo</code> build it by themselves, and <code>--dashboard off</code> turns it off.</p>',
  ),
  refreshSeconds: 5,
})

function page(basePath: string, title: string, ...body: readonly string[]): string {
  const head = [
    '<meta charset="utf-8">',
    `<base href="${basePath}">`,
    `<title>${title}</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<link rel="icon" href="data:,">',
  ]
  return `<!doctype html><html lang="en"><head>${head.join('')}</head><body><main>${body.join('')}</main></body></html>\n`
}
