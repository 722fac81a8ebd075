import type { Endpoint } from '../base/model.ts'
import type { RequestTemplate } from '../base/webhook-request.ts'
import type { Credentials } from './credentials.ts'

/** What the requests of an endpoint with these credentials carry. */
export const templateOf = (
  { url, headers }: Pick<Endpoint, 'url' | 'headers'>,
  { oauth, clientCertificate }: Credentials,
): RequestTemplate => ({
  url,
  headers,
  secretHeaders: [],
  signatureHeaders: null,
  authentication: oauth === null ? 'bearer' : 'oauth',
  hasClientCertificate: clientCertificate !== null,
})
