import { formatNumber } from '../../lib/format.ts'
import { common } from './common.ts'

const partitions = (n: number) => common.count(n, 'partition', 'partitions')
const nodes = (n: number) => common.count(n, 'node', 'nodes')

/** Words of the pages about running the installation: nodes, checks, what got stuck, addresses and settings. */
export const operate = {
  places: 'Operate',
  nodes: {
    title: 'Nodes',
    states: { running: 'Running', draining: 'Shutting down', lost: 'Lost' },
    single: 'One node runs and sends everything. It has the embedded store: no other node can join it.',
    all: (n: number) =>
      n === 1 ? 'One node runs and sends everything.' : `${nodes(n)} run. Together they send for all 256 partitions.`,
    none: 'No node reports.',
    unassigned: (n: number) =>
      `${partitions(n)} ${n === 1 ? 'has' : 'have'} no node at the moment: ${n === 1 ? 'its' : 'their'} deliveries wait until a running node takes over, usually within seconds.`,
    noSender: 'No node sends: every node has the role “api”. Start one with the role “delivery” or “all”.',
    lost: 'stopped reporting',
    lostTaken: 'Other nodes have taken over its partitions; nothing is lost. Look at the end of its log for why.',
    lostKept: (n: number) => `Its ${partitions(n)} pass to other nodes as soon as its lease ends.`,
    lostDo: 'It leaves this list an hour after its last report.',
    figures: {
      running: 'Nodes running',
      ofKnown: (n: number) => `of ${formatNumber(n)} in the last hour`,
      allWell: 'none lost',
      backlog: 'Backlog',
      pending: (n: number) => `${formatNumber(n)} pending`,
      lag: 'Oldest waits',
      lagNote: 'since it was due',
      noLag: 'nothing is late',
      unknown: 'cannot be counted now',
      inFlight: 'In flight',
      inFlightNote: 'attempts now',
    },
    columns: {
      node: 'Node',
      state: 'State',
      role: 'Role',
      partitions: 'Partitions',
      backlog: 'Backlog',
      lag: 'Oldest waits',
      inFlight: 'In flight',
      busy: 'Timers late, p99',
      memory: 'Memory',
      seen: 'Reported',
    },
    noHost: 'unknown host',
    process: (pid: number) => `process ${pid}`,
    here: 'responds to you',
    noLoad: 'A lost node reports no load.',
    oldVersion: 'Its version of Posthorn does not report its load. Update it.',
    facts: {
      id: 'Node',
      state: 'State',
      machine: 'Machine',
      role: 'Role',
      roles: { all: 'API and sending', api: 'API only', delivery: 'Sending only' } as Readonly<Record<string, string>>,
      version: 'Version',
      started: 'Started',
      seen: 'Last report',
      partitions: 'Partitions',
      backlog: 'Backlog',
      due: (due: number, pending: number) => `${formatNumber(due)} due of ${formatNumber(pending)} pending`,
      lag: 'Oldest waits',
      inFlight: 'Attempts in flight',
      lanes: 'Endpoints with work',
      unsettled: 'Outcomes to be stored',
      unsettledOf: (n: number) => `${formatNumber(n)} of at most 1,000`,
      connections: 'API connections',
      loop: 'Timers late',
      loopOf: (mean: string, p99: string, max: string) => `${mean} on average, ${p99} at p99, ${max} at most`,
      memory: 'Memory of the process',
      heap: 'JavaScript heap',
      heapOf: (used: string, limit: string) => `${used} of at most ${limit}`,
    },
    running: 'What it runs',
    sends: 'What it sends for',
    load: 'Load',
    map: (n: number) => (n === 256 ? 'all 256' : `${formatNumber(n)} of 256`),
    notThere: 'This node is no longer in the list: lost nodes leave it after an hour.',
    noNodes: {
      title: 'No node reports',
      text: 'Each process of Posthorn appears here within a few seconds of its startup.',
    },
  },

  checks: {
    title: 'Checks',
    lead: {
      ok: 'Everything that Posthorn checks about itself is well.',
      warn: (n: number) => (n === 1 ? 'One thing needs attention.' : `${formatNumber(n)} things need attention.`),
      fail: (n: number) =>
        n === 1
          ? 'One thing is wrong: events can be lost or delayed until it is fixed.'
          : `${formatNumber(n)} things are wrong: events can be lost or delayed until they are fixed.`,
    },
    made: 'Checked',
    by: 'by node',
    took: (took: string) => `in ${took}`,
    again: 'Check again',
    fresh: 'A result is kept for a minute',
    same: 'The result is less than a minute old, and still the latest.',
    levels: { ok: 'Well', warn: 'Attention', fail: 'Wrong' },
    needs: 'Needs attention',
    well: (n: number) => `${formatNumber(n)} ${n === 1 ? 'check is' : 'checks are'} well`,
    do: 'What to do',
    more: 'The command checks more, such as every row of the store:',
    command: 'npx posthorn doctor --full',
    commandLabel: 'doctor',
  },

  rejected: {
    title: 'Rejected events',
    lead: 'Events that an application published from SQL, and that the API would have refused. None is delivered. Fix the cause, then publish the events again: their keys are free.',
    columns: { time: 'Published', tenant: 'Tenant', type: 'Event type', key: 'Key', why: 'Why' },
    filters: { key: 'Key', keyHelp: 'The key that the event was published with' },
    more: (n: number) => `and ${formatNumber(n)} more`,
    hiddenWhy: 'the payload is not valid',
    faults: (n: number) => (n === 1 ? 'What is wrong' : `What is wrong (${formatNumber(n)})`),
    payload: 'Payload',
    hidden: 'You do not have access to payloads.',
    removed: 'The payload is not kept: it was too large, or its retention period has ended.',
    todo: 'What to do',
    steps: {
      payload:
        'Correct the code that publishes it, so that the payload satisfies the event type’s schema. If the payload is right and the schema is not, change the event type.',
      type: 'Create the event type, or correct its name in the code that publishes.',
      tenant: 'Create the tenant, or correct its id in the code that publishes.',
      archived: 'Restore the event type, or publish another type.',
      tooLarge: 'Publish less in one event, or raise the setting maxBodyBytes.',
      again: 'Then publish the event again, with the same key: a rejected event doesn’t keep it.',
      againWithoutKey: 'Then publish the event again.',
    },
    openType: 'Open the event type',
    seeTypes: 'See the event types',
    seeTenants: 'See the tenants',
    found: 'There is',
    facts: { id: 'Event', tenant: 'Tenant', type: 'Event type', key: 'Key', created: 'Published' },
    noKey: 'none',
    notHere: 'This event is not on this page of the list.',
    empty: {
      title: 'Nothing was rejected',
      text: 'Events from SQL are checked after their commit; those that don’t fit appear here with the reasons. Events published by the API never do: the API refuses them directly.',
    },
  },

  setAside: {
    title: 'Set-aside deliveries',
    lead: 'Deliveries that were in flight at three crashes of a node, and might have caused them. None is sent until you decide: look at it, then retry it or give it up.',
    count: (n: number) => (n >= 10_000 ? '10,000 or more set aside' : `${formatNumber(n)} set aside`),
    columns: {
      time: 'Created',
      tenant: 'Tenant',
      endpoint: 'Endpoint',
      type: 'Event type',
      attempts: 'Attempts',
      last: 'Last response',
      actions: 'Actions',
    },
    retry: 'Retry',
    cancel: 'Cancel',
    retryMany: (n: number) => `Retry ${common.deliveries(n)}`,
    keep: (n: number) => (n === 1 ? 'Keep it set aside' : 'Keep them set aside'),
    cancelMany: (n: number) => `Cancel ${common.deliveries(n)}`,
    retryTitle: (n: number) => (n === 1 ? 'Retry this delivery' : `Retry ${common.deliveries(n)}`),
    retryText: (n: number) =>
      n === 1
        ? 'It is sent now, alone. If the process crashes again while it is in flight, it is set aside again and everything else continues.'
        : 'They are sent now. Each that is in flight at another crash is set aside again, and everything else continues. To find one that is harmful, retry them one by one.',
    cancelTitle: (n: number) => (n === 1 ? 'Cancel this delivery' : `Cancel ${common.deliveries(n)}`),
    cancelText: (n: number) =>
      n === 1
        ? 'The receiver never gets this event, unless you send it again from the delivery’s page.'
        : `Their receivers never get these ${common.events(n)}, unless you send them again from the deliveries’ pages.`,
    retried: (n: number) => `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} being sent.`,
    cancelled: (n: number) => `${common.deliveries(n)} cancelled.`,
    some: (done: number, refused: number) => `${common.deliveries(done)} done; ${formatNumber(refused)} refused.`,
    to: (tenant: string) => `to “${tenant}”`,
    empty: {
      title: 'Nothing is set aside',
      text: 'A delivery that brings nodes down is stopped, so that it can’t take everything with it, and waits here for you. In a healthy installation this page stays empty.',
    },
  },

  egress: {
    title: 'Egress addresses',
    lead: (n: number) =>
      n === 1
        ? 'Every delivery comes from this address. Receivers behind a firewall have to allow it.'
        : `Every delivery comes from one of these ${formatNumber(n)} addresses. Receivers behind a firewall have to allow them all.`,
    addresses: 'Addresses',
    copyAll: (n: number) => (n === 1 ? 'Copy address' : `Copy ${formatNumber(n)} addresses`),
    kinds: { v4: 'IPv4', v6: 'IPv6', net4: 'IPv4 network', net6: 'IPv6 network' },
    forCustomers: 'For your customers',
    forCustomersText: 'A text to send or to put in your documentation:',
    letter: (addresses: readonly string[], url: string) =>
      `Our webhooks come from ${addresses.length === 1 ? 'this address' : 'these addresses'}. If a firewall protects your endpoint, allow ${addresses.length === 1 ? 'it' : 'all of them'}:\n\n${addresses.map(one => `  ${one}`).join('\n')}\n\nThe current list, as JSON: ${url}`,
    copyLetter: 'Copy text',
    live: 'The list that needs no API key',
    liveText: 'Firewalls that read lists by themselves can use this address. It changes only with the setting.',
    set: 'They come from the setting',
    empty: {
      title: 'No addresses are published',
      text: 'Deliveries come from whatever address the machine or its NAT gateway has. If your customers’ firewalls have to allow it, give the machine a fixed address, and publish it with the setting egressAddresses: it is then shown here, to tenants, and to anyone at a public address.',
      code: 'POSTHORN_EGRESS_ADDRESSES=203.0.113.10,203.0.113.11',
      codeLabel: 'setting',
    },
  },

  settings: {
    title: 'Settings',
    search: 'Name, value or description',
    lead: (changed: number, all: number) =>
      `${formatNumber(changed)} of ${formatNumber(all)} settings are set; the others have their defaults. A change takes effect at the next startup.`,
    others: 'Nodes can have different settings; these are of node',
    source: 'Source',
    sources: {
      set: 'Set',
      argument: 'Argument',
      flag: 'Flag',
      environment: 'Environment',
      file: 'File',
      default: 'Default',
    },
    from: {
      argument: (name: string) => `from the argument ${name} of the program`,
      flag: (name: string) => `from the flag ${name}`,
      environment: (name: string) => `from the variable ${name}`,
      file: (name: string) => `from ${name} in the configuration file`,
      default: 'default',
    },
    over: {
      argument: 'the argument',
      flag: 'the flag',
      environment: 'the environment variable',
      file: 'the configuration file',
    },
    overrides: (what: string) => `overrides ${what}`,
    and: ' and ',
    byDefault: 'Default:',
    none: 'not set',
    emptyList: 'empty',
    secret: 'set, not shown',
    mustBe: 'Must be',
    howTo: 'Set it with',
    inFile: 'in the file',
    on: 'on',
    off: 'off',
    found: (n: number, all: number) => `${formatNumber(n)} of ${formatNumber(all)} settings`,
  },
} as const

