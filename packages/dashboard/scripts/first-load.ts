/**
 * `npm run first-load`: measures how Overview of the demo loads on a slow phone, as Lighthouse does with its mobile
 * profile: the median of five. Lighthouse itself is not a dependency: it brings 60 packages, of which some phone home.
 * Exits with 1 if the page is larger or slower than it should be.
 */

import { buildDashboard } from '../../../scripts/dashboard-build.ts'
import { findBrowser, startBrowser } from '../test/browser/browser.ts'
import { type FirstLoad, loadFirst } from '../test/browser/first-load.ts'
import { startDemo } from './demo.ts'
import { scoreOf } from './score.ts'

const RUNS = 5
const MAX_TRANSFERRED_BYTES = 200_000
const MIN_SCORE = 90

const found = await findBrowser()
if ('missing' in found) throw new Error(`There is no browser to measure with: ${found.missing}.`)
await buildDashboard()
const demo = await startDemo()
try {
  const browser = await startBrowser(found)
  const loads: FirstLoad[] = []
  for (let run = 1; run <= RUNS; run++) {
    const load = await loadFirst(browser, { ...demo, isSlow: true })
    loads.push(load)
    say(`run ${run}`, load)
  }
  await browser.close()
  const middle = loads.toSorted((a, b) => scoreOf(a) - scoreOf(b))[RUNS >> 1]!
  say('median', middle)
  for (const { url, bytes } of middle.requests.toSorted((a, b) => b.bytes - a.bytes)) {
    process.stdout.write(`${String(bytes).padStart(9)}  ${url.slice(demo.url.length)}\n`)
  }
  if (scoreOf(middle) < MIN_SCORE || middle.transferredBytes > MAX_TRANSFERRED_BYTES) process.exitCode = 1
} finally {
  await demo.end()
}

function say(name: string, load: FirstLoad): void {
  const { transferredBytes, firstPaintMs, largestPaintMs, blockedMs, layoutShift } = load
  const parts = [
    `score ${scoreOf(load)}`,
    `${(transferredBytes / 1_000).toFixed(1)} kB`,
    `first paint ${Math.round(firstPaintMs)} ms`,
    `largest ${Math.round(largestPaintMs)} ms`,
    `blocked ${Math.round(blockedMs)} ms`,
    `CLS ${layoutShift.toFixed(3)}`,
  ]
  process.stdout.write(`${name.padEnd(7)} ${parts.join(' · ')}\n`)
}
