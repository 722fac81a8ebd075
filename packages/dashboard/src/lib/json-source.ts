import type { SyntaxFault } from '../strings/en/json.ts'

/**
 * JSON as someone types it: where it stops being JSON, and where in the text each value stands. `JSON.parse` reads the
 * value; its messages differ between browsers and have no words for people.
 */

/** What is wrong with the syntax, and where: offsets in the text. `text` is the word, number or name concerned. */
export type SyntaxProblem = {
  readonly fault: SyntaxFault
  readonly from: number
  readonly to: number
  readonly text: string
}

export type Span = { readonly from: number; readonly to: number }

/** Called for each value when it ends. */
type Visit = (pointer: string, span: Span) => void

type Open = { readonly at: number; readonly isArray: boolean; readonly pointer: string; names: Set<string> } & {
  index: number
  keyAt: number
  key: string
}

const ESCAPES = /^\\(?:["\\/]|[bfn]|[rt]|u[\da-fA-F]{4})/
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const WORD = /[^\s,:[\]{}"]+/y
const SPACE = /[ \t\r\n]*/y

class Stop extends Error {
  readonly problem: SyntaxProblem

  constructor(problem: SyntaxProblem) {
    super(problem.fault)
    this.problem = problem
  }
}

function stop(fault: SyntaxFault, from: number, to: number, text = ''): never {
  throw new Stop({ fault, from, to: Math.max(to, from + 1), text })
}

/** The first problem of the syntax, or null. A name that an object has twice is one: the server refuses it. */
export function syntaxProblem(text: string): SyntaxProblem | null {
  try {
    walk(text, () => undefined)
    return null
  } catch (error) {
    if (error instanceof Stop) return error.problem
    throw error
  }
}

/**
 * Where the values at these JSON Pointers stand, with the member's name if it has one. For a pointer to what isn't there
 * (such as a member that is missing), the nearest value around it.
 */
export function spansOf(text: string, pointers: readonly string[]): ReadonlyMap<string, Span> {
  const wanted = new Map<string, Span | undefined>()
  for (const pointer of pointers) {
    for (let one = pointer; ; one = one.slice(0, one.lastIndexOf('/'))) {
      wanted.set(one, undefined)
      if (!one.includes('/')) break
    }
  }
  try {
    walk(text, (pointer, span) => {
      if (wanted.has(pointer)) wanted.set(pointer, span)
    })
  } catch (error) {
    if (!(error instanceof Stop)) throw error
  }
  const found = new Map<string, Span>()
  for (const pointer of pointers) {
    for (let one = pointer; ; one = one.slice(0, one.lastIndexOf('/'))) {
      const span = wanted.get(one)
      // A container that is only near to what is meant is marked at its bracket, not from end to end.
      if (span !== undefined) found.set(pointer, one === pointer ? span : { from: span.from, to: span.from + 1 })
      if (span !== undefined || !one.includes('/')) break
    }
  }
  return found
}

/** Goes through a text without recursion, since it can be nested deeper than the stack. */
function walk(text: string, visit: Visit): void {
  const opened: Open[] = []
  let at = skip(text, 0)
  if (at === text.length) stop('empty', 0, 0)
  let state = 'value' as 'value' | 'item' | 'key' | 'name' | 'after'
  const pointerOf = (parent: Open | undefined) => {
    if (parent === undefined) return ''
    return `${parent.pointer}/${parent.isArray ? parent.index : escapePart(parent.key)}`
  }
  const ended = (from: number, to: number) => {
    const parent = opened.at(-1)
    visit(pointerOf(parent), { from: parent === undefined || parent.isArray ? from : parent.keyAt, to })
    state = 'after'
  }
  const close = (character: string) => {
    const open = opened.pop()
    if (open === undefined || open.isArray !== (character === ']')) stop('mismatch', at, at + 1)
    ended(open.at, ++at)
  }
  for (; ; at = skip(text, at)) {
    const parent = opened.at(-1)
    const character = text[at]
    if (state === 'after' && parent === undefined) {
      if (character === undefined) return
      stop(isComment(text, at) ? 'comment' : 'extra', at, text.length)
    }
    if (character === undefined) {
      if (parent === undefined) stop('value', Math.max(0, at - 1), at)
      stop(parent.isArray ? 'unclosedArray' : 'unclosedObject', parent.at, parent.at + 1)
    }
    if (isComment(text, at)) stop('comment', at, lineEnd(text, at))
    if (state === 'after') {
      if (character === ',') {
        if (parent!.isArray) parent!.index++
        const comma = at++
        const next = text[skip(text, at)]
        if (next === ']' || next === '}') stop('trailingComma', comma, comma + 1)
        state = parent!.isArray ? 'value' : 'name'
      } else if (character === ']' || character === '}') close(character)
      else stop('comma', at, endOfWord(text, at))
      continue
    }
    if (state === 'key' || state === 'name') {
      if (character === '}' && state === 'key') close(character)
      else at = readName(text, at, parent!, () => (state = 'value'))
      continue
    }
    if (character === ']' && state === 'item') {
      close(character)
    } else if (character === '{' || character === '[') {
      const isArray = character === '['
      opened.push({ at, isArray, pointer: pointerOf(parent), names: new Set(), index: 0, keyAt: at, key: '' })
      state = isArray ? 'item' : 'key'
      at++
    } else {
      const from = at
      at = readScalar(text, at)
      ended(from, at)
    }
  }
}

function readName(text: string, at: number, parent: Open, done: () => void): number {
  if (text[at] !== '"') stop(text[at] === "'" ? 'quotes' : 'key', at, endOfWord(text, at))
  const end = readText(text, at)
  const written = text.slice(at, end)
  const name = JSON.parse(written) as string
  if (parent.names.has(name)) stop('duplicate', at, end, written)
  parent.names.add(name)
  parent.key = name
  parent.keyAt = at
  const colon = skip(text, end)
  if (text[colon] !== ':') stop('colon', at, end)
  done()
  return colon + 1
}

function readScalar(text: string, at: number): number {
  const first = text[at]!
  if (first === '"') return readText(text, at)
  if (first === "'" || first === '‘' || first === '“' || first === '”') stop('quotes', at, endOfWord(text, at))
  if (first === ',' || first === ':' || first === '}' || first === ']') stop('value', at, at + 1)
  const end = endOfWord(text, at)
  const word = text.slice(at, end)
  if (word === 'true' || word === 'false' || word === 'null' || NUMBER.test(word)) return end
  return stop(/^[-+.\d]/.test(word) ? 'number' : 'word', at, end, word.slice(0, 40))
}

/** The end of a text that begins at a double quote. */
function readText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code === 0x5c) {
      const escaped = ESCAPES.exec(text.slice(at, at + 6))
      if (escaped === null) stop('escape', at, at + 2)
      at += escaped[0].length - 1
    } else if (code === 0x0a || code === 0x0d) stop('unclosedText', from, at)
    else if (code < 0x20) stop('control', at, at + 1)
  }
  return stop('unclosedText', from, text.length)
}

