import type { Connection } from './connection.ts'
import { ResponseError } from './errors.ts'
import type { CallOptions } from './options.ts'
import { type Path, toPath } from './path.ts'

/**
 * The values of a response that has one JSON value per line, as they arrive. Ends early if the response was cut off
 * cleanly: look for the last line that the call's description promises.
 */
export async function* lines(
  connection: Connection,
  path: Path,
  query: object | undefined,
  options: CallOptions | undefined,
): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder()
  // Kept in parts: to join them at every piece would take quadratic time for a long line.
  let parts: string[] = []
  const take = (line: string) => (line.trim() === '' ? [] : [parse(line, toPath(path))])
  for await (const piece of connection.pieces({ method: 'GET', path, query }, options)) {
    const [end, ...others] = decoder.decode(piece, { stream: true }).split('\n')
    parts.push(end!)
    for (const next of others) {
      yield* take(parts.join(''))
      parts = [next]
    }
  }
  yield* take(parts.join(''))
}

function parse(line: string, path: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    const message = 'A line of the response is not JSON, or was cut off.'
    throw new ResponseError({ method: 'GET', path }, message, { status: 200 })
  }
}
