import type { EventType } from '@posthorn/client'
import type { Filter } from '../../kit/filter-bar.tsx'
import { PayloadFilter } from '../../kit/payload-filter.tsx'
import { readable } from '../../lib/payload-filter.ts'
import { events } from '../../strings/en/events.ts'
import { payload } from '../../strings/en/payload.ts'

const words = events.filters

/** The filters of the list. Payloads can be searched only by those who can see them. */
export function filtersFor(types: readonly EventType[] | undefined, seesPayloads: boolean): readonly Filter[] {
  return [
    {
      name: 'type',
      label: words.type,
      options: (types ?? []).map(({ name }) => ({ value: name, label: name })),
      own: words.typeOwn,
      mono: true,
    },
    { name: 'key', label: words.key, help: words.keyHelp, mono: true },
    ...(seesPayloads
      ? [
          { name: 'filter', label: payload.field, show: readable, editor: PayloadFilter },
          { name: 'text', label: payload.text, help: payload.textHelp },
        ]
      : []),
  ]
}
