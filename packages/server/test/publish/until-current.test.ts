import { expect, it } from 'vitest'
import { untilCurrent } from '../../src/publish/until-current.ts'

it('changes wait after two stale tries, but not while something is waited for that takes long', async () => {
  let held = 0
  const store = {
    holdChanges: () => {
      held++
      return () => void held--
    },
  }
  const seen: string[] = []
  let tries = 0
  const result = await untilCurrent(store, async unheld => {
    const before = held
    await unheld(Promise.resolve().then(() => void seen.push(`${before}, ${held}, `)))
    seen.push(`${held}\n`)
    return ++tries < 4 ? 'stale' : 'stored'
  })
  expect(result).toBe('stored')
  expect(seen.join('')).toBe('0, 0, 0\n0, 0, 0\n1, 0, 1\n1, 0, 1\n')
  expect(held).toBe(0)
})

it('changes go on if what takes long fails', async () => {
  let held = 0
  const store = {
    holdChanges: () => {
      held++
      return () => void held--
    },
  }
  let tries = 0
  const failing = untilCurrent(store, async unheld =>
    ++tries < 3 ? 'stale' : unheld(Promise.reject(new Error('refused'))),
  )
  await expect(failing).rejects.toThrow('refused')
  expect(held).toBe(0)
})
