import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const INDEX = fileURLToPath(new URL('../src/index.ts', import.meta.url))

/** What a file imports when it is loaded: neither types, nor what it imports later. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = text.matchAll(/^(?:import|export) (?!type\b)(?:(?:\{([^}]*)\}|[\w*, ]+) from )?'([^']+)'/gm)
  return [...statements]
    .filter(([, names]) => names === undefined || names.split(',').some(name => !/^\s*(?:type |$)/.test(name)))
    .map(match => match[2]!)
}

it('--help loads no code that only a command needs when it runs', () => {
  const loaded = new Set<string>()
  const files = [INDEX]
  for (let file = files.pop(); file !== undefined; file = files.pop()) {
    if (loaded.has(file)) continue
    loaded.add(file)
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) loaded.add(name)
      else if (existsSync(join(dirname(file), name))) files.push(join(dirname(file), name))
    }
  }
  const packages = [...loaded].filter(name => !name.startsWith('/')).sort()
  // Each of these is small, or loaded by every command of posthorn anyway.
  const light = [
    'commander',
    'fast-string-truncated-width',
    'node:child_process',
    'node:crypto',
    'node:events',
    'node:fs',
  ]
  expect(
    packages.filter(name => !/^node:(fs\/promises|os|path|stream|util|url)$/.test(name) && !light.includes(name)),
  ).toEqual([])
  expect(loaded.size).toBeGreaterThan(15)
})
