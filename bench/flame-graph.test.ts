import { expect, it } from 'vitest'
import { drawFlameGraph } from './flame-graph.ts'

const node = (id: number, functionName: string, children: number[] = []) => ({
  id,
  children,
  callFrame: { functionName, url: '', lineNumber: 0 },
})

it('shows each function with its share of the time, without idle time and startup', () => {
  const svg = drawFlameGraph(
    {
      nodes: [node(1, '(root)', [2, 3, 5]), node(2, 'a<b', [4]), node(3, '(idle)'), node(4, 'c'), node(5, 'start')],
      samples: [5, 3, 4, 2, 3],
      timeDeltas: [400, 200, 300, 100, 100],
    },
    'title',
  )
  expect(svg).toContain('<title>a&lt;b: 100.0 %</title>')
  expect(svg).toContain('<title>c: 75.0 %</title>')
  expect(svg).not.toContain('idle')
  expect(svg).not.toContain('start')
})
