import { formatBytes, formatDuration } from './format.ts'

type Named = { readonly name: string }

/** What a value is in words of its unit, which the name ends with: `10 s` for 10000 of `leaseMs`. Null if it says no more. */
export function inUnits(name: string, value: unknown): string | null {
  if (typeof value !== 'number' || value === 0) return null
  if (name.endsWith('Ms')) return formatDuration(value).replace('.0 ', ' ')
  if (name.endsWith('Bytes')) return formatBytes(value).replace('.0 ', ' ')
  if (name.endsWith('Days')) return value === 1 ? '1 day' : `${value} days`
  if (name.endsWith('Hours')) return value === 1 ? '1 hour' : `${value} hours`
  return null
}

/** As it is written in the configuration file. Null is no value. */
export function valueText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return value.join(', ')
  return String(value)
}

type Searched = Named & {
  readonly value: unknown
  readonly description: string
  readonly flag: string | null
  readonly variable: string
}

/** Whether all words that are sought are in a setting's name, flag, variable, value or description, in any case. */
export function matchesText(setting: Searched, sought: string): boolean {
  const { name, flag, variable, value, description } = setting
  const all = [name, flag, variable, valueText(value), description].join('\n').toLowerCase()
  return sought
    .toLowerCase()
    .split(/\s+/)
    .every(word => all.includes(word))
}
