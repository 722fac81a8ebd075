/** What messages say in one language. Names and values are `plain` or `quoted` already (plain.ts). */
import type { AttemptError } from '../../../base/model.ts'
import type { MessageItem } from '../../../store/operations/notifications/message-items.ts'

type Now = MessageItem['now']
export type DisabledReason = 'manual' | 'gone' | 'failing'
export type ExpiringSecret = 'clientSecret' | 'clientCertificate'

/** Why attempts failed. docs/deliveries.md has the same for readers of the API. */
export type Cause = {
  /** What happened instead of a success. */
  readonly short: string
  /** What to do about it. */
  readonly mend: string
}

export type Phrases = {
  /** BCP 47. */
  readonly locale: string
  readonly and: { readonly unknownTime: string; readonly of: (tenant: string) => string }
  readonly ago: Readonly<Record<'days' | 'hours' | 'minutes', (n: number) => string>>
  /** How the title of one fact begins in a subject: `Failing: hooks.example.com`. */
  readonly subjects: {
    readonly failing: (name: string, now: Now) => string
    readonly disabled: (name: string) => string
    readonly expiring: (what: ExpiringSecret, name: string) => string
    readonly exhausted: (deliveries: string, name: string) => string
    readonly nodeLost: (node: string) => string
    readonly many: (n: string) => string
  }
  /** Sentences without their full stop. */
  readonly titles: {
    readonly failing: (name: string, now: Now) => string
    readonly disabled: (name: string, now: Now) => string
    readonly expiring: (what: ExpiringSecret, name: string, now: Now) => string
    readonly exhausted: (n: number, deliveries: string, name: string, now: Now) => string
    readonly nodeLost: (node: string) => string
  }
  readonly endpoint: (id: string) => string
  readonly deliveries: (n: number, text: string) => string
  readonly labels: Readonly<
    Record<
      | 'failingSince'
      | 'since'
      | 'why'
      | 'next'
      | 'expires'
      | 'when'
      | 'noticed'
      | 'howOften'
      | 'endpoint'
      | 'lastResponse'
      | 'noResponse',
      string
    >
  >
  readonly disablesAt: (time: string) => string
  readonly times: (n: string, since: string) => string
  readonly period: (from: string, to: string) => string
  readonly reasons: Readonly<Record<DisabledReason, string>>
  readonly advice: {
    readonly enable: string
    readonly enableOnceMended: string
    readonly replace: string
    readonly retry: string
    readonly retryOnceMended: string
    readonly node: string
    readonly forDevelopers: (mend: string) => string
  }
  readonly causes: Readonly<Record<AttemptError, Cause>>
  readonly links: Readonly<
    Record<'endpoint' | 'deliveries' | 'nodes' | 'confirm' | 'refuse' | 'manage' | 'unsubscribe', string>
  >
  /** Whose webhooks, after `about`. Null: those of all tenants. */
  readonly about: (tenant: string | null) => string
  readonly confirmation: {
    readonly subject: (about: string) => string
    readonly intro: (about: string, isMail: boolean) => readonly string[]
    readonly outro: (until: string, isMail: boolean) => string
    readonly why: (isMail: boolean) => string
  }
  readonly test: {
    readonly subject: (about: string) => string
    readonly intro: string
    readonly outro: (about: string) => string
  }
  readonly intro: (n: string, about: string) => string
  readonly more: (n: string) => string
  readonly why: (about: string) => string
}
