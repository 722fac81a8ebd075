import { afterAll, beforeAll, beforeEach } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/logger.ts'
import { Hidden } from '../../../src/config/hidden.ts'
import type { Grant, IssuerSettings } from '../../../src/config/issuers.ts'
import { createIssuerFetch } from '../../../src/server/issuer-fetch.ts'
import { Issuer, type IssuerParts } from '../../../src/services/single-sign-on/issuer.ts'
import { type Answer, type ApiBench, useApi } from '../setup.ts'
import { CLIENT, TestProvider } from './provider.ts'

export const PAGE = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
export const ORIGIN = 'http://127.0.0.1:8470'
const OWN = '/session/v1/session'

export const grant = (over: Partial<Grant> = {}): Grant => ({
  claim: 'groups',
  value: 'operators',
  scope: 'all',
  tenant: null,
  payloads: true,
  ...over,
})

export const cookiesOf = ({ headers }: Answer): string[] => [headers['set-cookie'] ?? []].flat().map(String)

/** The value of a Cookie header with what a response has set, without what it has removed. */
export const jarOf = (answer: Answer): string =>
  cookiesOf(answer)
    .filter(cookie => !cookie.includes('Max-Age=0'))
    .map(cookie => cookie.split(';')[0]!)
    .join('; ')

/** The API with an issuer, which is a real provider. */
export class SignOnBench {
  readonly api: ApiBench = useApi()
  readonly provider = new TestProvider()
  log: string[] = []

  constructor() {
    beforeAll(() => this.provider.start())
    afterAll(() => this.provider.close())
    beforeEach(async () => {
      Object.assign(this.provider.behaviour, {
        account: 'ada',
        claims: { name: 'Ada Lovelace', groups: ['operators'] },
        forge: null,
        asks: false,
        before: null,
      })
      await this.use()
    })
  }

  settings(over: Partial<IssuerSettings> = {}): IssuerSettings {
    return {
      id: 'okta',
      name: 'Okta',
      issuer: this.provider.issuer,
      clientId: CLIENT.id,
      clientSecret: new Hidden(CLIENT.secret),
      clientAuthentication: 'basic',
      scopes: ['openid', 'profile', 'email'],
      grants: [grant()],
      endsWithToken: false,
      ...over,
    }
  }

  /** Replaces the issuers. Sessions stay in the store. */
  async use(issuers: readonly Partial<IssuerSettings>[] = [{}], parts: Partial<IssuerParts> = {}): Promise<void> {
    this.log = []
    const { logger } = createLogger({ level: 'info', stdout: { write: line => this.log.push(line) } })
    const own: IssuerParts = { clock: systemClock, logger, fetch: createIssuerFetch([]), ...parts }
    await this.api.sessionCache.close()
    this.api.useSessions({ issuers: issuers.map(over => new Issuer(this.settings(over), own)) })
    await this.api.sessionCache.open()
    await this.api.useServices({})
  }

  post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    this.api.post(url, body, { key: null, headers: { ...PAGE, origin: ORIGIN, ...headers } })

  get = (url: string, cookie: string): Promise<Answer> => this.api.get(url, { key: null, headers: { ...PAGE, cookie } })

  begin = (issuer = 'okta', headers = {}): Promise<Answer> =>
    this.post('/session/v1/single-sign-on', { issuer }, headers)

  end = (cookie: string, response: string, issuer = 'okta'): Promise<Answer> =>
    this.post(OWN, { singleSignOn: { issuer, response } }, { cookie })

  /** Signs in as a browser does. */
  async signIn(issuer = 'okta'): Promise<Answer> {
    const begun = await this.begin(issuer)
    return this.end(jarOf(begun), await this.provider.signIn(begun.body.url), issuer)
  }
}
