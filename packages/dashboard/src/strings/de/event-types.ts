import { formatNumber } from '../../lib/format.ts'
import { count } from './common.ts'

export const eventTypes = {
  title: 'Ereignistypen',
  search: 'Typ oder Feld suchen',
  columns: { name: 'Ereignistyp', description: 'Beschreibung', members: 'Inhalt' },
  filters: { archived: 'Status', inUse: 'In Gebrauch', onlyArchived: 'Archiviert' },
  archived: 'Archiviert',
  own: 'Über Webhooks',
  moreMembers: (n: number) => `+${formatNumber(n)}`,
  count: (n: number) => count(n, 'Ereignistyp', 'Ereignistypen'),
  empty: {
    title: 'Noch keine Ereignistypen',
    text: 'Ein Ereignistyp sagt, was geschehen ist und wie sein Inhalt aussieht. Endpunkte wählen die Typen, die sie bekommen.',
  },
  notFound: 'Es gibt keinen Ereignistyp dieses Namens. Er wurde vielleicht gelöscht.',
  toList: 'Alle Ereignistypen',
  more: 'Weitere Aktionen',
  facts: {
    group: 'Gruppe',
    status: 'Status',
    archivedSince: 'Archiviert',
    schedule: 'Wiederholungen',
    events: 'Ereignisse dieses Typs',
    deliveries: 'Zustellungen',
    endpoints: 'Endpunkte, die ihn bekommen',
  },
  ownNote: 'Ereignisse dieses Typs handeln von Ihren Webhooks selbst. Endpunkte bekommen ihn nur, wenn sie ihn nennen.',
  archivedNote: 'Dieser Typ ist archiviert: Es kommen keine neuen Ereignisse, und kein Endpunkt kann ihn hinzufügen.',
}
