/** A process that publishes batches to Posthorn, a few in flight at a time, as fast as they are accepted. */
import { answerCommands } from './child.ts'
import { makeBatch } from './events.ts'
import { post, publishingHeaders } from './posting.ts'
import { type Client, openClient } from './undici.ts'

export type PublishCommand = {
  readonly url: string
  readonly apiKey: string
  readonly tenant: string
  readonly batches: number
  readonly batchSize: number
  /** Number of batches in flight at the same time. */
  readonly inFlight: number
}

const clients: Client[] = []
let serial = 0

answerCommands(async (command: PublishCommand) => {
  while (clients.length < command.inFlight) clients.push(openClient(command.url))
  const [path, headers] = [`/v1/tenants/${command.tenant}/events`, publishingHeaders(command.apiKey)]
  let left = command.batches
  const keepPublishing = async (client: Client) => {
    while (left-- > 0) {
      const body = makeBatch(serial, command.batchSize)
      serial += command.batchSize
      await post(client, { path, headers, body, status: 202 })
    }
  }
  await Promise.all(clients.map(keepPublishing))
  return command.batches * command.batchSize
})
