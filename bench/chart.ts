/** Draws an SVG bar chart for light and dark pages: the median as a bar, the range as a line. */
import { type Bars, round } from './result.ts'

const WIDTH = 720
/** Estimated width of a letter at 13 pixels, on the generous side because fonts differ. */
const LETTER = 7.5
const GAP = 10
const ROW = 26
const HEAD = 34
const FOOT = 10

export function drawBars({ name, unit, bars }: Bars): string {
  const most = Math.max(...bars.map(({ summary }) => summary.max), Number.MIN_VALUE)
  const numbers = bars.map(({ summary }) => [round(summary.median), unit].filter(part => part !== '').join(' '))
  const left = widthOf(bars.map(bar => bar.name)) + 2 * GAP
  const across = (value: number) => Math.max(0, (value / most) * (WIDTH - left - widthOf(numbers) - 2 * GAP))
  const height = HEAD + bars.length * ROW + FOOT
  const rows = bars.map(({ name: barName, summary: { median, min, max } }, index) => {
    const [y, middle] = [HEAD + index * ROW, HEAD + index * ROW + ROW / 2]
    return [
      `<text x="${left - GAP}" y="${middle + 4}" text-anchor="end">${escaped(barName)}</text>`,
      `<rect class="bar" x="${left}" y="${y + 5}" width="${across(median).toFixed(1)}" height="${ROW - 10}" rx="2"/>`,
      `<path class="spread" d="M${(left + across(min)).toFixed(1)} ${middle}H${(left + across(max)).toFixed(1)}"/>`,
      `<text x="${(left + across(max) + GAP).toFixed(1)}" y="${middle + 4}">${escaped(numbers[index]!)}</text>`,
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

const widthOf = (texts: readonly string[]) => Math.ceil(Math.max(...texts.map(text => text.length)) * LETTER)

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escaped = (text: string) => text.replaceAll(/[&<>"]/g, letter => ESCAPES[letter]!)
