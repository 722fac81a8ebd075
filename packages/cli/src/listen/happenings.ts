/** What happens while listening, as it is shown to people and written for scripts. */
import type { Endpoint, ListenedRequest } from '@posthorn/client'
import type { Reply } from './reply.ts'
import type { Secrets } from './state.ts'

/** A request that was forwarded or shown, and what became of it. */
export type Heard = {
  /** Counts from 1, for choosing it. */
  readonly number: number
  readonly request: ListenedRequest
  readonly reply: Reply
  /** When the reply came, in milliseconds since 1970. */
  readonly atMs: number
}

export type Happening =
  | {
      readonly kind: 'listening'
      readonly endpoint: Endpoint
      readonly secrets: Secrets
      readonly isResumed: boolean
      /** Whether the secrets have replaced those of another machine, which ends if it still listens. */
      readonly isTakenOver: boolean
    }
  /** The stream is open, or has broken off and is opened again. */
  | { readonly kind: 'connection'; readonly isOpen: boolean; readonly error: Error | undefined }
  | { readonly kind: 'request'; readonly heard: Heard }
  /** The answer came too late. The delivery is sent again, and not forwarded again if the receiver has accepted it. */
  | { readonly kind: 'late'; readonly heard: Heard }
  /** A later attempt of what the receiver has accepted was answered without it. */
  | { readonly kind: 'repeated'; readonly request: ListenedRequest; readonly status: number }
  | { readonly kind: 'receiver'; readonly isUp: false; readonly why: string }
  | { readonly kind: 'receiver'; readonly isUp: true; readonly failed: number }
  | { readonly kind: 'state'; readonly state: Endpoint['state']; readonly reason: Endpoint['disabledReason'] }
  /** The listener had been deleted while the server couldn't be reached, and was registered again. */
  | { readonly kind: 'renewed'; readonly unseenSinceMs: number }
  | { readonly kind: 'ending'; readonly inFlight: number }
