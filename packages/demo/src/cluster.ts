import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publish } from '@posthorn/client'
import {
  createAuthority,
  type Postgres,
  type Receiver,
  type RunningNode,
  startNode,
  startPostgres,
  startReceiver,
} from '@posthorn/testkit'
import pg from 'pg'
import { type Api, createApi } from './api.ts'
import { Moves } from './moves.ts'

/** Shorter than the default of ten seconds, so that you can watch the other nodes take over from a killed one. */
const LEASE_MS = 3_000
const EVENTS = 5_000
const BATCH_SIZE = 25
/** Each tenant has one endpoint. */
const TENANTS = Array.from({ length: 40 }, (_, index) => `tenant-${index + 1}`)
const TYPE = 'COVER_REFERENCE'
/** Slow enough to watch; the nodes could take more. */
const EVENTS_PER_SECOND = 400
/** The fractions of the events after which a node is killed, and another is added. */
const KILL_AFTER = 0.3
const ADD_AFTER = 0.6
const REPORT_EVERY_MS = 1_000
const LOOK_EVERY_MS = 100
/** `--exit` promises to end within 45 seconds: deliveries not finished by then are counted as pending. */
const WAIT_UNTIL_MS = 38_000
const CALL_TRIES = 50
const CALL_PAUSE_MS = 100

type DemoNode = { readonly name: string; readonly node: RunningNode; isUp: boolean; attempts: number }

export type Summary = { readonly isGood: boolean; readonly lastLine: string }

