import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cut, incrementFor, notesOf, partsOf, unreleased, versionAfter } from './changelog.ts'
import { checkTarballs, tagFor, tarballsIn } from './publish.ts'
import { packagesIn, pick, type Sbom } from './sbom.ts'
import { readVersion, writeVersion } from './versions.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const REAL = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')
const PAGE = `# Changelog

The format. Nothing has been released yet.

## Unreleased

### Added

- A thing.

## 0.1.0 - 2026-01-02

### Fixed

- Another.
`

describe('the changelog', () => {
  it('is cut under the version, with an empty part for what comes next, and read again', () => {
    const page = cut(PAGE, '0.2.0', '2026-02-03')
    expect(page).toContain('## Unreleased\n\n## 0.2.0 - 2026-02-03\n\n### Added')
    expect(page).not.toContain('Nothing has been released yet')
    expect(unreleased(page)).toBe('')
    expect(notesOf(page, '0.2.0')).toBe('### Added\n\n- A thing.')
    expect(notesOf(page, '0.1.0')).toBe('### Fixed\n\n- Another.')
    expect(() => notesOf(page, '9.9.9')).toThrow('no heading for version 9.9.9')
    expect(() => cut(PAGE.replace('## Unreleased', '## Soon'), '1.0.0', '')).toThrow('exactly one heading')
  })

  it('decides on the version by its headings', () => {
    const of = (...titles: string[]) => incrementFor(titles.map(title => ({ title, text: '- x' })))
    expect([of('Fixed'), of('Security', 'Fixed'), of('Added', 'Fixed'), of('Changed'), of('Added', 'Removed')]).toEqual(
      ['patch', 'patch', 'minor', 'minor', 'major'],
    )
    expect(() => incrementFor(partsOf('### Added\n\n### Fixed\n'))).toThrow('nothing to release')
    expect(() => of('Improved')).toThrow('instead of "Improved"')
    expect(versionAfter('1.2.3', 'patch')).toBe('1.2.4')
    expect(versionAfter('1.2.3', 'minor')).toBe('1.3.0')
    expect(versionAfter('1.2.3', 'major')).toBe('2.0.0')
    expect(versionAfter('0.2.3', 'major')).toBe('0.3.0')
    expect(() => versionAfter('1.0.0-rc.1', 'minor')).toThrow('specify the version')
  })

  it('of this repository can be released', () => {
    expect(incrementFor(partsOf(unreleased(REAL)))).toMatch(/major|minor|patch/)
  })
})

describe('the version', () => {
  let folder: string
  const manifest = (name: string) => JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
  const write = (name: string, content: object) => {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'package.json'), JSON.stringify(content))
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-version-'))
    write('.', { name: 'all', private: true, devDependencies: { '@p/client': '0.1.0', other: '0.1.0' } })
    write('packages/client', { name: '@p/client', version: '0.1.0' })
    write('packages/server', { name: 'p', version: '0.1.0', dependencies: { '@p/client': '^0.1.0' } })
    mkdirSync(join(folder, 'deploy/helm/p'), { recursive: true })
    writeFileSync(join(folder, 'deploy/helm/p/Chart.yaml'), 'apiVersion: v2\nversion: 0.1.0\nappVersion: 0.1.0\n')
    writeFileSync(join(folder, 'Dockerfile'), 'ARG NODE=node:24\nARG VERSION=0.1.0\n')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is written into every package, where one depends on another, into the image and the chart', () => {
    expect(readVersion(folder)).toBe('0.1.0')
    writeVersion(folder, '1.0.0-rc.1')
    expect(manifest('.').devDependencies).toEqual({ '@p/client': '1.0.0-rc.1', other: '0.1.0' })
    expect(manifest('packages/server')).toMatchObject({
      version: '1.0.0-rc.1',
      dependencies: { '@p/client': '^1.0.0-rc.1' },
    })
    expect(readFileSync(join(folder, 'deploy/helm/p/Chart.yaml'), 'utf8')).toBe(
      'apiVersion: v2\nversion: 1.0.0-rc.1\nappVersion: 1.0.0-rc.1\n',
    )
    expect(readFileSync(join(folder, 'Dockerfile'), 'utf8')).toBe('ARG NODE=node:24\nARG VERSION=1.0.0-rc.1\n')
    expect(readVersion(folder)).toBe('1.0.0-rc.1')
  })

  it('is the same in all packages', () => {
    write('packages/odd', { name: 'odd', version: '0.0.1' })
    expect(() => readVersion(folder)).toThrow('packages/odd/package.json')
    rmSync(join(folder, 'packages/odd'), { recursive: true })
    expect(readVersion(ROOT)).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe('publishing', () => {
  let folder: string
  const pack = (name: string, version: string) => {
    const place = join(folder, 'package')
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name, version }))
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
    execFileSync('tar', ['-czf', join(folder, file), '-C', folder, 'package/package.json'])
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-dist-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('takes both packages in one version, the client first', () => {
    pack('posthorn', '1.2.3')
    expect(() => checkTarballs(tarballsIn(folder), '1.2.3')).toThrow('run npm run pack')
    pack('@posthorn/client', '1.2.3')
    const found = tarballsIn(folder)
    expect(found.map(({ name }) => name)).toEqual(['@posthorn/client', 'posthorn'])
    checkTarballs(found, '1.2.3')
    expect(() => checkTarballs(found, '1.2.4')).toThrow('is version 1.2.3, not 1.2.4')
    expect([tagFor('1.2.3'), tagFor('1.2.3-rc.1')]).toEqual(['latest', 'next'])
  })
})

