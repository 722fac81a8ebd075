import type { Phrases } from './phrases.ts'

const LOOK = 'Suchen Sie die Anfrage im Log Ihres Servers.'
const WHAT = { clientSecret: 'OAuth-Client-Secret', clientCertificate: 'Client-Zertifikat' } as const
const since = (now: string): string => (now === 'deleted' ? ' und wurde seither gelöscht' : '')

export const de: Phrases = {
  locale: 'de-DE',
  and: { unknownTime: 'unbekannte Zeit', of: tenant => ` von ${tenant}` },
  ago: { days: n => `vor ${n} Tagen`, hours: n => `vor ${n} Stunden`, minutes: n => `vor ${n} Minuten` },
  subjects: {
    failing: (name, now) => `${now === 'over' ? 'Wieder in Ordnung' : 'Gestört'}: ${name}`,
    disabled: name => `Deaktiviert: ${name}`,
    expiring: (what, name) => `Läuft bald ab: ${WHAT[what]} von ${name}`,
    exhausted: (deliveries, name) => `Aufgegeben: ${deliveries} an ${name}`,
    nodeLost: node => `Ausgefallen: Knoten ${node}`,
    many: n => `${n} Hinweise zu Webhooks`,
  },
  titles: {
    failing: (name, now) =>
      `Der Endpunkt ${name} ${now === 'over' ? 'war gestört und funktioniert wieder' : `ist gestört${since(now)}`}`,
    disabled: (name, now) =>
      `Der Endpunkt ${name} wurde deaktiviert${now === 'over' ? ' und ist wieder aktiviert' : since(now)}`,
    expiring: (what, name, now) => `Das ${WHAT[what]} des Endpunkts ${name} läuft bald ab${since(now)}`,
    exhausted: (n, deliveries, name, now) =>
      `${deliveries} an den Endpunkt ${name} ${n === 1 ? 'hat' : 'haben'} alle Versuche verbraucht${now === 'deleted' ? '; er wurde seither gelöscht' : ''}`,
    nodeLost: node => `Der Knoten ${node} antwortet nicht mehr`,
  },
  endpoint: id => `Endpunkt ${id}`,
  deliveries: (n, text) => (n === 1 ? '1 Zustellung' : `${text} Zustellungen`),
  labels: {
    failingSince: 'Gestört seit',
    since: 'Seit',
    why: 'Warum',
    next: 'Danach',
    expires: 'Läuft ab',
    when: 'Wann',
    noticed: 'Bemerkt',
    howOften: 'Wie oft',
    endpoint: 'Endpunkt',
    lastResponse: 'Letzte Antwort',
    noResponse: 'Keine Antwort',
  },
  disablesAt: time => `Er wird am ${time} deaktiviert, wenn bis dahin kein Versuch gelingt.`,
  times: (n, from) => `${n}-mal seit ${from}`,
  period: (from, to) => `${from} bis ${to}`,
  reasons: {
    manual: 'Von Hand oder durch einen Aufruf',
    gone: 'Sein Server hat mit 410 Gone geantwortet',
    failing: 'Alle Versuche waren tagelang gescheitert',
  },
  advice: {
    enable: 'Seine Ereignisse werden angehalten. Aktivieren Sie ihn, damit sie gesendet werden.',
    enableOnceMended:
      'Seine Ereignisse werden angehalten. Aktivieren Sie ihn, sobald sein Server wieder läuft, damit sie gesendet werden.',
    replace: 'Ersetzen Sie es vorher: Mit einem abgelaufenen kann nichts gesendet werden.',
    retry: 'Wiederholen Sie sie: Von selbst werden sie nicht noch einmal gesendet.',
    retryOnceMended: 'Wiederholen Sie sie danach: Von selbst werden sie nicht noch einmal gesendet.',
    node: 'Andere Knoten senden für seine Endpunkte. Sehen Sie sich seine Maschine und sein Log an.',
    forDevelopers: mend => `Für die Entwickler des Empfängers: ${mend}`,
  },
  causes: {
    dns_failed: {
      short: 'Hostname nicht gefunden',
      mend: 'Berichtigen Sie den Hostnamen in der URL oder seine DNS-Einträge.',
    },
    target_refused: {
      short: 'die Adresse ist nicht öffentlich',
      mend: 'Lassen Sie den Hostnamen auf eine öffentliche Adresse zeigen.',
    },
    proxy_failed: { short: 'der Proxy dazwischen ist ausgefallen', mend: 'Ihr Anbieter muss seinen Proxy prüfen.' },
    connect_refused: { short: 'Verbindung abgelehnt', mend: 'Starten Sie Ihren Server, oder öffnen Sie seinen Port.' },
    connect_timeout: {
      short: 'Zeitüberschreitung beim Verbinden',
      mend: 'Prüfen Sie die Firewall und die Last Ihres Servers.',
    },
    connect_failed: { short: 'keine Verbindung möglich', mend: 'Prüfen Sie das Netz Ihres Servers.' },
    tls_failed: {
      short: 'TLS-Zertifikat oder -Einstellungen nicht angenommen',
      mend: 'Erneuern oder berichtigen Sie das Zertifikat.',
    },
    connection_reset: { short: 'Verbindung vor der Antwort geschlossen', mend: LOOK },
    response_timeout: {
      short: 'nicht rechtzeitig',
      mend: 'Antworten Sie zuerst, und verarbeiten Sie das Ereignis danach.',
    },
    response_malformed: { short: 'die Antwort ist kein HTTP', mend: 'Prüfen Sie, ob der Port in der URL stimmt.' },
    response_too_large: {
      short: 'die Header der Antwort sind zu groß',
      mend: 'Senden Sie weniger oder kürzere Header.',
    },
    http_redirect: {
      short: 'eine Weiterleitung, der nicht gefolgt wird',
      mend: 'Registrieren Sie die URL, zu der sie führt.',
    },
    http_gone: { short: 'weg', mend: 'Aktivieren Sie den Endpunkt, wenn Ihr Server wieder da ist.' },
    http_client_error: {
      short: 'Ihr Server hat die Anfrage abgelehnt',
      mend: 'Prüfen Sie, ob die URL stimmt. Nach 401 oder 403: Vergleichen Sie das Secret an beiden Enden.',
    },
    http_server_error: { short: 'Fehler Ihres Servers', mend: LOOK },
    http_unexpected: { short: 'ein Status, den HTTP nicht kennt', mend: LOOK },
    secret_unreadable: {
      short: 'das gespeicherte Secret ist nicht lesbar',
      mend: 'Setzen Sie das Secret des Endpunkts neu.',
    },
    token_unavailable: { short: 'kein OAuth-Token', mend: 'Prüfen Sie die OAuth-Einstellungen des Endpunkts.' },
    no_listener: {
      short: 'niemand hat zugehört',
      mend: 'Hören Sie wieder zu: Verpasstes wird dann gesendet.',
    },
    internal: { short: 'ein Fehler des Absenders', mend: 'Ihr Anbieter muss in das Log seines Servers sehen.' },
  },
  links: {
    endpoint: 'Zum Endpunkt',
    deliveries: 'Zu den Zustellungen',
    nodes: 'Zu den Knoten',
    confirm: 'Bestätigen',
    refuse: 'Ablehnen',
    manage: 'Ändern, worüber berichtet wird',
    unsubscribe: 'Abmelden',
  },
  about: tenant => (tenant === null ? 'alle Webhooks dieser Posthorn-Installation' : `die Webhooks von ${tenant}`),
  confirmation: {
    subject: about => `Bitte bestätigen: Benachrichtigungen über ${about}`,
    intro: (about, isMail) => [
      `Jemand hat um Benachrichtigungen über ${about} ${isMail ? 'an diese Adresse' : 'in diesem Kanal'} gebeten: wenn ein Endpunkt gestört oder deaktiviert ist oder ein Secret abläuft.`,
      'Sind Sie einverstanden? Vorher wird nichts gesendet.',
    ],
    outro: (until, isMail) =>
      `Der Link gilt bis ${until}. Wenn Sie das nicht erwartet haben, beachten Sie es nicht, oder lehnen Sie ab: Dann wird ${isMail ? 'diese Adresse' : 'dieser Kanal'} nicht mehr gefragt.`,
    why: isMail =>
      `Einmal gesendet, weil jemand ${isMail ? 'diese Adresse' : 'die URL dieses Webhooks'} eingegeben hat.`,
  },
  test: {
    subject: about => `Test: Benachrichtigungen über ${about}`,
    intro: 'Das ist ein Test, und er ist angekommen. Es gibt nichts zu tun.',
    outro: about => `Benachrichtigungen über ${about} kommen hier an.`,
  },
  intro: (n, about) => `${n} Hinweise über ${about}:`,
  more: n => `Und ${n} weitere.`,
  why: about => `Sie bekommen das, weil Benachrichtigungen über ${about} hier bestätigt wurden.`,
}
