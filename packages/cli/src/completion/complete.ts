/** What can stand at the end of a command line that is being typed. */
import type { Argument, Command, Option } from 'commander'
import { defaultOf } from '../command.ts'

export type Candidate = { readonly value: string; readonly description: string }

/** The candidates, or that file names are wanted, which the shell knows best. */
export type Completion =
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'files' }

/** A place for a value: its word in `<…>`, what was typed of it, and the flags in front of it with their values. */
export type Place = { readonly word: string; readonly typed: string; readonly flags: Readonly<Record<string, string>> }

/** The values for a place that only a server or the profiles know. Never throws. */
export type LookUp = (place: Place) => Promise<readonly Candidate[]>

const FILES: readonly string[] = ['file', 'folder', 'path', 'json-file']

/** @param words those after `posthorn`; the last one is being typed, and can be empty */
export async function complete(root: Command, words: readonly string[], lookUp: LookUp): Promise<Completion> {
  const typed = words.at(-1) ?? ''
  const { command, operands, waiting, flags } = walk(root, words.slice(0, -1))
  const valuesOf = async (holder: Argument | Option, start: string, prefix = ''): Promise<Completion> => {
    const word = wordOf(holder)
    if (holder.argChoices !== undefined)
      return wordsAt(
        holder.argChoices.map(each => plainly(prefix + each)),
        prefix + start,
      )
    if (FILES.includes(word)) return { kind: 'files' }
    const found = await lookUp({ word, typed: start, flags })
    return wordsAt(
      found.map(each => ({ ...each, value: prefix + each.value })),
      prefix + start,
    )
  }
  if (waiting !== undefined) return valuesOf(waiting, typed)
  const [, name, start] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? []
  if (name !== undefined) {
    const option = defaultOf(command).options.find(each => each.long === name)
    return option === undefined ? wordsAt([], typed) : valuesOf(option, start!, `${name}=`)
  }
  if (typed.startsWith('-')) return wordsAt(optionsOf(defaultOf(command), flags), typed)
  if (command.commands.length > 0 && operands === 0) return wordsAt(commandsOf(command), typed)
  const declared = command.registeredArguments
  const argument = declared[operands] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined)
  return argument === undefined ? wordsAt([], typed) : valuesOf(argument, typed)
}

type Walked = {
  readonly command: Command
  /** The number of words that are arguments of the command. */
  readonly operands: number
  /** The option whose value comes next. */
  readonly waiting: Option | undefined
  readonly flags: Readonly<Record<string, string>>
}

/** Follows finished words: commands, then flags and arguments in any order. */
function walk(root: Command, words: readonly string[]): Walked {
  let [command, operands, waiting]: [Command, number, Option | undefined] = [root, 0, undefined]
  const flags: Record<string, string> = {}
  for (const word of words) {
    if (waiting !== undefined) {
      flags[waiting.long ?? waiting.flags] = word
      waiting = undefined
    } else if (word.startsWith('-') && word.length > 1) {
      const [name, value] = word.split(/=(.*)/s, 2)
      const option = defaultOf(command).options.find(each => each.long === name || each.short === name)
      if (value === undefined && takesValue(option)) waiting = option
      else flags[name!] = value ?? ''
    } else {
      const next = operands === 0 ? command.commands.find(each => each.name() === word) : undefined
      if (next === undefined) operands++
      else command = next
    }
  }
  return { command, operands, waiting, flags }
}

/** Settings of `serve` are declared as if their value were optional (commands/flags.ts). All of them need one. */
const takesValue = (option: Option | undefined): option is Option =>
  option !== undefined && (option.required || option.optional)

const commandsOf = (command: Command): Candidate[] =>
  command.commands
    .filter(each => !each.name().startsWith('_'))
    .map(each => ({ value: each.name(), description: each.description() }))

function optionsOf(command: Command, used: Readonly<Record<string, string>>): Candidate[] {
  const own = command.options.filter(each => !each.hidden && each.long !== undefined)
  const left = own.filter(each => each.variadic || used[each.long!] === undefined)
  const options = left.map(({ long, description }) => ({ value: long!, description }))
  return [...options, { value: '--help', description: 'Show the help.' }]
}

/** The word in `<…>` or `[…]`. */
const wordOf = (holder: Argument | Option): string =>
  'flags' in holder ? (/[<[]([\w-]+)/.exec(holder.flags)?.[1] ?? '') : holder.name()

const plainly = (value: string): Candidate => ({ value, description: '' })

const wordsAt = (candidates: readonly Candidate[], typed: string): Completion => ({
  kind: 'words',
  candidates: candidates.filter(({ value }) => value.startsWith(typed)),
})
