/** Finds where a JSON text says something that two parsers could read differently. */
import { pointerToken } from '../../base/json-scanner.ts'

export type Oddity = {
  readonly kind: 'number' | 'duplicate' | 'proto'
  /** The number as it is written, or the member's name. */
  readonly text: string
  /** A JSON Pointer to the number or member. */
  readonly pointer: string
}

/** An object or array around the place. */
type Level = {
  /** The names of an object's members so far; null for an array. */
  readonly names: Set<string> | null
  /** The member or element that the place is in. */
  name: string
  index: number
}

/**
 * Numbers that don't fit, members of which an object has two, and members called `__proto__`, in the order of the text.
 *
 * @param text valid JSON
 * @param skipped numbers and `__proto__` are passed over within this member of the body
 */
export function* odditiesOf(text: string, skipped?: string): Generator<Oddity> {
  const levels: Level[] = []
  const isSkipped = () => levels.length > 1 && levels[0]!.name === skipped
  const pointer = () =>
    levels.map(({ names, name, index }) => `/${names === null ? index : pointerToken(name)}`).join('')
  let isName = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    const level = levels.at(-1)
    if (character === '"') {
      const end = endOfString(text, at)
      if (isName) {
        const name: string = JSON.parse(text.slice(at, end + 1))
        level!.name = name
        if (level!.names!.has(name)) yield { kind: 'duplicate', text: name, pointer: pointer() }
        else if (name === '__proto__' && !isSkipped()) yield { kind: 'proto', text: name, pointer: pointer() }
        level!.names!.add(name)
        isName = false
      }
      at = end
    } else if (character === '{' || character === '[') {
      isName = character === '{'
      levels.push({ names: isName ? new Set() : null, name: '', index: 0 })
    } else if (character === '}' || character === ']') {
      isName = false
      levels.pop()
    } else if (character === ',') {
      isName = level!.names !== null
      level!.index++
    } else if (isStartOfNumber(character)) {
      const end = endOfNumber(text, at)
      const number = text.slice(at, end)
      if (!isSkipped() && isLost(number)) yield { kind: 'number', text: number, pointer: pointer() }
      at = end - 1
    }
  }
}

const isStartOfNumber = (character: string): boolean => character === '-' || (character >= '0' && character <= '9')

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && '0123456789+-.eE'.includes(text[end]!)) end++
  return end
}

/** Whether parsing changes an integer's digits or makes a number infinite. */
export function isLost(number: string): boolean {
  const value = Number(number)
  if (!Number.isFinite(value)) return true
  return /^-?\d{16,}$/.test(number) && BigInt(value) !== BigInt(number)
}

/** The offset of a string's closing quote, or the end of a text in which it has none. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
