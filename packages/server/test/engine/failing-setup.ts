/** Shared by the tests of failing receivers. */
import type { EndpointId } from '../../src/base/model.ts'
import type { startPosthorn } from './harness.ts'

export const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
export const WAIT = { timeout: 30_000, interval: 20 }

export type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

export const endpointOf = async ({ endpoints }: Posthorn, id: EndpointId) => {
  const endpoint = await endpoints.get('acme', id)
  return { ...endpoint, ...(await endpoints.describe(endpoint)) }
}

/** Number of attempts that have ended, according to the log. */
export const attemptsOf = ({ lines }: Posthorn) => lines.filter(({ msg }) => msg === 'attempt').length
