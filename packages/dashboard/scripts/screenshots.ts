/**
 * `npm run screenshots`: takes a picture of each page, filled by the demo, into `docs/images/`, in three forms.
 *
 *   npm run screenshots -- [--minutes <how long the demo runs before>] [--only <page>,…]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Posthorn } from '@posthorn/client'
import type { BrowserContextOptions } from 'playwright-core'
import { buildDashboard } from '../../../scripts/dashboard-build.ts'
import { findBrowser, startBrowser } from '../test/browser/browser.ts'
import { findThings, type ListedPage, PAGES, type Things } from '../test/browser/pages.ts'
import { NARROW, Visit } from '../test/browser/visit.ts'
import { type RunningDemo, startDemo } from './demo.ts'
import { shrink } from './png.ts'

const IMAGES = fileURLToPath(new URL('../../../docs/images/', import.meta.url))
/** Long enough for two outages and their ends, replays, and charts with more than a few bars. */
const DEFAULT_MINUTES = '10'
/** What the charts and lists cover: most of it is what the demo has done. */
const RANGE = '15m'

/** Pages that have more to show with several nodes and PostgreSQL. */
const OF_CLUSTER: readonly string[] = ['nodes', 'rejected']

/** Small enough for a page of documentation. */
const LAPTOP = { width: 1_280, height: 800 }

/** By the last part of the file's name. */
const FORMS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: LAPTOP, colorScheme: 'light' },
  dark: { viewport: LAPTOP, colorScheme: 'dark' },
  narrow: { viewport: NARROW, colorScheme: 'light' },
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: DEFAULT_MINUTES }, only: { type: 'string' } },
})
const wanted = values.only?.split(',')
const unknown = wanted?.filter(name => !PAGES.some(page => page.name === name)) ?? []
if (unknown.length > 0) throw new Error(`Unknown pages: ${unknown.join(', ')}.`)
const minutes = Number(values.minutes)
if (!(minutes >= 0)) throw new Error('--minutes must be a number of minutes.')

const found = await findBrowser()
if ('missing' in found) throw new Error(`There is no browser to take pictures with: ${found.missing}.`)
await buildDashboard()
mkdirSync(IMAGES, { recursive: true })
const browser = await startBrowser(found)
const pages = PAGES.filter(({ name }) => wanted === undefined || wanted.includes(name))
await show(
  [],
  minutes,
  pages.filter(({ name }) => !OF_CLUSTER.includes(name)),
)
await show(
  ['--cluster'],
  0,
  pages.filter(({ name }) => OF_CLUSTER.includes(name)),
)
await browser.close()

/** Runs a demo, and takes pictures of these pages when it has run for a while. */
async function show(flags: readonly string[], minutes: number, pages: readonly ListedPage[]): Promise<void> {
  if (pages.length === 0) return
  const demo = await startDemo(flags)
  try {
    process.stdout.write(`The demo is running at ${demo.url}. Pictures follow after ${minutes} minutes.\n`)
    await wait(minutes * 60_000)
    const api = new Posthorn({ url: demo.url, apiKey: demo.apiKey })
    const things = flags.length === 0 ? await findThings(api) : undefined
    for (const [form, options] of Object.entries(FORMS)) await takePictures(demo, form, options, pages, things)
  } finally {
    await demo.end()
  }
}

/** One person looks at all pages in one form: what is loaded once stays. */
async function takePictures(
  { url, apiKey }: RunningDemo,
  form: string,
  options: BrowserContextOptions,
  pages: readonly ListedPage[],
  things: Things | undefined,
): Promise<void> {
  const visit = await Visit.begin(browser, url, { ...options, apiKey })
  for (const { name, path } of pages) {
    const at = path(things as Things)
    await visit.open(`${at}${at.includes('?') ? '&' : '?'}range=${RANGE}`)
    const png = shrink(await visit.page.screenshot())
    writeFileSync(join(IMAGES, `${name}-${form}.png`), png)
    process.stdout.write(`${name}-${form}.png  ${Math.round(png.length / 1_024)} KiB\n`)
  }
  for (const problem of await visit.problems()) process.stderr.write(`${form}: ${problem}\n`)
  await visit.context.close()
}
