/**
 * How a command is defined. A noun has a file in `commands/`, which adds its verbs:
 *
 *     const list = addCommand(noun, 'list', 'List tenants, sorted by id.', [['posthorn tenants list', 'All of them.']])
 *     listing(list).option('--text <text>', 'Only those with this text in their id or name.')
 *     withServer(list, terminal, async ({ posthorn, out, limit }, options: { text?: string }) => { … })
 *
 * The words in `<…>` of arguments and flags decide what the shell completes: `<tenant>`, `<type>`, `<endpoint>` and so
 * on (completion/values.ts). Code that a command needs only when it runs is imported in its work.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Connected, type ConnectionFlags, connect, needTenant } from './connection.ts'
import { EXIT } from './exit.ts'
import { requireNames } from './names.ts'
import { explain, Problem, unexpected } from './problem.ts'
import { COLOUR_CHOICES } from './terminal/paint.ts'
import { Printer, type PrinterFlags } from './terminal/printer.ts'
import type { Terminal } from './terminal/terminal.ts'

/** A line that works as it is, and what it does. */
export type Example = readonly [line: string, does: string]

/** What a command needs before it can work. */
export type Needs = 'nothing' | 'address' | 'server' | 'tenant'

/** What is known of a command besides what commander knows. */
export type About = {
  readonly examples: readonly Example[]
  readonly needs: Needs
  /** Whether it runs until it is interrupted. */
  readonly isEndless: boolean
  /** Whether it is what its noun means without a verb. */
  readonly isDefault: boolean
}

/** What every command works with. */
export type Run = {
  readonly terminal: Terminal
  readonly out: Printer
  /** The most items of a list to show (`listing`). Infinity with `--all`. */
  readonly limit: number
  /** The `limit` to ask the API for in a page. */
  readonly pageSize: number
  /** The code that the command ends with if nothing is thrown. */
  exitCode: number
}

export type ServerRun = Run & Connected
export type TenantRun = ServerRun & { readonly tenant: string }

/** Arguments come after the options, as commander has them: a word, undefined if left out, or a list of words. */
type Work<R extends Run, Options, Args extends unknown[]> = (run: R, options: Options, ...args: Args) => Promise<void>

const DEFAULT_LIMIT = 50
const LARGEST_PAGE = 1_000

const known = new WeakMap<Command, About>()

/** Undefined for a noun, and for a command that calls no API, such as `serve`. */
export const aboutOf = (command: Command): About | undefined => known.get(command)

/** What a noun means without a verb: one of its commands, or itself. */
export const defaultOf = (noun: Command): Command => noun.commands.find(each => known.get(each)?.isDefault) ?? noun

/** Adds a noun, or finds it if another file has added it. */
export function addNoun(root: Command, name: string, description: string): Command {
  const found = root.commands.find(each => each.name() === name)
  return found ?? root.command(name).description(description).helpCommand(false)
}

/**
 * Adds a command to a noun, or to the root.
 *
 * @param usage its verb and arguments, as commander has them: `get <endpoint>`
 * @param isEndless whether it runs until it is interrupted
 * @param isDefault whether it is what the noun means without a verb: `posthorn deliveries --follow`
 */
