/** How a command ends: its exit code and its last message. */
import { EXIT } from '@posthorn/cli/exit'
import { createLogger } from '../base/logger.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config, ConfigResult } from '../config/config.ts'
import type { Effects } from './effects.ts'

export { EXIT }

/** Runs a command that ends by itself, then ends the process. */
export async function finish(
  result: ConfigResult,
  work: (config: Config) => Promise<void>,
  effects: Effects,
): Promise<void> {
  if (result.ok) {
    try {
      await work(result.config)
      effects.exit(EXIT.ok)
    } catch (error) {
      refuseStart(error, effects)
    }
  } else refuseUsage(result.problems, effects)
}

export function refuseUsage(problems: readonly string[], { stderr, exit }: Effects): void {
  for (const problem of problems) stderr.write(`posthorn: ${problem}\n`)
  exit(EXIT.usage)
}

export function refuseStart(error: unknown, effects: Effects): void {
  if (error instanceof StartRefused) {
    effects.stderr.write(`posthorn: ${error.message}\n`)
    effects.exit(EXIT.refused)
  } else crash(effects, error)
}

export function crash({ clock, exit, stdout }: Effects, error: unknown): void {
  const { logger, flushSync } = createLogger({ level: 'fatal', stdout, clock })
  logger.fatal({ err: error }, 'unexpected error; exiting; pending deliveries are sent after the next startup')
  flushSync()
  exit(EXIT.crash)
}
