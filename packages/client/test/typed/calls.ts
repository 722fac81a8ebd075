/**
 * Calls that the compiler must accept or refuse once the types of a catalogue are generated: `typed-events.test.ts`
 * compiles them with the built package and with what its executable writes for the catalogue of a server.
 */
import {
  type EventTypeName,
  type PayloadOf,
  Posthorn,
  Publisher,
  publish,
  type ReceivedTypeName,
  type SqlTransaction,
  verify,
} from '@posthorn/client'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const expectType = <A>() => ({ toBe: <B>(_isSame: Same<A, B>) => undefined })

declare const tx: SqlTransaction
const posthorn = new Posthorn({ url: 'https://posthorn.example' })
const publisher = new Publisher(posthorn, { tenant: 'acme' })
const grade = { ehid: '7', change: 'positive', companyUrl: 'https://api.example/7' } as const

export async function accepted(): Promise<void> {
  await posthorn.events.publish('acme', { type: 'GRADE_CHANGED', payload: grade, key: 'grade-7' })
  await posthorn.events.publish('acme', [
    { type: 'GRADE_CHANGED', payload: grade },
    { type: 'COVER_REFERENCE', payload: { CoverId: 'a' } },
  ])
  await publisher.publish('GRADE_CHANGED', grade, { key: 'grade-7', tenant: 'other' })
  await publish(tx, { tenant: 'acme', type: 'GRADE_CHANGED', payload: grade })
  await publish(tx, { tenant: 'acme', type: 'GRADE_CHANGED', payload: JSON.stringify(grade) })
  // More members than the schema has can be sent, if they are meant.
  const more = { ...grade, rating: 3 }
  await publisher.publish('GRADE_CHANGED', more)
  // A member that is undefined is not sent.
  await publisher.publish('ORDER', { id: 'a', note: undefined, lines: [] })
  await publisher.publish('ORDER', { id: 'a', lines: [{ sku: 'x', parts: [{ sku: 'y' }] }] })
}

/** The function must handle each type that can be received, operational ones and archived ones included. */
export async function received(request: Request): Promise<string> {
  const webhook = await verify(request, { clientSecret: 'a' })
  switch (webhook.type) {
    case 'GRADE_CHANGED':
      expectType<typeof webhook.payload.change>().toBe<'positive' | 'negative'>(true)
      // @ts-expect-error a member that the payload doesn't have
      return webhook.payload.changed
    case 'ORDER':
      return webhook.payload.lines[0]?.parts?.[0]?.sku ?? webhook.payload.id
    case 'OLD_TYPE':
      expectType<typeof webhook.payload.id>().toBe<string>(true)
      return webhook.id
    case 'posthorn.replay.finished':
      expectType<typeof webhook.payload.state>().toBe<'done' | 'cancelled'>(true)
      return webhook.payload.tenant
    // @ts-expect-error a type that the catalogue doesn't have
    case 'GRADE_CHANGE':
      return ''
    case null:
      expectType<typeof webhook.payload>().toBe<unknown>(true)
      return ''
    default:
      return webhook.json<{ CoverId: string }>().CoverId
  }
}

export async function destructured(request: Request): Promise<string> {
  const { type, payload } = await verify(request, { clientSecret: 'a' })
  return type === 'COVER_REFERENCE' ? payload.CoverId : ''
}

/** A handler for each type is exhaustive: the compiler names the one that is missing. */
export const handlers: { [Type in EventTypeName]?: (payload: PayloadOf<Type>) => void } = {
  GRADE_CHANGED: ({ ehid }) => console.log(ehid),
  // @ts-expect-error a type that the catalogue doesn't have
  COVER_REFERENCES: () => {},
}

export const names: ReceivedTypeName[] = ['OLD_TYPE', 'posthorn.replay.finished', 'GRADE_CHANGED']

export async function refused(): Promise<void> {
  // @ts-expect-error a type that the catalogue doesn't have
  await posthorn.events.publish('acme', { type: 'GRADE_CHANGE', payload: grade })
  // @ts-expect-error the payload of another type
  await posthorn.events.publish('acme', { type: 'COVER_REFERENCE', payload: grade })
  const first = { type: 'GRADE_CHANGED', payload: grade } as const
  // @ts-expect-error one of several is wrong
  await posthorn.events.publish('acme', [first, { type: 'COVER_REFERENCE', payload: {} }])
  // @ts-expect-error a value that the schema doesn't have
  await publisher.publish('GRADE_CHANGED', { ...grade, change: 'up' })
  // @ts-expect-error without a member that is required
  await publisher.publish('GRADE_CHANGED', { ehid: '7', change: 'positive' })
  // @ts-expect-error a member that the schema doesn't have
  await publisher.publish('COVER_REFERENCE', { CoverId: 'a', coverId: 'a' })
  // @ts-expect-error a number in place of a text
  await publisher.publish('COVER_REFERENCE', { CoverId: 7 })
  // @ts-expect-error an archived type
  await publisher.publish('OLD_TYPE', { id: '7' })
  // @ts-expect-error a type of Posthorn's own
  await publisher.publish('posthorn.replay.finished', {} as never)
  // @ts-expect-error a type that the catalogue doesn't have
  await publish(tx, { tenant: 'acme', type: 'GRADE_CHANGE', payload: grade })
  // @ts-expect-error the payload of another type
  await publish(tx, { tenant: 'acme', type: 'COVER_REFERENCE', payload: grade })
  // @ts-expect-error a part that is too deep inside
  await publisher.publish('ORDER', { id: 'a', lines: [{ sku: 'x', parts: [{ sku: 'y', parts: [{ sku: 7 }] }] }] })
}
