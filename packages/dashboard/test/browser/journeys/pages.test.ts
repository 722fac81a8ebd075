/** Each page in four forms: axe finds nothing, nothing is cut off, and nothing is said in the console. */
import type { BrowserContextOptions } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { furnish } from '../furnish.ts'
import { findThings, PAGES, type Things } from '../pages.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, WIDE } from '../visit.ts'

const FORMS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light and wide', { viewport: WIDE, colorScheme: 'light' }],
  ['dark and wide', { viewport: WIDE, colorScheme: 'dark' }],
  ['light and narrow', { viewport: NARROW, colorScheme: 'light' }],
  ['dark and narrow', { viewport: NARROW, colorScheme: 'dark' }],
]
const MANY_PAGES_MS = 240_000

await describeInBrowser('every page', bench => {
  let things: Things

  beforeAll(async () => {
    await furnish(bench.installation)
    things = await findThings(bench.installation.api)
  })

  test.each(FORMS)('can be used by everyone, %s', { timeout: MANY_PAGES_MS }, async (_name, options) => {
    const faults: string[] = []
    await bench.visit(async visit => {
      for (const { name, path } of PAGES) {
        await visit.open(path(things))
        for (const fault of await findFaults(visit.page)) faults.push(`${name}: ${fault}`)
        const [width, room] = await visit.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        if (width! > room!) faults.push(`${name}: is ${width} pixels wide in a window of ${room}`)
      }
      faults.push(...(await visit.problems()))
      expect(faults).toEqual([])
    }, options)
  })
})
