import { createPosthorn, type Posthorn } from 'posthorn'

/** In development, Next loads this file again after each change: the running Posthorn outlives that. */
const kept = globalThis as { posthorn?: Promise<Posthorn> }

/** The Posthorn of this process, started with the first request. `next build` starts none. */
export function getPosthorn(): Promise<Posthorn> {
  kept.posthorn ??= start()
  return kept.posthorn
}

async function start(): Promise<Posthorn> {
  const posthorn = await createPosthorn({
    publicUrl: process.env.PUBLIC_URL ?? 'http://localhost:3000/hooks/',
    env: process.env,
    messages: process.stderr,
  })
  // With NEXT_MANUAL_SIG_HANDLE, Next leaves signals to the application, which can then finish what is in flight.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void posthorn.close().finally(() => process.exit(0)))
  }
  return posthorn
}
