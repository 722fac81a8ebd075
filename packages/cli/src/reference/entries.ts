/** All commands as entries of a reference, from the definitions that also parse them. */
import type { Command, Option } from 'commander'
import { aboutOf, type Example, SHARED_FLAGS } from '../command.ts'

export type Entry = {
  /** Such as `posthorn tenants list`. */
  readonly name: string
  /** Its arguments, such as `<tenant>`. */
  readonly operands: string
  readonly description: string
  readonly arguments: readonly Described[]
  /** Those of its own. */
  readonly flags: readonly Described[]
  /** Whether it also has the flags that commands share. */
  readonly hasShared: boolean
  readonly examples: readonly Example[]
}

export type Described = { readonly term: string; readonly description: string }

export function entriesOf(command: Command, path: readonly string[] = [command.name()]): Entry[] {
  const others = command.commands
    .filter(each => !each.name().startsWith('_'))
    .flatMap(each => entriesOf(each, [...path, each.name()]))
  // A noun does nothing by itself.
  return command.commands.length > 0 ? others : [entryOf(command, path.join(' ')), ...others]
}

function entryOf(command: Command, name: string): Entry {
  const about = aboutOf(command)
  const options = command.options.filter(each => !each.hidden)
  return {
    name,
    operands: command.registeredArguments
      .map(each => {
        const word = each.name() + (each.variadic ? '...' : '')
        return each.required ? `<${word}>` : `[${word}]`
      })
      .join(' '),
    description: command.description(),
    arguments: command.registeredArguments
      .filter(each => each.description !== '')
      .map(each => ({ term: each.name(), description: each.description })),
    flags: options.filter(each => !SHARED_FLAGS.includes(each)).map(describe),
    hasShared: options.some(each => SHARED_FLAGS.includes(each)),
    examples: about?.examples ?? [],
  }
}

export const SHARED: readonly Described[] = SHARED_FLAGS.map(describe)

function describe({ flags, description, argChoices }: Option): Described {
  const choices = argChoices === undefined ? '' : ` One of: ${argChoices.join(', ')}.`
  return { term: flags, description: description + choices }
}
