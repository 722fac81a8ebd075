/** Defines the commands. Everything they touch is passed in: `cli.ts` runs them on the real process. */
import { setImmediate } from 'node:timers/promises'
import { type Argument, Command, CommanderError } from 'commander'
import { DESCRIPTION, VERSION } from '../base/own-files.ts'
import { type Config, loadConfig, loadMoveConfig } from '../config/config.ts'
import type { Effects } from './effects.ts'
import { crash, EXIT, finish, refuseStart } from './endings.ts'
import { addSettings, flagsOf } from './flags.ts'
import type { MoveConfig } from './move.ts'
import { serve } from './serve.ts'

export type { Effects } from './effects.ts'
export { EXIT } from './endings.ts'

export async function runCommandLine(effects: Effects): Promise<void> {
  const program = makeProgram(effects)
  try {
    // A server starts without the code of commands that it isn't.
    const [first] = effects.args
    const isLocal = first === '--version' || program.commands.some(command => command.name() === first)
    if (!isLocal) await effects.addRemoteCommands(program)
    await program.parseAsync(first === 'help' ? helpArgs(effects.args.slice(1), program) : effects.args, {
      from: 'user',
    })
  } catch (error) {
    if (!(error instanceof CommanderError)) return crash(effects, error)
    if (error.exitCode === 0) {
      // A stream says after this turn that the help couldn't be written.
      await setImmediate()
      return effects.exit(EXIT.ok)
    }
    // Commander has shown the help of a noun without a verb already.
    if (error.code !== 'commander.help') effects.stderr.write(`posthorn: ${sentenceOf(error, program, effects.args)}\n`)
    effects.exit(EXIT.usage)
  }
}

/** `help NOUN VERB` as `NOUN VERB --help`, which commander's own doesn't do. Throws its error for an unknown command. */
function helpArgs(words: readonly string[], program: Command): string[] {
  const names: string[] = []
  let command = program
  for (const word of words.filter(each => each !== 'help' && !each.startsWith('-'))) {
    if (command.commands.length === 0) break
    const next = command.commands.find(each => each.name() === word)
    if (next === undefined) refuseUnknown(command, word)
    command = next
    names.push(word)
  }
  return [...names, '--help']
}

function refuseUnknown(command: Command, word: string): never {
  command.args = [word]
  // Not in commander's types. It names the nearest command.
  return (command as Command & { unknownCommand(): never }).unknownCommand()
}

/** What is wrong, the nearest name if there is one, and where the help is. What was typed can be a secret in part. */
function sentenceOf({ message }: CommanderError, program: Command, args: readonly string[]): string {
  const safe = message.replace(/^(error: unknown option '[^'=]*)=[^\n]*'/, "$1'").replace(/( but got \d+): .*$/s, '$1')
  const [what, hint] = safe.replace(/^error: /, '').split('\n')
  const sentence = /[.!?]$/.test(what!) ? what : `${what}.`
  const near = hint === undefined ? '' : ` ${hint.replace(/^\(|\)$/g, '')}`
  return `${sentence}${near} See ${nameOf(program, args)} --help.`
}

/** The longest name of a command at the start of the arguments. */
function nameOf(program: Command, [first, ...others]: readonly string[]): string {
  if (first === 'help') return nameOf(program, others)
  const next = program.commands.find(command => command.name() === first)
  return next === undefined ? program.name() : `${program.name()} ${nameOf(next, others)}`
}

/** The heading of those that need no API, in the help. */
const LOCAL = 'Run and examine a server:'

/** All commands with their flags. None of the effects is used before a command runs. */
export function makeProgram(effects: Effects): Command {
  const root = new Command('posthorn')
    .description(DESCRIPTION)
    .version(`posthorn ${VERSION}`, '--version', 'Show the version.')
    .helpOption('-h, --help', 'Show this help.')
    .addHelpCommand(helpCommand())
    .configureHelp({
      subcommandTerm: command => [command.name(), ...command.registeredArguments.map(termOf)].join(' '),
    })
    .exitOverride()
    .configureOutput({
      writeOut: text => void effects.stdout.write(text),
      writeErr: text => void effects.stderr.write(text),
      // Written as a sentence, when it is caught.
      outputError: () => {},
    })
    .commandsGroup(LOCAL)
  const serveCommand = root
    .command('serve')
    .description('Run the server until it is stopped.')
    // Unknown flags are passed on to the configuration, which reports all problems together.
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nEach setting can also be an environment variable (POSTHORN_MAX_BATCH for --max-batch) or, except for' +
        '\n--config, a key in the configuration file (maxBatch). Secrets have no flag: set the two keys with' +
        '\nPOSTHORN_API_KEY and POSTHORN_ENCRYPTION_KEY. See docs/configuration.md.\n',
    )
  addSettings(serveCommand)
  serveCommand.action(() => serve(serveCommand, effects))
  addMigrate(root, effects)
  addMove(root, effects)
  addCopies(root, effects)
  addDoctor(root, effects)
  addDemo(root, effects)
  return root
}

