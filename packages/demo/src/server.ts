/** Starts the real server, as `posthorn serve` does, with its store in the demo's own folder. */
import { randomBytes } from 'node:crypto'
import { type NodeOptions, type RunningNode, startNode } from '@posthorn/testkit'

export type ServerOptions = {
  /** The demo's own folder. It is removed after the server has ended. */
  readonly folder: string
  readonly dataFolder: string
  /** The PEM file of the authority that issued the receivers' certificates. */
  readonly caFile: string
  readonly scheduleSeconds: readonly number[]
  /** Called for each log line. */
  readonly onLog: NonNullable<NodeOptions['onLog']>
}

export type DemoServer = Pick<RunningNode, 'url' | 'ended' | 'end'> & { readonly apiKey: string }

export async function startServer(options: ServerOptions): Promise<DemoServer> {
  const { folder, dataFolder, caFile, scheduleSeconds, onLog } = options
  const keys = { apiKey: randomBytes(24).toString('base64url'), encryptionKey: randomBytes(32).toString('base64') }
  const flags = ['--data', dataFolder, '--extra-ca', caFile, '--retry-schedule', scheduleSeconds.join(',')]
  return { ...(await startNode({ ...keys, flags, folder, onLog })), apiKey: keys.apiKey }
}
