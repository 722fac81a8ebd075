/**
 * An outbox by Drizzle: an order and its event are one transaction in the shop's own database. The event exists if and
 * only if the order does, whatever fails in between. Posthorn runs wherever it likes, on the same database.
 *
 *     DATABASE_URL=postgres://… npx node examples/outbox-drizzle/shop.ts
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { publish } from '@posthorn/client'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text as textColumn, uuid } from 'drizzle-orm/pg-core'
import pg from 'pg'

const stock = pgTable('stock', { item: textColumn().primaryKey(), left: integer().notNull() })
const orders = pgTable('orders', {
  id: uuid().primaryKey().defaultRandom(),
  tenant: textColumn().notNull(),
  item: textColumn().notNull(),
})

type Order = { readonly tenant: string; readonly item: string }

class SoldOut extends Error {}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const db = drizzle(pool)

/** Stores the order with its event, or neither. */
function placeOrder({ tenant, item }: Order): Promise<{ id: string; event: string }> {
  return db.transaction(async tx => {
    const [order] = await tx.insert(orders).values({ tenant, item }).returning()
    const { id } = order!
    const event = await publish(tx, { tenant, type: 'COVER_REFERENCE', payload: { CoverId: id, item }, key: id })
    const [row] = await tx
      .update(stock)
      .set({ left: sql`${stock.left} - 1` })
      .where(eq(stock.item, item))
      .returning()
    // Too late for the order and its event: both are undone.
    if (row === undefined || row.left < 0) throw new SoldOut()
    return { id, event: event.id }
  })
}

// A real shop has migrations.
await db.execute(sql`create table if not exists stock (item text primary key, "left" integer not null)`)
await db.execute(sql`
  create table if not exists orders (id uuid primary key default gen_random_uuid(), tenant text not null, item text not null)
`)
await db.insert(stock).values({ item: 'cup', left: 1 }).onConflictDoNothing()

const server = createServer(async (request, response) => {
  const send = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  try {
    send(201, await placeOrder(JSON.parse(await text(request)) as Order))
  } catch (error) {
    if (error instanceof SoldOut) send(409, { error: 'sold out' })
    else send(500, { error: (error as Error).message })
  }
})
process.once('SIGTERM', () => server.close(() => void pool.end()))
server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${(server.address() as AddressInfo).port}`)
})
