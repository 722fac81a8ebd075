import { VerificationError } from './verification-error.ts'
import { type VerifyOptions, verify, type Webhook } from './verify.ts'

type HonoContext = {
  readonly req: { readonly raw: Request }
  set(key: 'webhook', value: Webhook): void
}

/** Hono middleware that verifies a request and sets `c.get('webhook')`, or responds with the error. */
export function webhook(options: VerifyOptions) {
  return async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      context.set('webhook', await verify(context.req.raw, options))
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      return Response.json({ check: error.check, reason: error.reason }, { status: error.status })
    }
    await next()
    return undefined
  }
}
