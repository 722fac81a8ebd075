import { HOUR_MS } from '../../src/base/durations.ts'
import { idText } from '../../src/base/ids.ts'
import type { Engine, Opened } from './engines.ts'

export type Crowd = {
  /** Besides `big`, which has two thirds of all deliveries. */
  readonly tenants: number
  readonly deliveries: number
  /** The time of the first delivery, and how long after it the last one is. */
  readonly fromMs: number
  readonly spanMs: number
  /** Of these deliveries, counted from the oldest, the last attempt got a 503. All others were delivered. */
  readonly failed: readonly number[]
}

/** The endpoint that all deliveries of `big` went to. */
export const BIG_ENDPOINT = idText('ep', new Uint8Array(16).fill(1))

/** Stores deliveries that have ended, spread evenly over time. */
export async function crowd({ name }: Engine, { run, driver }: Opened, of: Crowd): Promise<void> {
  await driver.makeHistory(of.fromMs, of.fromMs + of.spanMs + HOUR_MS)
  const isPg = name === 'postgres'
  const numbers = (count: number) =>
    isPg
      ? `(select i from generate_series(0, ${count - 1}::bigint) i) n`
      : `(with recursive r(i) as (select 0 union all select i + 1 from r where i < ${count - 1}) select i from r) n`
  const hex = (value: string, digits: number) =>
    isPg ? `lpad(to_hex((${value})::bigint), ${digits}, '0')` : `printf('%0${digits}x', ${value})`
  const toBytes = (text: string) => (isPg ? `decode(${text}, 'hex')` : `unhex(${text})`)
  const name5 = (value: string) => `'t' || ${isPg ? `lpad((${value})::text, 5, '0')` : `printf('%05d', ${value})`}`
  const required = `'{}', 1, 1`
  await run(`insert into tenant (id, metadata, version, created_ms) values ('big', ${required})`)
  await run(
    `insert into tenant (id, metadata, version, created_ms) select ${name5('i')}, ${required}
     from ${numbers(of.tenants)}`,
  )
  await run(
    `insert into endpoint (id, tenant, partition, url, metadata, headers, ordered, state, created_ms, updated_ms)
     values (${toBytes(`'${'01'.repeat(16)}'`)}, 'big', 7, 'https://big.example', '{}', '{}', 0, 'enabled', 1, 1)`,
  )
  const isBig = 'i % 3 > 0'
  const isFailed = `i in (${of.failed.join(', ')})`
  const ms = `(${of.fromMs} + i * ${of.spanMs} / ${of.deliveries})`
  const id = toBytes(`${hex(ms, 12)} || '70008' || ${hex('i', 15)}`)
  const endpoint = `case when ${isBig} then '${'01'.repeat(16)}' else ${hex(`i / 3 % ${of.tenants}`, 32)} end`
  await run(
    `insert into delivery (created_ms, ended_ms, attempts, test, tenant, id, endpoint, event, type, state,
       last_started_ms, last_duration_ms, last_status, last_error)
     select ${ms}, ${ms} + 5, 1, 0, case when ${isBig} then 'big' else ${name5(`i / 3 % ${of.tenants}`)} end, ${id},
       ${toBytes(`(${endpoint})`)}, ${id}, 'T', case when ${isFailed} then 'exhausted' else 'delivered' end, ${ms}, 5,
       case when ${isFailed} then 503 else 204 end, case when ${isFailed} then 'http_server_error' end
     from ${numbers(of.deliveries)}`,
  )
}
