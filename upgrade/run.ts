/**
 * One run: a server of the last release is replaced by this one, while publishers go on. Then everything that was
 * accepted must have arrived, and everything that the old server made must read and work as before.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  type Authority,
  createAuthority,
  findFreePort,
  type Postgres,
  type RunningNode,
  startNode,
  startPostgres,
} from '@posthorn/testkit'
import { createCall, makeKeys, type Posthorn } from '../bench/posthorn.ts'
import { type Gaps, Load } from '../drill/load.ts'
import { Installation, STILL_FLAGS, TENANT } from './installation.ts'
import { type OldServer, unpackRelease } from './last-release.ts'
import { type Api, differencesOf, readAll, readDocument } from './reading.ts'

export const STORES = ['sqlite', 'postgres'] as const
export type StoreKind = (typeof STORES)[number]

export type UpgradeOptions = {
  readonly store: StoreKind
  /** Default: unpacked for this run. */
  readonly old?: OldServer
  /** A PostgreSQL to use. Default: a new one. */
  readonly postgres?: Postgres
  readonly eventsPerSecond: number
  /** How long to publish between two steps, in milliseconds. */
  readonly calmMs: number
}

export type UpgradeResult = {
  readonly store: StoreKind
  /** The tag or commit of the old server. */
  readonly from: string
  /** What was done, with the longest times in which nothing was accepted and nothing arrived. */
  readonly steps: readonly ({ readonly what: string } & Gaps)[]
  /** What the old version does with a store that this version has used. */
  readonly back: 'works' | 'refused'
  /** Why it was refused. */
  readonly refusal: string | null
  readonly accepted: number
  readonly lost: number
  /** Deliveries that arrived more than once. */
  readonly repeated: number
  /** Events that arrived but were never accepted. */
  readonly unknown: number
  /** Paths of the API that were compared. */
  readonly compared: number
  /** What reads differently afterwards. */
  readonly differences: readonly string[]
  /** What the old version made and doesn't work afterwards. */
  readonly faults: readonly string[]
}

const OUR_CLI = fileURLToPath(new URL('../packages/server/src/cli.ts', import.meta.url))
const ARRIVE_TIMEOUT_MS = 60_000

export async function runUpgrade(options: UpgradeOptions, say: (line: string) => void): Promise<UpgradeResult> {
  const old = options.old ?? unpackRelease()
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-upgrade-'))
  const postgres = options.store === 'postgres' ? (options.postgres ?? (await startPostgres())) : undefined
  const authority = await createAuthority()
  const databaseUrl = await postgres?.createDatabase(`upgrade_${Date.now()}`)
  const shared = { ...makeKeys(), folder, ...(databaseUrl === undefined ? {} : { databaseUrl }) }
  writeFileSync(join(folder, 'ca.pem'), authority.caPem)
  const sites: Site[] = []
  try {
    for (let count = databaseUrl === undefined ? 1 : 2; count > 0; count--) {
      sites.push(await Site.start(await findFreePort(), old.cli, shared))
    }
    return await upgrade({ ...options, old }, sites, authority, say)
  } finally {
    await Promise.all(sites.map(site => site.end()))
    if (options.postgres === undefined) await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
    if (options.old === undefined) old.remove()
  }
}

async function upgrade(
  { store, old, eventsPerSecond, calmMs }: UpgradeOptions & { readonly old: OldServer },
  sites: readonly Site[],
  authority: Authority,
  say: (line: string) => void,
): Promise<UpgradeResult> {
  const [first] = sites as [Site, ...Site[]]
  const installation = await Installation.create(first, authority)
  const load = await Load.prepare(sites, authority, { eventsPerSecond })
  try {
    const document = await readDocument(first)
    const before = await readAll(first, TENANT, document)
    load.start()
    const steps: ({ what: string } & Gaps)[] = []
    const step = async (what: string, work: () => Promise<void>) => {
      load.takeGaps()
      await work()
      await pause(calmMs)
      const { acceptanceMs, arrivalMs } = load.takeGaps()
      steps.push({ what, acceptanceMs: Math.round(acceptanceMs), arrivalMs: Math.round(arrivalMs) })
      say(`${what}: ${JSON.stringify(steps.at(-1))}`)
    }
    await step('nothing', async () => {})
    if (store === 'postgres') await step('posthorn migrate', () => first.migrate(OUR_CLI))
    for (const [index, site] of sites.entries())
      await step(`node ${index + 1} to the new version`, () => site.become(OUR_CLI))
    let refusal: string | null = null
    await step('node 1 back to the old version', async () => {
      refusal = await first.tryToBecome(old.cli)
    })
    await step('node 1 to the new version again', () => first.become(OUR_CLI))
    await load.stop()
    const { longestStallMs: _, ...sum } = await load.conclude(ARRIVE_TIMEOUT_MS, 0)
    const differences = differencesOf(before, await readAll(first, TENANT, document))
    const faults = await installation.use(first)
    const back = refusal === null ? 'works' : 'refused'
    return { store, from: old.release, steps, back, refusal, ...sum, compared: before.size, differences, faults }
  } finally {
    await load.stop()
    await load.close()
    await installation.close()
  }
}

type Shared = {
  readonly apiKey: string
  readonly encryptionKey: string
  readonly databaseUrl?: string
  readonly folder: string
}

/** A place of a node: its port and its store stay the same, whichever version runs there. */
class Site implements Api {
  readonly url: string
  readonly apiKey: string
  readonly call: Posthorn['call']
  readonly #port: number
  readonly #shared: Shared
  #node: RunningNode | undefined

  private constructor(port: number, shared: Shared) {
    this.url = `http://127.0.0.1:${port}`
    this.apiKey = shared.apiKey
    this.call = createCall(this.url, shared.apiKey)
    this.#port = port
    this.#shared = shared
  }

  static async start(port: number, cli: string, shared: Shared): Promise<Site> {
    const site = new Site(port, shared)
    await site.#start(cli)
    return site
  }

  /** Stops what runs here, as a supervisor does, and starts another version. */
  async become(cli: string): Promise<void> {
    await this.end()
    await this.#start(cli)
  }

  /** The same. If the other version refuses to start, returns what it said. */
  async tryToBecome(cli: string): Promise<string | null> {
    await this.end()
    try {
      await this.#start(cli)
      return null
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Runs `posthorn migrate` on the node's store. */
  async migrate(cli: string): Promise<void> {
    const { databaseUrl, folder } = this.#shared
    // Only what the command needs: a setting of the tests would be an unknown one of Posthorn.
    const env = { PATH: process.env.PATH, ...(databaseUrl === undefined ? {} : { POSTHORN_DATABASE_URL: databaseUrl }) }
    await promisify(execFile)(process.execPath, [cli, 'migrate', '--data', join(folder, 'data')], { env })
  }

  async end(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    const code = await node?.end()
    if (code !== undefined && code !== 0) throw new Error(`A node ended with exit code ${code}: ${await node!.ended}`)
  }

  async #start(cli: string): Promise<void> {
    const { apiKey, encryptionKey, databaseUrl, folder } = this.#shared
    this.#node = await startNode({
      cli,
      apiKey,
      encryptionKey,
      port: this.#port,
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      flags: ['--data', join(folder, 'data'), '--extra-ca', join(folder, 'ca.pem'), ...STILL_FLAGS],
    })
  }
}
