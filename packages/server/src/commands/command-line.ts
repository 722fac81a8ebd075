/** The commands, with everything they touch passed in. `cli.ts` runs them on the real process. */
import { Command, CommanderError, Option } from 'commander'
import pkg from '../../package.json' with { type: 'json' }
import type { Clock, Timer } from '../base/clock.ts'
import { createLogger } from '../base/logger.ts'
import type { Output } from '../base/output.ts'
import { StartRefused } from '../base/start-refused.ts'
import {
  type Config,
  type ConfigResult,
  type Environment,
  type Flags,
  loadConfig,
  loadMoveConfig,
} from '../config/config.ts'
import { describeSettings, type SettingDescription } from '../config/descriptions.ts'
import { readTelemetrySettings, type TelemetrySettings } from '../config/telemetry-settings.ts'
import { type Channel, Gathering } from '../observe/gathering.ts'
import type { CopyConfig } from './backup.ts'
import type { CommandIo } from './command-io.ts'
import type { DoctorOptions } from './doctor/doctor.ts'
import type { MoveConfig } from './move.ts'
import { Processes, type ServingProcess, type StopSignal } from './processes.ts'

export const EXIT = {
  /** All is well: the help was shown, serve drained and stopped, or another command has done its work. */
  ok: 0,
  /** The command can't do its work as things are. */
  refused: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Something that nobody foresaw; whatever was accepted is in the store and goes on at the next start. */
  crash: 70,
  /** Plus the number of a signal that came a second time. */
  signal: 128,
} as const

const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 }

/** Ctrl-C under npm arrives twice: from the terminal and, about a millisecond later, from npm. That is one wish. */
const SAME_WISH_MS = 500
/** What a stop can take beyond the drain, to settle and close. */
const STOP_GRACE_MS = 10_000
const PARENT_CHECK_MS = 1000

export type Effects = {
  /** Without the program's own name. */
  readonly args: readonly string[]
  readonly env: Environment
  readonly readFile: (path: string) => string
  readonly stdout: Output
  readonly stderr: Output
  readonly clock: Clock
  readonly startServer: StartServer
  readonly migrateStore: (config: Config, io: CommandIo) => Promise<void>
  readonly moveInstallation: (config: MoveConfig, io: CommandIo) => Promise<void>
  readonly rotateKeys: (config: Config, url: string | undefined, io: CommandIo) => Promise<void>
  readonly backUpStore: (config: CopyConfig, io: CommandIo) => Promise<void>
  readonly restoreStore: (config: CopyConfig, io: CommandIo) => Promise<void>
  readonly examine: (result: ConfigResult, options: DoctorOptions, io: CommandIo) => Promise<boolean>
  /** Ends the process. */
  readonly exit: (code: number) => void
  readonly onSignal: (signal: StopSignal, handle: () => void) => void
  /** An exception or rejection that nothing caught. */
  readonly onCrash: (handle: (error: unknown) => void) => void
  readonly parentPid: () => number
  /** Starts this very command again as one of several processes that share the port. */
  readonly fork: () => ServingProcess & Channel
  /** How this process was forked; null: it was not. */
  readonly forked: Forked | null
}

type Forked = {
  /** The one that says for all of them where the API is. */
  readonly isFirst: boolean
  /** The parent is gone. */
  readonly onOrphaned: (handle: () => void) => void
  /** To the parent. */
  readonly parent: Channel
}

/** Whether others write to the same output: no; yes, and this one tells where the API is; yes, and another does. */
type Sharing = 'alone' | 'first' | 'another'

type RunningServer = { readonly url: string; stop(): Promise<void> }
type StartServer = (
  config: Config,
  io: {
    readonly stdout: Output
    readonly stderr: Output
    readonly clock: Clock
    readonly sharing: Sharing
    readonly telemetry: TelemetrySettings | null
    readonly parent?: Channel
  },
) => Promise<RunningServer>

export async function runCommandLine(effects: Effects): Promise<void> {
  try {
    await program(effects).parseAsync(effects.args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) return crash(effects, error)
    effects.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage)
  }
}

function program(effects: Effects): Command {
  const root = new Command('posthorn')
    .description(pkg.description)
    .version(`posthorn ${pkg.version}`, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: text => void effects.stdout.write(text),
      writeErr: text => void effects.stderr.write(text),
    })
  const serveCommand = root
    .command('serve')
    .description('send web-hooks, until stopped')
    // Unknown flags go to the configuration, which names everything that is wrong at once.
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nEach flag can also be an environment variable (--max-batch: POSTHORN_MAX_BATCH) or a key of the file (maxBatch).' +
        '\nPOSTHORN_API_KEY and POSTHORN_ENCRYPTION_KEY set the keys, which have no flag. See docs/configuration.md.\n',
    )
  addSettings(serveCommand)
  serveCommand.action(() => serve(serveCommand, effects))
  addMigrate(root, effects)
  addMove(root, effects)
  addKeys(root, effects)
  addCopies(root, effects)
  addDoctor(root, effects)
  return root
}

