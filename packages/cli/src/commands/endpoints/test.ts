import type { DeliveryDetail } from '@posthorn/client'
import { type Command, Option } from 'commander'
import { addCommand, type TenantRun, wholeNumber, withTenant } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { readJson, readJsonValue } from '../../input.ts'
import { Problem } from '../../problem.ts'
import type { Column, Terminal } from '../../terminal/index.ts'
import { ownCommand } from '../../terminal/shell.ts'
import { outcomeOf } from '../deliveries/columns.ts'
import { repeated, several } from '../values.ts'

const ASK_EVERY_MS = 250
/** An attempt takes at most 20 seconds by default: 5 to connect, 15 to respond. */
const PATIENCE_MS = 30_000

export function addTest(noun: Command, terminal: Terminal): void {
  const test = addCommand(noun, 'test <endpoint>', 'Send a test event to an endpoint, and show what it responds.', [
    ['posthorn endpoints test orders --tenant acme', 'The example of the first type that it receives.'],
    ['posthorn endpoints test orders --tenant acme --type ORDER_PAID', 'The example of this type.'],
  ])
    .option('--type <type>', 'The event type to send. Default: the first that it receives.')
    .option('--no-wait', 'Do not wait for the response.')
  withTenant(test, terminal, async (run, { type, wait }: { type?: string; wait: boolean }, id: string) => {
    const { posthorn, out, tenant } = run
    const sent = await posthorn.endpoints.test(tenant, id, { type })
    if (!wait) {
      if (out.isJson) return out.json(sent)
      const words = ['deliveries', 'get', sent.delivery, '--tenant', tenant]
      return out.say(`A test of ${sent.type} is sent: ${ownCommand(words, terminal.env)}`)
    }
    const delivery = await firstAttempt(run, sent.delivery)
    if (delivery.state !== 'delivered') run.exitCode = EXIT.refused
    if (out.isJson) return out.json(delivery)
    const [attempt] = delivery.attempts
    if (attempt === undefined) {
      return out.say(
        `No attempt was made yet: the delivery is ${delivery.state}. See posthorn deliveries get ${delivery.id}`,
      )
    }
    const outcome = outcomeOf(attempt)
    const why = attempt.explanation === null ? '' : ` ${attempt.explanation}`
    const tone = attempt.outcome === 'success' ? 'good' : 'bad'
    await out.say(`${out.paint(tone, outcome)} after ${attempt.durationMs} ms, to a test of ${sent.type}.${why}`)
    const words = ['deliveries', 'attempts', delivery.id, '--response', '--tenant', tenant]
    await out.say(`All of it: ${ownCommand(words, terminal.env)}`)
  })
  addFilterTrial(noun, terminal)
}

/** Waits until an attempt has ended, but not for ever. */
async function firstAttempt({ posthorn, terminal, tenant }: TenantRun, id: string): Promise<DeliveryDetail> {
  const { clock } = terminal
  const untilMs = clock.monotonicMs() + PATIENCE_MS
  for (;;) {
    const delivery = await posthorn.deliveries.get(tenant, id)
    if (delivery.attempts.length > 0 || delivery.state === 'held' || clock.monotonicMs() > untilMs) return delivery
    await new Promise<void>(resolve => void clock.after(ASK_EVERY_MS, resolve))
  }
}

type Trial = Awaited<ReturnType<TenantRun['posthorn']['endpoints']['tryFilter']>>['data'][number]

const COLUMNS: readonly Column<Trial>[] = [
  { title: 'EVENT', text: ({ key, event }) => key ?? event ?? 'payload' },
  {
    title: 'MATCHES',
    text: ({ matches, undecided }) => (undecided ? 'undecided' : matches ? 'yes' : 'no'),
    tone: ({ matches }) => (matches ? 'good' : 'quiet'),
  },
  { title: 'BECAUSE', text: ({ decidedBy }) => decidedBy.because, canBeCut: true },
]

type TrialFlags = {
  readonly filter: string
  readonly types?: readonly string[]
  readonly recent?: number
  readonly event?: readonly string[]
  readonly payload?: readonly string[]
}

function addFilterTrial(noun: Command, terminal: Terminal): void {
  const trial = addCommand(noun, 'try-filter', 'Try a filter on events or payloads. Changes nothing.', [
    [
      `posthorn endpoints try-filter --tenant acme --filter '{"status": ["Quoted"]}' --recent 20`,
      'On the newest events.',
    ],
    ['posthorn endpoints try-filter --tenant acme --filter @filter.json --payload sample.json', 'On a file.'],
  ])
    .addOption(new Option('--filter <json>', 'The filter, as JSON or @file.').makeOptionMandatory())
    .option('--types <type>', 'The types that the endpoint would have. Default: all.', several)
    .option('--recent <n>', 'On this many of the newest events. Default: 20.', wholeNumber)
    .option('--event <event>', 'On these events, by id or key.', several)
    .option('--payload <file>', 'On the payload in this file.', repeated)
  withTenant(trial, terminal, async (run, flags: TrialFlags) => {
    const { types, recent, event: events, payload } = flags
    if ([recent, events, payload].filter(each => each !== undefined).length > 1) {
      throw new Problem('Choose what to try it on: one of --recent, --event and --payload.', EXIT.usage)
    }
    const payloads = payload && (await Promise.all(payload.map(file => readJson(file, terminal))))
    const filter = (await readJsonValue(flags.filter, '--filter', terminal)) as Record<string, unknown>
    const newest = recent ?? (events === undefined && payloads === undefined ? 20 : undefined)
    const body = { filter, types, events, payloads, recent: newest }
    const { data, warnings } = await run.posthorn.endpoints.tryFilter(run.tenant, body)
    for (const { detail } of warnings) run.out.note(`Warning: ${detail}`)
    await run.out.list(iterate(data), COLUMNS, { none: 'There are no such events.' })
  })
}

async function* iterate<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  yield* items
}
