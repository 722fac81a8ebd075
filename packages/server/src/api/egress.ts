import { publicProblems, readProblems } from './schemas/problems.ts'
import { NoQuery, ref } from './schemas/shapes.ts'
import type { Api } from './services.ts'

const tags = ['Egress']
const Egress = { ...ref('Egress'), description: 'The addresses.' }

/** C4: the addresses that deliveries come from, for firewalls. */
export function addEgress(api: Api, addresses: readonly string[]): void {
  const schema = { summary: 'The addresses that deliveries come from', tags }

  api.get(
    '/v1/egress',
    {
      schema: {
        ...schema,
        operationId: 'getEgress',
        querystring: NoQuery,
        response: { 200: Egress, ...readProblems() },
      },
    },
    async () => ({ addresses }),
  )

  api.get(
    '/.well-known/posthorn-egress.json',
    {
      schema: {
        ...schema,
        operationId: 'getPublicEgress',
        description: 'For everybody.',
        security: [],
        response: { 200: Egress, ...publicProblems() },
      },
    },
    async () => ({ addresses }),
  )
}
