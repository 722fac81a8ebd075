import { formatNumber } from '../../lib/format.ts'
import { count, deliveryCount, eventCount } from './common.ts'

const held = (n: number | null) =>
  n === null ? 'alle angehaltenen Zustellungen' : count(n, 'angehaltene Zustellung', 'angehaltene Zustellungen')

export const endpoint = {
  back: 'Endpunkte',
  notFound: {
    title: 'Dieser Endpunkt ist nicht hier',
    text: 'Er wurde vielleicht gelöscht. Seine Zustellungen werden noch eine Weile aufbewahrt.',
    deliveries: 'Seine Zustellungen',
  },
  tabs: { activity: 'Aktivität', settings: 'Einstellungen', secrets: 'Secrets', retries: 'Wiederholungen' },
  tabsLabel: 'Teile des Endpunkts',
  copyUrl: 'die URL',
  more: 'Weitere Aktionen',
  says: {
    failing: (why: string) => `Gestört: ${why}.`,
    began: 'Es begann',
    since: 'seitdem ist kein Versuch gelungen.',
    willDisable: 'Er wird deaktiviert',
    unlessSuccess: 'wenn bis dahin kein Versuch gelingt.',
    disabled: {
      manual: 'Von Hand deaktiviert',
      gone: 'Deaktiviert, weil der Empfänger mit 410 (weg) geantwortet hat',
      failing: 'Deaktiviert, weil tagelang kein Versuch gelang',
      unknown: 'Deaktiviert',
    },
    holding: (n: number | null) =>
      n === 0
        ? 'Noch ist nichts angehalten. Ereignisse werden von jetzt an angehalten, bis er aktiviert wird.'
        : `${n === null ? 'Mehr als 10.000 Zustellungen sind' : `${deliveryCount(n)} ${n === 1 ? 'ist' : 'sind'}`} angehalten, und die neuer Ereignisse werden es auch.`,
    paused: 'Der Empfänger bat um eine Pause (Retry-After). Nichts wird gesendet',
    pausedUntil: 'vor',
    resumes: 'jetzt',
    nextSecret: 'Ein neues Secret gilt',
  },
  retryPending: (n: number) => `${count(n, 'ausstehende Zustellung', 'ausstehende Zustellungen')} jetzt wiederholen`,
  retryPendingTitle: 'Ausstehende wiederholen',
  retryPendingText: (n: number) =>
    `Der nächste Versuch von ${n === 1 ? '1 Zustellung' : `${formatNumber(n)} Zustellungen`} beginnt jetzt, nicht erst, wenn er fällig ist. Ein Versuch, der scheitert, zählt zu denen, die der Plan erlaubt.`,
  retried: (n: number) => `${deliveryCount(n)} ${n === 1 ? 'wird' : 'werden'} gesendet.`,
  figures: {
    delivered: 'Zugestellt',
    deliveredNote: (n: number) =>
      n === 0 ? 'in diesem Zeitraum endete nichts' : `von ${formatNumber(n)} beendeten Zustellungen`,
    failed: 'Gescheiterte Versuche',
    failedNote: (failed: number, all: number) => `${formatNumber(failed)} von ${formatNumber(all)}`,
    latency: 'Antwortzeit, p50',
    latencyNote: (p95: string) => `p95 ${p95}`,
    noLatency: 'kein Versuch erreichte den Empfänger',
    waiting: 'Ausstehend',
    held: (n: number) => `${formatNumber(n)} angehalten`,
    noneHeld: 'keine angehalten',
    tooMany: 'mehr als 10.000',
  },
  charts: {
    attempts: 'Versuche nach Antwort',
    latency: 'Antwortzeiten',
    series: { '2xx': '2xx', '3xx': '3xx', '4xx': '4xx', '5xx': '5xx', other: 'Andere', none: 'Keine Antwort' },
    p50: 'p50',
    p95: 'p95',
    nothing: 'Keine Versuche in diesem Zeitraum.',
  },
  latest: 'Neueste Zustellungen',
  allDeliveries: 'Alle Zustellungen',
  noDeliveries: 'Keine Zustellungen in diesem Zeitraum',
  noDeliveriesText: 'Sobald ein Ereignis eintritt, das dieser Endpunkt haben will, erscheint hier seine Zustellung.',
  test: {
    action: 'Testereignis senden',
    title: 'Ein Testereignis senden',
    type: 'Ereignistyp',
    text: 'Das Beispiel des Typs wird mit dem Header X-Posthorn-Test: true gesendet, auch wenn der Endpunkt den Typ nicht haben will.',
    send: 'Senden',
    again: 'Noch eines senden',
    disabled: 'Der Endpunkt ist deaktiviert, ein Test würde angehalten. Aktivieren Sie ihn zuerst.',
    waiting: 'Gesendet. Warten auf die Antwort …',
    arrived: (status: number, took: string) => `Zugestellt: Der Empfänger antwortete mit ${status} in ${took}.`,
    failed: (why: string) => `Nicht zugestellt: ${why}.`,
    retrying: 'Es wird nach Plan erneut gesendet.',
    open: 'Zustellung öffnen',
    response: 'Antwort',
    noTypes: 'Es gibt noch keinen Ereignistyp zum Senden.',
  },
  disable: {
    action: 'Deaktivieren',
    title: 'Diesen Endpunkt deaktivieren',
    confirm: (pending: number | null) =>
      pending === 0
        ? 'Endpunkt deaktivieren'
        : `Deaktivieren und ${pending === null ? 'alle ausstehenden Zustellungen' : deliveryCount(pending)} anhalten`,
    text: 'Der Empfänger bekommt nichts mehr. Ausstehende Zustellungen werden angehalten, ebenso die künftiger Ereignisse, bis jemand den Endpunkt aktiviert. Kein Ereignis geht verloren.',
    done: 'Der Endpunkt ist deaktiviert.',
  },
  enable: {
    action: 'Aktivieren',
    title: 'Diesen Endpunkt aktivieren',
    none: 'Nichts ist angehalten. Der Empfänger bekommt von jetzt an jedes passende Ereignis.',
    text: (n: number | null) =>
      `${n === null ? 'Mehr als 10.000 Zustellungen sind' : `${deliveryCount(n)} ${n === 1 ? 'ist' : 'sind'}`} angehalten. Senden Sie sie jetzt, älteste zuerst, oder brechen Sie sie ab: Der Empfänger bekommt diese Ereignisse dann nie, außer durch ein Replay.`,
    plain: 'Endpunkt aktivieren',
    release: (n: number | null) => `Aktivieren und ${held(n)} senden`,
    cancel: (n: number | null) => `Aktivieren und ${held(n)} abbrechen`,
    counting: 'Angehaltene werden gezählt …',
    done: 'Der Endpunkt ist aktiviert.',
    doneReleased: (n: number | null) =>
      `Der Endpunkt ist aktiviert; ${held(n)} ${n === 1 ? 'wird' : 'werden'} gesendet.`,
    doneCancelled: (n: number | null) =>
      `Der Endpunkt ist aktiviert; ${held(n)} ${n === 1 ? 'wurde' : 'wurden'} abgebrochen.`,
  },
  delete: {
    action: 'Löschen …',
    title: (name: string) => `„${name}“ löschen`,
    confirm: (n: number | null) =>
      n === 0
        ? 'Endpunkt löschen'
        : `Löschen und ${n === null ? 'alle offenen Zustellungen' : deliveryCount(n)} abbrechen`,
    text: (n: number | null, _tenant: string) =>
      n === 0
        ? 'An diese URL werden keine Ereignisse mehr gesendet. Nichts steht aus. Das lässt sich nicht rückgängig machen.'
        : `An diese URL werden keine Ereignisse mehr gesendet, und ${n === null ? 'mehr als 10.000 offene Zustellungen werden' : `${count(n, 'offene Zustellung wird', 'offene Zustellungen werden')}`} nie gesendet. Das lässt sich nicht rückgängig machen.`,
    instead: 'Um nur eine Weile zu unterbrechen und nichts zu verlieren, deaktivieren Sie ihn.',
    done: 'Der Endpunkt ist gelöscht.',
  },
  replay: {
    action: 'Replay …',
    title: 'Frühere Ereignisse erneut senden',
    since: 'Ereignisse, veröffentlicht seit',
    to: 'bis',
    now: 'jetzt',
    starts: {
      failing: 'kurz vor Beginn der Störung',
      hour: 'vor 1 Stunde',
      day: 'vor 24 Stunden',
      week: 'vor 7 Tagen',
      own: 'ein eigener Zeitpunkt',
    },
    own: 'Zeit',
    which: 'Welche davon',
    states: {
      exhausted: 'Gescheitert: Alle Versuche sind aufgebraucht',
      cancelled: 'Abgebrochen',
      delivered: 'Zugestellt: Der Empfänger bekommt sie noch einmal',
      missing: 'Nie gesendet: veröffentlicht, bevor der Endpunkt sie haben wollte',
    },
    help: 'Jedes wird zu einer neuen Zustellung mit derselben Webhook-ID, sodass ein Empfänger erkennt, was er schon hat. Neue Ereignisse gehen vor.',
    counting: 'Wird gezählt …',
    count: (n: number | null) =>
      n === null
        ? 'Erneut senden (zu viele zum Zählen)'
        : n === 0
          ? 'Nichts erneut zu senden'
          : `${eventCount(n)} erneut senden`,
    nothingChosen: 'Wählen Sie mindestens eines.',
    started: (n: number | null) =>
      n === null
        ? 'Das Replay hat begonnen.'
        : `Das Replay von ${n === 1 ? '1 Ereignis' : `${formatNumber(n)} Ereignissen`} hat begonnen.`,
    progress: (ended: number, all: number | null) =>
      all === null
        ? `${deliveryCount(ended)} bisher beendet`
        : `${formatNumber(ended)} von ${formatNumber(all)} Zustellungen beendet`,
    running: 'Replay läuft',
    isPaused: 'Replay pausiert',
    isMade: 'Replay: Alle Zustellungen sind erstellt',
    isDone: 'Replay beendet',
    pause: 'Pausieren',
    resume: 'Fortsetzen',
    cancel: 'Replay abbrechen',
    cancelTitle: 'Dieses Replay abbrechen',
    cancelText: (made: number) =>
      `Es werden keine weiteren Zustellungen erstellt; ausstehende und angehaltene werden abgebrochen. ${deliveryCount(made)} ${made === 1 ? 'wurde' : 'wurden'} bisher erstellt. Das lässt sich nicht rückgängig machen.`,
    cancelled: 'Das Replay ist abgebrochen.',
    open: 'Replay ansehen',
  },
}
