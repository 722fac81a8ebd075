/** Transactions that the compiler must accept or refuse, by the types of their own libraries. */
import { type PrismaTransaction, publish, type Transaction } from '@posthorn/client'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Kysely, Transaction as KyselyTx } from 'kysely'
import type pg from 'pg'

const event = { tenant: 'acme', type: 'ORDER', payload: { id: 7 } }

type Drizzle = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]
type DrizzleOnPostgresJs = Parameters<Parameters<PostgresJsDatabase['transaction']>[0]>[0]
/** As a generated client declares it. */
type Prisma = {
  $queryRawUnsafe<T = unknown>(
    query: string,
    ...values: unknown[]
  ): Promise<T> & { readonly [Symbol.toStringTag]: string }
  $executeRawUnsafe(query: string, ...values: unknown[]): Promise<number>
}

export async function accepted(
  client: pg.Client,
  pooled: pg.PoolClient,
  drizzle: Drizzle,
  onPostgresJs: DrizzleOnPostgresJs,
  kysely: KyselyTx<{ orders: { id: string } }>,
  prisma: Prisma,
): Promise<void> {
  for (const tx of [client, pooled, drizzle, onPostgresJs, kysely, prisma]) {
    const { id }: { id: string } = await publish(tx, event)
    void id
  }
  const any: Transaction = prisma satisfies PrismaTransaction
  await publish(any, event)
}

export async function refused(drizzle: NodePgDatabase, kysely: Kysely<object>): Promise<void> {
  // @ts-expect-error no transaction
  await publish({}, event)
  // @ts-expect-error no transaction
  await publish('tx', event)
  // @ts-expect-error db itself, which would publish on another connection
  await publish(drizzle, event)
  // The compiler can't tell this one from a transaction: it is refused when it runs.
  await publish(kysely, event)
}
