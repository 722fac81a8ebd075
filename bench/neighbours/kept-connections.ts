/**
 * N7: a tenant at the neighbour's own origin, to whose requests the receiver responds a second time, up to 40 ms later.
 * Before, it responds once. That no such response counts as another delivery's is tested in stray.test.ts; what it
 * costs that each of these connections ends, and that tenants share none, is measured here.
 */
import type { Setting } from '../setting.ts'
import { NEIGHBOUR, neighbourBench } from './neighbour.ts'
import { publishSteadily, registerAll } from './registering-attacker.ts'

const PER_SECOND = 50
const STRAY_PATH = '/stray'

async function registerAtNeighbours({ posthorn }: Setting, tenant: string, path: string): Promise<void> {
  const { data } = await posthorn.call<{ data: { url: string }[] }>('GET', `tenants/${NEIGHBOUR}/endpoints`)
  await registerAll(posthorn, tenant, [new URL(path, data[0]!.url).href])
}

export const keptConnections = neighbourBench({
  id: 'N7',
  name: 'neighbour-of-connections',
  summary: "a neighbour's p99 while its receiver responds twice to another tenant's requests",
  title: "Latency of a tenant while the receiver that it shares with another responds twice to the other's requests",
  factor: 1.2,
  receiver: { strayPath: STRAY_PATH },
  async prepare(setting) {
    await registerAtNeighbours(setting, 'once', '/once')
    await registerAtNeighbours(setting, 'twice', STRAY_PATH)
  },
  harmless: ({ posthorn }, signal) => publishSteadily(posthorn, 'once', PER_SECOND, signal),
  attack: ({ posthorn }, signal) => publishSteadily(posthorn, 'twice', PER_SECOND, signal),
  setup: { attackPerSecond: PER_SECOND },
})
