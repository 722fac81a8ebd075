/** Values for the words in `<…>` that only a server or the profiles know, for the shell. */
import type { CallOptions, Posthorn } from '@posthorn/client'
import { connect } from '../connection.ts'
import { readProfiles } from '../profiles.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Candidate, LookUp } from './complete.ts'

/** Someone waits with a finger on the key: late values are no help. */
const CALL: CallOptions = { timeoutMs: 1_500, maxRetries: 0 }
/** More than fit on a screen are no choice. */
const MOST = 200
/** Of things of which there are millions: the newest. */
const NEWEST = 50

type Source = (posthorn: Posthorn, tenant: string | null, typed: string) => Promise<readonly Candidate[]>

const OF_SERVER: Readonly<Record<string, Source>> = {
  async tenant(posthorn, _tenant, typed) {
    const text = typed === '' ? undefined : typed
    const { data } = await posthorn.tenants.list({ text, limit: MOST }, CALL)
    return data.map(({ id, name }) => ({ value: id, description: name ?? '' }))
  },
  async type(posthorn) {
    const { data } = await posthorn.eventTypes.list({ limit: MOST }, CALL)
    return data.map(({ name, description }) => ({ value: name, description: description ?? '' }))
  },
  async endpoint(posthorn, tenant) {
    if (tenant === null) return []
    const { data } = await posthorn.endpoints.list(tenant, { limit: MOST }, CALL)
    return data.map(({ id, name, url }) => ({ value: id, description: name ?? url ?? '' }))
  },
  async event(posthorn, tenant) {
    if (tenant === null) return []
    const { data } = await posthorn.events.list(tenant, { limit: NEWEST }, CALL)
    return data.map(({ id, type, key }) => ({ value: id, description: key === null ? type : `${type} ${key}` }))
  },
  async delivery(posthorn, tenant) {
    if (tenant === null) return []
    const { data } = await posthorn.deliveries.list(tenant, { limit: NEWEST }, CALL)
    return data.map(({ id, state, type }) => ({ value: id, description: `${state} ${type}` }))
  },
  async replay(posthorn, tenant) {
    if (tenant === null) return []
    const { data } = await posthorn.replays.list(tenant, { limit: NEWEST }, CALL)
    return data.map(({ id, state }) => ({ value: id, description: state }))
  },
  async 'key-id'(posthorn) {
    const { data } = await posthorn.apiKeys.list({ limit: MOST }, CALL)
    return data.filter(each => each.revokedAt === null).map(({ id, name }) => ({ value: id, description: name }))
  },
}

/** Asks the server that the command would call. Whatever fails, there are no values: a shell is no place for errors. */
export function lookUpWith(terminal: Terminal): LookUp {
  return async ({ word, typed, flags }) => {
    try {
      if (word === 'profile') return profiles(terminal)
      const source = OF_SERVER[word]
      if (source === undefined) return []
      const { '--url': url, '--profile': profile, '--tenant': tenant } = flags
      const given = Object.fromEntries(
        Object.entries({ url, profile, tenant }).filter(([, value]) => value !== undefined),
      )
      const connected = await connect(given, terminal)
      return await source(connected.posthorn, connected.tenant, typed)
    } catch {
      return []
    }
  }
}

function profiles({ env }: Terminal): Candidate[] {
  return Object.entries(readProfiles(env).byName).map(([value, { url }]) => ({ value, description: url }))
}
