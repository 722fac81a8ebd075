/** The Compose files, read by Compose's own loader, with its schema. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../packages/server/src/config/config.ts'
import { parseDockerfile } from '../docker/dockerfile.ts'
import { ROOT, run } from './tools.ts'

type Service = Record<string, unknown> & { environment?: Record<string, string>; healthcheck?: { test?: string[] } }
type Project = { services: Record<string, Service>; secrets: Record<string, { file: string }>; volumes: object }

const FILES = ['compose.yaml', 'compose.postgresql.yaml'] as const
const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'))
const last = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).at(-1)!
const ofImage = Object.assign({}, ...last.instructions.map(each => (each.kind === 'ENV' ? each.pairs : {})))

describe.each(FILES)('%s', file => {
  let project: Project
  let nodes: [string, Service][]

  beforeAll(async () => {
    const { code, stdout, stderr } = await run('compose-config', [join('deploy/compose', file)])
    expect([code, stderr]).toEqual([0, ''])
    project = parse(stdout)
    nodes = Object.entries(project.services).filter(([, { image }]) => image === `posthorn:${version}`)
  })

  it('is valid, and runs this version', () => {
    expect(nodes.map(([name]) => name).toSorted()).toEqual(
      file === 'compose.yaml' ? ['posthorn'] : ['migrate', 'node-1', 'node-2'],
    )
    for (const [, { build }] of nodes) expect(build).toMatchObject({ context: ROOT.replace(/\/$/, '') })
  })

  it('leaves no service more rights than it needs, and each has an end to its memory and its logs', () => {
    for (const [name, service] of Object.entries(project.services)) {
      const { read_only, cap_drop, security_opt, privileged, logging, tmpfs } = service
      expect([name, read_only, cap_drop, security_opt]).toEqual([name, true, ['ALL'], ['no-new-privileges:true']])
      expect(privileged).toBeUndefined()
      expect(logging).toMatchObject({ options: { 'max-size': expect.any(String) } })
      expect(tmpfs).toContainEqual(expect.stringMatching(/^\/tmp:size=/))
    }
    for (const [, service] of nodes) expect(service).toHaveProperty('mem_limit')
  })

  it('publishes ports on this machine alone', () => {
    const ports = Object.values(project.services).flatMap(({ ports }) => (ports ?? []) as { host_ip?: string }[])
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port.host_ip).toBe('127.0.0.1')
  })

  it('waits for readiness, with the program that the image has', () => {
    for (const [name, { healthcheck, stop_grace_period }] of nodes) {
      if (name === 'migrate') continue
      expect(healthcheck!.test).toEqual(['CMD', 'node', '/opt/posthorn/health.mjs', '/readyz'])
      // `drainTimeoutMs`, ten seconds to settle and close, and some to spare.
      expect(stop_grace_period).toBe('45s')
    }
  })

  it('names no secret in the environment, and its settings are accepted by Posthorn', () => {
    const folder = makeSecrets()
    for (const [, { environment, secrets }] of nodes) {
      expect(Object.keys(environment!).toSorted()).toEqual(['POSTHORN_CONFIG', 'POSTHORN_PUBLIC_URL'])
      expect(secrets).toMatchObject([{ source: 'posthorn.json', target: '/run/secrets/posthorn.json' }])
      const source = join(folder, 'secrets', project.secrets['posthorn.json']!.file.split('/').at(-1)!)
      const result = loadConfig({
        flags: {},
        env: { ...ofImage, ...environment },
        readFile: path => readFileSync(path === '/run/secrets/posthorn.json' ? source : path, 'utf8'),
      })
      expect(result).toMatchObject({ ok: true, config: { host: '0.0.0.0', port: 8470, data: '/data' } })
      if (!result.ok) continue
      expect(result.config.databaseUrl === null).toBe(file === 'compose.yaml')
    }
    rmSync(folder, { recursive: true })
  })
})

describe('make-secrets.sh', () => {
  it('makes every secret that a Compose file reads, random, and never replaces one', async () => {
    const folder = makeSecrets()
    const other = makeSecrets()
    for (const file of FILES) {
      const { stdout } = await run('compose-config', [join('deploy/compose', file)])
      for (const secret of Object.values((parse(stdout) as Project).secrets)) {
        const path = secret.file.replace(join(ROOT, 'deploy/compose'), folder)
        expect(existsSync(path), path).toBe(true)
        expect(readFileSync(path, 'utf8')).not.toBe(readFileSync(path.replace(folder, other), 'utf8'))
      }
    }
    expect(lstatSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700)
    const before = readFileSync(join(folder, 'secrets/postgresql.json'), 'utf8')
    expect(JSON.parse(before).databaseUrl).toContain(readFileSync(join(folder, 'secrets/postgres-password'), 'utf8'))
    execFileSync(join(folder, 'make-secrets.sh'))
    expect(readFileSync(join(folder, 'secrets/postgresql.json'), 'utf8')).toBe(before)
    for (const each of [folder, other]) rmSync(each, { recursive: true })
  })

  it('puts them where neither git nor an image takes them along', () => {
    const ignored = execFileSync('git', ['check-ignore', 'deploy/compose/secrets/embedded.json'], { cwd: ROOT })
    expect(ignored.toString()).toContain('secrets')
    expect(readFileSync(join(ROOT, '.dockerignore'), 'utf8')).toMatch(/^\*$/m)
  })
})

/** Runs the script in a folder of its own. */
function makeSecrets(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-compose-'))
  mkdirSync(folder, { recursive: true })
  cpSync(join(ROOT, 'deploy/compose/make-secrets.sh'), join(folder, 'make-secrets.sh'))
  execFileSync(join(folder, 'make-secrets.sh'))
  return folder
}
