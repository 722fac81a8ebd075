/** The real server, as `posthorn serve` starts it, with its store in a folder of the demo's own. */
import { randomBytes } from 'node:crypto'
import { type NodeOptions, type RunningNode, startNode } from '@posthorn/testkit'

export type ServerOptions = {
  /** A folder of the demo's own; it is removed after the server has ended. */
  readonly folder: string
  readonly dataFolder: string
  /** PEM file of the authority that issued the receivers' certificates. */
  readonly caFile: string
  readonly scheduleSeconds: readonly number[]
  /** Called for each line of the log. */
  readonly onLog: NonNullable<NodeOptions['onLog']>
}

export type DemoServer = Pick<RunningNode, 'url' | 'ended' | 'end'> & { readonly apiKey: string }

export async function startServer(options: ServerOptions): Promise<DemoServer> {
  const { folder, dataFolder, caFile, scheduleSeconds, onLog } = options
  const keys = { apiKey: randomBytes(24).toString('base64url'), encryptionKey: randomBytes(32).toString('base64') }
  const flags = ['--data', dataFolder, '--extra-ca', caFile, '--retry-schedule', scheduleSeconds.join(',')]
  return { ...(await startNode({ ...keys, flags, folder, onLog })), apiKey: keys.apiKey }
}