export function addCommand(
  parent: Command,
  usage: string,
  description: string,
  examples: readonly Example[],
  { isEndless = false, isDefault = false }: { readonly isEndless?: boolean; readonly isDefault?: boolean } = {},
): Command {
  const command = parent.command(usage, { isDefault }).description(description)
  known.set(command, { examples, needs: 'nothing', isEndless, isDefault })
  const lines = examples.map(([line, does]) => `  ${line}\n      ${does}`)
  const shown = lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}\n`
  if (isDefault) {
    refuseUnknownVerbs(parent, command)
    const verb = command.name()
    const flags = `posthorn ${parent.name()} ${verb} --help shows its flags.`
    parent.addHelpText('after', `\nWithout a verb, it means ${verb}: ${flags}\n${shown}`)
  }
  return command.addHelpText('after', shown)
}

/** Commander takes a mistyped verb for an argument of the default command. It is refused as what it is. */
function refuseUnknownVerbs(noun: Command, command: Command): void {
  command.allowExcessArguments().hook('preAction', () => {
    if (command.args.length <= command.registeredArguments.length)
      return // Not in commander's types. It names the nearest verb.
    ;(noun as Command & { unknownCommand(): never }).unknownCommand()
  })
}

/** Adds `--limit` and `--all`, for `out.list` with the `limit` of the run. */
export function listing(command: Command): Command {
  return command
    .option('--limit <n>', `The most to show. Default: ${DEFAULT_LIMIT}.`, wholeNumber)
    .option('--all', 'Show all, however many there are.')
}

/** Parses the value of an option that is a number, at least 1. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 1.')
  return Number(text)
}

/** Gives a command its work, for which it needs a server and a tenant (`--tenant`, POSTHORN_TENANT or the profile's). */
export function withTenant<Options, Args extends unknown[]>(
  command: Command,
  terminal: Terminal,
  work: Work<TenantRun, Options, Args>,
): Command {
  addConnectionFlags(command)
  command.option('--tenant <tenant>', "The tenant. Default: POSTHORN_TENANT, or the profile's.")
  return act(command, terminal, 'tenant', async (run, flags, options: Options, ...args: Args) => {
    const connected = await connect(flags, terminal)
    const tenant = needTenant(connected.tenant)
    await explained(connected, () => work(Object.assign(run, { ...connected, tenant }), options, ...args))
  })
}

/** Gives a command its work, for which it needs a server. `tenant` is the profile's or POSTHORN_TENANT, or null. */
export function withServer<Options, Args extends unknown[]>(
  command: Command,
  terminal: Terminal,
  work: Work<ServerRun, Options, Args>,
): Command {
  return withConnection('server', command, terminal, work)
}

/** Gives a command its work, for which it needs a server, but no key: a key is used if there is one. */
export function withAddress<Options, Args extends unknown[]>(
  command: Command,
  terminal: Terminal,
  work: Work<ServerRun, Options, Args>,
): Command {
  return withConnection('address', command, terminal, work)
}

function withConnection<Options, Args extends unknown[]>(
  needs: 'server' | 'address',
  command: Command,
  terminal: Terminal,
  work: Work<ServerRun, Options, Args>,
): Command {
  addConnectionFlags(command)
  return act(command, terminal, needs, async (run, flags, options: Options, ...args: Args) => {
    const connected = await connect(flags, terminal, { needsKey: needs === 'server' })
    await explained(connected, () => work(Object.assign(run, connected), options, ...args))
  })
}

/** Gives a command its work, for which it needs no server. */
export function withNothing<Options, Args extends unknown[]>(
  command: Command,
  terminal: Terminal,
  work: Work<Run, Options, Args>,
): Command {
  return act(command, terminal, 'nothing', (run, _flags, options: Options, ...args: Args) =>
    work(run, options, ...args),
  )
}

const CONNECTION_FLAGS: readonly Option[] = [
  new Option('--url <url>', "The URL of the server. Default: POSTHORN_URL, or the profile's."),
  new Option('--profile <profile>', 'The profile to use. Default: the one in use (posthorn profiles list).'),
]

const OUTPUT_FLAGS: readonly Option[] = [
  new Option('--json', 'Write JSON: one document a line, with the names of the API.'),
  new Option('--utc', 'Show times in UTC instead of relative to now.'),
  new Option('--color <when>', 'Whether to colour the output.').choices(COLOUR_CHOICES),
  new Option('--no-pager', 'Do not show long output page by page.'),
]

/** Flags that commands share, each with one description. */
export const SHARED_FLAGS: readonly Option[] = [...CONNECTION_FLAGS, ...OUTPUT_FLAGS].map(flag =>
  flag.helpGroup('Flags of all commands that call a server:'),
)

/** Adds `--url` and `--profile`, for a command that calls `connect` itself. */
export function addConnectionFlags(command: Command): Command {
  for (const flag of CONNECTION_FLAGS) command.addOption(flag)
  return command
}

type CommonFlags = ConnectionFlags & PrinterFlags & { readonly limit?: number; readonly all?: boolean }

function act<Options, Args extends unknown[]>(
  command: Command,
  terminal: Terminal,
  needs: Needs,
  work: (run: Run, flags: CommonFlags, options: Options, ...args: Args) => Promise<void>,
): Command {
  known.set(command, { ...known.get(command)!, needs })
  for (const flag of OUTPUT_FLAGS) command.addOption(flag)
  return command.action(async (...all: unknown[]) => {
    const flags = command.opts<CommonFlags>()
    const limit = flags.all === true ? Infinity : (flags.limit ?? DEFAULT_LIMIT)
    const out = new Printer(terminal, flags)
    const run: Run = { terminal, out, limit, pageSize: Math.min(limit + 1, LARGEST_PAGE), exitCode: EXIT.ok }
    const args = all.slice(0, -2) as Args
    const worked = async () => {
      requireNames(command, args)
      await work(run, flags, flags as Options, ...args)
    }
    await terminal.exit(await ending(run, worked))
  })
}

/** Runs a command's work and returns its exit code. Never throws. */
async function ending(run: Run, work: () => Promise<void>): Promise<number> {
  try {
    await work()
    await run.out.end()
    return run.exitCode
  } catch (error) {
    await run.out.end()
    const problem = await explain(error, null)
    run.out.note(`posthorn: ${problem instanceof Problem ? problem.message : unexpected(problem)}`)
    return problem instanceof Problem ? problem.exitCode : EXIT.crash
  }
}

/** Errors of calls become sentences here, where the server and the key are known. */
async function explained(caller: Connected, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw await explain(error, caller)
  }
}
