/** Finds the event that a person means: by its id, or by the key that it was published with. */
import type { Event, Posthorn, RejectedEvent } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { hintAtTenant } from '../scope.ts'
import { listed } from '../values.ts'

/** An event of a tenant, or one that was rejected, whose tenant might not exist. */
export type FoundEvent =
  | { readonly kind: 'event'; readonly tenant: string; readonly id: string }
  | { readonly kind: 'rejected'; readonly event: RejectedEvent }

const isId = (reference: string): boolean => /^evt_[0-9a-z]{26}$/.test(reference)

/**
 * @param tenant null: in all tenants
 * @throws Problem if there is none, or if several tenants have one
 */
export async function findEvent(run: ServerRun, tenant: string | null, reference: string): Promise<FoundEvent> {
  const found = tenant === null ? await inAll(run, reference) : await inTenant(run.posthorn, tenant, reference)
  if (found !== null) return found
  const where = tenant === null ? 'in any tenant' : `in the tenant ${tenant}`
  const what = isId(reference) ? 'with this id' : `with the key ${JSON.stringify(reference)}`
  throw new Problem(
    `There is no event ${what} ${where}. Either it was not published there, or it is no longer kept, or the key or id ` +
      'is written otherwise: upper and lower case matter.',
    EXIT.notFound,
  )
}

async function inTenant(posthorn: Posthorn, tenant: string, reference: string): Promise<FoundEvent | null> {
  if (isId(reference)) return { kind: 'event', tenant, id: reference }
  let newest: Event | undefined
  for await (const event of posthorn.events.list(tenant, { key: reference, limit: 1 })) {
    newest = event
    break
  }
  return newest === undefined ? null : { kind: 'event', tenant, id: newest.id }
}

async function inAll({ posthorn }: ServerRun, reference: string): Promise<FoundEvent | null> {
  let data: Awaited<ReturnType<typeof posthorn.search.search>>['data']
  try {
    data = (await posthorn.search.search({ q: reference })).data
  } catch (error) {
    throw hintAtTenant(error)
  }
  const events = data.filter(({ kind }) => kind === 'event')
  const kept = events.filter(({ href }) => !href.startsWith('/v1/rejected-events'))
  const tenants = [...new Set(kept.map(({ tenant }) => tenant!))]
  if (tenants.length > 1) {
    throw new Problem(`Several tenants have such an event: ${listed(tenants)}. Choose one with --tenant.`, EXIT.usage)
  }
  const [one] = kept
  if (one !== undefined) return { kind: 'event', tenant: one.tenant!, id: one.id }
  if (events.length === 0) return null
  for await (const event of posthorn.events.listRejected({ key: reference, limit: 1 }))
    return { kind: 'rejected', event }
  return null
}
