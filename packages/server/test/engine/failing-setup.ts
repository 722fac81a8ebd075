/** What tests of receivers that fail share. */
import type { EndpointId } from '../../src/base/model.ts'
import type { startPosthorn } from './harness.ts'

export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
export const WAIT = { timeout: 30_000, interval: 20 }

export type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

export const endpointOf = async ({ endpoints }: Posthorn, id: EndpointId) => {
  const endpoint = await endpoints.get('acme', id)
  return { ...endpoint, ...(await endpoints.describe(endpoint)) }
}

/** By the log: attempts that have ended. */
export const attemptsOf = ({ lines }: Posthorn) => lines.filter(({ msg }) => msg === 'attempt').length
