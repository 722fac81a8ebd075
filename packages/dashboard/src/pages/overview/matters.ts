import type { Checks, Nodes, Overview } from '@posthorn/client'
import { shownName } from '../../lib/names.ts'
import { common } from '../../strings/en/common.ts'

type Endpoint = {
  readonly tenant: string
  readonly endpoint: string
  readonly uid: string | null
  readonly name: string | null
  readonly url: string | null
}

/** Something that someone should do. `of` is the endpoint that it is about. */
export type Matter =
  | ({ readonly kind: 'failing'; readonly of: Endpoint; readonly since: string } & Pick<
      Overview['failing']['data'][number],
      'lastError' | 'lastStatus' | 'pending'
    >)
  | ({ readonly kind: 'disabled'; readonly of: Endpoint } & Pick<
      Overview['disabled']['data'][number],
      'disabledAt' | 'reason' | 'held'
    >)
  | ({ readonly kind: 'expiring'; readonly of: Endpoint } & Pick<
      Overview['expiring']['data'][number],
      'secret' | 'expiresAt'
    >)
  | { readonly kind: 'moreFailing' | 'moreDisabled' | 'moreExpiring'; readonly count: number | null }
  | { readonly kind: 'setAside' | 'rejected' | 'unassigned'; readonly count: number | null }
  | { readonly kind: 'lost'; readonly host: string; readonly seenAt: string | null }
  | { readonly kind: 'check'; readonly part: string; readonly message: string; readonly advice: string | null }
  | { readonly kind: 'replays'; readonly count: number | null }

export type Severity = 'bad' | 'warn' | 'info'

/** How urgent it is. An expired secret fails every attempt; a disabled endpoint loses nothing while it holds. */
export function severityOf(matter: Matter, now: number): Severity {
  switch (matter.kind) {
    case 'failing':
    case 'moreFailing':
    case 'unassigned':
    case 'check':
    case 'lost':
      return 'bad'
    case 'expiring':
      return Date.parse(matter.expiresAt) <= now ? 'bad' : 'warn'
    case 'replays':
      return 'info'
    default:
      return 'warn'
  }
}

const ORDER: readonly Severity[] = ['bad', 'warn', 'info']

/** What needs attention, the most urgent first. `nodes` and `checks` are undefined for those who can't see them. */
export function mattersOf(
  overview: Overview,
  nodes: Nodes | undefined,
  checks: Checks | undefined,
  now: number,
): readonly Matter[] {
  const { failing, disabled, expiring, setAside, rejected, replays, replayBatches } = overview
  const matters: Matter[] = []
  for (const { level, ...finding } of checks?.data ?? []) {
    if (level === 'fail') matters.push({ kind: 'check', ...finding })
  }
  for (const node of nodes?.data ?? []) {
    if (node.state === 'lost') matters.push({ kind: 'lost', host: node.host ?? node.id, seenAt: node.seenAt })
  }
  const unassigned = nodes?.unassigned.partitions.length ?? 0
  if (unassigned > 0) matters.push({ kind: 'unassigned', count: unassigned })
  for (const one of failing.data) matters.push({ kind: 'failing', of: one, since: one.failingSince, ...one })
  addRest(matters, 'moreFailing', failing)
  if (setAside !== 0) matters.push({ kind: 'setAside', count: setAside })
  for (const one of disabled.data) matters.push({ kind: 'disabled', of: one, ...one })
  addRest(matters, 'moreDisabled', disabled)
  for (const one of expiring.data) matters.push({ kind: 'expiring', of: one, ...one })
  addRest(matters, 'moreExpiring', expiring)
  if (rejected.count !== 0) matters.push({ kind: 'rejected', count: rejected.count })
  const running = replays === null || replayBatches === null ? null : replays + replayBatches
  if (running !== 0) matters.push({ kind: 'replays', count: running })
  return ORDER.flatMap(severity => matters.filter(matter => severityOf(matter, now) === severity))
}

type Some = { readonly count: number | null; readonly data: readonly unknown[] }

/** How many of a kind are shown at first, so that many of one don't hide the others. */
const AT_FIRST: Readonly<Partial<Record<Matter['kind'], number>>> = {
  failing: 4,
  disabled: 2,
  expiring: 3,
  check: 3,
  lost: 3,
}

/** The first of each kind. Where only one would be left out, it is shown too. */
export function firstOf(matters: readonly Matter[]): readonly Matter[] {
  const counts = new Map<Matter['kind'], number>()
  const first = matters.filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    return count <= (AT_FIRST[kind] ?? 1)
  })
  return matters.length - first.length < 2 ? matters : first
}

/** The overview lists the first of each; the others are one sentence. */
function addRest(
  matters: Matter[],
  kind: 'moreFailing' | 'moreDisabled' | 'moreExpiring',
  { count, data }: Some,
): void {
  if (count === null) matters.push({ kind, count: null })
  else if (count > data.length) matters.push({ kind, count: count - data.length })
}

/** What people call an endpoint: its name, its uid, or its receiver's host. */
export function nameOf({ name, uid, url }: Endpoint): string {
  if (name !== null) return shownName(name)
  if (uid !== null) return uid
  if (url === null) return common.listener
  try {
    return new URL(url).host
  } catch {
    return url
  }
}

/** A matter's place among the others, for React. */
export function keyOf(matter: Matter): string {
  if ('of' in matter)
    return `${matter.kind} ${matter.of.tenant} ${matter.of.endpoint} ${'secret' in matter ? matter.secret : ''}`
  if (matter.kind === 'lost') return `lost ${matter.host}`
  if (matter.kind === 'check') return `check ${matter.part} ${matter.message}`
  return matter.kind
}
