/** Listens with a session, at a whole server in this process, and forwards to a real receiver. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Posthorn } from '@posthorn/client'
import { type Receiver, type ReceiverOptions, startReceiver } from '@posthorn/testkit'
import { createPosthorn, type Posthorn as Server } from 'posthorn'
import { expect } from 'vitest'
import { Forwarder } from '../../src/listen/forwarder.ts'
import type { Happening, Heard } from '../../src/listen/happenings.ts'
import { ListenSession } from '../../src/listen/session.ts'
import { ListenerState } from '../../src/listen/state.ts'
import { parseTarget } from '../../src/listen/target.ts'

export const KEY = 'a-root-key-of-the-tests-of-listen'
export const TYPE = 'COVER_REFERENCE'
const UID = 'listen:tests'

export const event = (index: number) => ({
  type: TYPE,
  payload: { CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` },
})

type SessionOptions = {
  readonly posthorn?: Posthorn
  /** Null: requests are shown only. */
  readonly target: string | null
  readonly skipVerify?: boolean
  readonly types?: readonly string[]
  readonly timeoutMs?: number
  readonly uid?: string
  /** Resolves when there is room to show more. Default: there always is. */
  readonly shown?: Promise<void>
}

export type RunningSession = {
  readonly session: ListenSession
  readonly state: ListenerState
  readonly happenings: readonly Happening[]
  readonly heard: () => readonly Heard[]
  readonly of: <Kind extends Happening['kind']>(kind: Kind) => readonly Extract<Happening, { kind: Kind }>[]
  /** Resolves when it is over. */
  readonly done: Promise<unknown>
  /** As at an orderly exit that keeps the listener. */
  readonly end: () => Promise<void>
  /** As if the process were killed: nothing is waited for, and what was written to files is all that is left. */
  readonly kill: () => void
}

export class ListenBench {
  folder!: string
  server!: Server
  posthorn!: Posthorn
  /** Each test has one of its own. */
  tenant = ''
  readonly #open: (() => unknown)[] = []
  #tenants = 0

  async begin(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'posthorn-listen-'))
    const listen = { host: '127.0.0.1', port: 0 }
    this.server = await createPosthorn({ data: join(this.folder, 'data'), apiKey: KEY, dev: true, listen })
    this.posthorn = new Posthorn({ url: this.server.url!, apiKey: KEY })
  }

  async beginTest(): Promise<void> {
    this.tenant = `tenant-${++this.#tenants}`
    await this.posthorn.tenants.put(this.tenant)
  }

  async endTest(): Promise<void> {
    for (const close of this.#open.splice(0).reverse()) await close()
  }

  async end(): Promise<void> {
    await this.server.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async receiver(options: Partial<ReceiverOptions> = {}): Promise<Receiver> {
    const receiver = await startReceiver({ http: true, ...options })
    this.#open.push(() => receiver.close())
    return receiver
  }

  /** Starts to listen. Resolves when the stream is open. */
  async listen({ posthorn = this.posthorn, target, ...options }: SessionOptions): Promise<RunningSession> {
    const { tenant } = this
    const uid = options.uid ?? UID
    const state = ListenerState.open(join(this.folder, 'state'), { url: this.server.url!, tenant, uid })
    const skipVerify = options.skipVerify ?? false
    const forwarder = target === null ? null : new Forwarder({ target: parseTarget(target), skipVerify })
    const happenings: Happening[] = []
    const session = new ListenSession({
      posthorn,
      settings: { tenant, uid, name: 'tests', types: options.types ?? null, timeoutMs: options.timeoutMs ?? null },
      kept: state,
      forwarder,
      onHappening(happening) {
        happenings.push(happening)
        return happening.kind === 'request' ? options.shown : undefined
      },
      now: () => Date.now(),
    })
    await session.start()
    const done = session.run().catch(error => error)
    let isOver = false
    const close = () => {
      if (isOver) return
      isOver = true
      forwarder?.close()
      state.close()
    }
    const kill = () => {
      session.abandon()
      close()
    }
    this.#open.push(kill)
    const of = <Kind extends Happening['kind']>(kind: Kind) =>
      happenings.filter((each): each is Extract<Happening, { kind: Kind }> => each.kind === kind)
    await expect.poll(() => of('connection').some(({ isOpen }) => isOpen)).toBe(true)
    return {
      session,
      state,
      happenings,
      heard: () => of('request').map(({ heard }) => heard),
      of,
      done,
      async end() {
        session.stop()
        await done
        close()
      },
      kill,
    }
  }

  publish(count: number) {
    return this.posthorn.events.publish(
      this.tenant,
      Array.from({ length: count }, (_, index) => event(index)),
    )
  }

  /** Resolves when the tenant has that many deliveries of a state, and no other. */
  async untilAll(state: 'delivered' | 'exhausted' | 'cancelled', count: number): Promise<void> {
    const states = async () => {
      const { counts } = await this.posthorn.deliveries.list(this.tenant, { counts: true, limit: 1 })
      return counts
    }
    await expect.poll(states, { timeout: 60_000, interval: 50 }).toMatchObject({ total: count, [state]: count })
  }

  deliveries() {
    return this.posthorn.deliveries.list(this.tenant, { limit: 100 }).then(({ data }) => data)
  }

  endpoints() {
    return this.posthorn.endpoints.list(this.tenant).then(({ data }) => data)
  }
}
