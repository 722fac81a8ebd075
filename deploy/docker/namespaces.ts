/**
 * Starts programs in a file system of their own, as a container runtime does: in namespaces of mounts, processes, IPC and
 * host name, as the image's user, without capabilities, with a read-only root. The network is this machine's. Needs
 * root, and util-linux.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Image, ImageConfig } from './image.ts'

/** Files of this machine that a daemon gives to a container, too. */
const NETWORK_FILES = ['/etc/resolv.conf', '/etc/hosts']
/** Authorities that this machine trusts in addition, where all calls go through a proxy that has a certificate of its own. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'

const MOUNTS = `
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid,size=64k tmpfs "$root/dev"
for each in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9; do
  IFS=: read -r name major minor <<END
$each
END
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd "$root/dev/fd"
`

/** Carries out a RUN: as root, with the whole file system writable. Throws if it fails. */
export function runInChroot(root: string, command: readonly string[], { env, workdir }: ImageConfig): void {
  const given = [...NETWORK_FILES, ...(existsSync(AUTHORITIES) ? [AUTHORITIES] : [])]
  const script = `set -eu; root=$1; workdir=$2; shift 2
    ${MOUNTS}
    ${given.map(path => lend(path)).join('\n')}
    mount -t tmpfs tmpfs "$root/root"
    exec chroot "$root" /bin/sh -c 'cd "$1"; shift; exec "$@"' sh "$workdir" "$@"`
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const extra = { HOME: '/root', NODE_EXTRA_CA_CERTS: AUTHORITIES, npm_config_registry: registry }
  const { status } = spawnSync(
    'unshare',
    ['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh', root, workdir, ...command],
    {
      env: { ...env, ...extra },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  if (status !== 0) throw new Error(`RUN ${command.at(-1)} ended with ${status}.`)
}

/** Mounts a file of this machine, read-only, over a file of the image, which is made empty if there is none. */
function lend(path: string, at = path): string {
  return `
    mkdir -p "$root${dirname(at)}"
    [ -e "$root${at}" ] || : > "$root${at}"
    mount --bind "${path}" "$root${at}"
    mount -o remount,bind,ro,nosuid,nodev "$root${at}"`
}

export type ContainerOptions = {
  /** Replaces CMD. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Folders of this machine by the path they are mounted at. Each VOLUME of the image needs one. */
  readonly volumes: Readonly<Record<string, string>>
  /** Files of this machine by the path they are mounted at, read-only. */
  readonly files?: Readonly<Record<string, string>>
  /** Paths at which there is an empty folder in memory. Default: none. */
  readonly tmpfs?: readonly string[]
}

export type Container = {
  /** Standard output and error so far. */
  readonly output: () => string
  /** The exit code, or null after a signal. */
  readonly ended: Promise<number | null>
  /** Sends a signal to the first process, as `docker stop` and `docker kill` do. */
  kill(signal: NodeJS.Signals): void
  /** Runs a program in it, as the image's user, as `docker exec` and the health check do. */
  exec(command: readonly string[]): Promise<{ code: number | null; output: string }>
}

/** Starts an image as `docker run --read-only --cap-drop ALL --security-opt no-new-privileges` would. */
export function startContainer({ root, config }: Image, options: ContainerOptions): Container {
  const { args = config.cmd, env = {}, volumes, files = {}, tmpfs = [] } = options
  for (const volume of config.volumes) {
    if (volumes[volume] === undefined) throw new Error(`The image's volume ${volume} needs a folder.`)
  }
  const mounts = [
    ...Object.entries(volumes).map(([at, from]) => `mount --bind -o nosuid,nodev "${from}" "$root${at}"`),
    ...tmpfs.map(at => `mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=64m tmpfs "$root${at}"`),
    ...NETWORK_FILES.map(path => lend(path)),
    ...Object.entries(files).map(([at, from]) => lend(from, at)),
  ]
  const script = `set -eu; root=$1; shift
    ${MOUNTS}
    ${mounts.join('\n')}
    # Of this mount alone: what is mounted below it stays as it is.
    mount -o remount,bind,ro,nosuid "$root"
    hostname container
    exec chroot "$root" "$@"`
  const command = asUser(config, { ...config.env, ...env }, [...config.entrypoint, ...args])
  const spaces = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL']
  const child = spawn('unshare', [...spaces, 'sh', '-c', script, 'sh', root, ...command], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { output, ended } = collect(child)
  const first = () => firstProcess(child.pid!)
  return {
    output,
    ended,
    kill: signal => void process.kill(first(), signal),
    async exec(words) {
      const inside = ['--target', `${first()}`, '--mount', '--pid', '--ipc', '--uts', '--root']
      const run = spawn('nsenter', [...inside, ...asUser(config, { ...config.env, ...env }, words)], {
        env: { PATH: process.env.PATH ?? '' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const collected = collect(run)
      return { code: await collected.ended, output: collected.output() }
    },
  }
}

/** A command that gives up everything that root can do. `setpriv` is the image's own. */
function asUser(config: ImageConfig, env: Readonly<Record<string, string>>, command: readonly string[]): string[] {
  const [uid = '', gid = ''] = config.user.split(':')
  const ids = ['--reuid', uid, '--regid', gid, '--clear-groups']
  const bounds = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const start = ['env', '--ignore-environment', `--chdir=${config.workdir}`, ...variables]
  return ['/usr/bin/setpriv', ...ids, ...bounds, '/usr/bin/env', ...start.slice(1), ...command]
}

function collect(child: ChildProcess) {
  let text = ''
  const add = (chunk: Buffer) => {
    text += chunk
  }
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', add)
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  return { output: () => text, ended }
}

/** The container's PID 1, by its number outside. */
function firstProcess(parent: number): number {
  const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')
  if (child === undefined || child === '') throw new Error('The container has ended.')
  return Number(child)
}
