import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { accountToRunAs, ask, findFreePort, spawnTethered, type Tethered } from '@posthorn/testkit'
import type { Programs } from './programs.ts'

const DATABASE = 'posthorn'
const LOOK_MS = 200
const READY_TIMEOUT_MS = 120_000
/** Number of characters of the programs' last output to show when a wait times out. */
const WORDS = 3_000

/** Patroni's defaults are 30, 10 and 10. These are the minimum for a lock that expires after 20 seconds. */
const TIMES = { ttl: 20, loop_wait: 5, retry_timeout: 5 }

type Place = { readonly folder: string; readonly account: { readonly uid: number; readonly gid: number } | undefined }

type Member = {
  readonly name: string
  readonly port: number
  readonly restUrl: string
  readonly data: string
  readonly configFile: string
  patroni: Tethered | undefined
}

/** A member as reported by Patroni's `/cluster`. */
type Seen = { readonly name: string; readonly role: string; readonly state: string }

/** A PostgreSQL as operators run it: etcd, two servers under Patroni in synchronous mode, and PgBouncer in front. */
export class Database {
  readonly #place: Place
  readonly #programs: Programs
  readonly #passwords: Record<'superuser' | 'replication' | 'user', string>
  readonly #ended: Tethered[] = []
  #members: Member[] = []
  #words = ''
  /** The URL that the nodes connect to. */
  url = ''

