/** Ids and names that a command was given: they become part of the path of a call. */
import type { Command } from 'commander'
import { EXIT } from './exit.ts'
import { Problem } from './problem.ts'

/** The arguments that are one, by the words in their `<…>`. */
const NAMES: readonly string[] = ['tenant', 'endpoint', 'type', 'event', 'delivery', 'replay', 'key-id']

/**
 * Throws Problem for what can't be an id: mostly a variable of a script that isn't set.
 *
 * @param what it would be, such as "tenant"
 */
export function requireName(what: string, value: string): void {
  if (value !== '' && value !== '.' && value !== '..') return
  const hint = value === '' ? ' Is a variable of a script not set?' : ''
  throw new Problem(`${JSON.stringify(value)} can't be the id of a ${what.replace(/-id$/, '')}.${hint}`, EXIT.usage)
}

/** Throws Problem if one of a command's arguments should be an id and can't be one. */
export function requireNames({ registeredArguments }: Command, values: readonly unknown[]): void {
  for (const [at, argument] of registeredArguments.entries()) {
    if (!NAMES.includes(argument.name())) continue
    for (const value of [values[at]].flat()) if (typeof value === 'string') requireName(argument.name(), value)
  }
}
