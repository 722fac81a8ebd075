import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idBytes, idText, newId } from '../../src/base/ids.ts'
import type { OperationCall } from '../../src/store/driver.ts'
import { toSettleArguments } from '../../src/store/operations/deliveries/settlement.ts'
import { postgresDialect } from '../../src/store/postgres/dialect.ts'
import { toConfig } from '../../src/store/postgres/query.ts'
import { beginText } from '../../src/store/postgres/session.ts'
import { runOperation } from '../../src/store/run-operation.ts'
import { anEndpoint, anEvent, aRequest, aSettlement, aTenant } from './builders.ts'
import { type Opened, postgresEngine } from './engines.ts'

/** The first half of the ids: history is kept by their time. */
const PREFIX = Buffer.from(idBytes(newId('dlv', Date.now())))
  .toString('hex')
  .slice(0, 16)

/** Tables that can be empty one moment and have a million rows the next, with a statement that makes that many. */
const FILL: Readonly<Record<string, string>> = {
  live_delivery: `insert into live_delivery (tenant, id, endpoint, partition, event, type, state, due_ms, attempts, test,
      created_ms)
    select 't', decode('${PREFIX}' || lpad(to_hex(n), 16, '0'), 'hex'), '\\x01', 7, '\\x02', 'T', 'pending', 1, 0, 0, 1
    from generate_series(1, $1) n`,
  inbox: `insert into inbox (tenant, id, type, created_ms, claimed_until_ms)
    select 't', decode('${PREFIX}' || lpad(to_hex(n), 16, '0'), 'hex'), 'T', 1, 0 from generate_series(1, $1) n`,
  idempotency: `insert into idempotency (tenant, event_key, event, hash, expires_ms)
    select 't', n, '\\x02', '\\x03', 1 from generate_series(1, $1) n`,
  idempotent_call: `insert into idempotent_call (scope, call_key, hash, made_id, made_ms, expires_ms)
    select 's', n, '\\x03', 'm', 1, 1 from generate_series(1, $1) n`,
  notice: `insert into notice (key, type, tenant, gathers, due_ms, count, data)
    select n, 'T', 't', 0, 1, 0, '' from generate_series(1, $1) n`,
}
const ROWS = 3_000
const NAMED = 60

type Plan = {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Recheck Cond'?: string
  readonly Plans?: readonly Plan[]
}

/** The tables that a plan reads whole. */
function readWhole(plan: Plan): string[] {
  const table = plan['Relation Name'] ?? ''
  const isNarrowed = plan['Index Cond'] !== undefined || plan['Recheck Cond'] !== undefined
  const own = table in FILL && plan['Node Type'].includes('Scan') && !isNarrowed ? [table] : []
  return [...own, ...(plan.Plans ?? []).flatMap(readWhole)]
}

describe('Named rows', () => {
  const engine = postgresEngine()
  let opened: Opened
  let client: pg.Client

  beforeAll(async () => {
    opened = await engine.open()
    client = await opened.connect!()
  })
  afterAll(async () => {
    await client.end()
    await opened.close()
    await engine.stop()
  })

  /** Runs an operation as the driver does, and returns the tables that it read whole. */
  async function wholeTables({ name, args }: OperationCall): Promise<string[]> {
    const whole: string[] = []
    await client.query(beginText({ isRead: false, timeoutMs: 30_000 }, ''))
    const transaction = runOperation({ name, args } as OperationCall, postgresDialect)
    for (let step = transaction.next([]); step.done !== true; ) {
      if ('note' in step.value) {
        step = transaction.next([])
        continue
      }
      const query = toConfig(step.value)
      if ('columns' in step.value) {
        const { rows } = await client.query({ ...query, text: `explain (format json) ${query.text}` })
        whole.push(...readWhole(rows[0]['QUERY PLAN'][0].Plan))
      }
      step = transaction.next((await client.query(query)).rows)
    }
    await client.query('rollback')
    return whole
  }

  it('are found along an index in tables that have grown since a vacuum found them empty', async () => {
    const endpoint = anEndpoint('t')
    await aTenant(opened.store, 't', [endpoint])
    for (const [table, fill] of Object.entries(FILL)) {
      await client.query(fill, [ROWS])
      await client.query(`delete from ${table}`)
      await client.query(`vacuum (truncate off) ${table}`)
      const looks = `select reltuples = 0 and relpages > 0 as empty from pg_class where oid = '${table}'::regclass`
      expect((await client.query(looks)).rows, table).toEqual([{ empty: true }])
      await client.query(fill, [ROWS])
    }
    const { rows } = await client.query(`select id from live_delivery limit ${NAMED}`)
    const items = rows.map(({ id }) => ({
      tenant: 't',
      delivery: idText('dlv', id),
      endpoint: endpoint.id,
      event: newId('evt', Date.now()),
      partition: 7,
      attempts: 0,
      dueAtMs: 1,
    }))
    expect(items).toHaveLength(NAMED)
    const settlements = (['delivered', 'exhausted', 'retry'] as const).map(kind =>
      items.map(item => aSettlement(item as never, kind === 'retry' ? { kind, dueAtMs: 9 } : { kind })),
    )
    const events = Array.from({ length: NAMED }, (_, n) =>
      anEvent([endpoint], { key: `k${n}`, hash: new Uint8Array(32) }),
    )
    const request = await aRequest(opened.store, 't', events)
    const inbox = items.map(({ event }) => ({ tenant: 't', event }))
    const calls: readonly OperationCall[] = [
      ...settlements.map(some => ({ name: 'settle' as const, args: toSettleArguments(some) })),
      { name: 'takeBackTrials', args: { trials: items } },
      { name: 'publish', args: { requests: [request], keyWaitMs: 250 } },
      { name: 'readKeyHashes', args: { tenant: 't', keys: events.map(({ key }) => key), nowMs: 1 } },
      { name: 'claimInbox', args: { after: '', claimMs: 1, maxPayloadBytes: 1_000 } },
      { name: 'releaseInbox', args: { rows: inbox, afterMs: 0 } },
      { name: 'claimNotices', args: { nowMs: 2 } },
      { name: 'finishNotices', args: { keys: ['1', '2'], nowMs: 2 } },
    ] as never
    for (const call of calls) expect(await wholeTables(call), call.name).toEqual([])
  })
})
