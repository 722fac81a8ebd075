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
