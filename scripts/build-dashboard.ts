/** `npm run build:dashboard`: builds the dashboard, unless it is built from these sources already. */
import { constants, setPriority } from 'node:os'
import { buildDashboard } from './dashboard-build.ts'

// A server that sends webhooks might be running next to it.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
// So that what is to be done at the end is done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const startedAtMs = performance.now()
try {
  const result = await buildDashboard()
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
  process.stdout.write(result === 'built' ? `Built the dashboard in ${seconds} s.\n` : 'The dashboard is up to date.\n')
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
