/** What most benches need: a receiver, a publisher and Posthorn with its defaults, each in its own process. */
import { randomBytes } from 'node:crypto'
import { type Authority, createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import { systemClock } from '../packages/server/src/base/clock.ts'
import { openPostgres } from '../packages/server/src/store/postgres/driver.ts'
import { openSqlite } from '../packages/server/src/store/sqlite/driver.ts'
import { Store } from '../packages/server/src/store/store.ts'
import { Child } from './child.ts'
import { EVENT_TYPE } from './events.ts'
import { makeKeys, type Posthorn, type PosthornOptions, startPosthorn } from './posthorn.ts'
import type { PublishCommand } from './publisher.ts'
import type { ReceiverAnswer, ReceiverCommand } from './receiver.ts'
import { temporaryFolder } from './temporary.ts'

export const TENANT = 'bench'

export type SettingOptions = {
  /** Use a new PostgreSQL. Default: the embedded store. */
  readonly isShared?: boolean
  readonly profileFolder?: string | undefined
  /** Flags of `posthorn serve`. Default: none. */
  readonly flags?: readonly string[]
  /** See PosthornOptions. */
  readonly heapMegabytes?: PosthornOptions['heapMegabytes']
  readonly resolvConf?: PosthornOptions['resolvConf']
  readonly data?: PosthornOptions['data']
  readonly keys?: PosthornOptions['keys']
  readonly prepare?: PosthornOptions['prepare']
  /** Fills the store before Posthorn starts. Default: it starts with an empty store. */
  readonly fill?: ((store: Store) => Promise<void>) | undefined
}

export type Setting = {
  readonly authority: Authority
  readonly posthorn: Posthorn
  readonly postgres: Postgres | undefined
  readonly publisher: Child<PublishCommand, number>
  readonly receiver: Child<ReceiverCommand, ReceiverAnswer>
  /** The receiver's origin, without a slash at the end. */
  readonly origin: string
  /** Secret of the initial endpoint, `<origin>/hooks`. */
  readonly clientSecret: string
  /** Waits until this many further requests have arrived, and throws if there are more. */
  receives(requests: number): Promise<void>
  /** Returns when each event arrived since the previous call, by id. Recording begins with the first call. */
  stamps(): Promise<ReadonlyMap<string, number>>
  end(): Promise<void>
}

const RECEIVE_TIMEOUT_MS = 180_000

/** Starts everything, with the tenant `TENANT` and one endpoint for `EVENT_TYPE`. */
export async function startSetting(options: SettingOptions = {}): Promise<Setting> {
  const authority = await createAuthority('Posthorn bench authority')
  const ending: (() => unknown)[] = []
  const end = async () => {
    for (const each of ending.toReversed()) await each()
  }
  try {
    const publisher = new Child<PublishCommand, number>('publisher.ts')
    const receiver = new Child<ReceiverCommand, ReceiverAnswer>('receiver.ts')
    ending.push(
      () => publisher.end(),
      () => receiver.end(),
    )
    const certificate = await authority.issue({ names: [], ips: ['127.0.0.1'] })
    const origin = `https://127.0.0.1:${(await receiver.ask({ kind: 'listen', ...pick(certificate) })).value}`
    const postgres = options.isShared ? await startPostgres() : undefined
    if (postgres !== undefined) ending.push(() => postgres.stop())
    const shared = postgres === undefined ? {} : { shared: { ...makeKeys(), databaseUrl: postgres.url() } }
    const { profileFolder, flags = [], heapMegabytes, resolvConf, keys, prepare, fill } = options
    const folder = fill === undefined || postgres !== undefined ? undefined : temporaryFolder()
    if (folder !== undefined) ending.push(() => folder.remove())
    const data = options.data ?? folder?.path
    if (fill !== undefined) await fillStore(fill, postgres?.url() ?? data!)
    const posthorn = await startPosthorn({
      caPem: authority.caPem,
      profileFolder,
      flags,
      heapMegabytes,
      resolvConf,
      data,
      ...shared,
      ...(keys === undefined ? {} : { keys }),
      ...(prepare === undefined ? {} : { prepare }),
    })
    ending.push(() => posthorn.end())
    const clientSecret = randomBytes(24).toString('base64url')
    await posthorn.call('PUT', `tenants/${TENANT}`, {})
    await posthorn.call('POST', `tenants/${TENANT}/endpoints`, {
      url: `${origin}/hooks`,
      clientSecret,
      types: [EVENT_TYPE],
    })
    const receives = createCount(receiver)
    const stamps = async () => new Map((await receiver.ask({ kind: 'stamps' })).stamps)
    return { authority, posthorn, postgres, publisher, receiver, origin, clientSecret, receives, stamps, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** @param place a PostgreSQL's URL, or a data folder */
async function fillStore(fill: (store: Store) => Promise<void>, place: string): Promise<void> {
  const open = place.startsWith('postgres') ? openPostgres : openSqlite
  const store = new Store(await open(place, systemClock), systemClock)
  try {
    await store.write('migrate', {})
    await fill(store)
  } finally {
    await store.close()
  }
}

const pick = ({ certPem, keyPem }: { certPem: string; keyPem: string }) => ({ certPem, keyPem })

function createCount(receiver: Setting['receiver']): Setting['receives'] {
  let received = 0
  return async requests => {
    received += requests
    const { value } = await receiver.ask({ kind: 'waitFor', total: received, timeoutMs: RECEIVE_TIMEOUT_MS })
    // Duplicates are allowed in general, but nothing fails here: more requests would falsify the measurement.
    if (value !== received) throw new Error(`The receiver got ${value} requests instead of ${received}.`)
  }
}

export const BATCH_SIZE = 100
export const BATCHES_IN_FLIGHT = 4

/** Publishes events in batches and waits until every event is delivered and its outcome stored. */
export async function deliverBatches(setting: Setting, events: number): Promise<void> {
  const { posthorn, publisher } = setting
  const { url, apiKey } = posthorn
  const batches = events / BATCH_SIZE
  await publisher.ask({ url, apiKey, tenant: TENANT, batches, batchSize: BATCH_SIZE, inFlight: BATCHES_IN_FLIGHT })
  await setting.receives(events)
  await allStored(posthorn)
}

const LOOK_EVERY_MS = 20

/** Waits until the tenant has no pending deliveries, that is, until all outcomes are stored. */
export async function allStored(posthorn: Posthorn, tenant = TENANT): Promise<void> {
  const path = `tenants/${tenant}/deliveries?state=pending&limit=1`
  while ((await posthorn.call<{ data: unknown[] }>('GET', path)).data.length > 0) {
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** The headers of Posthorn's requests, without those that differ by event; alternating names and values. */
export const bareHeaders = (clientSecret: string): readonly string[] => [
  'Content-Type',
  'application/json',
  'Authorization',
  `Bearer ${clientSecret}`,
  'X-APIVersion',
  '3.0',
  'User-Agent',
  'Posthorn/0.1.0',
]
