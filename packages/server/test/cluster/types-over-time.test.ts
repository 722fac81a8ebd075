import {
  type Authority,
  createAuthority,
  type Postgres,
  type Receiver,
  startPostgres,
  startReceiver,
} from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PosthornError } from '../../src/base/errors.ts'
import { type ClusterNode, SECRET, startNode } from './node.ts'

const LATE = { timeout: 30_000 }
const TYPE = 'ORDER_PLACED'
const type = (properties: object) => ({
  group: 'g',
  description: 'd',
  schema: { type: 'object', required: ['kind'], properties },
  example: { kind: 'a' },
})

let server: Postgres
let authority: Authority
let receiver: Receiver
let nodes: ClusterNode[]
let sql: pg.Client
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
  receiver = await startReceiver({ authority, names: ['localhost'] })
  const url = await server.createDatabase('types_over_time')
  nodes = [await startNode(url, authority), await startNode(url, authority)]
  sql = new pg.Client({ connectionString: url })
  await sql.connect()
  await nodes[0]!.tenants.put('acme', {})
  await nodes[0]!.eventTypes.put(TYPE, type({}))
}, 120_000)
afterAll(async () => {
  await sql?.end()
  await Promise.all((nodes ?? []).map(node => node.stop()))
  await receiver?.close()
  await server?.stop()
})

const publishFromSql = async (payload: object): Promise<string> => {
  const { rows } = await sql.query('select posthorn.publish($1, $2, $3) as id', ['acme', TYPE, JSON.stringify(payload)])
  return rows[0].id
}
const outcomes = async (node: ClusterNode, event: string) =>
  Object.fromEntries(
    (await node.events.listEndpoints('acme', event, { before: null, limit: 99 })).map(each => [
      each.endpoint,
      each.reason ?? each.state,
    ]),
  )

it('filters apply on every node and from SQL, and each node gives the reason', { timeout: 120_000 }, async () => {
  const [one, other] = nodes as [ClusterNode, ClusterNode]
  const create = async (over: object) =>
    (await one.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ...over })).endpoint.id
  const wanting = await create({ types: ['ORDER_*'], filter: { kind: ['a'] } })
  const not = await create({ filter: { kind: ['b'] } })
  const [published] = (await other.publish('acme', { type: TYPE, payload: { kind: 'a', n: 1 } })).events
  expect(published).toMatchObject({ deliveries: 1, notSent: { filter: 1 } })
  // Changed on one node while the other has it cached.
  await one.endpoints.update('acme', wanting, { filter: { kind: ['c'] } })
  await one.endpoints.update('acme', not, { filter: null })
  const fromSql = await publishFromSql({ kind: 'a', n: 2 })
  const settled = (event: string) => expect.poll(() => outcomes(other, event), LATE)
  await settled(published!.id).toEqual({ [wanting]: 'delivered', [not]: 'filter' })
  await settled(fromSql).toEqual({ [wanting]: 'filter', [not]: 'delivered' })
  await receiver.waitFor(() => receiver.total === 2)
})

it('a type archived on one node cannot be published on another, nor from SQL', { timeout: 120_000 }, async () => {
  const [one, other] = nodes as [ClusterNode, ClusterNode]
  await one.eventTypes.archive(TYPE)
  const refused = await other.publish('acme', { type: TYPE, payload: { kind: 'a' } }).catch(error => error)
  expect(refused).toBeInstanceOf(PosthornError)
  expect(refused.code).toBe('event_type_archived')
  const event = await publishFromSql({ kind: 'a' })
  const reasons = async () => new Set(Object.values(await outcomes(one, event)))
  await expect.poll(reasons, LATE).toEqual(new Set(['rejected']))
  await one.eventTypes.unarchive(TYPE)
  expect((await other.publish('acme', { type: TYPE, payload: { kind: 'x' } })).events).toHaveLength(1)
})

it('C1: a node that stored none of the events refuses a schema that rejects them', { timeout: 120_000 }, async () => {
  const [one, other] = nodes as [ClusterNode, ClusterNode]
  await other.publish('acme', { type: TYPE, payload: { kind: 'z' } })
  const refused = await one.eventTypes.put(TYPE, type({ kind: { enum: ['a', 'x'] } })).catch(error => error)
  expect(refused.code).toBe('schema_conflict')
  await one.eventTypes.put(TYPE, type({ kind: { type: 'string' } }))
})
