import { pino } from 'pino'
import { systemClock } from '../../../src/base/clock.ts'
import { Hidden } from '../../../src/config/hidden.ts'
import { Issuer } from '../../../src/services/single-sign-on/issuer.ts'

/** An issuer of which only the metadata are there: examples show no tokens. */
export function issuerWith(url: string): Issuer {
  const metadata = {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    end_session_endpoint: `${url}/sign-out`,
  }
  const settings = {
    id: 'login',
    name: 'Example Login',
    issuer: url,
    clientId: 'posthorn',
    clientSecret: new Hidden('an-example-not-a-real-secret'),
    clientAuthentication: 'basic',
    scopes: ['openid', 'profile'],
    grants: [{ claim: 'groups', value: 'operators', scope: 'all', tenant: null, payloads: true }],
    endsWithToken: false,
  } as const
  const fetch = async () => Response.json(metadata)
  return new Issuer(settings, { clock: systemClock, logger: pino({ level: 'silent' }), fetch })
}
