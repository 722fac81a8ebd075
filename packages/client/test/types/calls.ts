/** Calls that the compiler must accept or refuse: `npm run types` checks them, and `package.test.ts` with the built types. */
import {
  ApiError,
  type Delivery,
  type Endpoint,
  type ErrorCode,
  type Event,
  type List,
  Posthorn,
  type PublishEventsResult,
  type PublishedEvent,
} from '@posthorn/client'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const expectType = <A>() => ({ toBe: <B>(_isSame: Same<A, B>) => undefined })

const posthorn = new Posthorn({ url: 'https://posthorn.example', apiKey: 'key', fetch })
const event = { type: 'ORDER', payload: { id: 7 } }

export async function accepted(): Promise<void> {
  const one = await posthorn.events.publish('acme', event)
  expectType<typeof one>().toBe<PublishedEvent>(true)
  const several = await posthorn.events.publish('acme', [event, event] as const)
  expectType<typeof several>().toBe<PublishEventsResult>(true)

  const events = posthorn.events.list('acme', { type: ['A', 'B'], from: new Date(), counts: true, limit: 10 })
  for await (const item of events) expectType<typeof item>().toBe<Event>(true)
  const page = await events
  expectType<typeof page.data>().toBe<Event[]>(true)
  expectType<typeof page.searchedTo>().toBe<string | null>(true)
  // A query function of a data library.
  const query: () => Promise<{ data: Event[] }> = () => events
  await query()

  const delivery = await posthorn.deliveries.get('acme', 'dlv_1')
  expectType<typeof delivery.state>().toBe<'pending' | 'held' | 'delivered' | 'exhausted' | 'cancelled'>(true)
  expectType<(typeof delivery)['lastAttempt']>().toBe<Delivery['lastAttempt']>(true)
  const endpoint: Endpoint = await posthorn.endpoints.enable('acme', 'ep_1')
  expectType<typeof endpoint.types>().toBe<string[] | null>(true)
  expectType<ReturnType<typeof posthorn.tenants.delete>>().toBe<Promise<void>>(true)
  await posthorn.endpoints.create('acme', { url: 'https://a.example', uid: undefined }, { idempotencyKey: 'k' })
}

export function handled(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined
  expectType<typeof error.code>().toBe<ErrorCode>(true)
  // @ts-expect-error a code that the API doesn't have
  if (error.code === 'no_such_code') return undefined
  return error.fields[0]?.field
}

export async function refused(): Promise<void> {
  // @ts-expect-error without a URL
  new Posthorn({ apiKey: 'key' })
  // @ts-expect-error an event without a type
  await posthorn.events.publish('acme', { payload: {} })
  // @ts-expect-error a member that events don't have
  await posthorn.events.publish('acme', { ...event, tenant: 'acme' })
  // @ts-expect-error one event has no data
  ;(await posthorn.events.publish('acme', event)).data
  // @ts-expect-error without the tenant
  await posthorn.events.list({ limit: 10 })
  // @ts-expect-error a state that endpoints don't have
  await posthorn.endpoints.list('acme', { state: 'on' })
  // @ts-expect-error a filter that deliveries don't have
  await posthorn.deliveries.list('acme', { health: 'failing' })
  // @ts-expect-error a call that takes no Idempotency-Key
  await posthorn.tenants.put('acme', {}, { idempotencyKey: 'k' })
  // @ts-expect-error a search without words
  await posthorn.search.search({})
  // @ts-expect-error a number in place of a text
  await posthorn.endpoints.update('acme', 'ep_1', { url: 7 })
  // @ts-expect-error a list isn't an array
  const items: Event[] = posthorn.events.list('acme')
  // @ts-expect-error a direction that there isn't
  ;(posthorn.events.list('acme') satisfies List<Event>).items('backwards')
  return void items
}
