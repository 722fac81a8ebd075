/** Bars beside each other as an SVG that reads on light and dark pages: the median as a bar, the spread as a line. */
import { type Bars, round } from './result.ts'

const WIDTH = 720
const NAMES_WIDTH = 220
const NUMBERS_WIDTH = 120
const ROW = 26
const HEAD = 34
const FOOT = 10

export function drawBars({ name, unit, bars }: Bars): string {
  const most = Math.max(...bars.map(({ summary }) => summary.max), Number.MIN_VALUE)
  const across = (value: number) => Math.max(0, (value / most) * (WIDTH - NAMES_WIDTH - NUMBERS_WIDTH))
  const height = HEAD + bars.length * ROW + FOOT
  const rows = bars.map(({ name: barName, summary: { median, min, max } }, index) => {
    const [y, middle] = [HEAD + index * ROW, HEAD + index * ROW + ROW / 2]
    const shown = [round(median), unit].filter(part => part !== '').join(' ')
    return [
      `<text x="${NAMES_WIDTH - 10}" y="${middle + 4}" text-anchor="end">${escaped(barName)}</text>`,
      `<rect class="bar" x="${NAMES_WIDTH}" y="${y + 5}" width="${across(median).toFixed(1)}" height="${ROW - 10}" rx="2"/>`,
      `<path class="spread" d="M${(NAMES_WIDTH + across(min)).toFixed(1)} ${middle}H${(NAMES_WIDTH + across(max)).toFixed(1)}"/>`,
      `<text x="${(NAMES_WIDTH + across(max) + 8).toFixed(1)}" y="${middle + 4}">${escaped(shown)}</text>`,
    ].join('\n')
  })
  const title = unit === '' ? name : `${name} (${unit})`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #2f6f9f }
.spread { stroke: #d97706; stroke-width: 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #58a6d6 } }
</style>
<text class="title" x="10" y="20">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escaped = (text: string) => text.replaceAll(/[&<>"]/g, letter => ESCAPES[letter]!)
