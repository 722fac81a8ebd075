/** How far a replay is, until all of it is sent. */
import type { Replay, ReplayBatch } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Progress } from '../../terminal/progress.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { scopeFlags } from '../scope.ts'
import { counted } from '../values.ts'

export type ShownReplay = Replay | ReplayBatch

export const readReplay = (
  { posthorn }: Pick<ServerRun, 'posthorn'>,
  tenant: string | null,
  name: string,
): Promise<ShownReplay> => (tenant === null ? posthorn.replays.getBatch(name) : posthorn.replays.get(tenant, name))

const ASK_EVERY_MS = 500
/** When nothing has ended for this long, it is said where to look. */
const STILL_MS = 5_000

/** Waits until a replay is over, and shows how far it is. At Ctrl-C the replay goes on, and a note says how to come back. */
export async function waitFor(run: ServerRun, tenant: string | null, name: string): Promise<void> {
  const { out, terminal } = run
  const { clock, stderr } = terminal
  const left = Promise.withResolvers<'left'>()
  const release = terminal.onInterrupt(() => left.resolve('left'))
  const progress = new Progress({ output: stderr, clock, label: 'Replaying', unit: 'deliveries' })
  let replay: ShownReplay
  let [ended, movedAtMs] = [-1, clock.monotonicMs()]
  let isStillTold = false
  try {
    for (;;) {
      replay = await readPatiently(run, tenant, name, progress)
      progress.setTotal(replay.deliveries === null ? null : replay.deliveries - replay.skipped)
      progress.reach(replay.ended)
      if (replay.state === 'paused') progress.note('paused')
      if (isOver(replay)) break
      if (replay.ended !== ended) [ended, movedAtMs] = [replay.ended, clock.monotonicMs()]
      if (!isStillTold && replay.endedAt !== null && clock.monotonicMs() - movedAtMs >= STILL_MS) {
        isStillTold = true
        const where = ['deliveries', 'list', ...scopeFlags(tenant), '--state', 'pending,held', ...endpointFlags(replay)]
        const many = counted(replay.made - replay.ended, 'delivery waits', 'deliveries wait')
        progress.say(`${many}: for a retry, a limit, or an endpoint that is disabled. To see why:`)
        progress.say(`  ${ownCommand(where, terminal.env)}`)
      }
      const pause = new Promise<'waited'>(resolve => void clock.after(ASK_EVERY_MS, () => resolve('waited')))
      if ((await Promise.race([left.promise, pause])) === 'left') {
        progress.end()
        out.note(
          `${replay.ended} of ${replay.deliveries ?? '?'} are sent. The replay goes on by itself. To see it again:`,
        )
        out.note(`  ${ownCommand(['replay', 'get', replay.id, ...scopeFlags(tenant), '--wait'], terminal.env)}`)
        run.exitCode = EXIT.signal + 2
        return
      }
    }
  } finally {
    progress.end()
    release()
  }
  if (replay.state === 'cancelled') run.exitCode = EXIT.refused
  if (out.isJson) return out.json(replay)
  const skipped =
    replay.skipped === 0 ? '' : ` ${replay.skipped} were skipped: sent in the meantime, or no longer kept.`
  await out.say(`The replay ${replay.id} is ${replay.state}: ${replay.ended} deliveries have ended.${skipped}`)
}

const endpointFlags = (replay: ShownReplay): string[] =>
  'endpoint' in replay && replay.endpoint !== null ? ['--endpoint', replay.endpoint] : []

const isOver = (replay: ShownReplay): boolean =>
  replay.endedAt !== null && replay.ended >= replay.made && !('searching' in replay && replay.searching)

/** A server that doesn't respond for a while ends nothing: the replay is there, and continues when the server does. */
async function readPatiently(
  run: ServerRun,
  tenant: string | null,
  name: string,
  progress: Progress,
): Promise<ShownReplay> {
  const { clock } = run.terminal
  for (let failures = 0; ; failures++) {
    try {
      const replay = await readReplay(run, tenant, name)
      progress.note('')
      return replay
    } catch (error) {
      const { status, code } = error as { status?: unknown; code?: unknown }
      const isTransient = code === 'connection_failed' || code === 'timed_out' || status === 503 || status === 429
      if (!isTransient || failures === MOST_FAILURES) throw error
      progress.note('the server does not respond')
      await new Promise<void>(resolve => void clock.after(ASK_EVERY_MS * 4, resolve))
    }
  }
}

/** About two minutes. */
const MOST_FAILURES = 60
