/** Runs the demo as a user does, `npm run demo`, and reads from its output where the dashboard is. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnTethered } from '@posthorn/testkit'

export type RunningDemo = {
  /** Where the server listens, without a slash at the end. */
  readonly url: string
  /** The root key. */
  readonly apiKey: string
  end(): Promise<number>
}

const CLI = fileURLToPath(new URL('../../server/src/cli.ts', import.meta.url))
/** The last thing that the demo says when it stands: a call to publish one more event. */
const LAST_CALL = /^curl \S+ (https?:\/\/[^/]+)\/.*Authorization: Bearer ([^']+)'/

/** Resolves when everything that the demo begins with has happened. It keeps publishing from then on. */
export async function startDemo(flags: readonly string[] = []): Promise<RunningDemo> {
  const child = spawnTethered(process.execPath, [CLI, 'demo', ...flags], { signal: 'SIGTERM' })
  child.stderr.on('data', (text: Buffer) => process.stderr.write(text))
  const { promise, resolve, reject } = Promise.withResolvers<RunningDemo>()
  createInterface({ input: child.stdout }).on('line', line => {
    const [, url, apiKey] = LAST_CALL.exec(line) ?? []
    if (url !== undefined && apiKey !== undefined) resolve({ url, apiKey, end: () => child.end() })
  })
  void child.exited.then(code => reject(new Error(`The demo ended with code ${code}.`)))
  return promise
}
