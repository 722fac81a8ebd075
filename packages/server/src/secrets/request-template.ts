import type { Endpoint, ExtraHeaders } from '../base/model.ts'
import type { RequestTemplate } from '../base/webhook-request.ts'
import type { Credentials } from './credentials.ts'

/** What the requests of an endpoint with these credentials carry. */
export const templateOf = (
  { url, headers, signatureHeaders }: Pick<Endpoint, 'url' | 'headers' | 'signatureHeaders'>,
  { oauth, clientCertificate }: Credentials,
): RequestTemplate => ({
  url,
  ...namesAndValues(headers),
  signatureHeaders,
  authentication: oauth === null ? 'bearer' : 'oauth',
  hasClientCertificate: clientCertificate !== null,
})

function namesAndValues(headers: ExtraHeaders): Pick<RequestTemplate, 'headers' | 'secretHeaders'> {
  const all = Object.entries(headers)
  return {
    headers: Object.fromEntries(all.flatMap(([name, { secret, value }]) => (secret ? [] : [[name, value!]]))),
    secretHeaders: all.flatMap(([name, { secret }]) => (secret ? [name] : [])),
  }
}
