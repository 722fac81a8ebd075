/** Each page in four forms: axe finds nothing, nothing is cut off, and nothing is said in the console. */
import type { BrowserContextOptions } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { dictionary } from '../../../src/strings/de/dictionary.ts'
import { findFaults } from '../axe.ts'
import { furnish } from '../furnish.ts'
import { findThings, PAGES, PORTAL_PAGES, type Things } from '../pages.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, type Visit, WIDE } from '../visit.ts'
import { findCut, findTexts, textsIn } from '../words.ts'

const FORMS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light and wide', { viewport: WIDE, colorScheme: 'light' }],
  ['dark and wide', { viewport: WIDE, colorScheme: 'dark' }],
  ['light and narrow', { viewport: NARROW, colorScheme: 'light' }],
  ['dark and narrow', { viewport: NARROW, colorScheme: 'dark' }],
]
const MANY_PAGES_MS = 240_000

const GERMAN = [...new Set(textsIn(dictionary))]

await describeInBrowser('every page', bench => {
  let things: Things
  let ofAcme: Things

  beforeAll(async () => {
    await furnish(bench.installation)
    things = await findThings(bench.installation.api)
    ofAcme = await findThings(bench.installation.api, 'acme')
  })

  const faultsOf = async (visit: Visit) => {
    const faults = [...(await findFaults(visit.page))]
    const [width, room] = await visit.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    if (width! > room!) faults.push(`is ${width} pixels wide in a window of ${room}`)
    return faults
  }

  test.each(FORMS)('can be used by everyone, %s', { timeout: MANY_PAGES_MS }, async (_name, options) => {
    const faults: string[] = []
    await bench.visit(async visit => {
      for (const { name, path } of PAGES) {
        await visit.open(path(things))
        faults.push(...(await faultsOf(visit)).map(fault => `${name}: ${fault}`))
      }
      faults.push(...(await visit.problems()))
      expect(faults).toEqual([])
    }, options)
  })

  test.each(FORMS)(
    'of the portal can, in German, which fits, %s',
    { timeout: MANY_PAGES_MS },
    async (_name, options) => {
      const faults: string[] = []
      const english = await englishWords()
      const { url } = await bench.installation.api.portal.createLink('acme', {
        language: 'de',
        user: 'ada@acme.example',
      })
      await bench.visit(
        async visit => {
          for (const { name, path } of PORTAL_PAGES) {
            await visit.open(path(ofAcme))
            faults.push(...(await faultsOf(visit)).map(fault => `${name}: ${fault}`))
            faults.push(...(await findTexts(visit.page, english)).map(text => `${name}: “${text}” is English`))
            faults.push(...(await findCut(visit.page, GERMAN)).map(text => `${name}: “${text}” is cut off`))
          }
          faults.push(...(await visit.problems()))
          expect(faults).toEqual([])
        },
        { ...options, apiKey: undefined, portalLink: url },
      )
    },
  )
})

/** What the pages say in English, where German is another word. */
async function englishWords(): Promise<string[]> {
  const sections = await Promise.all(
    Object.values(import.meta.glob('../../../src/strings/en/*.ts')).map(load => load()),
  )
  const german = new Set(GERMAN)
  return textsIn(sections).filter(text => text.length > 2 && !german.has(text))
}
