import type { Delivery, Endpoint } from '@posthorn/client'
import { isOfBrowser } from '../listen/mark.ts'

export const STEPS = ['register', 'receive', 'verify', 'live'] as const
export type StepName = (typeof STEPS)[number]

/** How far a tenant has come, as the API says. */
export type Progress = {
  /** Endpoints with a URL, newest first. */
  readonly own: readonly Endpoint[]
  /** The newest listener that these pages have made. Null if there is none. */
  readonly listener: Endpoint | null
  /** `receive`: anything was delivered. `verify`: to an endpoint with a URL. `live`: and that was no test. */
  readonly done: Readonly<Record<StepName, boolean>>
}

/** What was delivered, as far as it is kept: the newest of all, and those to endpoints with a URL. */
export type Delivered = { readonly newest: readonly Delivery[]; readonly toOwn: readonly Delivery[] }

export const ownOf = (endpoints: readonly Endpoint[]): readonly Endpoint[] =>
  endpoints.filter(({ kind }) => kind === 'url')

export function progressOf(endpoints: readonly Endpoint[], { newest, toOwn }: Delivered): Progress {
  const own = ownOf(endpoints)
  return {
    own,
    listener: endpoints.find(isOfBrowser) ?? null,
    done: {
      register: own.length > 0,
      receive: newest.length > 0,
      verify: toOwn.length > 0,
      live: toOwn.some(({ test }) => !test),
    },
  }
}
