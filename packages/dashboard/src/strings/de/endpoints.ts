import { formatNumber } from '../../lib/format.ts'

export const endpoints = {
  title: 'Endpunkte',
  search: 'Name, URL oder uid',
  register: 'Endpunkt registrieren',
  columns: {
    health: 'Zustand',
    name: 'Name',
    url: 'URL',
    types: 'Ereignistypen',
    failures: 'Gescheitert, 7 Tage',
    last: 'Letzte Zustellung',
  },
  health: {
    healthy: 'Gesund',
    failing: 'Gestört',
    paused: 'Pausiert',
    unknown: 'Unbekannt',
    disabled: 'Deaktiviert',
  },
  healthFilter: {
    healthy: 'Gesund',
    failing: 'Gestört',
    paused: 'Vom Empfänger pausiert',
    unknown: 'Unbekannt',
  },
  states: { enabled: 'Aktiviert', disabled: 'Deaktiviert' },
  disabledBecause: { manual: 'von Hand', gone: 'Empfänger weg (410)', failing: 'tagelang gestört' },
  filters: { health: 'Gesundheit', state: 'Zustand', type: 'Ereignistyp', typeOwn: 'Anderer Typ' },
  allTypes: 'Alle Typen',
  moreTypes: (n: number) => `+${formatNumber(n)}`,
  noAttempts: 'Keine Versuche in den letzten 7 Tagen',
  failedOf: (failed: number, attempts: number) =>
    `${formatNumber(failed)} von ${formatNumber(attempts)} Versuchen scheiterten in den letzten 7 Tagen`,
  never: 'nie',
  noneEnded: 'keine beendet',
  attention: {
    token_expired: 'Secret abgelaufen',
    token_expires_soon: 'Secret läuft bald ab',
    certificate_expires_soon: 'Zertifikat läuft bald ab',
    secret_unreadable: 'Secret nicht lesbar',
    types_fit_nothing: 'ein Typ passt auf nichts',
  } as Readonly<Record<string, string>>,
  secretExpires: (when: string) => `Secret läuft ${when} ab`,
  empty: {
    title: 'Noch keine Endpunkte',
    text: 'Ein Endpunkt ist eine URL, an die Ereignisse gesendet werden, mit ihrem Secret und den Ereignistypen, die sie haben will. Registrieren Sie einen: Er bekommt jedes passende Ereignis von da an.',
    action: 'Endpunkt registrieren',
  },
}
