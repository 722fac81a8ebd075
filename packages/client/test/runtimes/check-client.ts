/** Runs on any runtime with Fetch, calls the API and prints what came of it. Arguments: URL and API key. */
import { Posthorn, PosthornError } from '../../src/index.ts'

const [url, apiKey] = process.argv.slice(-2) as [string, string]
const posthorn = new Posthorn({ url, apiKey, maxRetries: 0 })

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    if (error instanceof PosthornError) return error.code
    return (error as Error).name
  }
}

await posthorn.tenants.put('runtimes', {})
const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
await posthorn.events.publish(
  'runtimes',
  ['a', 'b', 'c'].map(key => ({ ...event, key })),
)
const keys: (string | null)[] = []
for await (const { key } of posthorn.events.list('runtimes', { limit: 2 })) keys.push(key)
const kinds: string[] = []
for await (const line of posthorn.tenants.export('runtimes')) kinds.push((line as { kind: string }).kind)

const silent = new Posthorn({
  url,
  apiKey,
  maxRetries: 0,
  timeoutMs: 50,
  fetch: (_url, { signal }) =>
    new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason))),
})
const controller = new AbortController()
const aborted = codeOf(posthorn.tenants.get('runtimes', { signal: controller.signal }))
controller.abort()

console.log(
  JSON.stringify({
    keys,
    ends: [kinds.at(0), kinds.at(-1)],
    codes: [
      await codeOf(posthorn.tenants.get('nowhere')),
      await codeOf(silent.tenants.get('runtimes')),
      await codeOf(new Posthorn({ url: 'http://127.0.0.1:1', maxRetries: 0 }).health.get()),
    ],
    reason: await aborted,
    isShown: JSON.stringify([posthorn, Object.values(posthorn)]).includes(apiKey),
  }),
)