const helpCommand = () =>
  new Command('help')
    .argument('[command...]')
    .description('Show help for a command.')
    .helpOption(false)
    .helpGroup(LOCAL)

const termOf = (argument: Argument): string => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`)

function addMigrate(root: Command, effects: Effects): void {
  const command = root
    .command('migrate')
    .description("Migrate the store to this version's schema, as serve does at startup.")
    .addHelpText('after', '\nThe store is the data folder, or the database in POSTHORN_DATABASE_URL.\n')
  addSettings(command, ['data', 'config'])
  command.action(async () => {
    const result = loadConfig({ flags: flagsOf(command).flags, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.migrateStore(config, effects), effects)
  })
}

function addMove(root: Command, effects: Effects): void {
  const command = root
    .command('move')
    .description('Move everything from a data folder to an empty PostgreSQL database.')
    .option('--from <folder>', 'The data folder. It is not changed; serve must not be running on it.')
    .option(
      '--to <url>',
      'The URL of the database. Prefer POSTHORN_DATABASE_URL: flags are visible in the process list.',
    )
    .addHelpText(
      'after',
      '\nA move can be stopped at any time: run the command again to resume it. See docs/scaling-up.md.\n',
    )
  command.action(async ({ from, to }: { from?: string; to?: string }) => {
    const result = loadMoveConfig({ from, to, env: effects.env, readFile: effects.readFile })
    const moving = (config: Config) => ({ ...config, hasUrlFlag: to !== undefined }) as MoveConfig
    await finish(result, config => effects.moveInstallation(moving(config), effects), effects)
  })
}

function addCopies(root: Command, effects: Effects): void {
  const copies = [
    ['backup', 'Copy the store of a data folder to a new file, even while serve is running.', effects.backUpStore],
    ['restore', 'Restore a backup into a data folder that has no store.', effects.restoreStore],
  ] as const
  for (const [name, description, work] of copies) {
    const command = root
      .command(name)
      .description(description)
      .argument('<file>', 'The backup file.')
      .addHelpText(
        'after',
        '\nA backup does not contain the encryption key: keep a copy of the key elsewhere. See docs/backup.md.\n',
      )
    addSettings(command, ['data', 'config'])
    command.action(async (file: string) => {
      const flags = flagsOf(command).flags
      const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
      await finish(result, config => work({ ...config, file }, effects), effects)
    })
  }
}

function addDoctor(root: Command, effects: Effects): void {
  const command = root
    .command('doctor')
    .description('Check an installation and suggest fixes. Can run alongside serve.')
    .option('--target <url>', "Also send HEAD / to this URL's host, the way deliveries are sent.")
    .option('--full', 'Also run the slow checks: read the whole store, and run the consistency check now.')
    .addHelpText('after', '\nUse the same settings as for serve. The exit code is 0 if no check fails, otherwise 1.\n')
  addSettings(command)
  command.action(async ({ target, full = false }: { target?: string; full?: boolean }) => {
    const { '--target': _target, '--full': _full, ...flags } = flagsOf(command).flags
    const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
    try {
      const isWell = await effects.examine(result, { target: target ?? null, isFull: full }, effects)
      effects.exit(isWell ? EXIT.ok : EXIT.refused)
    } catch (error) {
      refuseStart(error, effects)
    }
  })
}

function addDemo(root: Command, effects: Effects): void {
  root
    .command('demo')
    .description('Show Posthorn at work, with receivers of its own, in a temporary folder.')
    .option('--exit', 'End once nothing is pending, within 30 seconds; the last line is a summary as JSON.')
    .option('--cluster', 'Run three nodes on one PostgreSQL, kill one of them under load, and add another.')
    .action(({ exit = false, cluster = false }: { exit?: boolean; cluster?: boolean }) =>
      effects.runDemo({ exit, cluster }),
    )
}
