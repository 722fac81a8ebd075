import type { EventType } from '@posthorn/client'
import type { Filter } from '../../kit/filter-bar.tsx'
import { PayloadFilter } from '../../kit/payload-filter.tsx'
import { readable } from '../../lib/payload-filter.ts'
import { deliveries } from '../../strings/en/deliveries.ts'
import { attemptErrors } from '../../strings/en/errors.ts'
import { payload } from '../../strings/en/payload.ts'
import { common } from '../../strings/index.ts'

const words = deliveries.filters

/** The filters of the list. Types are those of the catalogue; any other can be typed. */
export function filtersFor(types: readonly EventType[] | undefined, seesPayloads: boolean): readonly Filter[] {
  const all: (Filter | false)[] = [
    {
      name: 'state',
      label: words.state,
      options: (['pending', 'held', 'delivered', 'exhausted', 'cancelled'] as const).map(value => ({
        value,
        label: common.states[value],
      })),
    },
    {
      name: 'status',
      label: words.status,
      options: Object.entries(words.statuses).map(([value, label]) => ({ value, label })),
      own: words.statusOwn,
    },
    {
      name: 'error',
      label: words.error,
      options: Object.entries(attemptErrors).map(([value, { short }]) => ({ value, label: short })),
    },
    {
      name: 'type',
      label: words.type,
      options: (types ?? []).map(({ name }) => ({ value: name, label: name })),
      own: words.typeOwn,
      mono: true,
    },
    { name: 'endpoint', label: words.endpoint, help: words.endpointHelp, mono: true },
    seesPayloads && { name: 'filter', label: payload.field, show: readable, editor: PayloadFilter },
    seesPayloads && { name: 'text', label: payload.text, help: payload.textHelp },
    { name: 'key', label: words.key, help: words.keyHelp, mono: true },
    { name: 'event', label: words.event, help: words.eventHelp, mono: true },
    {
      name: 'heldReason',
      label: words.heldReason,
      single: true,
      options: Object.entries(words.heldReasons).map(([value, label]) => ({ value, label })),
    },
  ]
  return all.filter(filter => filter !== false)
}
