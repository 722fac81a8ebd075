/** Publishes in transactions of a real Prisma client: `scripts/test-embedded.mjs` generates, checks and runs it. */
import assert from 'node:assert/strict'
import { publish } from '@posthorn/client'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client.ts'

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL ?? '' })
const prisma = new PrismaClient({ adapter })
const event = {
  tenant: 'acme',
  type: 'COVER_REFERENCE',
  payload: '{"CoverId": "564200aa-7128-4a26-83a8-cf0201903fcc"}',
  key: 'k',
} as const

await prisma.$executeRawUnsafe('create table if not exists "Order" (id text primary key)')
const undone = prisma.$transaction(async tx => {
  await tx.order.create({ data: { id: 'o1' } })
  await publish(tx, event)
  throw new Error('changed its mind')
})
await assert.rejects(undone, /changed its mind/)
assert.equal(await prisma.order.count(), 0)

const { id } = await prisma.$transaction(async tx => {
  await tx.order.create({ data: { id: 'o1' } })
  const published = await publish(tx, event)
  assert.deepEqual(await publish(tx, event), published)
  return published
})
await assert.rejects(publish(prisma, { ...event, key: 'other' }), /not a transaction/)
await prisma.$disconnect()
console.log(id)
