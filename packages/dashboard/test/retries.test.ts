import { expect, test } from 'vitest'
import { add, NOTHING } from '../src/pages/deliveries/outcomes.ts'

test('what several calls did is added up, with the reasons counted', () => {
  const refused = (detail: string) => ({ tenant: 'acme', delivery: 'dlv_1', detail })
  const page = { madeDue: 1, created: 2, superseded: 3, refused: [refused('Held.'), refused('Gone.')] }
  const twice = add(add(NOTHING, page), { ...page, refused: [refused('Held.')] })
  expect(twice).toMatchObject({ sent: 6, superseded: 6, hasMore: false })
  expect([...twice.refused]).toEqual([
    ['Held.', 2],
    ['Gone.', 1],
  ])
})
