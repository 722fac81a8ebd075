/**
 * Runs a statement in a transaction of the caller's, whichever library holds it. A library is recognised by what its
 * handles can do, so that none of them has to be installed here.
 */

/** A transaction of `pg`: the client that `begin` ran on. Or anything else that can run SQL with `$1` in it. */
export type SqlTransaction = {
  query(text: string, values: (string | null)[]): Promise<{ readonly rows: readonly unknown[] } | readonly unknown[]>
}

/** What `db.transaction(async tx => …)` of Drizzle passes on. */
export type DrizzleTransaction = {
  // biome-ignore lint/suspicious/noExplicitAny: Drizzle's own type of a query, which can't be written without Drizzle
  execute(query: any): PromiseLike<unknown>
  rollback(): never
}

/** What `db.transaction().execute(async tx => …)` of Kysely passes on. */
export type KyselyTransaction = {
  readonly isTransaction: boolean
  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own type of a compiled query
  executeQuery(query: any): Promise<{ readonly rows: readonly unknown[] }>
}

/** What `prisma.$transaction(async tx => …)` of Prisma passes on. */
export type PrismaTransaction = {
  $queryRawUnsafe(query: string, ...values: unknown[]): PromiseLike<unknown>
}

export type Transaction = SqlTransaction | DrizzleTransaction | KyselyTransaction | PrismaTransaction

type Handle = Readonly<Record<string, unknown>>

/**
 * Runs a statement and returns its rows. Throws TypeError for a handle that is not a transaction, such as a pool: the
 * statement would run, and commit, on another connection.
 */
export async function runIn(tx: Transaction, text: string, values: (string | null)[]): Promise<readonly unknown[]> {
  const handle = tx as unknown as Handle | null | undefined
  if (isObject(handle)) {
    if (isFunction(handle.$queryRawUnsafe)) return rowsOf(await inPrisma(handle as never, text, values))
    if (isFunction(handle.executeQuery)) return rowsOf(await inKysely(handle as never, text, values))
    if (isFunction(handle.execute) && isFunction(handle.transaction)) {
      return rowsOf(await inDrizzle(handle as never, text, values))
    }
    if (isFunction(handle.query)) return rowsOf(await inPg(handle as never, text, values))
  }
  const known = 'a client of pg, or the transaction that Drizzle, Kysely or Prisma passes to its callback'
  throw new TypeError(`This is not a transaction that Posthorn can publish in. Pass ${known}.`)
}

async function inPrisma(tx: PrismaTransaction, text: string, values: readonly unknown[]): Promise<unknown> {
  // Taken away from what runs in a transaction.
  if (isFunction((tx as unknown as Handle).$connect)) throw notInTransaction('prisma.$transaction(async tx => …)')
  return tx.$queryRawUnsafe(text, ...values)
}

async function inKysely(tx: KyselyTransaction, text: string, values: readonly unknown[]): Promise<unknown> {
  if (!tx.isTransaction) throw notInTransaction('db.transaction().execute(async tx => …)')
  // What CompiledQuery.raw of Kysely makes.
  const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] }
  return tx.executeQuery({ sql: text, parameters: values, query, queryId: { queryId: 'posthorn.publish' } })
}

async function inDrizzle(tx: DrizzleTransaction, text: string, values: readonly unknown[]): Promise<unknown> {
  if (!isFunction((tx as unknown as Handle).rollback)) throw notInTransaction('db.transaction(async tx => …)')
  // What the dialect of Drizzle asks of any query. Its own `sql` would have to be imported from it.
  return tx.execute({ getSQL: () => ({ toQuery: () => ({ sql: text, params: values }) }) })
}

async function inPg(tx: SqlTransaction, text: string, values: (string | null)[]): Promise<unknown> {
  const { totalCount, idleCount } = tx as unknown as Handle
  if (totalCount !== undefined && idleCount !== undefined) throw notInTransaction('await pool.connect()')
  return tx.query(text, values)
}

function notInTransaction(remedy: string): TypeError {
  const why = 'the event would be published on another connection, whatever becomes of your transaction'
  return new TypeError(`This is not a transaction, so ${why}. Pass what ${remedy} gives you.`)
}

/** Of `pg` and Kysely in `rows`; others return the rows themselves. */
function rowsOf(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result
  return isObject(result) && Array.isArray(result.rows) ? result.rows : []
}

const isObject = (value: unknown): value is Handle =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'
const isFunction = (value: unknown): boolean => typeof value === 'function'
