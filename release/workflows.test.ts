import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const files = globSync('.github/workflows/*.yml', { cwd: ROOT }).sort()
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const scripts = JSON.parse(read('package.json')).scripts as Record<string, string>

/** `npm run lint:workflows` checks the rest, with actionlint. */
describe.each(files)('%s', file => {
  const text = read(file)
  const uses = [...text.matchAll(/^ *(?:- )?uses: (.*)$/gm)].map(match => match[1]!)

  it('pins each action by commit, with its version in a comment', () => {
    expect(uses.length).toBeGreaterThan(0)
    const loose = uses.filter(
      each => !each.startsWith('./') && !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(each),
    )
    expect(loose).toEqual([])
  })

  it('has read access to the contents and nothing else, unless a job says otherwise', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n(?! )/m)
    expect(text).not.toContain('write-all')
    expect(text).not.toContain('pull_request_target')
  })

  it('leaves no credentials behind, and gives each job a time limit', () => {
    const checkouts = uses.filter(each => each.startsWith('actions/checkout@'))
    expect(text.match(/persist-credentials: false/g)).toHaveLength(checkouts.length)
    const jobs = text
      .split(/^jobs:$/m)[1]!
      .split(/^ {2}(?=\w+:$)/m)
      .slice(1)
    for (const job of jobs) if (!/^ {4}uses:/m.test(job)) expect(job).toMatch(/^ {4}timeout-minutes: \d+$/m)
  })

  it('runs scripts and files that exist', () => {
    const run = [...text.matchAll(/npm run ([\w:-]+)/g)].map(match => match[1]!)
    expect(run.filter(name => scripts[name] === undefined && name !== 'pack')).toEqual([])
    const named = [...text.matchAll(/\bnode (release\/[\w.-]+)/g)].map(match => match[1]!)
    expect(named.filter(name => globSync(name, { cwd: ROOT }).length === 0)).toEqual([])
  })

  it('names no registry: the variables of the repository do', () => {
    expect(text).not.toMatch(/\b(?:ghcr\.io|docker\.io|quay\.io|registry\.npmjs)/)
  })
})

describe('the release', () => {
  const text = read('.github/workflows/release.yml')

  it('publishes nothing in a run by hand', () => {
    const steps = text.split(/^ {6}- /m)
    const outward = steps.filter(step => /cosign sign|helm push|publish\.ts --version|actions\/attest@/.test(step))
    expect(outward.length).toBeGreaterThan(4)
    for (const step of outward) expect(step).toContain("env.DRY_RUN == 'no'")
    expect(text).toMatch(/push: \$\{\{ env\.DRY_RUN == 'no' \}\}/)
    expect(text).toContain("github.event_name == 'push' && 'no' || 'yes'")
  })

  it('runs the whole CI first, and publishes what it packed', () => {
    expect(text).toContain('uses: ./.github/workflows/ci.yml')
    expect(text).not.toContain('npm run pack')
    expect(text.split(/^ {2}packages:$/m)[1]).toMatch(/^\n.*\n {4}needs: test\n/)
  })
})
