/** Runs of `posthorn publish`: chooses where to begin, shows how far it has come, and says where to continue. */

import type { Posthorn } from '@posthorn/client'
import type { ServerRun } from '../command.ts'
import type { PublishFlags } from '../commands/publish.ts'
import { EXIT } from '../exit.ts'
import { explain, Problem } from '../problem.ts'
import { formatCount, formatLeft, Progress } from '../terminal/progress.ts'
import { ownCommand } from '../terminal/shell.ts'
import type { Signal } from '../terminal/terminal.ts'
import { plain } from '../terminal/widths.ts'
import { fileOf, openInput } from './input.ts'
import type { BadLine } from './outcomes.ts'
import { Run, type RunEnd } from './run.ts'
import { NO_COUNTS, newRunName, RunFile, type RunState, unfinishedRunsOf } from './run-file.ts'

const NO_EVENTS_STATUS = 422
const SIGNALS: Readonly<Record<Signal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

export async function publishMany(at: ServerRun, flags: PublishFlags): Promise<void> {
  const chosen = chooseState(at, flags)
  const runFile = new RunFile(at.terminal.env, chosen.run)
  const unlock = runFile.lock()
  const isNamed = (flags.run ?? flags.resume) !== undefined
  try {
    // Once more for a name that was given: another process could go on with the run until it was locked.
    await publishRun(at, flags, runFile, isNamed ? chooseState(at, flags) : chosen)
  } finally {
    unlock()
  }
}

const chooseState = (at: ServerRun, flags: PublishFlags): RunState =>
  flags.resume === undefined ? newRun(at, flags) : resumed(at, flags, flags.resume)

async function publishRun(at: ServerRun, flags: PublishFlags, runFile: RunFile, state: RunState): Promise<void> {
  const { terminal, out } = at
  await requireServer(at.posthorn, state.tenant)
  // Before anything is published: a run that can't be continued must not begin.
  runFile.write(state)
  const skipsBadLines = flags.onError === 'skip'
  const name = state.file ?? flags.file ?? '-'
  const input = openInput(name, state.fromLine, state.last, terminal)
  const begunAtMs = terminal.clock.monotonicMs()
  const { accepted, duplicates, refused, broken } = state.counts
  using progress = new Progress({
    output: terminal.stderr,
    clock: terminal.clock,
    label: 'Publishing',
    unit: 'events',
    done: accepted + duplicates + refused + broken,
    fraction: input.totalBytes === null ? null : (state.last?.start ?? 0) / Math.max(input.totalBytes, 1),
  })
  let said = Promise.resolve()
  const onBadLine = (line: BadLine) => {
    if (out.isJson) said = said.then(() => out.json(jsonOfBadLine(line)))
    else
      progress.say(
        `Line ${line.number} is ${line.kind}: ${plain(line.field ? `${line.field}: ${line.why}` : line.why)}`,
      )
  }
  const run = new Run({
    posthorn: at.posthorn,
    clock: terminal.clock,
    state,
    lines: input.lines,
    totalBytes: input.totalBytes,
    progress,
    keep: kept => runFile.write(kept),
    onBadLine,
    skipsBadLines,
    closeInput: () => input.close(),
  })
  let signal: Signal | undefined
  const release = terminal.onInterrupt(given => {
    signal = given
    progress.note('stopping')
    run.stop()
  })
  progress.say(
    `Run ${state.run}${state.last === null ? '' : `, continued after line ${formatCount(state.last.number)}`}.`,
  )
  const ended = await run.run().then(
    end => ({ end, failure: undefined }),
    failure => ({ end: undefined, failure }),
  )
  release()
  progress.end()
  await said
  const command = resumeCommand(at, flags, state)
  const isBegun = ended.failure === undefined || run.state.last !== null
  if (isBegun || out.isJson) {
    await summarise(at, run.state, ended.end, terminal.clock.monotonicMs() - begunAtMs, command)
  }
  if (ended.failure !== undefined) throw await continuable(ended.failure, at, run.state, command)
  if (ended.end === 'interrupted') at.exitCode = EXIT.signal + SIGNALS[signal ?? 'SIGINT']
  else if (ended.end === 'stopped' || run.state.counts.refused + run.state.counts.broken > 0) at.exitCode = EXIT.refused
}

/**
 * Finds out, before anything begins, whether the server responds and takes the key. Of no events it can only say that
 * there are none. Later, a server that doesn't respond is waited for.
 */
async function requireServer(posthorn: Posthorn, tenant: string | null): Promise<void> {
  if (tenant === null) return
  const { ApiError } = await import('@posthorn/client')
  try {
    await posthorn.events.publish(tenant, [])
  } catch (error) {
    if (!(error instanceof ApiError && error.status === NO_EVENTS_STATUS)) throw error
  }
}

