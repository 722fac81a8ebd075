/** The few API calls that the demo makes. */
export type PublishedEvent = { readonly id: string; readonly deliveries: number | null }
type Delivery = { readonly state: string; readonly attemptCount: number }
type Page<T> = { readonly data: readonly T[]; readonly nextCursor: string | null }

export type Totals = { readonly attempts: number; readonly pending: number; readonly exhausted: number }

export type Api = {
  putTenant(): Promise<void>
  /** Returns the new endpoint's id. */
  createEndpoint(url: string, clientSecret: string, type: string): Promise<string>
  /** @param body a JSON array of events, sent unchanged */
  publish(body: string): Promise<readonly PublishedEvent[]>
  isPending(): Promise<boolean>
  countDeliveries(): Promise<Totals>
}

const CALL_TIMEOUT_MS = 5_000
const PAGE_SIZE = 100

export function createApi(baseUrl: string, apiKey: string, tenant: string): Api {
  const root = `/v1/tenants/${encodeURIComponent(tenant)}`
  const call = async <T>(method: string, path: string, body?: string): Promise<T> => {
    const response = await fetch(`${baseUrl}${root}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      ...(body ? { body } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${root}${path} failed with ${response.status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  return {
    putTenant: () => call('PUT', '', '{}'),
    async createEndpoint(url, clientSecret, type) {
      const body = JSON.stringify({ url, clientSecret, types: [type] })
      return (await call<{ id: string }>('POST', '/endpoints', body)).id
    },
    publish: async body => (await call<{ data: PublishedEvent[] }>('POST', '/events', body)).data,
    isPending: async () => (await call<Page<Delivery>>('GET', '/deliveries?state=pending&limit=1')).data.length > 0,
    async countDeliveries() {
      let [attempts, pending, exhausted] = [0, 0, 0]
      let cursor: string | null = null
      do {
        const at: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: Page<Delivery> = await call('GET', `/deliveries?limit=${PAGE_SIZE}${at}`)
        for (const delivery of page.data) {
          attempts += delivery.attemptCount
          if (delivery.state === 'pending') pending++
          if (delivery.state === 'exhausted') exhausted++
        }
        cursor = page.nextCursor
      } while (cursor)
      return { attempts, pending, exhausted }
    },
  }
}
