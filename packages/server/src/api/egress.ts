import { Type } from 'typebox'
import type { ApiOptions, App } from './app.ts'
import { REFUSALS } from './schemas.ts'

const Egress = Type.Object({
  addresses: Type.Array(Type.String(), { description: 'Addresses and networks that requests come from (C4).' }),
})

/** C4: the same document for callers of the API and, publicly, for whoever keeps a receiver's firewall. */
export function registerEgress(app: App, { egressAddresses }: ApiOptions): void {
  const document = { addresses: [...egressAddresses] }
  app.get(
    '/v1/egress',
    { schema: { operationId: 'getEgress', tags: ['egress'], response: { 200: Egress, ...REFUSALS } } },
    () => document,
  )
  app.get(
    '/.well-known/posthorn-egress.json',
    {
      config: { isPublic: true },
      schema: { operationId: 'getPublicEgress', tags: ['egress'], security: [], response: { 200: Egress } },
    },
    () => document,
  )
}
