/**
 * N5: one address without a key opens as many connections as it can, half of which send nothing and half a byte a
 * second, and opens others for those that are closed. Callers from other addresses must get in.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Say } from '../definition.ts'
import type { Setting } from '../setting.ts'
import { neighbourBench } from './neighbour.ts'
import { openRaw, type RawConnection, toRequest } from './raw-connections.ts'

const CONNECTIONS = 4_300
const OPENED_A_SECOND = 500
const STEP_MS = 100
const FROM = '127.0.0.2'
/** A caller that opens a connection for each of its calls, while the attack goes on. */
const NEWCOMER = '127.0.0.3'
const NEWCOMER_PATIENCE_MS = 10_000

const newcomers = { served: 0, shutOut: 0 }

export const apiPort = neighbourBench({
  id: 'N5',
  name: 'api-port',
  summary: 'latency of a neighbour while one address without a key holds all connections that it can',
  title: `One address opens ${CONNECTIONS} connections to the API and sends nothing, or a byte a second`,
  factor: 1.2,
  harmless: (setting, signal) => openMany(setting, signal, true),
  attack: (setting, signal) => openMany(setting, signal, false),
  check: async (_setting: Setting, say: Say) => {
    say(`newcomers: ${newcomers.served} served, ${newcomers.shutOut} shut out`)
    if (newcomers.shutOut > 0) throw new Error(`${newcomers.shutOut} callers did not get in.`)
  },
  setup: { connections: CONNECTIONS, openedPerSecond: OPENED_A_SECOND },
  notes: ['*Before*, the same address opens as many connections a second, and makes a call on each, then closes it.'],
})

async function openMany({ posthorn }: Setting, signal: AbortSignal, isHarmless: boolean): Promise<void> {
  const call = toRequest({ path: '/v1/tenants/bench', key: posthorn.apiKey })
  const newcomer = comeOften(posthorn.url, call, signal)
  let open: RawConnection[] = []
  for (let step = 0; !signal.aborted; step++) {
    open = open.filter(connection => !connection.isClosed)
    const room = Math.min(CONNECTIONS - open.length, (OPENED_A_SECOND * STEP_MS) / 1_000)
    for (let count = 0; count < room; count++) {
      const connection = openRaw(posthorn.url, FROM)
      open.push(connection)
      if (isHarmless) {
        connection.send([call])
        connection.socket.once('data', () => connection.socket.end())
      }
    }
    if (!isHarmless) for (const [at, { socket }] of open.entries()) if (at % 20 === step % 20) socket.write('G')
    await pause(STEP_MS)
  }
  for (const { socket } of open) socket.destroy()
  await newcomer
}

async function comeOften(url: string, call: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { socket, statuses } = openRaw(url, NEWCOMER)
    socket.write(call)
    await Promise.race([new Promise(resolve => socket.once('data', resolve)), pause(NEWCOMER_PATIENCE_MS)])
    if (statuses.get(200) === 1) newcomers.served++
    else newcomers.shutOut++
    socket.destroy()
    await pause(STEP_MS)
  }
}
