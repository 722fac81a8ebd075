/** The dashboard of the demo: built next to it, and opened by a link that signs in. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../scripts/build-dashboard.ts', import.meta.url))

/**
 * Builds the dashboard, which takes some seconds, or none if nothing has changed. Resolves with whether it is there, and
 * never rejects: the demo goes on without.
 */
export function build(): Promise<boolean> {
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'ignore', 'inherit'] })
  process.once('exit', () => child.kill())
  return new Promise(resolve => {
    child.once('error', () => resolve(false))
    child.once('close', code => resolve(code === 0))
  })
}

/** A link that signs in once, within ten minutes, on this machine. */
export async function createLink(url: string, apiKey: string): Promise<string> {
  const response = await fetch(`${url}/v1/sign-in-links`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
  })
  if (!response.ok) throw new Error(`POST /v1/sign-in-links responded with ${response.status}.`)
  return ((await response.json()) as { url: string }).url
}
