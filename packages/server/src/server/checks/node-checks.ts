/** Checks that nodes agree with each other, and that all partitions have one. */
import { type Finding, ok, warn } from '../../base/findings.ts'
import { SHARED_SETTINGS } from '../../config/settings.ts'
import type { KnownNode, NodeReport } from '../../store/operations/nodes.ts'
import { onStore } from './commands.ts'
import type { Installation } from './installation.ts'

/** An embedded store has one node, which is the process that holds the folder. */
export async function checkNodes({ store, config }: Installation): Promise<Finding[]> {
  if (store.engine === 'sqlite') return []
  const { nodes, owners } = await store.read('listNodes', {})
  const alive = nodes.filter(({ isAlive }) => isAlive)
  const reports = alive.flatMap(({ report }) => report ?? [])
  const lost = nodes.filter(({ isAlive }) => !isAlive)
  const unheld = owners.filter(owner => owner === null).length
  const findings = [...(lost.length > 0 ? [lostNodes(lost)] : []), ...differences(reports)]
  if (alive.length > 0 && unheld > 0) {
    const remedy = 'start a node with the role all or delivery; one that is starting takes them within seconds'
    const says = `no node sends for ${unheld} of ${owners.length} partitions`
    findings.push(warn('nodes', says, remedy, onStore(['serve', '--role', 'delivery'], config)))
  }
  if (findings.length > 0) return findings
  return [ok('nodes', alive.length === 0 ? 'no node is running' : `nodes running: ${alive.length}`)]
}

function lostNodes(lost: readonly KnownNode[]): Finding {
  const named = lost.map(({ id, report }) => `${id} on ${report?.host ?? 'an unknown host'}`)
  const says = `lost within the last hour: ${named.slice(0, 3).join(', ')}${named.length > 3 ? ', …' : ''}`
  return warn('nodes', says, 'look at the end of its log; other nodes have taken over what it sent')
}

function differences(reports: readonly NodeReport[]): Finding[] {
  return SHARED_SETTINGS.flatMap(name => {
    const values = [...new Set(reports.flatMap(({ sharedSettings }) => sharedSettings[name] ?? []))]
    if (values.length < 2) return []
    const says = `nodes have different values of ${name}: ${values.sort((a, b) => a - b).join(', ')}`
    return [warn('nodes', says, 'set the same value on all nodes, and restart those that have another')]
  })
}
