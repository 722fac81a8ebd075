import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Authority,
  createAuthority,
  type Postgres,
  type RunningNode,
  startNode,
  startPostgres,
} from '@posthorn/testkit'

export type ClusterOptions = {
  readonly nodes: number
  readonly leaseMs: number
  /** Default: a new one. */
  readonly postgres?: Postgres
}

/** A place for a node. Its number stays the same when the process is replaced. */
export type Slot = { readonly number: number; node: RunningNode | undefined }

/** Nodes on one PostgreSQL, each in its own process, which can be killed, stopped, paused and started again. */
export class Cluster {
  readonly postgres: Postgres
  readonly authority: Authority
  readonly slots: readonly Slot[]
  readonly #apiKey = randomBytes(24).toString('base64url')
  readonly #encryptionKey = randomBytes(32).toString('base64')
  readonly #folder: string
  readonly #leaseMs: number
  readonly #databaseUrl: string
  readonly #isOwnPostgres: boolean

  private constructor(
    postgres: Postgres,
    authority: Authority,
    databaseUrl: string,
    { nodes, leaseMs, postgres: given }: ClusterOptions,
  ) {
    this.postgres = postgres
    this.authority = authority
    this.#databaseUrl = databaseUrl
    this.#leaseMs = leaseMs
    this.#isOwnPostgres = given === undefined
    this.slots = Array.from({ length: nodes }, (_, index) => ({ number: index + 1, node: undefined }))
    this.#folder = mkdtempSync(join(tmpdir(), 'posthorn-chaos-'))
    writeFileSync(join(this.#folder, 'ca.pem'), authority.caPem)
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const [postgres, authority] = await Promise.all([options.postgres ?? startPostgres(), createAuthority()])
    const databaseUrl = await postgres.createDatabase(`chaos_${randomBytes(6).toString('hex')}`)
    const cluster = new Cluster(postgres, authority, databaseUrl, options)
    try {
      await Promise.all(cluster.slots.map(slot => cluster.startIn(slot)))
      return cluster
    } catch (error) {
      await cluster.end()
      throw error
    }
  }

  async startIn(slot: Slot): Promise<void> {
    slot.node = await startNode({
      apiKey: this.#apiKey,
      encryptionKey: this.#encryptionKey,
      databaseUrl: this.#databaseUrl,
      flags: ['--data', this.#folder, '--extra-ca', join(this.#folder, 'ca.pem'), '--lease-ms', String(this.#leaseMs)],
    })
  }

  /** Calls a node's API and returns the response's status and body. The status is 0 if there was no response. */
  async call(slot: Slot, method: string, path: string, body?: string): Promise<{ status: number; body: unknown }> {
    try {
      if (slot.node === undefined) return { status: 0, body: undefined }
      const response = await fetch(`${slot.node.url}/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        ...(body === undefined ? {} : { body }),
      })
      return { status: response.status, body: await response.json().catch(() => undefined) }
    } catch {
      return { status: 0, body: undefined }
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.slots.map(({ node }) => node?.end()))
    if (this.#isOwnPostgres) await this.postgres.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A paused node doesn't respond: after this time the call fails, and the caller tries another node. */
const CALL_TIMEOUT_MS = 4_000