function newRun({ url, tenant, terminal }: ServerRun, flags: PublishFlags): RunState {
  const { file: name = '-', run: given, rate = null, fromLine = 1 } = flags
  const file = fileOf(name)
  const run = given ?? newRunName(file)
  const existing = new RunFile(terminal.env, run).read()
  const [unfinished] =
    file === null || given !== undefined ? [] : unfinishedRunsOf(file, terminal.env, terminal.clock.now())
  if (existing?.isFinished === true) {
    throw new Problem(
      `The run ${run} has finished. Choose another name with --run: keys of events are made of it.`,
      EXIT.usage,
    )
  }
  const begun = existing ?? unfinished
  const updatedAt = new Date(terminal.clock.now()).toISOString()
  const fresh = { url, tenant, file, rate, fromLine, last: null, counts: NO_COUNTS, isFinished: false, updatedAt }
  // It might have published something, but not known of it. With its name, and so its keys, that isn't published again.
  if (begun?.last === null) return { ...fresh, run: begun.run }
  if (begun !== undefined && fromLine === 1) {
    const where = `after line ${formatCount(begun.last.number)}`
    const how = `Continue it: ${ownCommand(['publish', '--resume', begun.run], terminal.env)}`
    const another = `To publish all of it again, as new events, use --run with another name`
    throw new Problem(`The run ${begun.run} of this input stopped ${where}. ${how}. ${another}.`, EXIT.usage)
  }
  return { ...fresh, run }
}

function resumed({ url, terminal }: ServerRun, flags: PublishFlags, run: string): RunState {
  const state = new RunFile(terminal.env, run).read()
  if (state === undefined) {
    const how = `If it ran on another machine, use --run ${run} and --from-line`
    throw new Problem(`There is no run ${run} here. ${how}.`, EXIT.notFound)
  }
  if (state.isFinished) throw new Problem(`The run ${run} has finished: nothing is left to publish.`, EXIT.usage)
  if (state.url !== url) {
    throw new Problem(`The run ${run} publishes to ${state.url}, not to ${url}. Use --url or --profile.`, EXIT.usage)
  }
  const { tenant = state.tenant, rate = state.rate } = flags
  // Keys are a tenant's: what was on its way at the end would be published again.
  if (state.tenant !== null && tenant !== state.tenant) {
    const what = `The run ${run} publishes to the tenant ${state.tenant}, not to ${tenant}`
    throw new Problem(`${what}. Leave out --tenant, or publish the input as another run, with --run.`, EXIT.usage)
  }
  return { ...state, tenant, rate }
}

/** The command that continues a run. What the run's file has is left out. */
function resumeCommand({ terminal }: ServerRun, flags: PublishFlags, { run, file }: RunState): string {
  const words = ['publish', '--resume', run]
  if (flags.url !== undefined) words.push('--url', flags.url)
  if (flags.profile !== undefined) words.push('--profile', flags.profile)
  if (flags.onError !== undefined) words.push('--on-error', flags.onError)
  if (file === null && flags.file !== undefined) words.push('--file', flags.file)
  const isPiped = file === null && (flags.file ?? '-') === '-' && terminal.stdin.isTTY !== true
  return `${isPiped ? '… | ' : ''}${ownCommand(words, terminal.env)}`
}

async function summarise(
  { out }: ServerRun,
  { run, counts, last }: RunState,
  end: RunEnd | undefined,
  durationMs: number,
  command: string,
): Promise<void> {
  const { accepted, duplicates, refused, broken } = counts
  const isFinished = end === 'finished'
  if (out.isJson) {
    const lastLine = last?.number ?? 0
    const resume = isFinished ? null : command
    const summary = { run, finished: isFinished, lastLine, accepted, duplicates, refused, broken, resume }
    return out.json({ ...summary, durationMs: Math.round(durationMs) })
  }
  const parts = [
    `${formatCount(accepted)} accepted`,
    ...(duplicates > 0 ? [`${formatCount(duplicates)} published before`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused`] : []),
    ...(broken > 0 ? [`${formatCount(broken)} broken`] : []),
  ]
  const where = isFinished ? 'All lines' : last === null ? 'No line' : `Lines up to ${formatCount(last.number)}`
  await out.say(`${where}: ${parts.join(', ')}. ${formatLeft(durationMs)}.`)
  if (end === undefined || isFinished) return
  const hint = end === 'stopped' ? 'Correct the line, or add --on-error skip, and continue' : 'Continue'
  out.note(`${hint}:\n  ${command}`)
}

const jsonOfBadLine = ({ number, kind, field, why }: BadLine) => ({ line: number, outcome: kind, field, detail: why })

/** The failure as a sentence, with the command that continues, if anything is done. */
async function continuable(failure: unknown, caller: ServerRun, { last }: RunState, command: string): Promise<unknown> {
  const problem = await explain(failure, caller)
  if (!(problem instanceof Problem) || last === null) return problem
  return new Problem(`${problem.message} Then continue: ${command}`, problem.exitCode, { cause: failure })
}
