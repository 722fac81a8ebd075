/** Checks that nothing waits for the operator, and that nothing is open that should not be. */
import { type Finding, ok, warn } from '../../base/findings.ts'
import type { Installation } from './installation.ts'

export async function checkSetAside({ store }: Installation): Promise<Finding[]> {
  const count = await store.read('countSetAside', {})
  if (count === 0) return [ok('set aside', 'no deliveries')]
  const remedy = 'GET /v1/set-aside-deliveries lists them: retry or cancel each (docs/deliveries.md)'
  return [warn('set aside', `deliveries set aside after crashes: ${count}`, remedy)]
}

/** Unless it listens on this machine only, anyone who can register endpoints can reach what listens on the machine. */
export async function checkDevelopmentMode({ config }: Installation): Promise<Finding[]> {
  if (!config.dev) return []
  const says = 'on: endpoints on this machine are allowed, also over http://'
  return [warn('development', says, 'start serve without --dev in production')]
}
