/** A JSON value as lines that can be folded, so that a table of lines can show any part of a value of a megabyte. */

export type JsonLine = {
  readonly depth: number
  /** The member's name as JSON, or undefined in arrays and at the top. */
  readonly key: string | undefined
  readonly kind: 'open' | 'close' | 'string' | 'number' | 'literal'
  /** What is written: a scalar as JSON, or a bracket. */
  readonly text: string
  /** A comma follows. */
  readonly comma: boolean
  /** For `open`: the index of its `close`, and how many items or members are between them. */
  readonly end: number
  readonly size: number
  readonly isArray: boolean
}

/** A number that JavaScript can't hold, as it is written. */
class Written {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown

/** Numbers stay as they are written, in browsers that tell how that is (`JSON.parse` with source text access). */
const keepNumbers: Reviver = (_key, value, context) =>
  typeof value === 'number' && context?.source !== undefined && context.source !== String(value)
    ? new Written(context.source)
    : value

/** The value of a JSON text, for `linesOf`. Throws a SyntaxError if it isn't JSON. */
export function readLines(text: string): JsonLine[] {
  try {
    return linesOf(JSON.parse(text, keepNumbers as Parameters<typeof JSON.parse>[1]))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // Nested deeper than the reviver can go.
    return linesOf(JSON.parse(text))
  }
}

type Draft = { -readonly [Name in keyof JsonLine]: JsonLine[Name] }

/** The lines of a value, all unfolded. Without recursion, because payloads can be nested deeper than the stack. */
export function linesOf(value: unknown): JsonLine[] {
  const lines: Draft[] = []
  type Step =
    | {
        readonly type: 'value'
        readonly value: unknown
        readonly key: string | undefined
        readonly depth: number
        readonly comma: boolean
      }
    | {
        readonly type: 'close'
        readonly open: number
        readonly depth: number
        readonly comma: boolean
        readonly isArray: boolean
      }
  const steps: Step[] = [{ type: 'value', value, key: undefined, depth: 0, comma: false }]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step.type === 'close') {
      const { depth, comma, isArray } = step
      lines[step.open]!.end = lines.length
      lines.push({ depth, key: undefined, kind: 'close', text: isArray ? ']' : '}', comma, end: 0, size: 0, isArray })
      continue
    }
    const { key, depth, comma } = step
    const isArray = Array.isArray(step.value)
    if (step.value instanceof Written) {
      const { text } = step.value
      lines.push({ depth, key, kind: 'number', text, comma, end: 0, size: 0, isArray })
      continue
    }
    if (step.value === null || typeof step.value !== 'object') {
      lines.push({ depth, key, kind: kindOf(step.value), text: scalar(step.value), comma, end: 0, size: 0, isArray })
      continue
    }
    const members: [string | undefined, unknown][] = isArray
      ? (step.value as unknown[]).map(item => [undefined, item])
      : Object.entries(step.value).map(([name, member]) => [scalar(name), member])
    if (members.length === 0) {
      lines.push({ depth, key, kind: 'literal', text: isArray ? '[]' : '{}', comma, end: 0, size: 0, isArray })
      continue
    }
    const open = lines.length
    lines.push({ depth, key, kind: 'open', text: isArray ? '[' : '{', comma, end: 0, size: members.length, isArray })
    steps.push({ type: 'close', open, depth, comma, isArray })
    for (let index = members.length - 1; index >= 0; index--) {
      const [name, member] = members[index]!
      steps.push({ type: 'value', value: member, key: name, depth: depth + 1, comma: index < members.length - 1 })
    }
  }
  return lines
}

/** The indexes of the lines that are seen when those in `folded` are folded. */
export function visibleLines(lines: readonly JsonLine[], folded: ReadonlySet<number>): number[] {
  const visible: number[] = []
  for (let index = 0; index < lines.length; index++) {
    visible.push(index)
    if (folded.has(index)) index = lines[index]!.end
  }
  return visible
}

/** What is folded at first: nothing in small values, and what is deep or long in large ones. */
export function firstFolds(lines: readonly JsonLine[]): Set<number> {
  const folds = new Set<number>()
  if (lines.length <= 400) return folds
  lines.forEach((line, index) => {
    if (line.kind === 'open' && line.depth > 0 && (line.depth >= 3 || line.size > 100)) folds.add(index)
  })
  return folds
}

function kindOf(value: unknown): 'string' | 'number' | 'literal' {
  return typeof value === 'string' ? 'string' : typeof value === 'number' ? 'number' : 'literal'
}

/**
 * Characters that aren't seen, or that change the order of what is: a text could look like another. JSON can write them
 * as escapes.
 */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** JSON in which every character is seen. */
export function withoutControls(json: string): string {
  return json.replace(UNSEEN, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A value as JSON, in which every character is seen. */
export function scalar(value: unknown): string {
  return value === undefined ? 'null' : withoutControls(JSON.stringify(value))
}
