/**
 * Draws a CPU profile as a flame graph: npx node bench/flame-graph.ts <file.cpuprofile> <file.svg> Each box is a
 * function. Its width is the share of time spent in it and in the functions it called, which are below it. Idle time is
 * left out. Hovering over a box shows the full name.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { escaped } from './chart.ts'

/** A profile as V8 writes it (chromedevtools.github.io/devtools-protocol, Profiler.Profile). */
type Profile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  /** Microseconds since the previous sample. */
  readonly timeDeltas: readonly number[]
}

type Frame = { readonly name: string; micros: number; readonly below: Map<string, Frame> }

const WIDTH = 1_200
const ROW = 17
const HEAD = 26
const LETTER_WIDTH = 6.2
/** Narrower boxes are left out. */
const LEAST_WIDTH = 0.6
/** Share of the profile to skip at its beginning: startup and warm-up. */
const SKIPPED = 0.4
const IDLE = new Set(['(idle)', '(program)'])
const ROOT = fileURLToPath(new URL('..', import.meta.url))

export function drawFlameGraph(profile: Profile, title: string): string {
  const root = gather(profile)
  const boxes: string[] = []
  const depth = draw(root, 0, 0, WIDTH / Math.max(root.micros, 1), boxes)
  const height = HEAD + (depth + 1) * ROW + 6
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
<style>text { font: 11px ui-monospace, monospace; fill: #24292f } .title { font: 600 13px system-ui, sans-serif }
rect { stroke: #ffffff; stroke-width: 0.5 }</style>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text class="title" x="6" y="18">${escaped(title)}</text>
${boxes.join('\n')}
</svg>
`
}

function gather({ nodes, samples, timeDeltas }: Profile): Frame {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id] as const)))
  const stackOf = (id: number): string[] => {
    const parent = parents.get(id)
    return parent === undefined ? [] : [...stackOf(parent), nameOf(byId.get(id)!.callFrame)]
  }
  const root: Frame = { name: 'all', micros: 0, below: new Map() }
  const skippedMicros = timeDeltas.reduce((sum, micros) => sum + micros, 0) * SKIPPED
  let elapsedMicros = 0
  for (const [index, id] of samples.entries()) {
    const micros = timeDeltas[index]!
    elapsedMicros += micros
    if (elapsedMicros < skippedMicros || IDLE.has(byId.get(id)!.callFrame.functionName)) continue
    let frame = root
    frame.micros += micros
    for (const name of stackOf(id)) {
      let next = frame.below.get(name)
      if (next === undefined) {
        next = { name, micros: 0, below: new Map() }
        frame.below.set(name, next)
      }
      next.micros += micros
      frame = next
    }
  }
  return root
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url
    .replace(/^file:\/\//, '')
    .replace(ROOT, '')
    .replace('packages/server/src/', '')
  const place = file === '' ? '' : ` ${file.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`
}

/** Draws a frame and its children; returns the greatest depth drawn. */
function draw(frame: Frame, x: number, depth: number, scale: number, boxes: string[]): number {
  const width = frame.micros * scale
  if (width < LEAST_WIDTH) return depth
  const share = ((width / WIDTH) * 100).toFixed(1)
  const y = HEAD + depth * ROW
  const letters = Math.floor((width - 6) / LETTER_WIDTH)
  const label =
    letters < 3 ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(frame.name.slice(0, letters))}</text>`
  boxes.push(
    `<g><title>${escaped(frame.name)}: ${share} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW}" fill="${colourOf(frame.name)}"/>${label}</g>`,
  )
  let deepest = depth
  let at = x
  for (const next of [...frame.below.values()].sort((a, b) => b.micros - a.micros)) {
    deepest = Math.max(deepest, draw(next, at, depth + 1, scale, boxes))
    at += next.micros * scale
  }
  return deepest
}

/** Colours a frame by its origin: Posthorn, undici, another library or Node. */
function colourOf(name: string): string {
  if (/ (node:|wasm:)/.test(name) || !name.includes(' ')) return '#c9d1d9'
  if (/ undici\//.test(name)) return '#9ecae1'
  return /^\S+ (base|guard|config|secrets|store|catalogue|publish|replay|engine|background|services|api|observe|server|commands)\/|^\S+ [a-z-]+\.ts:/.test(
    name,
  )
    ? '#fdae6b'
    : '#c7e9c0'
}

const [from, to] = process.argv.slice(2)
if (import.meta.main) {
  if (from === undefined || to === undefined) {
    process.stderr.write('Usage: npx node bench/flame-graph.ts <file.cpuprofile> <file.svg>\n')
    process.exitCode = 2
  } else {
    const title = 'Where a thread spends its time: orange is Posthorn, blue undici, green other libraries, grey Node'
    writeFileSync(to, drawFlameGraph(JSON.parse(readFileSync(from, 'utf8')) as Profile, title))
  }
}