/** `posthorn demo --cluster`: three nodes on one PostgreSQL. One is killed while they send, and another is added. */
export class ClusterDemo {
  readonly #say: (text: string) => void
  readonly #startedAtMs = performance.now()
  readonly #folder = mkdtempSync(join(tmpdir(), 'posthorn-demo-'))
  readonly #keys = { apiKey: randomBytes(24).toString('base64url'), encryptionKey: randomBytes(32).toString('base64') }
  readonly #secret = randomBytes(24).toString('base64url')
  readonly #nodes: DemoNode[] = []
  readonly #moves = new Moves()
  readonly #published: string[] = []
  #postgres: Postgres | undefined
  #databaseUrl = ''
  #receiver: Receiver | undefined
  #reporter: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** Starts PostgreSQL, the receiver and three nodes, and creates the endpoints, in that order. */
  async start(): Promise<void> {
    const [postgres, authority] = await Promise.all([startPostgres(), createAuthority('Posthorn demo authority')])
    this.#postgres = postgres
    writeFileSync(join(this.#folder, 'receivers-ca.pem'), authority.caPem)
    this.#databaseUrl = await postgres.createDatabase('posthorn')
    const expectedAuthorization = `Bearer ${this.#secret}`
    this.#receiver = await startReceiver({ authority, record: false, expectedAuthorization })
    this.#tell('PostgreSQL is running in a temporary folder. The nodes need nothing else: no broker, no Redis.')
    await Promise.all(['first', 'second', 'third'].map(name => this.#addNode(name)))
    const tenants = TENANTS.values()
    const keepCreating = async () => {
      for (const tenant of tenants) {
        const api = this.#apiOf(this.#nodes[0]!, tenant)
        await api.putTenant()
        await api.createEndpoint(`${this.#receiver!.url}/hooks/${tenant}`, this.#secret, TYPE)
      }
    }
    await Promise.all(Array.from({ length: 4 }, keepCreating))
    this.#tell(
      `${TENANTS.length} tenants have one endpoint each. Any node accepts events; exactly one sends for an endpoint.`,
    )
    this.#tell(
      `Leases last ${LEASE_MS / 1_000} s instead of 10 s in this demo: then other nodes take over from a dead one.`,
    )
  }

  /** Publishes the events, kills one node and adds another on the way, and waits until nothing is pending. */
  async run(): Promise<Summary> {
    this.#tell(`Publishing ${EVENTS} events. Requests per second, by node:`)
    this.#reporter = setInterval(() => this.#report(), REPORT_EVERY_MS)
    const batches = EVENTS / BATCH_SIZE
    const startedAtMs = performance.now()
    const publishing: Promise<void>[] = []
    let added: Promise<unknown> = Promise.resolve()
    for (let batch = 0; batch < batches; batch++) {
      await wait(startedAtMs + (batch * BATCH_SIZE * 1_000) / EVENTS_PER_SECOND - performance.now())
      if (batch === batches * KILL_AFTER) this.#killOne()
      if (batch === batches * ADD_AFTER) added = this.#addNode('fourth')
      publishing.push(this.#publish(batch))
    }
    await Promise.all([...publishing, added])
    this.#tell(`All ${EVENTS} events are published.`)
    await this.#waitUntilDone()
    this.#report()
    clearInterval(this.#reporter)
    return this.#summarise()
  }

  /** Publishes from SQL, as an application in the same database does: an event, and one that its schema rejects. */
  async publishFromSql(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#databaseUrl })
    await client.connect()
    try {
      for (const CoverId of ['564200aa-7128-4a26-83a8-cf0201903fcc', 'unknown']) {
        await publish(client, { tenant: TENANTS[0]!, type: TYPE, payload: { CoverId }, key: `from-sql-${CoverId}` })
      }
    } finally {
      await client.end()
    }
    this.#tell('Published two events from SQL. One has no valid CoverId: GET /v1/rejected-events says so.')
  }

  /** How to call a node that is not going to be killed. */
  get connection(): { readonly url: string; readonly apiKey: string } {
    return { url: this.#nodes[0]!.node.url, apiKey: this.#keys.apiKey }
  }

  /** Says how to continue manually. */
  explain(): string {
    const { url } = this.#anyNode().node
    const event = '{"type":"COVER_REFERENCE","payload":{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}}'
    const headers = `-H 'Authorization: Bearer ${this.#keys.apiKey}' -H 'Content-Type: application/json'`
    return [
      `\nThe API is at ${url}/v1, and every other node offers the same. To publish one more event:\n`,
      `curl -sS ${url}/v1/tenants/${TENANTS[0]}/events ${headers} -d '${event}'`, // one line, to copy it whole
      '\nCtrl-C ends the demo and removes its folders.',
    ].join('\n')
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#reporter)
    await Promise.all(this.#nodes.map(({ node }) => node.end()))
    await Promise.all([this.#postgres?.stop(), this.#receiver?.close()])
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #addNode(name: string): Promise<void> {
    const flags = ['--data', this.#folder, '--extra-ca', join(this.#folder, 'receivers-ca.pem')]
    flags.push('--lease-ms', String(LEASE_MS))
    const counts = { attempts: 0 }
    const onLog = (line: Readonly<Record<string, unknown>>) => {
      if (line.msg !== 'attempt') return
      counts.attempts++
      this.#moves.note(String(line.endpoint), name)
    }
    const node = await startNode({ ...this.#keys, databaseUrl: this.#databaseUrl, flags, onLog })
    this.#nodes.push(Object.assign(counts, { name, node, isUp: true }))
    this.#tell(`The ${name} node is up: ${node.url}, process ${node.pid}.`)
  }

  #killOne(): void {
    const killed = this.#nodes.find(({ name }) => name === 'third')!
    killed.isUp = false
    killed.node.kill('SIGKILL')
    this.#tell(`Killed the third node with SIGKILL while it was sending for ${this.#moves.countOf('third')} endpoints.`)
  }

  #anyNode(): DemoNode {
    const up = this.#nodes.filter(({ isUp }) => isUp)
    return up[Math.floor(Math.random() * up.length)]!
  }

  #apiOf({ node }: DemoNode, tenant: string): Api {
    return createApi(node.url, this.#keys.apiKey, tenant)
  }

  /** Repeats the call with the same keys until there is a response: no event is created twice. */
  async #publish(batch: number): Promise<void> {
    const serials = Array.from({ length: BATCH_SIZE }, (_, index) => batch * BATCH_SIZE + index)
    const body = JSON.stringify(serials.map(makeEvent))
    for (let tries = 1; ; tries++) {
      try {
        const events = await this.#apiOf(this.#anyNode(), TENANTS[batch % TENANTS.length]!).publish(body)
        for (const { id } of events) this.#published.push(id)
        return
      } catch (error) {
        if (this.#isClosing) return
        if (tries === CALL_TRIES) throw error
        await wait(CALL_PAUSE_MS)
      }
    }
  }

  async #waitUntilDone(): Promise<void> {
    let left = TENANTS
    while (left.length > 0 && performance.now() - this.#startedAtMs < WAIT_UNTIL_MS) {
      const found = await Promise.all(left.map(tenant => this.#apiOf(this.#anyNode(), tenant).isPending()))
      left = left.filter((_, index) => found[index])
      if (left.length > 0) await wait(LOOK_EVERY_MS)
    }
  }

  async #summarise(): Promise<Summary> {
    let [attempts, pending, exhausted] = [0, 0, 0]
    for (const tenant of TENANTS) {
      const totals = await this.#apiOf(this.#anyNode(), tenant).countDeliveries()
      attempts += totals.attempts
      pending += totals.pending
      exhausted += totals.exhausted
    }
    const { distinct, total, mismatches } = this.#receiver!
    const received = new Set([...distinct].map(key => key.slice(0, key.indexOf(' '))))
    const lost = this.#published.filter(id => !received.has(id)).length
    const published = new Set(this.#published).size
    this.#tell(`Requests received twice, around the kill: ${total - distinct.size}.`)
    if (mismatches > 0) this.#say(`${mismatches} requests had a wrong bearer token.`)
    const isGood = lost === 0 && pending === 0 && mismatches === 0 && published === EVENTS
    const line = { published, delivered: distinct.size, attempts, pending, exhausted, lost }
    return { isGood, lastLine: JSON.stringify(line) }
  }

  #report(): void {
    for (const move of this.#moves.take()) this.#tell(move)
    const cells = this.#nodes.map(node => {
      const { name, isUp, attempts } = node
      node.attempts = 0
      return `${name} ${(isUp ? String(attempts) : 'dead').padStart(4)}`
    })
    this.#tell(`${cells.join('   ')}   delivered ${this.#receiver!.distinct.size} of ${this.#published.length}`)
  }

  #tell(text: string): void {
    if (this.#isClosing) return
    this.#say(`${((performance.now() - this.#startedAtMs) / 1_000).toFixed(2).padStart(6)} s  ${text}`)
  }
}

function makeEvent(serial: number) {
  const CoverId = `564200aa-7128-4a26-83a8-${serial.toString(16).padStart(12, '0')}`
  return { type: TYPE, payload: { CoverId }, key: `demo-${serial}` }
}

function wait(delayMs: number): Promise<void> {
  return delayMs <= 0 ? Promise.resolve() : new Promise(resolve => setTimeout(resolve, delayMs))
}
