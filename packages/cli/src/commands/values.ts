/** Values of options. */
import { InvalidArgumentError } from 'commander'

/** For an option that can be repeated, and whose value can have several parts, separated by commas. */
export function several(text: string, before: readonly string[] | undefined): readonly string[] {
  const values = text.split(',').map(each => each.trim())
  if (values.includes('')) throw new InvalidArgumentError('Separate values by single commas, as in A,B.')
  return [...(before ?? []), ...values]
}

/** For an option that can be repeated. */
export const repeated = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
]

/** `A and B`, `A, B and C`. */
export function listed(words: readonly string[], conjunction = 'and'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`
}

/** `1 delivery`, `12 deliveries`, `1,200 deliveries`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
