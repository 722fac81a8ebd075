import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

type Table = { readonly name: string; readonly key: readonly string[] }
/** Each row as a text that shows any difference in value or type. */
type Rows = ReadonlyMap<string, readonly string[]>

const NOT_COMPARED = new Set([
  'meta',
  'node',
  'node_report',
  'partition_lease',
  'upkeep',
  'mismatch',
  'session',
  'sign_in_link',
  'portal_link',
  'stream_log',
  'used_sign_in',
  'listener_reader',
  'listener_request',
])

function rowText(row: object): string {
  const values = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(values, (_key, value) =>
    value instanceof Uint8Array || value?.type === 'Buffer' ? { hex: Buffer.from(value).toString('hex') } : value,
  )
}

export function tablesOf(folder: string): Table[] {
  const database = new DatabaseSync(`${folder}/posthorn.db`, { readOnly: true })
  const names = database.prepare(`select name from sqlite_schema where type = 'table' order by name`).all()
  const tables = names.map(({ name }) => {
    const columns = database.prepare(`select name, pk from pragma_table_info(?) where pk > 0 order by pk`).all(name!)
    return { name: String(name), key: columns.map(column => String(column.name)) }
  })
  database.close()
  return tables.filter(({ name }) => !NOT_COMPARED.has(name) && !name.startsWith('sqlite'))
}

export function rowsOfFolder(folder: string): Rows {
  const database = new DatabaseSync(`${folder}/posthorn.db`, { readOnly: true })
  const read = ({ name, key }: Table) => database.prepare(`select * from ${name} order by ${key.join(', ')}`).all()
  const rows = tablesOf(folder).map(table => [table.name, read(table).map(rowText)] as const)
  const meta = database.prepare(`select key, value from meta order by key`).all().map(rowText)
  database.close()
  return new Map([...rows, ['meta', meta]])
}

const types = { getTypeParser: (oid: number) => (oid === 20 ? Number : pg.types.getTypeParser(oid)) }

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, types: types as pg.CustomTypesConfig })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

export function rowsOfDatabase(url: string, tables: readonly Table[]): Promise<Rows> {
  return withClient(url, async client => {
    const rows = new Map<string, string[]>()
    for (const { name, key } of tables) {
      const found = await client.query(`select * from posthorn.${name} order by ${key.join(', ')}`)
      rows.set(name, found.rows.map(rowText))
    }
    const meta = await client.query('select key, value from posthorn.meta order by key collate "C"')
    rows.set('meta', meta.rows.map(rowText))
    return rows
  })
}
