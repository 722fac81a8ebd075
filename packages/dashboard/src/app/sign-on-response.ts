/**
 * What an issuer of single sign-on sent the browser back with: the query of the page `sign-in/{issuer}`. It is taken out
 * of the address and the history before the router or anything else reads them.
 */
import { BASE } from './client.ts'

export type SignOnResponse = { readonly issuer: string; readonly response: string }

function take(): SignOnResponse | null {
  const before = `${BASE.pathname}sign-in/`
  const { pathname, search } = location
  const parameters = new URLSearchParams(search)
  const isResponse = ['state', 'code', 'error'].some(name => parameters.has(name))
  if (!pathname.startsWith(before) || !isResponse) return null
  history.replaceState(history.state, '', pathname)
  return { issuer: pathname.slice(before.length), response: search.slice(1) }
}

export const signOnResponse = take()
