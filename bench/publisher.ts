/** A process that publishes batches to Posthorn, a few at a time, as fast as they are accepted. */
import { answerCommands } from './child.ts'
import { makeBatch } from './events.ts'
import { type Client, openClient } from './undici.ts'

export type PublishCommand = {
  readonly url: string
  readonly apiKey: string
  readonly tenant: string
  readonly batches: number
  readonly batchSize: number
  /** Batches that are under way at once. */
  readonly inFlight: number
}

const clients: Client[] = []
let serial = 0

answerCommands(async (command: PublishCommand) => {
  while (clients.length < command.inFlight) clients.push(openClient(command.url))
  let left = command.batches
  const keepPublishing = async (client: Client) => {
    while (left-- > 0) {
      const body = makeBatch(serial, command.batchSize)
      serial += command.batchSize
      await publish(client, command, body)
    }
  }
  await Promise.all(clients.map(keepPublishing))
  return command.batches * command.batchSize
})

function publish(client: Client, { apiKey, tenant }: PublishCommand, body: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let status = 0
  let text = ''
  client.dispatch(
    {
      method: 'POST',
      path: `/v1/tenants/${tenant}/events`,
      headers: ['Authorization', `Bearer ${apiKey}`, 'Content-Type', 'application/json'],
      body,
    },
    {
      onRequestStart() {},
      onResponseStart(_controller, answered) {
        status = answered
      },
      onResponseData(_controller, chunk) {
        if (status !== 202) text += chunk.toString()
      },
      onResponseEnd: () => (status === 202 ? resolve() : reject(new Error(`publishing answered ${status}: ${text}`))),
      onResponseError: (_controller, error) => reject(error),
    },
  )
  return promise
}
