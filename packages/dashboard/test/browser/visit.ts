/** A page open in a browser, watched for everything that must never happen. */
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, ConsoleMessage, Page, Request } from 'playwright-core'
import { type Measures, measure } from './measures.ts'

export const WIDE = { width: 1_440, height: 900 }
export const NARROW = { width: 380, height: 820 }

export type VisitOptions = Omit<BrowserContextOptions, 'baseURL'> & {
  /** Whether the API key is exchanged for a session before the page is opened. Default: none. */
  readonly apiKey?: string | undefined
  /** A link to a portal that is exchanged for a session of it before. Default: none. */
  readonly portalLink?: string | undefined
}

/** Requests that stay open for as long as the page does. */
const STREAM = /\/v1\/(tenants\/[^/]+\/)?stream\b/
const QUIET_MS = 300
const SETTLE_MS = 15_000
const MAX_LAYOUT_SHIFT = 0.05
const MAX_SHOWN_CHARACTERS = 3_000
const DESCRIBE_MS = 3_000

/** The token in the fragment of a link. */
export const tokenOf = (url: string): string => new URLSearchParams(new URL(url).hash.slice(1)).get('token') ?? ''

/** One person's browser window, with cookies and storage of its own. */
export class Visit {
  readonly page: Page
  readonly context: BrowserContext
  readonly #base: string
  readonly #problems: string[] = []
  readonly #allowed: RegExp[] = []
  readonly #inFlight = new Set<Request>()
  #lastChangeMs = performance.now()

  private constructor(context: BrowserContext, page: Page, base: string) {
    this.context = context
    this.page = page
    this.#base = base
    this.#watch()
  }

  /** @param url where the server listens, without a slash at the end */
  static async begin(
    browser: Browser,
    url: string,
    { apiKey, portalLink, ...options }: VisitOptions = {},
  ): Promise<Visit> {
    const context = await browser.newContext({
      viewport: WIDE,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
      ...options,
      baseURL: `${url}/`,
    })
    context.setDefaultTimeout(SETTLE_MS)
    await context.addInitScript(measure)
    const page = await context.newPage()
    const visit = new Visit(context, page, new URL(url).origin)
    if (apiKey !== undefined) await visit.signIn(apiKey)
    if (portalLink !== undefined) await visit.redeem(portalLink)
    return visit
  }

  /** Exchanges the key for a session, as the sign-in page does. The cookie is the context's from then on. */
  signIn(apiKey: string): Promise<void> {
    return this.#begin('session/v1/session', { apiKey })
  }

  /** Exchanges a link for a session of the portal, as its page does after the click. */
  redeem(url: string): Promise<void> {
    return this.#begin('portal/v1/portal-session', { token: tokenOf(url) })
  }

  async #begin(path: string, data: object): Promise<void> {
    const headers = { 'posthorn-session': '1', origin: this.#base, 'sec-fetch-site': 'same-origin' }
    const response = await this.context.request.post(path, { data, headers })
    if (response.status() !== 201) throw new Error(`Signing in got ${response.status()}: ${await response.text()}`)
  }