/** What each check of `doctor` is about, in words: a name, and why it matters. */
export const checkParts: Readonly<Record<string, { readonly name: string; readonly why: string } | undefined>> = {
  disk: { name: 'Free space', why: 'On a full disk no event is accepted and no outcome is stored.' },
  folder: { name: 'Data folder', why: 'Everything is in it: it has to be writable, and closed to other users.' },
  store: { name: 'Store', why: 'Where events and deliveries are.' },
  schema: { name: 'Schema', why: 'The tables have to be of this version of Posthorn.' },
  durability: { name: 'Durability', why: 'An accepted event has to survive a power failure.' },
  integrity: { name: 'Integrity', why: 'Whether the pages of the database are intact.' },
  writing: { name: 'Writing', why: 'Whether the database accepts changes.' },
  nodes: { name: 'Nodes', why: 'Whether each partition has a node that sends for it, with the same settings.' },
  clock: { name: 'Clock', why: 'Signatures and retries depend on the right time.' },
  'encryption key': {
    name: 'Encryption key',
    why: 'Without the right key no secret can be read, and nothing can be sent.',
  },
  'key file': { name: 'Key file', why: 'The file with the encryption key has to be closed to other users.' },
  'API key': { name: 'Root API key', why: 'The key that can do everything.' },
  development: { name: 'Development mode', why: 'It opens endpoints on this machine, which customers must not reach.' },
  DNS: { name: 'Name lookup', why: 'Receivers can only be reached if their names can be looked up.' },
  egress: { name: 'Way out', why: 'Whether a receiver can be reached from here.' },
  connection: { name: 'Connection to the database', why: 'It has to be encrypted if it leaves the machine.' },
  'set aside': { name: 'Set-aside deliveries', why: 'Deliveries that might have crashed a node wait for a decision.' },
  consistency: { name: 'Consistency', why: 'Whether deliveries, events and attempts agree with each other.' },
}