  constructor(programs: Programs) {
    this.#programs = programs
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'posthorn-drill-'))
    this.#place = { folder, account: accountToRunAs() }
    this.#own(folder)
    const password = () => randomBytes(12).toString('hex')
    this.#passwords = { superuser: password(), replication: password(), user: password() }
  }

  /** @param poolMode PgBouncer's `pool_mode` */
  async start(poolMode: string): Promise<void> {
    const ports: number[] = []
    while (ports.length < 7) ports.push(await findFreePort())
    const [etcdPort, peerPort, poolerPort, ...memberPorts] = ports as [number, number, number, number]
    const folders = ['a', 'b'].map(name => join(this.#place.folder, name))
    this.#reap(folders)
    this.#startEtcd(etcdPort, peerPort)
    this.#members = folders.map((data, at) =>
      this.#prepare('ab'[at]!, data, memberPorts[at * 2]!, memberPorts[at * 2 + 1]!, etcdPort),
    )
    for (const member of this.#members) this.#startPatroni(member)
    await this.untilWhole()
    await this.#createDatabase()
    this.#startPooler(poolerPort, poolMode)
    this.url = `postgres://posthorn:${this.#passwords.user}@127.0.0.1:${poolerPort}/${DATABASE}`
    await this.#until('PgBouncer to respond', () => this.#isPooled())
  }

  /** Ends everything. */
  async end(): Promise<void> {
    // Patroni first: it deregisters from etcd and stops its PostgreSQL.
    await Promise.all(this.#members.map(({ patroni }) => patroni?.end().catch(() => {})))
    for (const process of this.#ended.reverse()) await process.end().catch(() => {})
  }

  /** Resolves once there is a primary, and a standby that has everything that was committed. */
  async untilWhole(): Promise<void> {
    await this.#until('a primary and its synchronous standby', async () => {
      const roles = (await this.#look()).filter(({ state }) => state === 'running' || state === 'streaming')
      return roles.some(({ role }) => role === 'leader') && roles.some(({ role }) => role === 'sync_standby')
    })
  }

  /** Simulates the loss of the primary's machine. It comes back once the other server has taken over. */
  async loseMachine(): Promise<void> {
    const primary = await this.#primary()
    const patroniPid = await primary.patroni!.pid
    process.kill(patroniPid, 'SIGKILL')
    process.kill(postmasterOf(primary), 'SIGKILL')
    await primary.patroni!.exited
    await this.#untilAnotherThan(primary)
    this.#startPatroni(primary)
  }

  /** Kills only the primary's PostgreSQL, and leaves the failover to Patroni. */
  async killServer(): Promise<void> {
    const primary = await this.#primary()
    process.kill(postmasterOf(primary), 'SIGKILL')
    await this.#untilAnotherThan(primary)
  }

  /** Performs a planned switchover, like `patronictl switchover`. */
  async switchOver(): Promise<void> {
    const primary = await this.#primary()
    const candidate = this.#members.find(member => member !== primary)!.name
    const body = JSON.stringify({ leader: primary.name, candidate })
    const answer = await fetch(`${primary.restUrl}/switchover`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`Patroni refused the switchover: ${await answer.text()}`)
    await this.#untilAnotherThan(primary)
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + READY_TIMEOUT_MS
    while (!(await holds())) {
      if (performance.now() > endMs) {
        throw new Error(`${this.#words}\nTimed out after ${READY_TIMEOUT_MS / 1_000} s waiting for ${what}.`)
      }
      await pause(LOOK_MS)
    }
  }

  async #untilAnotherThan(before: Member): Promise<void> {
    await this.#until('another primary', async () =>
      (await this.#look()).some(({ name, role, state }) => {
        return role === 'leader' && state === 'running' && name !== before.name
      }),
    )
  }

  async #primary(): Promise<Member> {
    const leader = (await this.#look()).find(({ role }) => role === 'leader')
    const member = this.#members.find(({ name }) => name === leader?.name)
    if (member === undefined) throw new Error('The cluster has no primary.')
    return member
  }

  /** Returns the cluster's members as seen by the first member that responds; empty if none does. */
  async #look(): Promise<readonly Seen[]> {
    for (const { restUrl } of this.#members) {
      try {
        const answer = await fetch(`${restUrl}/cluster`, { signal: AbortSignal.timeout(2_000) })
        return ((await answer.json()) as { members: Seen[] }).members
      } catch {
        // This member is down: ask the other one.
      }
    }
    return []
  }

  #spawn(command: string, args: readonly string[], signal: NodeJS.Signals, folder?: string): Tethered {
    const { account, folder: home } = this.#place
    const env = { PATH: `${dirname(this.#programs.postgres)}:${process.env.PATH ?? ''}`, HOME: home, LC_ALL: 'C' }
    const child = spawnTethered(command, args, { signal, env, ...account, ...(folder ? { folder } : {}) })
    child.stdout.resume()
    child.stderr.on('data', chunk => {
      this.#words = `${this.#words}${chunk}`.slice(-WORDS)
    })
    return child
  }

  #own(path: string, mode = 0o700): void {
    const { account } = this.#place
    if (account) chownSync(path, account.uid, account.gid)
    chmodSync(path, mode)
  }

  #write(name: string, text: string): string {
    const file = join(this.#place.folder, name)
    writeFileSync(file, text)
    this.#own(file, 0o600)
    return file
  }

  /** Starts the reaper, which must start first and end last. */
  #reap(folders: readonly string[]): void {
    const reaper = fileURLToPath(new URL('reaper.ts', import.meta.url))
    const { folder } = this.#place
    const child = spawnTethered(process.execPath, [reaper, ...folders], { signal: 'SIGTERM', folder })
    this.#ended.push(child)
  }

  #startEtcd(port: number, peerPort: number): void {
    const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
    const data = join(this.#place.folder, 'etcd')
    mkdirSync(data)
    this.#own(data)
    const urls = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peerUrl]
    const peers = ['--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`]
    this.#ended.push(this.#spawn(this.#programs.etcd, ['--data-dir', data, ...urls, ...peers], 'SIGTERM'))
  }

  #prepare(name: string, data: string, port: number, restPort: number, etcdPort: number): Member {
    const listen = `127.0.0.1:${restPort}`
    const account = (username: string, password: string) => ({ username, password })
    // Points the pooler to the new primary.
    const callback = `/bin/sh ${this.#writeCallback()} ${port}`
    const config = {
      scope: 'posthorn',
      name,
      restapi: { listen, connect_address: listen },
      etcd3: { host: `127.0.0.1:${etcdPort}` },
      bootstrap: {
        dcs: {
          ...TIMES,
          synchronous_mode: true,
          // Replace a crashed primary immediately instead of waiting for it to recover.
          master_start_timeout: 0,
          postgresql: { use_pg_rewind: true, parameters: { max_connections: 200, wal_keep_size: '256MB' } },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'],
      },
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: `127.0.0.1:${port}`,
        data_dir: data,
        bin_dir: dirname(this.#programs.postgres),
        pgpass: join(this.#place.folder, `pgpass-${name}`),
        pg_hba: ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'],
        parameters: { unix_socket_directories: '' },
        authentication: {
          superuser: account('postgres', this.#passwords.superuser),
          replication: account('replicator', this.#passwords.replication),
        },
        callbacks: { on_start: callback, on_role_change: callback },
      },
    }
    // JSON is valid YAML.
    const configFile = this.#write(`patroni-${name}.yml`, JSON.stringify(config))
    return { name, port, restUrl: `http://${listen}`, data, configFile, patroni: undefined }
  }

  #startPatroni(member: Member): void {
    member.patroni = this.#spawn(this.#programs.patroni, [member.configFile], 'SIGTERM')
  }

  /** Patroni appends the action, the role and the cluster's name to the arguments, after the port. */
  #writeCallback(): string {
    const { folder } = this.#place
    const file = join(folder, 'databases.ini')
    return this.#write(
      'point.sh',
      `case "$3" in master | primary) ;; *) exit 0 ;; esac
printf '${DATABASE} = host=127.0.0.1 port=%s dbname=${DATABASE}\\n' "$1" >${file}.$1
mv ${file}.$1 ${file}
[ ! -f ${folder}/pgbouncer.pid ] || kill -HUP "$(cat ${folder}/pgbouncer.pid)"
`,
    )
  }

  async #createDatabase(): Promise<void> {
    const { port } = await this.#primary()
    const url = `postgres://postgres:${this.#passwords.superuser}@127.0.0.1:${port}/postgres`
    // The only privilege that Posthorn needs is to own its database.
    await ask(url, `create role posthorn login password '${this.#passwords.user}'`)
    await ask(url, `create database ${DATABASE} owner posthorn`)
  }

  #startPooler(port: number, poolMode: string): void {
    const { folder } = this.#place
    const users = this.#write('users.txt', `"posthorn" "${this.#passwords.user}"\n`)
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: users,
      pool_mode: poolMode,
      max_client_conn: 500,
      // In session mode three nodes need eight connections and one for LISTEN each, and as many again after a fault.
      default_pool_size: 60,
      // By default PgBouncer retries an unreachable server only after 15 seconds.
      server_login_retry: 1,
      server_connect_timeout: 3,
      pidfile: join(folder, 'pgbouncer.pid'),
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    const databases = `[databases]\n%include ${join(folder, 'databases.ini')}\n`
    const ini = this.#write('pgbouncer.ini', `${databases}[pgbouncer]\n${lines.join('\n')}\n`)
    this.#ended.push(this.#spawn(this.#programs.pgbouncer, [ini], 'SIGINT'))
  }

  async #isPooled(): Promise<boolean> {
    try {
      return (await ask(this.url, 'select pg_is_in_recovery() as standby'))[0]!.standby === false
    } catch {
      return false
    }
  }
}

function postmasterOf({ data }: Member): number {
  return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
}
