/** Values of options. */
import type { RateLimit } from '@posthorn/client'
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

/** For labels of one's own, `label=value`, which can be repeated. */
export function label(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be label=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** For a limit such as `100/60`: requests in seconds. */
export function rateLimit(text: string): RateLimit {
  const [, requests, perSeconds] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? []
  if (perSeconds === undefined) throw new InvalidArgumentError('It must be requests/seconds, such as 100/60.')
  return { requests: Number(requests), perSeconds: Number(perSeconds) }
}
