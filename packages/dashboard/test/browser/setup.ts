/** What a file of browser tests begins with: a browser, a server of its own, and a check of every page that was open. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { buildDashboard } from '../../../../scripts/dashboard-build.ts'
import { findBrowser, startBrowser } from './browser.ts'
import { Installation, type InstallationOptions } from './installation.ts'
import { Visit, type VisitOptions } from './visit.ts'

export type Bench = {
  readonly browser: Browser
  readonly installation: Installation
  /**
   * Opens a window for a person, with a session of the root key. When the person leaves, the window is closed, and the
   * test fails if anything happened on a page that never must (see `Visit.problems`).
   */
  visit<T>(use: (visit: Visit) => Promise<T>, options?: VisitOptions): Promise<T>
}

/** A group of tests that is skipped where there is no browser; its name then says why. */
export async function describeInBrowser(
  name: string,
  tests: (bench: Bench) => void,
  options: InstallationOptions = {},
): Promise<void> {
  const found = await findBrowser()
  if ('missing' in found) {
    describe.skip(`${name} (${found.missing})`, () => tests({} as Bench))
    return
  }
  describe(name, () => {
    let browser: Browser
    let installation: Installation
    beforeAll(async () => {
      await buildDashboard()
      ;[browser, installation] = await Promise.all([startBrowser(found), Installation.start(options)])
    })
    afterAll(async () => {
      await Promise.all([browser?.close(), installation?.end()])
    })
    tests({
      get browser() {
        return browser
      },
      get installation() {
        return installation
      },
      async visit(use, options = {}) {
        const { url, apiKey } = installation
        const visit = await Visit.begin(browser, url, { apiKey, ...options })
        const result = await use(visit).catch(async error => {
          const shown = await visit.describe()
          await visit.context.close()
          throw new Error(`${(error as Error).message}\n${shown}`, { cause: error })
        })
        await visit.end()
        return result
      },
    })
  })
}
