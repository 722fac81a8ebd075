export const menders = {
  receiver: 'Für die Entwickler des Empfängers',
  tenant: 'Für alle, die den Endpunkt verwalten',
  operator: 'Für Ihren Anbieter',
  posthorn: 'Ein Fehler bei Ihrem Anbieter',
}

export const attemptErrors = {
  dns_failed: {
    short: 'Hostname nicht gefunden',
    means: 'Der Hostname hat keine Adresse, oder kein Nameserver hat rechtzeitig geantwortet.',
    mend: 'Berichtigen Sie den Hostnamen in der URL oder seine DNS-Einträge.',
  },
  target_refused: {
    short: 'Adresse nicht öffentlich',
    means: 'Der Hostname führt zu einer Adresse, die nicht öffentlich ist; dorthin wird nichts gesendet.',
    mend: 'Lassen Sie den Hostnamen auf eine öffentliche Adresse zeigen.',
  },
  proxy_failed: {
    short: 'Proxy gestört',
    means: 'Der Proxy, über den gesendet wird, ist nicht erreichbar oder hat die Verbindung abgelehnt.',
    mend: 'Prüfen Sie den Proxy und sein Protokoll.',
  },
  connect_refused: {
    short: 'Verbindung abgelehnt',
    means: 'An Adresse und Port des Empfängers nimmt nichts Verbindungen an.',
    mend: 'Starten Sie den Empfänger, oder öffnen Sie den Port.',
  },
  connect_timeout: {
    short: 'Zeitüberschreitung beim Verbinden',
    means: 'Der Empfänger hat binnen 5 Sekunden keine Verbindung angenommen, TLS eingeschlossen.',
    mend: 'Prüfen Sie Firewall und Last, und lassen Sie die Ausgangsadressen zu.',
  },
  connect_failed: {
    short: 'Verbindung gescheitert',
    means: 'Es kam keine Verbindung zustande: Vielleicht führt kein Weg zum Empfänger.',
    mend: 'Prüfen Sie das Netz des Empfängers.',
  },
  tls_failed: {
    short: 'TLS gescheitert',
    means: 'Zertifikat oder TLS-Einstellungen des Empfängers wurden nicht angenommen.',
    mend: 'Erneuern oder berichtigen Sie das Zertifikat, und bieten Sie TLS 1.2 oder neuer an.',
  },
  connection_reset: {
    short: 'Verbindung zu früh geschlossen',
    means: 'Der Empfänger hat die Verbindung geschlossen, bevor er antwortete.',
    mend: 'Suchen Sie diese Anfrage im Protokoll des Empfängers.',
  },
  response_timeout: {
    short: 'keine Antwort in der Zeit',
    means: 'Der Empfänger hat die Anfrage angenommen, aber nicht rechtzeitig einen Status gesendet.',
    mend: 'Antworten Sie zuerst, und verarbeiten Sie danach.',
  },
  response_malformed: {
    short: 'Antwort ist kein HTTP',
    means: 'Was zurückkam, ist keine HTTP-Antwort.',
    mend: 'Prüfen Sie, ob die URL den richtigen Port hat.',
  },
  response_too_large: {
    short: 'Kopf der Antwort zu groß',
    means: 'Der Kopf der Antwort ist größer, als ein Empfänger ihn braucht.',
    mend: 'Senden Sie weniger oder kürzere Header.',
  },
  http_redirect: {
    short: 'weitergeleitet',
    means: 'Der Empfänger antwortete mit einer Weiterleitung; ihr wird nie gefolgt.',
    mend: 'Registrieren Sie die URL, zu der sie führt.',
  },
  http_gone: {
    short: 'endgültig weg',
    means: 'Der Empfänger antwortete mit 410, deshalb wurde der Endpunkt deaktiviert.',
    mend: 'Aktivieren Sie den Endpunkt, wenn der Empfänger wieder da ist.',
  },
  http_client_error: {
    short: 'vom Empfänger abgelehnt',
    means: 'Der Empfänger hat die Anfrage abgelehnt.',
    mend: 'Lesen Sie die Antwort. Nach 401 oder 403 vergleichen Sie das Secret auf beiden Seiten.',
  },
  http_server_error: {
    short: 'Fehler des Empfängers',
    means: 'Der Empfänger hat selbst einen Fehler.',
    mend: 'Suchen Sie diese Anfrage im Protokoll des Empfängers.',
  },
  http_unexpected: {
    short: 'unbekannter Status',
    means: 'Der Empfänger antwortete mit einem Status, den HTTP nicht kennt.',
    mend: 'Suchen Sie diese Anfrage im Protokoll des Empfängers.',
  },
  secret_unreadable: {
    short: 'Secret nicht lesbar',
    means: 'Das gespeicherte Secret lässt sich nicht entschlüsseln, deshalb wurde nichts gesendet.',
    mend: 'Setzen Sie das Secret des Endpunkts neu.',
  },
  token_unavailable: {
    short: 'kein OAuth-Token',
    means: 'Der Token-Server gab kein Token, deshalb wurde nichts gesendet.',
    mend: 'Prüfen Sie die OAuth-Einstellungen des Endpunkts: URL, Client und Scope.',
  },
  no_listener: {
    short: 'niemand hörte zu',
    means: 'Niemand, der an diesem Endpunkt zuhörte, hat rechtzeitig geantwortet.',
    mend: 'Hören Sie wieder zu. Verpasstes wird dann gesendet.',
  },
  internal: {
    short: 'Fehler des Servers',
    means: 'Der Server ist gescheitert, bevor die Anfrage gesendet werden konnte.',
    mend: 'Melden Sie es Ihrem Anbieter.',
  },
}

/** Of an error that a newer server has. */
export const otherError = {
  means: (error: string) => `Der Versuch ist gescheitert (${error}).`,
  mend: 'Sehen Sie den Versuch an.',
}
