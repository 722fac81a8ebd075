import { json } from '../strings/en/json.ts'
import { pathOf, spansOf, syntaxProblem } from './json-source.ts'
import type { Check, Problem } from './schema-check.ts'

/** A problem with its place in the text. */
export type PlacedProblem = {
  /** From 1. */
  readonly line: number
  /** What it is about, as people read a path: `cover.items[2]`. Nothing for the whole, and for the syntax. */
  readonly path: string
  readonly text: string
  /** Offsets in the text. */
  readonly from: number
  readonly to: number
}

export type JsonDocument = {
  /** The value. Undefined if the text is not JSON. */
  readonly value: unknown
  readonly isJson: boolean
  /** What is wrong, from top to bottom: the syntax alone, or everything that the check says. */
  readonly problems: readonly PlacedProblem[]
}

/** Reads a text that someone types, and checks it if it is JSON. */
export function readJson(text: string, check?: Check | null): JsonDocument {
  const fault = syntaxProblem(text)
  if (fault !== null) {
    const { from, to } = fault
    const sentence = json.syntax[fault.fault](fault.text)
    return {
      value: undefined,
      isJson: false,
      problems: [{ line: lineOf(text, from), path: '', text: sentence, from, to }],
    }
  }
  const value: unknown = JSON.parse(text)
  return { value, isJson: true, problems: check ? place(text, check(value)) : [] }
}

/** Finds where in the text each problem is, such as those that the server found. */
export function place(text: string, problems: readonly Problem[]): PlacedProblem[] {
  if (problems.length === 0) return []
  const spans = spansOf(
    text,
    problems.map(({ pointer }) => pointer),
  )
  return problems
    .map(({ pointer, text: sentence }) => {
      const { from, to } = spans.get(pointer) ?? { from: 0, to: 0 }
      // An object or an array is marked in its first line only.
      const end = text.indexOf('\n', from)
      return {
        line: lineOf(text, from),
        path: pathOf(pointer),
        text: sentence,
        from,
        to: end === -1 ? to : Math.min(to, end),
      }
    })
    .sort((a, b) => a.from - b.from)
}

function lineOf(text: string, at: number): number {
  let line = 1
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) line++
  return line
}
