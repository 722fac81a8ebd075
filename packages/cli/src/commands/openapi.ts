import type { Command } from 'commander'
import { addCommand, withAddress } from '../command.ts'
import type { Terminal } from '../terminal/index.ts'

export function addOpenApi(root: Command, terminal: Terminal): void {
  const openapi = addCommand(root, 'openapi', "Write the OpenAPI document of the server's API to standard output.", [
    ['posthorn openapi > openapi.json', 'For generators of clients.'],
    ["posthorn openapi | jq -r '.paths | keys[]'", 'The paths of the API.'],
  ])
  withAddress(openapi, terminal, async ({ posthorn, out }) => {
    const document = await posthorn.health.getOpenApi()
    await (out.isJson ? out.json(document) : out.raw(`${JSON.stringify(document, null, 2)}\n`))
  })
}