function addMigrate(root: Command, effects: Effects): void {
  const command = root
    .command('migrate')
    .description("bring the store to this version's schema, as serve does at its start")
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
    .description('move everything from a data folder to an empty PostgreSQL')
    .option('--from <folder>', 'the data folder; nothing in it is changed, and no serve may be running on it')
    .option('--to <url>', 'the database; better in POSTHORN_DATABASE_URL, since a flag shows in the list of processes')
    .addHelpText(
      'after',
      '\nIt can be stopped at any time: run again, it goes on where it was. See docs/scaling-up.md.\n',
    )
  command.action(async ({ from, to }: { from?: string; to?: string }) => {
    const result = loadMoveConfig({ from, to, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.moveInstallation(config as MoveConfig, effects), effects)
  })
}

function addKeys(root: Command, effects: Effects): void {
  const keys = root.command('keys').description('what is done with the key that encrypts secrets')
  const command = keys
    .command('rotate')
    .description('encrypt all secrets with another key, while the server goes on')
    .option('--url <url>', 'of the server; by default where the configuration has it on this machine')
    .addHelpText('after', "\nThe API's root key is read from POSTHORN_API_KEY. See docs/keys.md.\n")
  addSettings(command, ['host', 'port', 'config'])
  command.action(async ({ url }: { url?: string }) => {
    const { '--url': _, ...flags } = flagsOf(command).flags
    const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.rotateKeys(config, url, effects), effects)
  })
}

