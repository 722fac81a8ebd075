/** `posthorn serve`: runs one process, or several that share the port, until a signal arrives. */
import type { Command } from 'commander'
import type { Timer } from '../base/clock.ts'
import { chooseLines } from '../base/log-lines.ts'
import { createLogger } from '../base/logger.ts'
import { StartRefused } from '../base/start-refused.ts'
import { type Config, loadConfig, type Origins } from '../config/config.ts'
import { readTelemetrySettings } from '../config/telemetry-settings.ts'
import type { ServerIo } from '../server/server-io.ts'
import type { Effects } from './effects.ts'
import { crash, EXIT, refuseStart, refuseUsage } from './endings.ts'
import { flagsOf } from './flags.ts'
import { Processes, type StopSignal } from './processes.ts'

const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGINT: 2, SIGTERM: 15 }

/** Ctrl-C under npm arrives twice: from the terminal and, about a millisecond later, from npm. It counts as one. */
const SAME_WISH_MS = 500
/** How long a shutdown can take beyond the drain, to settle and close. */
const STOP_GRACE_MS = 10_000
const PARENT_CHECK_MS = 1000

export async function serve(command: Command, effects: Effects): Promise<void> {
  const { flags, words } = flagsOf(command)
  const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
  const problems = result.ok ? [...words] : [...words, ...result.problems]
  if (!result.ok || problems.length > 0) return refuseUsage(problems, effects)
  const { dev, dashboard } = result.config
  // `npm start` is how one runs it from its sources. Nothing waits for the build.
  if (dev && dashboard === 'on' && effects.forked === null && isStartedByNpm(effects)) void effects.buildDashboard()
  if (result.config.processes === 1 || effects.forked !== null) return run(result, effects)
  if (result.config.databaseUrl === null) {
    const why = 'processes is more than 1, but the embedded store allows only one process'
    return refuseStart(new StartRefused(`${why}: leave it out, or set POSTHORN_DATABASE_URL.`), effects)
  }
  await runMany(result.config, effects)
}

type Loaded = { readonly config: Config; readonly origins: Origins }

/** Starts the server, and stops it once: at the first signal, or when the npm process that started it has ended. */
async function run({ config, origins }: Loaded, effects: Effects): Promise<void> {
  const { clock, exit, stdout, stderr } = effects
  const end = (error: unknown) => crash(effects, error, config.logFormat)
  effects.onCrash(end)
  const sharing = effects.forked === null ? 'alone' : effects.forked.isFirst ? 'first' : 'another'
  const telemetry = readTelemetrySettings(effects.env)
  const parent = effects.forked === null ? {} : { parent: effects.forked.parent }
  const environment = effects.env
  const io: ServerIo = { stdout, stderr, clock, sharing, telemetry, origins, environment, ...parent }
  const started = (async () => effects.startServer(config, io))()
  let stopAskedAtMs: number | undefined
  const stop = async () => {
    stopAskedAtMs = clock.monotonicMs()
    clock.after(config.drainTimeoutMs + STOP_GRACE_MS, () => end(new Error('the shutdown took too long')))
    try {
      await (await started).stop()
      exit(EXIT.ok)
    } catch (error) {
      // A failed startup is reported below.
      if (!(await failed(started))) end(error)
    }
  }
  const onSignal = (signal: StopSignal) => {
    if (stopAskedAtMs === undefined) void stop()
    else if (clock.monotonicMs() - stopAskedAtMs >= SAME_WISH_MS) exit(EXIT.signal + SIGNAL_NUMBERS[signal])
  }
  effects.onSignal('SIGTERM', () => onSignal('SIGTERM'))
  effects.onSignal('SIGINT', () => onSignal('SIGINT'))
  // A process that loses its parent loses the port: it would get no calls, and nothing would ever stop it.
  effects.forked?.onOrphaned(() => stopAskedAtMs === undefined && void stop())
  try {
    await started
  } catch (error) {
    return refuseStart(error, effects, config.logFormat)
  }
  // An npm process killed with SIGKILL leaves the server behind, holding the data folder: the next startup would fail.
  if (isStartedByNpm(effects)) whenParentGone(effects, () => stopAskedAtMs === undefined && void stop())
}

const isStartedByNpm = ({ env }: Effects): boolean => env.npm_lifecycle_event === 'start'

async function failed(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  )
}

/** Runs the configured number of processes until a signal arrives. */
async function runMany(config: Config, effects: Effects): Promise<void> {
  const { clock, exit, stdout } = effects
  // Imported only here: it loads the metrics code, which no other command needs.
  const { Gathering } = await import('../observe/gathering.ts')
  const gathering = new Gathering(clock)
  const fork = () => {
    const child = effects.fork()
    gathering.add(child)
    child.onEnd(() => gathering.remove(child))
    return child
  }
  effects.onCrash(error => crash(effects, error, config.logFormat))
  const formatLine = chooseLines(config.logFormat, stdout, effects.env)
  const { logger, flush } = createLogger({ level: config.logLevel, stdout, clock, isShared: true, formatLine })
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
  if (isStartedByNpm(effects)) whenParentGone(effects, () => onSignal('SIGTERM'))
  const code = await processes.run()
  await flush()
  exit(code)
}

function whenParentGone({ clock, parentPid }: Effects, react: () => void): void {
  const parent = parentPid()
  const look = (): Timer => clock.after(PARENT_CHECK_MS, () => void (parentPid() === parent ? look() : react()))
  look()
}
