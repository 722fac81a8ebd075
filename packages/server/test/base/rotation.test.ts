import { expect, it } from 'vitest'
import { Rotation } from '../../src/base/rotation.ts'

function takeAll<Item>(rotation: Rotation<Item>): Item[] {
  const taken: Item[] = []
  for (let next = rotation.take(); next !== undefined; next = rotation.take()) taken.push(next)
  return taken
}

it('parties take turns, each in the order of its arrivals', () => {
  const rotation = new Rotation<string>()
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) rotation.add(item[0]!, item)
  expect(rotation.size).toBe(6)
  expect(takeAll(rotation)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
  expect(rotation.size).toBe(0)
})

it('a party that comes later gets its turn before those that had theirs', () => {
  const rotation = new Rotation<string>()
  for (const item of ['a1', 'a2', 'a3']) rotation.add('a', item)
  expect(rotation.take()).toBe('a1')
  rotation.add('b', 'b1')
  expect(takeAll(rotation)).toEqual(['a2', 'b1', 'a3'])
})

it('a long queue keeps its order', () => {
  const rotation = new Rotation<number>()
  const numbers = Array.from({ length: 3_000 }, (_, at) => at)
  for (const number of numbers) rotation.add('a', number)
  expect(takeAll(rotation)).toEqual(numbers)
})

it('a party whose items cost much gets as much as the others in all, however its queue runs empty', () => {
  const rotation = new Rotation<string>()
  rotation.add('costly', 'costly')
  rotation.add('cheap', 'cheap')
  const spent = { costly: 0, cheap: 0 }
  const cost = { costly: 100, cheap: 1 }
  let inARow = 0
  for (let nth = 0; nth < 2_000; nth++) {
    const party = rotation.take() as 'costly' | 'cheap'
    inARow = party === 'costly' ? inARow + 1 : 0
    expect(inARow).toBeLessThanOrEqual(1)
    rotation.charge(party, cost[party])
    spent[party] += cost[party]
    rotation.add(party, party)
    expect(Math.abs(spent.costly - spent.cheap)).toBeLessThanOrEqual(100)
  }
})

it('a party that was away has neither saved nor lost anything', () => {
  const rotation = new Rotation<string>()
  for (let nth = 0; nth < 50; nth++) {
    rotation.add('a', 'a')
    rotation.take()
    rotation.charge('a', 10)
  }
  for (const item of ['a', 'a', 'b', 'b', 'b', 'b']) rotation.add(item, item)
  const order: string[] = []
  for (let next = rotation.take(); next !== undefined; next = rotation.take()) {
    rotation.charge(next, 10)
    order.push(next)
  }
  expect(order).toEqual(['b', 'a', 'b', 'a', 'b', 'b'])
})

it('an item that is put back is its party’s next', () => {
  const rotation = new Rotation<string>()
  for (const item of ['a1', 'a2']) rotation.add('a', item)
  rotation.putBack('a', rotation.take()!)
  rotation.putBack('b', 'b1')
  expect(takeAll(rotation)).toEqual(['a1', 'b1', 'a2'])
})
