/** Decides whether a request under `/session/v1` or `/portal/v1` has a session (decisions 48 and 52). */
import type { FastifyRequest } from 'fastify'
import { PosthornError } from '../../base/errors.ts'
import { hashOfKey } from '../../secrets/api-key.ts'
import type { LiveSession, SessionCache } from '../../services/sessions/session-cache.ts'
import type { SessionKind } from './doors.ts'
import { type Caller, tokenOf } from './gate.ts'
import { readOrigin } from './origins.ts'
import { COOKIES, hasCookie, isToken, tokensIn } from './session-cookie.ts'

export type SessionSource = Pick<SessionCache, 'find' | 'use' | 'untilFresh'>

/** A refusal. `isGuess`: what was sent is like a wrong key, which is answered late after many of them. */
export type Refusal = { readonly error: PosthornError; readonly isGuess: boolean }

type Looked = { readonly live: readonly (LiveSession & { readonly token: string })[]; readonly isUnknown: boolean }

export class SessionDoor {
  readonly #kind: SessionKind
  readonly #source: SessionSource

  constructor(kind: SessionKind, source: SessionSource) {
    this.#kind = kind
    this.#source = source
  }

  /** Calls `settle` with the caller or the refusal, now or, if the token is not known on this node yet, soon. */
  enter(request: FastifyRequest, settle: (result: Caller | Refusal) => void): void {
    const tokens = this.#tokensOf(request)
    const result = this.#resultNow(request, tokens)
    if (result !== undefined) settle(result)
    // The sign-in might have been on another node, just now.
    else void this.#source.untilFresh().then(() => settle(this.#decide(this.#look(tokens))))
  }

  /** Undefined if this node does not know the token. */
  #resultNow(request: FastifyRequest, tokens: readonly string[]): Caller | Refusal | undefined {
    if (!this.#isInMemory(request)) {
      if (!hasCookie(this.#kind, request.headers.cookie)) {
        return refuse('unauthorized', 'Sign in first: the request has no session.')
      }
      const fault = faultOfPage(request)
      if (fault !== undefined) return fault
    }
    const looked = this.#look(tokens)
    const isKnown = looked.live.length > 0 || !looked.isUnknown || tokens.length === 0
    return isKnown ? this.#decide(looked) : undefined
  }

  /** The caller of a call that lasts, by its session. Undefined if that has ended. Doesn't count as a use of it. */
  still({ token }: { readonly token: string }): Caller | undefined {
    const found = this.#source.find(this.#kind, hashOfKey(token))
    return found === undefined || found === 'ended' ? undefined : callerOf({ ...found, token })
  }

  /** Undefined if the request can sign in. */
  faultOfSignIn(request: FastifyRequest): PosthornError | undefined {
    try {
      readOrigin(request.headers.origin)
    } catch (error) {
      return error as PosthornError
    }
    return faultOfPage(request)?.error
  }

  /** A page in a frame on another site has no cookie: it keeps the token of a portal's session, and sends it. */
  #isInMemory({ headers }: FastifyRequest): boolean {
    return this.#kind === 'portal' && headers.authorization !== undefined
  }

  #tokensOf(request: FastifyRequest): string[] {
    const { authorization, cookie } = request.headers
    if (!this.#isInMemory(request)) return tokensIn(this.#kind, cookie)
    const token = tokenOf(authorization)
    return token !== undefined && isToken(this.#kind, token) ? [token] : []
  }

  /**
   * Calls `settle` with the caller, with null for a request without a session that counts, or with the refusal of a
   * request that another site's page could have sent. `isGuess`: the cookie is like a wrong key.
   */
  enterAsVisitor(
    request: FastifyRequest,
    settle: (result: { readonly caller: Caller | null; readonly isGuess: boolean } | Refusal) => void,
  ): void {
    const fault = faultOfPage(request)
    if (fault !== undefined) settle(fault)
    else {
      this.enter(request, result =>
        settle('error' in result ? { caller: null, isGuess: result.isGuess } : { caller: result, isGuess: false }),
      )
    }
  }

  #look(tokens: readonly string[]): Looked {
    const found = tokens.map(token => ({ token, session: this.#source.find(this.#kind, hashOfKey(token)) }))
    const live = found.flatMap(({ token, session }) =>
      session === undefined || session === 'ended' ? [] : [{ ...session, token }],
    )
    return { live, isUnknown: found.every(({ session }) => session === undefined) }
  }

  #decide({ live, isUnknown }: Looked): Caller | Refusal {
    const [only] = live
    if (only === undefined) return { ...refuse('session_ended', SIGN_IN_AGAIN[this.#kind]), isGuess: isUnknown }
    if (live.length > 1) {
      const remedy = `Delete the cookies ${COOKIES[this.#kind]} of this site and of its parent domains, and sign in again.`
      return refuse('session_ended', `The browser sent several sessions. ${remedy}`)
    }
    this.#source.use(only)
    return callerOf(only)
  }
}

function callerOf({ session, key, token }: LiveSession & { readonly token: string }): Caller {
  const caller = { key, session: { id: session.id, token } }
  if (session.person !== null) return { ...caller, person: session.person }
  return session.portal === null ? caller : { ...caller, portal: { ...session.portal, madeBy: session.key } }
}

const SIGN_IN_AGAIN: Readonly<Record<SessionKind, string>> = {
  session: 'Your session has ended. Sign in again.',
  portal: 'Your session has ended. Ask for a new link where you got the last one.',
}

/** Checks what no other site's page can send. */
function faultOfPage({ headers }: FastifyRequest): Refusal | undefined {
  if (headers['posthorn-session'] === '1' && headers['sec-fetch-site'] === 'same-origin') return undefined
  const needs = 'the header Posthorn-Session: 1 and, from the browser itself, Sec-Fetch-Site: same-origin'
  return refuse(
    'forbidden',
    `Calls with a session are for the dashboard's and the portal's own pages. They need ${needs}.`,
  )
}

function refuse(code: 'unauthorized' | 'session_ended' | 'forbidden', detail: string): Refusal {
  return { error: new PosthornError(code, detail), isGuess: false }
}
