import { Type } from 'typebox'
import { NoQuery, ref } from '../http/shapes.ts'
import { resource } from '../resource.ts'
import examples from './egress.examples.json' with { type: 'json' }

const EgressSchema = Type.Object(
  { addresses: Type.Array(Type.String({ description: 'An IP address or network.' })) },
  {
    $id: 'Egress',
    description: 'The IP addresses that deliveries are sent from, for firewall rules. Empty if they are not fixed.',
  },
)

const summary = 'List the IP addresses that deliveries are sent from'
const response = { 200: { ...ref(EgressSchema), description: 'The addresses.' } }

/** C4: the IP addresses that deliveries are sent from, for firewall rules. */
export const egressResource = resource({
  tag: 'Egress',
  components: [EgressSchema],
  examples,
  add(routes, _services, { egressAddresses }) {
    const addresses = [...egressAddresses]

    routes.get(
      '/v1/egress',
      { access: 'shared', portal: 'look', operationId: 'getEgress', summary, querystring: NoQuery, response },
      async () => ({ addresses }),
    )

    routes.get(
      '/.well-known/posthorn-egress.json',
      { access: 'open', operationId: 'getPublicEgress', summary, description: 'Needs no API key.', response },
      async () => ({ addresses }),
    )
  },
})
