import { Posthorn } from '@posthorn/client'

/** Where the server has its pages and its API: what `<base href>` says, with a slash at its end. */
export const BASE = new URL('.', document.baseURI)

/** A form can't send this header, so a call that has it was made by these pages. */
export const SESSION_HEADERS = { 'Posthorn-Session': '1' } as const

/** The API's calls by way of the session: `/v1/…` becomes `<base>session/v1/…`. */
export const posthorn = new Posthorn({
  url: new URL('session', BASE),
  headers: SESSION_HEADERS,
  // What is missing for longer is shown as such and asked for again: see `connection.ts`.
  maxRetries: 1,
})
