/** Types as text, put together with the parentheses that they need. */

/** How tightly a type holds together: a name or an object; `readonly …`; an intersection; a union. */
type Level = 0 | 1 | 2 | 3

export type Ts = { readonly text: string; readonly level: Level }

export const atom = (text: string): Ts => ({ text, level: 0 })
export const UNKNOWN = atom('unknown')
export const NEVER = atom('never')
export const UNDEFINED = atom('undefined')

const within = ({ text, level }: Ts, most: Level) => (level > most ? `(${text})` : text)

export const listOf = (item: Ts): Ts => ({ text: `readonly ${within(item, 0)}[]`, level: 1 })

/** @param rest what can follow; undefined: nothing */
export function tupleOf(items: readonly Ts[], required: number, rest: Ts | undefined): Ts {
  const texts = items.map((item, index) => (index < required ? item.text : `${within(item, 0)}?`))
  if (rest !== undefined) texts.push(`...${within(rest, 0)}[]`)
  return { text: `readonly [${texts.join(', ')}]`, level: 1 }
}

const distinct = (types: readonly Ts[]) => [...new Map(types.map(type => [type.text, type])).values()]

export function union(types: readonly Ts[]): Ts {
  const some = distinct(types).filter(({ text }) => text !== NEVER.text)
  if (some.some(({ text }) => text === UNKNOWN.text)) return UNKNOWN
  if (some.length < 2) return some[0] ?? NEVER
  return { text: some.map(({ text }) => text).join(' | '), level: 3 }
}

export function intersection(types: readonly Ts[]): Ts {
  const some = distinct(types).filter(({ text }) => text !== UNKNOWN.text)
  if (some.some(({ text }) => text === NEVER.text)) return NEVER
  if (some.length < 2) return some[0] ?? UNKNOWN
  return { text: some.map(type => within(type, 1)).join(' & '), level: 2 }
}
