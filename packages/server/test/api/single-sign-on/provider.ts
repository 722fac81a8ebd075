/** A real provider of OpenID Connect on loopback, which can be told to send other tokens than it has made. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider from 'oidc-provider'

export const CLIENT = { id: 'posthorn', secret: 'client-secret-of-the-tests' }
export const REDIRECT_URI = 'http://127.0.0.1:8470/sign-in/okta'
export const AFTER_SIGN_OUT = 'http://127.0.0.1:8470/sign-in'

export type TokenResponse = Record<string, unknown> & { id_token: string }

/** What the tests can change while it runs. */
export type Behaviour = {
  /** Who signs in. */
  account: string
  /** What it says of the account. */
  claims: Record<string, unknown>
  /** Replaces what the token endpoint sends. */
  forge: ((response: TokenResponse) => TokenResponse | Promise<TokenResponse>) | null
  /** Whether someone has to press a button to sign in, as at a page of an issuer. Otherwise they are signed in already. */
  asks: boolean
  /** Answers a request instead of the provider. Returns whether it did. */
  before: ((request: IncomingMessage, response: ServerResponse) => boolean) | null
}

/** The provider's own page loads fonts from elsewhere. */
function askBeforeSignOut(context: { body: unknown }, form: string): void {
  const button = '<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>'
  context.body = `<!DOCTYPE html><title>Sign out</title>${form}${button}`
}

export class TestProvider {
  readonly behaviour: Behaviour = {
    account: 'ada',
    claims: { name: 'Ada Lovelace', groups: ['operators'] },
    forge: null,
    asks: false,
    before: null,
  }
  /** Paths that were requested. */
  readonly requests: string[] = []
  issuer = ''
  publicJwk!: JWK
  privateKey!: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
  #close!: () => Promise<void>

  /**
   * @param over settings of the provider that replace those of the tests
   * @param host what its URL says: another name of this machine is another site for a browser
   */
  async start(over: object = {}, host = '127.0.0.1'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
    this.privateKey = privateKey
    this.publicJwk = { ...(await exportJWK(publicKey)), kid: 'first', alg: 'RS256', use: 'sig' }
    const jwk = { ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' }
    let handle: RequestListener = (_request, response) => response.end()
    const server = createServer((request, response) => {
      this.requests.push(request.url!.split('?')[0]!)
      if (this.behaviour.before?.(request, response) === true) return
      if (request.url === '/token') this.#meddle(response)
      handle(request, response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.issuer = `http://${host}:${(server.address() as AddressInfo).port}`
    const provider = this.#create(jwk, over)
    const callback = provider.callback()
    handle = (request, response) => {
      if (!request.url!.startsWith('/interaction/')) return void callback(request, response)
      if (this.behaviour.asks && request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/html' })
        return void response.end(
          `<title>Issuer</title><form method="post"><button>Continue as ${this.behaviour.account}</button></form>`,
        )
      }
      const login = { login: { accountId: this.behaviour.account } }
      void provider.interactionFinished(request, response, login, { mergeWithLastSubmission: false })
    }
    this.#close = () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** What a browser does: follows the URL until the provider leads back, and returns the query that it adds. */
  async signIn(url: string): Promise<string> {
    const back = await this.follow(url)
    if (!back.startsWith(REDIRECT_URI)) throw new Error(`The provider has led to ${back}`)
    return new URL(back).search.slice(1)
  }

  /** The first URL outside of the provider. */
  async follow(url: string): Promise<string> {
    const cookies = new Map<string, string>()
    let at = url
    for (let hops = 0; hops < 10 && at.startsWith(this.issuer); hops++) {
      const header = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(at, { redirect: 'manual', headers: { cookie: header } })
      for (const cookie of response.headers.getSetCookie()) {
        const [name = '', value = ''] = cookie.split(';')[0]!.split('=')
        cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) throw new Error(`The provider has answered ${response.status} ${await response.text()}`)
      at = new URL(location, at).href
    }
    return at
  }

  #create(jwk: JWK, over: object): Provider {
    return new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [REDIRECT_URI],
          post_logout_redirect_uris: [AFTER_SIGN_OUT],
        },
      ],
      jwks: { keys: [jwk] },
      cookies: { keys: ['cookies-of-the-tests'] },
      pkce: { required: () => true },
      findAccount: (_context, sub) => ({
        accountId: sub,
        claims: async () => ({ ...this.behaviour.claims, sub }),
      }),
      claims: { profile: ['name', 'groups', 'realm_access'], email: ['email', 'email_verified'] },
      conformIdTokenClaims: false,
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: { enabled: true, logoutSource: askBeforeSignOut },
      },
      ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3_600, IdToken: 3_600, Interaction: 600, Session: 3_600 },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      loadExistingGrant: async ({ oidc }) => {
        const grant = new oidc.provider.Grant({ clientId: oidc.client!.clientId, accountId: oidc.session!.accountId! })
        grant.addOIDCScope('openid profile email')
        await grant.save()
        return grant
      },
      ...over,
    })
  }

  /** Lets `forge` replace the body of a response. */
  #meddle(response: ServerResponse): void {
    const { forge } = this.behaviour
    if (forge === null) return
    const end = response.end.bind(response) as (body: string) => ServerResponse
    response.end = ((body: string | Buffer) => {
      const given = JSON.parse(String(body))
      if (given.id_token === undefined) return end(String(body))
      void Promise.resolve(forge(given)).then(forged => {
        const text = JSON.stringify(forged)
        response.setHeader('content-length', Buffer.byteLength(text))
        end(text)
      })
      return response
    }) as typeof response.end
  }
}