function skip(text: string, at: number): number {
  SPACE.lastIndex = at
  return at + (SPACE.exec(text)?.[0].length ?? 0)
}

function endOfWord(text: string, at: number): number {
  WORD.lastIndex = at
  return at + Math.max(1, WORD.exec(text)?.[0].length ?? 1)
}

function isComment(text: string, at: number): boolean {
  return text[at] === '#' || (text[at] === '/' && (text[at + 1] === '/' || text[at + 1] === '*'))
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function escapePart(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The parts of a JSON Pointer, as people read a path: `cover.items[2].amount`. The root is nothing. */
export function pathOf(pointer: string): string {
  let path = ''
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (/^\d+$/.test(name)) path += `[${name}]`
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name)) path += path === '' ? name : `.${name}`
    else path += `[${JSON.stringify(name)}]`
  }
  return path
}

/** Valid JSON, indented by two spaces. Numbers and texts stay as they were written, to the byte. */
export function indent(text: string): string {
  let written = ''
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []
  tokens.forEach((token, index) => {
    const before = tokens[index - 1]
    if (token === '}' || token === ']') {
      depth--
      written += before === '{' || before === '[' ? token : line() + token
      return
    }
    if (before === '{' || before === '[' || before === ',') written += line()
    written += token === ':' ? ': ' : token
    if (token === '{' || token === '[') depth++
  })
  return written
}
