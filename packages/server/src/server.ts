import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { StartRefused } from './start-refused.ts'

type Output = { write(text: string): unknown; readonly fd?: number }

export async function startServer(
  _config: Config,
  _io: { readonly stdout: Output; readonly stderr: Output; readonly clock?: Clock },
): Promise<{ url: string; stop(): Promise<void> }> {
  throw new StartRefused('this build has no API yet, so there is nothing to serve.')
}
