import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { Endpoint, EndState } from '../../src/base/model.ts'

/** Adds events to an embedded store's history whose deliveries to an endpoint ended in `state`. Returns their ids. */
export function fillPast(
  folder: string,
  { tenant, id: endpoint }: Pick<Endpoint, 'tenant' | 'id'>,
  { count, state, type = 'COVER_REFERENCE' }: { count: number; state: EndState; type?: string },
): string[] {
  const database = new DatabaseSync(join(folder, 'posthorn.db'))
  database.exec('pragma busy_timeout = 30000; begin immediate')
  const atMs = Date.now() - 10_000
  const event = database.prepare(
    `insert into event (tenant, id, type, payload, test, deliveries, not_sent, created_ms) values (?, ?, ?, ?, 0, 1, '{}', ?)`,
  )
  const delivery = database.prepare(
    `insert into delivery (tenant, id, endpoint, event, type, state, attempts, test, created_ms, ended_ms)
     values (?, ?, ?, ?, ?, ?, 1, 0, ?, ?)`,
  )
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const id = newId('evt', atMs)
    ids.push(id)
    event.run(tenant, idBytes(id), type, Buffer.from(`{"n":${index}}`), atMs)
    const of = [tenant, idBytes(newId('dlv', atMs)), idBytes(endpoint), idBytes(id), type, state] as const
    delivery.run(...of, atMs, atMs + 5)
  }
  database.exec('commit')
  database.close()
  return ids
}