describe('the list of what a package contains', () => {
  const LICENCES =
    'This package contains code.\n\n\na 1.0.0 (MIT)\n-------------\n\nMIT\n\n\n@b/c 2.0.0 (ISC)\n---\n\nISC\n'
  const component = (name: string, version: string) => ({ 'bom-ref': `${name}@${version}`, name, version })
  const all: Sbom = {
    metadata: { component: component('workspace', '0') },
    components: [
      ['posthorn', '0.1.0'],
      ['a', '1.0.0'],
      ['a', '0.9.0'],
      ['@b/c', '2.0.0'],
      ['dev', '1.0.0'],
    ].map(([name, version]) => component(name!, version!)),
    dependencies: [
      { ref: 'posthorn@0.1.0', dependsOn: ['a@1.0.0', 'dev@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['@b/c@2.0.0'] },
      { ref: 'dev@1.0.0', dependsOn: [] },
    ],
  }

  it('has the packages that its licence texts name, and no others', () => {
    const contents = packagesIn(LICENCES)
    expect([...contents]).toEqual(['a@1.0.0', '@b/c@2.0.0'])
    const picked = pick(all, { name: 'posthorn', version: '1.2.3' }, contents)
    expect(picked.metadata.component).toMatchObject({ name: 'posthorn', version: '1.2.3' })
    expect(picked.components.map(each => each['bom-ref'])).toEqual(['a@1.0.0', '@b/c@2.0.0'])
    expect(picked.dependencies).toEqual([
      { ref: 'posthorn@0.1.0', dependsOn: ['a@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['@b/c@2.0.0'] },
    ])
    expect(() => pick(all, { name: 'posthorn', version: '1.2.3' }, new Set(['x@1.0.0']))).toThrow('contains x@1.0.0')
  })
})

describe('npm run release', () => {
  let folder: string
  const run = (...args: string[]) => {
    const bin = join(ROOT, 'node_modules/release-it/bin/release-it.js')
    // Not what the runner passes on: in CI, release-it would ask nothing in any case.
    return execFileSync(process.execPath, [bin, '--ci', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-release-'))
    for (const file of ['.release-it.json', 'CHANGELOG.md', 'package.json', 'release', 'tsconfig.json']) {
      cpSync(join(ROOT, file), join(folder, file), { recursive: true })
    }
    for (const name of ['client', 'server'])
      cpSync(join(ROOT, `packages/${name}/package.json`), join(folder, `packages/${name}/package.json`))
    execFileSync('ln', ['-s', join(ROOT, 'node_modules'), join(folder, 'node_modules')])
    writeFileSync(join(folder, '.gitignore'), 'node_modules\n')
    git('init', '-q', '-b', 'main')
    git('add', '.')
    git('commit', '-q', '-m', 'All')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('shows in a dry run the next version, the changelog and what is published, and changes nothing', {
    timeout: 60_000,
  }, () => {
    const said = run('--dry-run')
    const version = readVersion(ROOT)
    // Nothing is released yet: the first release has the version that the packages have.
    expect(said).toContain(`posthorn@${version} (tag latest`)
    expect(said).toContain(`@posthorn/client@${version} (tag latest`)
    expect(said).toContain('### Added')
    git('tag', `v${version}`)
    const [major, minor] = version.split('.').map(Number)
    expect(run('--dry-run')).toContain(`posthorn@${major}.${minor! + 1}.0 (tag latest`)
    expect(run('--dry-run', '9.0.0-rc.1')).toContain('posthorn@9.0.0-rc.1 (tag next')
    expect(git('status', '--short')).toBe('')
    expect(git('tag').trim()).toBe(`v${version}`)
  })
})
