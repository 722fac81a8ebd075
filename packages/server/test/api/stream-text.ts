/** Reads a stream of server-sent events. */
import { EventParser } from '../../../client/src/http/stream.ts'
import type { Json } from './setup.ts'

export async function* splitEvents(body: AsyncIterable<Uint8Array>) {
  const parser = new EventParser()
  for await (const piece of body) {
    for (const { id, event, data } of parser.take(piece)) yield { id, event, data: JSON.parse(data) as Json }
  }
}
