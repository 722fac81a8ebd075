/** What `posthorn listen` does when it runs. */
import type { Posthorn } from '@posthorn/client'
import { EXIT } from '../exit.ts'
import type { Printer, Signal, Terminal } from '../terminal/index.ts'
import { Forwarder } from './forwarder.ts'
import type { Happening } from './happenings.ts'
import { History } from './history.ts'
import { toDocument } from './json-report.ts'
import { Keyboard } from './keyboard.ts'
import type { Wish } from './keys.ts'
import { openState } from './names.ts'
import { messageOf, toProblem } from './problems.ts'
import { Screen } from './screen.ts'
import { ListenSession } from './session.ts'
import { stateFolder } from './state-folder.ts'
import { TextReport } from './text-report.ts'
import { describeRetried } from './words.ts'

export type ListenRun = {
  readonly terminal: Terminal
  readonly out: Printer
  readonly posthorn: Posthorn
  readonly url: string
  readonly tenant: string
}

export type ListenFlags = {
  readonly forward?: URL
  readonly types?: readonly string[]
  readonly print?: boolean
  readonly skipVerify?: boolean
  readonly name?: string
  /** Undefined: it is kept if it has a name. */
  readonly keep?: boolean
  /** Seconds. */
  readonly timeout?: number
  readonly utc?: boolean
}

/** Why it ends. `final`: the user has quit, and needs the listener no longer. */
type Ending = 'final' | 'interrupted'

/** Listens until the user quits, or is told to stop. Throws Problem, and what the client throws. */
export async function listen({ terminal, out, posthorn, url, tenant }: ListenRun, flags: ListenFlags): Promise<void> {
  const state = openState(stateFolder(terminal.env), { url, tenant }, flags.name ?? null)
  if (!state.isKept) out.note(`${stateFolder(terminal.env)} can't be written, so the secrets are new at each start.`)
  const forwarder =
    flags.forward === undefined ? null : new Forwarder({ target: flags.forward, skipVerify: flags.skipVerify === true })
  const history = new History()
  const keyboard = out.isJson ? null : Keyboard.of(terminal)
  const screen = new Screen({ write: text => out.raw(text), columns: () => terminal.columns })
  const target = forwarder?.target ?? null
  const prints = flags.print === true
  const report = new TextReport({
    screen,
    paint: out.paint,
    timeOfDay: atMs => formatTimeOfDay(atMs, flags.utc === true),
    target,
    prints,
    hasKeys: keyboard !== null,
  })
  const onHappening = (happening: Happening) => {
    if (happening.kind === 'request') history.add(happening.heard)
    return out.isJson ? out.json(toDocument(happening, { target, prints })) : report.show(happening)
  }
  const settings = {
    tenant,
    uid: state.uid,
    name: `posthorn ${state.uid.replace(':', ' ')}`,
    types: flags.types ?? null,
    timeoutMs: flags.timeout === undefined ? null : 1_000 * flags.timeout,
  }
  const now = () => terminal.clock.now()
  const session = new ListenSession({ posthorn, settings, kept: state, forwarder, onHappening, now })

  let ending: Ending = 'interrupted'
  const end = (how: Ending) => {
    ending = how
    session.stop()
  }
  const releases = [
    terminal.onInterrupt((signal: Signal) => end(signal === 'SIGINT' ? 'final' : 'interrupted')),
    terminal.onOutputEnd(() => end('final')),
  ]
  let isResumed = true
  try {
    isResumed = await session.start()
    keyboard?.begin(wish => void act(wish))
    await session.run()
    await leave()
  } catch (error) {
    // What was refused before it began leaves nothing behind.
    if (!isResumed && !session.wasOpen) await session.remove().catch(() => {})
    throw toProblem(error, { url, tenant, uid: state.uid })
  } finally {
    keyboard?.end()
    screen.setBottom('')
    for (const release of releases) release()
    forwarder?.close()
    state.close()
  }

  async function leave(): Promise<void> {
    const isKept = flags.keep ?? flags.name !== undefined
    if (ending === 'final' && !isKept) {
      try {
        await session.remove()
        if (!out.isJson) await report.say('The listener is deleted.')
        return
      } catch {
        out.note('The listener could not be deleted: the server does it after a day without anyone listening.')
        return
      }
    }
    if (out.isJson) return
    await report.say(`The listener is kept for a day. The same command resumes it, with what is published until then.`)
  }

  async function act(wish: Wish): Promise<void> {
    try {
      await obey(wish)
    } catch (error) {
      await report.say(messageOf(error), 'bad')
    }
  }

  async function obey(wish: Wish): Promise<void> {
    switch (wish.kind) {
      case 'quit':
        if (!session.isStopping) return end('final')
        // A second time, what is in flight is not waited for.
        keyboard?.end()
        return terminal.exit(EXIT.signal + 2)
      case 'typed':
        return screen.setBottom(wish.digits === '' ? '' : `Replay #${wish.digits}? Enter`)
      case 'choose':
        screen.setBottom('')
        return replay(wish.number)
      case 'replay_last':
        return history.last === 0 ? report.say('There is no request yet.') : replay(history.last)
      case 'replay_failed':
        return report.say(describeRetried(await session.retrying.retryFailed()))
      case 'test':
        return report.say(`Sending a test event of type ${await session.sendTest()}.`)
      case 'enable':
        return session.enable()
      case 'clear':
        return screen.clear()
      case 'help':
        return report.help()
      case 'suspend':
        return keyboard?.suspend()
    }
  }

  async function replay(number: number): Promise<void> {
    const chosen = history.find(number)
    if (chosen === undefined) return report.say(`There is no request #${number} to replay.`)
    await report.say(`Sending #${number} again.`)
    await session.retrying.retry(chosen)
  }
}

function formatTimeOfDay(atMs: number, isUtc: boolean): string {
  return new Date(atMs).toLocaleTimeString('en-GB', { hour12: false, ...(isUtc ? { timeZone: 'UTC' } : {}) })
}
