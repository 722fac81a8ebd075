import { formatNumber } from '../../lib/format.ts'
import type { RangeName } from '../../lib/range.ts'
import { count, deliveryCount } from './common.ts'

const many = (n: number | null, one: string, several: string) =>
  n === null ? `Mehr als 10.000 ${several}` : count(n, one, several)

export const overview = {
  title: 'Übersicht',
  verdict: {
    none: 'Kein Webhook kommt an',
    most: 'Die meisten Webhooks kommen nicht an',
    except: (endpoints: number | null, _tenants: number | null) =>
      `Webhooks kommen an, außer bei ${many(endpoints, 'Endpunkt', 'Endpunkten').replace(/^M/, 'm')}`,
    late: (age: string) => `Webhooks kommen verspätet an: Der älteste wartet seit ${age}`,
    all: 'Webhooks kommen an',
    quiet: 'In diesem Zeitraum wurde nichts gesendet',
  },
  figures: {
    label: 'Zahlen des Zeitraums',
    arriving: 'Kommen an',
    arrivingNote: (delivered: string, exhausted: string) => `${delivered} zugestellt, ${exhausted} aufgegeben`,
    arrivingNone: 'In diesem Zeitraum endete nichts',
    backlog: 'Rückstand',
    oldest: (age: string) => `Jetzt fällig; älteste wartet seit ${age}`,
    nothingDue: 'Nichts wartet',
    pending: (n: string) => `Nichts ist fällig, ${n} später erneut`,
    unknown: 'Konnte nicht rechtzeitig gezählt werden',
    latency: 'p95 der Empfänger',
    latencyNote: (p50: string) => `p50 ${p50}`,
    latencyNone: 'Kein Empfänger hat geantwortet',
    failing: 'Gestörte Endpunkte',
    failingNone: 'Kein Empfänger ist gestört',
    failingNote: (recent: number) =>
      recent === 0 ? 'Keiner neu in der letzten Stunde' : `${recent} neu in der letzten Stunde`,
    disabled: (n: number | null) => `${n === null ? 'mehr als 10.000' : formatNumber(n)} deaktiviert`,
    before: 'Verglichen mit dem gleich langen Zeitraum davor',
    growing: (n: string) => `${n} mehr als beim Öffnen dieser Seite`,
    falling: (n: string) => `${n} weniger als beim Öffnen dieser Seite`,
  },
  outcomes: {
    title: 'Zustellungen nach Ergebnis',
    delivered: 'Zugestellt',
    retrying: 'Gescheitert, wird wiederholt',
    exhausted: 'Aufgegeben',
    cancelled: 'Abgebrochen',
    resetZoom: 'Zoom zurücksetzen',
    nothing: 'In diesem Zeitraum wurde keine Zustellung versucht.',
  },
  latency: { title: 'Antwortzeiten der Empfänger', p50: 'p50', p95: 'p95' },
  attention: {
    title: 'Braucht Aufmerksamkeit',
    none: 'Nichts braucht Aufmerksamkeit.',
    noneSince: 'Keine Zustellung wurde aufgegeben seit',
    noneIn: (_range: RangeName | null) => 'Im gewählten Zeitraum wurde keine Zustellung aufgegeben.',
    more: (n: number) => `${formatNumber(n)} weitere zeigen`,
    fewer: 'Weniger zeigen',
    severity: { bad: 'Dringend', warn: 'Bald', info: 'Zur Kenntnis' },
    failing: (age: string, reason: string) => `ist seit ${age} gestört: ${reason}.`,
    failingUnknown: (age: string) => `ist seit ${age} gestört.`,
    waiting: (n: number | null) =>
      n === null
        ? 'Mehr als 1.000 Zustellungen stehen aus.'
        : `${deliveryCount(n)} ${n === 1 ? 'steht' : 'stehen'} aus.`,
    disabled: {
      manual: (age: string) => `wurde ${age} von Hand deaktiviert.`,
      gone: (age: string) => `wurde ${age} deaktiviert, weil der Empfänger mit 410 geantwortet hat.`,
      failing: (age: string) => `wurde ${age} deaktiviert, weil tagelang kein Versuch gelang.`,
      null: (age: string) => `wurde ${age} deaktiviert.`,
    },
    held: (n: number | null) =>
      n === null
        ? 'Mehr als 1.000 Zustellungen sind angehalten.'
        : `${deliveryCount(n)} ${n === 1 ? 'ist' : 'sind'} angehalten.`,
    secrets: { clientSecret: 'Das Secret', clientCertificate: 'Das Client-Zertifikat' },
    secretOf: 'von',
    expired: (age: string) => `ist ${age} abgelaufen.`,
    expires: (when: string) => `läuft ${when} ab.`,
    moreFailing: (n: number | null) => `${many(n, 'weiterer Endpunkt ist', 'weitere Endpunkte sind')} gestört.`,
    moreDisabled: (n: number | null) => `${many(n, 'weiterer Endpunkt ist', 'weitere Endpunkte sind')} deaktiviert.`,
    moreExpiring: (n: number | null) =>
      `${many(n, 'weiteres Secret ist', 'weitere Secrets sind')} abgelaufen oder bald so weit.`,
    setAside: (n: number | null) =>
      `${many(n, 'Zustellung ist', 'Zustellungen sind')} beiseitegelegt: Jede war bei drei Abstürzen des Servers unterwegs.`,
    rejected: (n: number | null) =>
      `${many(n, 'Ereignis wurde', 'Ereignisse wurden')} in den letzten 24 Stunden abgelehnt.`,
    replays: (n: number | null) => `${many(n, 'Replay läuft', 'Replays laufen')} oder ist pausiert.`,
    actions: {
      deliveries: 'Zustellungen ansehen',
      pause: 'Pausieren',
      held: 'Angehaltene ansehen',
      enable: 'Aktivieren',
      replace: 'Secret ersetzen',
      endpoints: 'Endpunkte ansehen',
      look: 'Ansehen',
      replays: 'Replays ansehen',
      rejected: 'Ereignisse ansehen',
    },
    pauseTitle: (name: string) => `${name} pausieren`,
    pauseText: (pending: number | null) =>
      pending === 0
        ? 'Der Endpunkt wird deaktiviert. Zustellungen neuer Ereignisse werden angehalten, bis Sie ihn wieder aktivieren; keine geht verloren.'
        : `Der Endpunkt wird deaktiviert. Seine ausstehenden Zustellungen (${
            pending === null ? 'mehr als 1.000' : formatNumber(pending)
          }) und die neuer Ereignisse werden angehalten, bis Sie ihn wieder aktivieren; keine geht verloren.`,
    pauseAction: (pending: number | null) =>
      pending === 0
        ? 'Endpunkt pausieren'
        : `Pausieren und ${pending === null ? 'alle Zustellungen' : deliveryCount(pending)} anhalten`,
    paused: (name: string) => `${name} ist pausiert.`,
  },
  nothing: {
    title: 'Noch keine Webhooks',
    text: 'Registrieren Sie einen Endpunkt: die URL, an die Ihre Webhooks gesendet werden. Ob sie ankommen, sehen Sie dann hier.',
    readOnly:
      'Sobald ein Endpunkt registriert ist und das erste Ereignis eintritt, zeigt diese Seite, ob Webhooks ankommen.',
    registered: 'Ihr Endpunkt ist registriert. Vom ersten Ereignis an zeigt diese Seite, ob Webhooks ankommen.',
    register: 'Endpunkt registrieren',
    test: 'Öffnen und ein Testereignis senden',
    open: 'Endpunkt öffnen',
  },
}
