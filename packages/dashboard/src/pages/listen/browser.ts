import type { CreateEndpointBody, Endpoint } from '@posthorn/client'
import { posthorn } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { generateSecret } from '../../lib/jwt.ts'
import { listen as words } from '../../strings/en/listen.ts'
import { MARK } from './mark.ts'

/** Makes a listener for all event types. Its secret is not shown: requests have it. */
export async function makeListener(tenant: string): Promise<Endpoint> {
  const body: CreateEndpointBody = {
    kind: 'listener',
    name: words.name,
    clientSecret: generateSecret(),
    types: null,
    metadata: { [MARK[0]]: MARK[1] },
  }
  const endpoint = await posthorn.endpoints.create(tenant, body)
  await Promise.all(['endpoints', 'overview'].map(name => queryClient.invalidateQueries({ queryKey: [name] })))
  return endpoint
}
