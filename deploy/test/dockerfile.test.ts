/** The Dockerfile itself, and how it is read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDockerfile } from '../docker/dockerfile.ts'
import { ROOT, run } from './tools.ts'

const own = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

describe('our Dockerfile', () => {
  it('satisfies hadolint, with its checks of style too', async () => {
    const { code, stdout } = await run('hadolint', ['--failure-threshold', 'style', 'Dockerfile'])
    expect([stdout, code]).toEqual(['', 0])
  })

  it('can be built for any architecture on any other: the last stage runs nothing', () => {
    const last = parseDockerfile(own).at(-1)!
    expect(last.instructions.filter(({ kind }) => kind === 'RUN')).toEqual([])
    expect(own).toMatch(/^FROM --platform=\$\{BUILDPLATFORM\} \$\{NODE_IMAGE\} AS package$/m)
    expect(own).not.toMatch(/amd64|arm64|x86|x64/)
  })

  it('names its base images so that they can be replaced, by a digest for instance', () => {
    const NODE_IMAGE = `node@sha256:${'0'.repeat(64)}`
    const DEBIAN_IMAGE = `debian@sha256:${'1'.repeat(64)}`
    expect(parseDockerfile(own, { NODE_IMAGE, DEBIAN_IMAGE }).map(({ base }) => base)).toEqual([
      NODE_IMAGE,
      NODE_IMAGE,
      DEBIAN_IMAGE,
    ])
  })

  it('builds this version unless told otherwise', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'))
    expect(new Set(own.match(/^ARG VERSION=.*$/gm))).toEqual(new Set([`ARG VERSION=${version}`]))
  })

  it('gives no secret a place in the image', () => {
    expect(own).not.toMatch(/POSTHORN_(API_KEY|ENCRYPTION_KEY|DATABASE_URL|SMTP_URL)/)
  })
})

describe('a Dockerfile', () => {
  it('is read with its variables replaced, as far as a daemon replaces them', () => {
    const text = [
      'ARG IMAGE=debian:trixie-slim',
      '# a comment',
      'FROM $IMAGE AS one',
      'ARG PLACE=/a',
      `ENV WHERE=$${'{PLACE}'}/b OTHER="c d"`,
      'RUN echo "$WHERE" \\',
      '# a comment within',
      '  && true',
      'FROM one',
      'COPY --from=one --chown=1:2 /a /b /c/',
      'HEALTHCHECK --retries=3 CMD ["x"]',
    ]
    expect(parseDockerfile(text.join('\n'), { PLACE: '/given' })).toEqual([
      {
        base: 'debian:trixie-slim',
        name: 'one',
        instructions: [
          { kind: 'ENV', pairs: { WHERE: '/given/b', OTHER: 'c d' } },
          { kind: 'RUN', command: 'echo "$WHERE"    && true' },
        ],
      },
      {
        base: 'one',
        name: null,
        instructions: [
          { kind: 'COPY', sources: ['/a', '/b'], target: '/c/', options: { from: 'one', chown: '1:2' } },
          { kind: 'HEALTHCHECK', words: ['x'], options: { retries: '3' } },
        ],
      },
    ])
  })

  it.each([
    ['FROM a\nADD b c', 'ADD is not understood'],
    ['FROM a\nSHELL ["x"]', 'SHELL is not understood'],
    ['FROM a\nRUN --mount=type=cache x', 'is not understood'],
    ['FROM a\nRUN ["x"]', 'write a command for the shell'],
    ['FROM a\nCMD serve', 'must be a list in JSON'],
    ['FROM a\nENTRYPOINT node x', 'must be a list in JSON'],
    ['FROM a\nHEALTHCHECK CMD curl x', 'must be a list in JSON'],
    ['FROM a\nHEALTHCHECK NONE', 'is not understood'],
    ['FROM a\nCOPY *.tgz /b', 'patterns are not understood'],
    ['FROM a\nCOPY --link=true b c', 'is not understood'],
    ['FROM a\nCOPY --link b c', 'must end with a slash'],
    ['FROM a\nCOPY b', 'needs a source and a target'],
    ['FROM a\nCOPY b c d', 'must end with a slash'],
    ['FROM a\nENV B=$C', '$C is not known'],
    ['FROM a\nARG B\nENV C=$B', 'ARG B has no default'],
    ['FROM a\nENV B', 'write name=value'],
    ['RUN x', 'comes before the first FROM'],
    ['# nothing', 'has no FROM'],
  ])('%j is refused, instead of being carried out in part', (text, why) => {
    expect(() => parseDockerfile(text)).toThrow(why)
  })
})
