import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { TenantId } from '../../../src/base/model.ts'
import { DialTurns } from '../../../src/engine/http/dial-turns.ts'
import { HandClock } from '../../hand-clock.ts'

const [ACME, BLUE] = ['acme', 'blue'] as TenantId[]

function start(isShared: boolean) {
  const clock = new HandClock()
  const turns = new DialTurns(clock, () => isShared)
  const begun: string[] = []
  const dial = (tenant: TenantId, count: number) => {
    for (let nth = 1; nth <= count; nth++) turns.take(tenant, () => begun.push(`${tenant} ${nth}`))
  }
  return { clock, begun, dial }
}

describe('Turns for new connections', () => {
  it('begin a few at once, and the next in the next turn of the event loop while there is one tenant', async () => {
    const { begun, dial } = start(false)
    dial(ACME!, 5)
    expect(begun).toHaveLength(2)
    await nextTurn()
    expect(begun).toHaveLength(4)
    await nextTurn()
    expect(begun).toHaveLength(5)
  })

  it('leave time to others while there are several tenants, and let each tenant wait only for its own', async () => {
    const { clock, begun, dial } = start(true)
    dial(ACME!, 100)
    dial(BLUE!, 2)
    await nextTurn()
    expect(begun).toEqual(['acme 1', 'acme 2'])
    clock.turn(5)
    clock.turn(5)
    expect(begun.slice(2)).toEqual(['acme 3', 'blue 1', 'acme 4', 'blue 2'])
  })
})
