import { describe, expect, it } from 'vitest'
import { compareWithBest } from './batch-alternatives.ts'
import { summarise } from './statistics.ts'

describe('the alternative that B4 compares with', () => {
  const costs = {
    'Posthorn, SQLite': summarise([50, 60, 40]),
    'Posthorn, PostgreSQL': summarise([80, 90, 70]),
    'bare loop': summarise([20]),
    'graphile-worker': summarise([200, 160, 90]),
    'pg-boss': summarise([300]),
    BullMQ: summarise([150, 140, 900]),
  }

  it('is the one with the lowest median, whatever its single runs took', () => {
    const { best, measures } = compareWithBest(costs, ['graphile-worker', 'pg-boss', 'BullMQ'])
    expect(best).toBe('BullMQ')
    expect(measures.map(({ value }) => value)).toEqual([50 / 150, 80 / 150])
    expect(measures.map(({ goal }) => goal)).toEqual([0.35, 0.55])
  })

  it('is never a missing alternative or the bare loop', () => {
    expect(compareWithBest(costs, ['graphile-worker', 'pg-boss']).best).toBe('graphile-worker')
    expect(() => compareWithBest(costs, [])).toThrow('No alternative')
  })
})