function addCopies(root: Command, effects: Effects): void {
  const copies = [
    ['backup', 'copy the data folder’s store to a new file, while serve goes on', effects.backUpStore],
    ['restore', 'put such a copy into a data folder that has no store', effects.restoreStore],
  ] as const
  for (const [name, description, work] of copies) {
    const command = root
      .command(name)
      .description(description)
      .argument('<file>', 'the copy')
      .addHelpText('after', '\nThe encryption key is not in it: keep a copy of that apart. See docs/backup.md.\n')
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
    .description('look whether everything is as it should be, and say what to do; also beside a running serve')
    .option('--target <url>', 'also try to reach this receiver, as a delivery would (HEAD /)')
    .option('--full', 'also what takes long: read the whole store, and audit the books now')
    .addHelpText('after', '\nGive it what serve is given. It ends with 0 if nothing has failed, else with 1.\n')
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

/** Those of these settings; left out: of all. */
function addSettings(command: Command, keys?: readonly string[]): void {
  for (const setting of describeSettings()) {
    if (keys !== undefined && !keys.includes(setting.key)) continue
    for (const option of optionsOf(setting)) command.addOption(option)
  }
}

/** Runs a command that ends by itself, and the process with it. */
async function finish(result: ConfigResult, work: (config: Config) => Promise<void>, effects: Effects): Promise<void> {
  if (result.ok) {
    try {
      await work(result.config)
      effects.exit(EXIT.ok)
    } catch (error) {
      refuseStart(error, effects)
    }
  } else refuseUsage(result.problems, effects)
}

function refuseUsage(problems: readonly string[], { stderr, exit }: Effects): void {
  for (const problem of problems) stderr.write(`posthorn: ${problem}\n`)
  exit(EXIT.usage)
}

function refuseStart(error: unknown, effects: Effects): void {
  if (error instanceof StartRefused) {
    effects.stderr.write(`posthorn: ${error.message}\n`)
    effects.exit(EXIT.refused)
  } else crash(effects, error)
}

function optionsOf(setting: SettingDescription): Option[] {
  if (setting.flag === null) return []
  if (setting.shape === 'switch') {
    return [new Option(setting.flag, setting.doc), new Option(setting.flag.replace('--', '--no-')).hideHelp()]
  }
  const byDefault = setting.default ? ` Default: ${setting.default}.` : ''
  const option = new Option(`${setting.flag} <${setting.placeholder}>`, setting.doc + byDefault)
  option.argParser<readonly string[]>((value, before) => (Array.isArray(before) ? [...before, value] : [value]))
  // Told as needing a value, parsed as if it didn't: else "--port --dev" would take "--dev" for the port.
  option.required = false
  option.optional = true
  return [option]
}

async function serve(command: Command, effects: Effects): Promise<void> {
  const { flags, words } = flagsOf(command)
  const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
  const problems = result.ok ? [...words] : [...words, ...result.problems]
  if (!result.ok || problems.length > 0) return refuseUsage(problems, effects)
  if (result.config.processes === 1 || effects.forked !== null) return run(result.config, effects)
  if (result.config.databaseUrl === null) {
    const why = 'processes is more than 1, and the embedded store has one process only'
    return refuseStart(new StartRefused(`${why}: leave it out, or set POSTHORN_DATABASE_URL.`), effects)
  }
  await runMany(result.config, effects)
}

/** As many processes as are configured, until a signal. */
async function runMany(config: Config, effects: Effects): Promise<void> {
  const { clock, exit, stdout } = effects
  const gathering = new Gathering(clock)
  const fork = () => {
    const child = effects.fork()
    gathering.add(child)
    child.onEnd(() => gathering.remove(child))
    return child
  }
  effects.onCrash(error => crash(effects, error))
  const { logger, flush } = createLogger({ level: config.logLevel, stdout, clock, isShared: true })
  const stopTimeoutMs = config.drainTimeoutMs + 2 * STOP_GRACE_MS
  const crashCode = EXIT.crash
  const processes = new Processes({ count: config.processes, fork, clock, log: logger, stopTimeoutMs, crashCode })
  let stopAskedAtMs: number | undefined
  const onSignal = (signal: StopSignal) => {
    if (stopAskedAtMs === undefined) {
      stopAskedAtMs = clock.monotonicMs()
      processes.stop(signal)
    } else if (clock.monotonicMs() - stopAskedAtMs >= SAME_WISH_MS) {
      processes.killAll()
      exit(EXIT.signal + SIGNAL_NUMBERS[signal])
    }
  }
  effects.onSignal('SIGTERM', () => onSignal('SIGTERM'))
  effects.onSignal('SIGINT', () => onSignal('SIGINT'))
  if (effects.env.npm_lifecycle_event === 'start') whenParentGone(effects, () => onSignal('SIGTERM'))
  const code = await processes.run()
  await flush()
  exit(code)
}

/** What was typed, for the configuration to judge, and a sentence for each word that belongs to no flag. */
function flagsOf(command: Command): { flags: Flags; words: string[] } {
  const flags: Record<string, boolean | string[]> = {}
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    if (value !== undefined) flags[`--${option.name().replace(/^no-/, '')}`] = value as boolean | string[]
  }
  const firstUnknown = command.args.findIndex(each => each.startsWith('-'))
  const words = firstUnknown < 0 ? command.args : command.args.slice(0, firstUnknown)
  // Words after an unknown flag are taken for its value and not shown: it may be "--api-key" and a secret.
  const unknown = command.args.slice(words.length).filter(each => each.startsWith('-'))
  for (const each of unknown) flags[each.split('=', 1)[0]!] = [each.split('=')[1] ?? '']
  const hint = 'serve takes only flags (with npm: npm start -- --port 0)'
  return { flags, words: words.map(word => `the word ${JSON.stringify(word)} belongs to no flag: ${hint}.`) }
}

/** Starts the server and stops it once: at the first signal, or when the npm that started it is gone. */
async function run(config: Config, effects: Effects): Promise<void> {
  const { clock, exit, stdout, stderr } = effects
  effects.onCrash(error => crash(effects, error))
  const sharing = effects.forked === null ? 'alone' : effects.forked.isFirst ? 'first' : 'another'
  const telemetry = readTelemetrySettings(effects.env)
  const parent = effects.forked === null ? {} : { parent: effects.forked.parent }
  const started = (async () => effects.startServer(config, { stdout, stderr, clock, sharing, telemetry, ...parent }))()
  let stopAskedAtMs: number | undefined
  const stop = async () => {
    stopAskedAtMs = clock.monotonicMs()
    clock.after(config.drainTimeoutMs + STOP_GRACE_MS, () => crash(effects, new Error('the stop took too long')))
    try {
      await (await started).stop()
      exit(EXIT.ok)
    } catch (error) {
      // A start that failed is told below.
      if (!(await failed(started))) crash(effects, error)
    }
  }
  const onSignal = (signal: StopSignal) => {
    if (stopAskedAtMs === undefined) void stop()
    else if (clock.monotonicMs() - stopAskedAtMs >= SAME_WISH_MS) exit(EXIT.signal + SIGNAL_NUMBERS[signal])
  }
  effects.onSignal('SIGTERM', () => onSignal('SIGTERM'))
  effects.onSignal('SIGINT', () => onSignal('SIGINT'))
  // With its parent a process loses the port: nobody would call it, and nobody would ever stop it.
  effects.forked?.onOrphaned(() => stopAskedAtMs === undefined && void stop())
  try {
    await started
  } catch (error) {
    return refuseStart(error, effects)
  }
  // An npm that is killed outright leaves the server behind, holding the data folder: the next start would be refused.
  const startedByNpm = effects.env.npm_lifecycle_event === 'start'
  if (startedByNpm) whenParentGone(effects, () => stopAskedAtMs === undefined && void stop())
}

async function failed(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  )
}

function whenParentGone({ clock, parentPid }: Effects, react: () => void): void {
  const parent = parentPid()
  const look = (): Timer => clock.after(PARENT_CHECK_MS, () => void (parentPid() === parent ? look() : react()))
  look()
}

function crash({ clock, exit, stdout }: Effects, error: unknown): void {
  const { logger, flushSync } = createLogger({ level: 'fatal', stdout, clock })
  logger.fatal({ err: error }, 'Posthorn ends because of an error; what was accepted goes on at the next start')
  flushSync()
  exit(EXIT.crash)
}
