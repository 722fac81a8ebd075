import { isServerAway, untilThere } from './connection.ts'

/** Code that can't be had although the server responds: it has been updated, or the browser doesn't try again. */
export class CodeError extends Error {}

/**
 * Loads code. While the server is away, this waits until it is back: what is on the page stays. A page that knows that
 * the server is away doesn't try before, as Chromium remembers for as long as the document lives that a module could
 * not be loaded (whatwg/html#6768). Fails with a `CodeError`.
 */
export async function loadCode<Module>(load: () => Promise<Module>): Promise<Module> {
  if (isServerAway()) await untilThere()
  try {
    return await load()
  } catch {
    await untilThere()
    return await load().catch(cause => {
      throw new CodeError(cause instanceof Error ? cause.message : String(cause), { cause })
    })
  }
}

/** What failed to load would be taken as loaded already if its element were still there. */
export function removeFailedLinks(): void {
  addEventListener(
    'error',
    ({ target }) => {
      if (target instanceof HTMLLinkElement) target.remove()
    },
    { capture: true },
  )
}
