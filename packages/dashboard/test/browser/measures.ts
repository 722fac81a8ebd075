/** What a page measures of itself, from its first moment on. Runs in the page, before its own scripts. */
export type Measures = {
  /** Cumulative layout shift: the largest sum of shifts in a window of 5 seconds without a gap of 1 second. */
  layoutShift: number
  /** What moved in the worst window, for the message of a failed test. */
  shifted: string[]
  /** Time until the first content was painted, in milliseconds. 0 if none was. */
  firstPaintMs: number
  /** Time until the largest content was painted, in milliseconds. 0 if none was. */
  largestPaintMs: number
  /** What tasks took beyond 50 ms each, in milliseconds, since the first paint. */
  blockedMs: number
  /** The longest task, in milliseconds. */
  longestTaskMs: number
  /** What the Content-Security-Policy refused. */
  refused: string[]
}

declare global {
  interface Window {
    posthornMeasures?: Measures
  }
}

type Shift = PerformanceEntry & {
  readonly value: number
  readonly hadRecentInput: boolean
  readonly sources?: readonly { readonly node: Node | null }[]
}

/** Passed to the browser as text: it can't use anything from outside. */
export function measure(): void {
  const measures: Measures = {
    layoutShift: 0,
    shifted: [],
    firstPaintMs: 0,
    largestPaintMs: 0,
    blockedMs: 0,
    longestTaskMs: 0,
    refused: [],
  }
  window.posthornMeasures = measures
  const observe = (type: string, see: (entry: PerformanceEntry) => void) =>
    new PerformanceObserver(list => list.getEntries().forEach(see)).observe({ type, buffered: true })
  const describe = (node: Node | null) => {
    const element = node instanceof Element ? node : node?.parentElement
    return element ? `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}">` : '?'
  }
  let [windowShift, windowStart, lastShift] = [0, 0, 0]
  let shifted: string[] = []
  observe('layout-shift', entry => {
    const { startTime, value, hadRecentInput, sources = [] } = entry as Shift
    if (hadRecentInput) return
    if (startTime - lastShift > 1_000 || startTime - windowStart > 5_000) {
      windowShift = 0
      windowStart = startTime
      shifted = []
    }
    lastShift = startTime
    windowShift += value
    shifted.push(...sources.map(({ node }) => `${value.toFixed(3)} ${describe(node)}`))
    if (windowShift <= measures.layoutShift) return
    measures.layoutShift = windowShift
    measures.shifted = [...shifted]
  })
  observe('paint', ({ name, startTime }) => {
    if (name === 'first-contentful-paint') measures.firstPaintMs = startTime
  })
  observe('largest-contentful-paint', ({ startTime }) => {
    measures.largestPaintMs = startTime
  })
  observe('longtask', ({ startTime, duration }) => {
    measures.longestTaskMs = Math.max(measures.longestTaskMs, duration)
    if (startTime + duration > measures.firstPaintMs) measures.blockedMs += Math.max(0, duration - 50)
  })
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    measures.refused.push(`${violatedDirective}: ${blockedURI} (${sourceFile ?? ''}:${lineNumber})`)
  })
}