  /** Opens a path of the dashboard, such as `deliveries?state=exhausted`, and waits until the page has settled. */
  async open(path: string): Promise<void> {
    await this.#noteMeasures()
    await this.page.goto(path.replace(/^\//, './'))
    await this.settle()
  }

  /**
   * Waits until nothing but the stream has been in flight for a moment, and nothing on the page says that it is busy.
   * Throws if that takes too long.
   */
  async settle(): Promise<void> {
    const until = performance.now() + SETTLE_MS
    for (;;) {
      const isQuiet = this.#inFlight.size === 0 && performance.now() - this.#lastChangeMs > QUIET_MS
      if (isQuiet && (await this.page.locator('[aria-busy="true"]').count()) === 0) break
      if (performance.now() > until) {
        const urls = [...this.#inFlight].map(request => request.url()).join(', ')
        throw new Error(`The page did not settle. In flight: ${urls || 'nothing, but something is busy'}.`)
      }
      await new Promise(resolve => setTimeout(resolve, QUIET_MS / 4))
    }
    await this.page.evaluate(() => document.fonts.ready.then(() => undefined))
  }

  /** From now on, problems that match are expected: a server that is killed makes requests fail. */
  allow(expected: RegExp): void {
    this.#allowed.push(expected)
  }

  measures(): Promise<Measures> {
    return this.page.evaluate(() => window.posthornMeasures!)
  }

  /**
   * What must never happen and did: an error in the console, an exception, a failed or refused request, a request to
   * another host, something that the Content-Security-Policy refused, content that jumped.
   */
  async problems(): Promise<readonly string[]> {
    await this.#noteMeasures()
    return [...new Set(this.#problems)].filter(problem => !this.#allowed.some(expected => expected.test(problem)))
  }

  /** Whether a script, or the next person at this browser, could find the secret in the page, its address or storage. */
  async holds(secret: string): Promise<boolean> {
    const readable = await this.page.evaluate(() => [
      location.href,
      document.cookie,
      document.documentElement.outerHTML,
      JSON.stringify({ ...localStorage, ...sessionStorage }),
      JSON.stringify(history.state),
      ...[...document.querySelectorAll('input, textarea')].map(field => (field as HTMLInputElement).value),
    ])
    return readable.some(text => text.includes(secret))
  }

  /** What the page shows and what went wrong on it, for the message of a failed test. */
  async describe(): Promise<string> {
    const timeout = DESCRIBE_MS
    const shown = await this.page
      .getByRole('main')
      .ariaSnapshot({ timeout })
      .catch(() => 'nothing')
    const problems = await this.problems().catch(() => ['The page does not respond.'])
    const folder = process.env.POSTHORN_BROWSER_PICTURES
    if (folder) await this.page.screenshot({ path: join(folder, `${Date.now()}.png`), timeout }).catch(() => null)
    const cut = shown.slice(0, MAX_SHOWN_CHARACTERS)
    return `The page at ${this.page.url()} shows:\n${cut}\nProblems: ${problems.join('\n') || 'none'}`
  }

  /** Closes the window. Throws if anything happened that must not. */
  async end(): Promise<void> {
    const problems = await this.problems()
    await this.context.close()
    if (problems.length > 0) throw new Error(`The page had problems:\n${problems.join('\n')}`)
  }

  /** What the document measured is gone with it: this has to be called before another is loaded. */
  async #noteMeasures(): Promise<void> {
    if (this.page.url() === 'about:blank') return
    const { refused, layoutShift, shifted } = await this.measures()
    const where = new URL(this.page.url()).pathname
    this.#problems.push(...refused.map(each => `The Content-Security-Policy refused ${each} on ${where}.`))
    if (layoutShift < MAX_LAYOUT_SHIFT) return
    this.#problems.push(`CLS ${layoutShift.toFixed(3)} on ${where}: ${shifted.join(', ')}`)
  }

  #watch(): void {
    this.page.on('console', message => this.#hear(message))
    this.page.on('pageerror', error => this.#problems.push(`Exception: ${error.stack ?? error.message}`))
    this.page.on('crash', () => this.#problems.push('The page crashed.'))
    this.page.on('request', request => {
      const { origin, protocol } = new URL(request.url())
      if (protocol.startsWith('http') && origin !== this.#base) this.#problems.push(`Request to ${request.url()}`)
      if (STREAM.test(request.url())) return
      this.#inFlight.add(request)
      this.#lastChangeMs = performance.now()
    })
    this.page.on('response', response => {
      if (response.status() < 400) return
      this.#problems.push(`${response.status()} for ${response.request().method()} ${response.url()}`)
    })
    this.page.on('requestfailed', request => {
      this.#leave(request)
      const words = request.failure()?.errorText ?? ''
      // What a page no longer needs when it is left, or when a filter changes, it aborts itself.
      if (words !== 'net::ERR_ABORTED') this.#problems.push(`${words} for ${request.method()} ${request.url()}`)
    })
    this.page.on('requestfinished', request => this.#leave(request))
  }

  #hear(message: ConsoleMessage): void {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    const { url, lineNumber } = message.location()
    this.#problems.push(`Console ${message.type()}: ${message.text()} (${url}:${lineNumber})`)
  }

  #leave(request: Request): void {
    this.#inFlight.delete(request)
    this.#lastChangeMs = performance.now()
  }
}
