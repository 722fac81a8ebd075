import type { NodeRequest } from './incoming.ts'
import { VerificationError } from './verification-error.ts'
import { type VerifyOptions, verify, type Webhook } from './verify.ts'

type ExpressRequest = NodeRequest & { webhook?: Webhook }
type ExpressResponse = { status(code: number): { json(body: unknown): unknown } }

/**
 * Express middleware that verifies a request and sets `request.webhook`, or responds with the error. It needs the raw
 * body: put no JSON parser before it.
 */
export function webhook(options: VerifyOptions) {
  return async (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void): Promise<void> => {
    try {
      request.webhook = await verify(request, options)
    } catch (error) {
      if (!(error instanceof VerificationError)) return next(error)
      response.status(error.status).json({ check: error.check, reason: error.reason })
      return
    }
    next()
  }
}
