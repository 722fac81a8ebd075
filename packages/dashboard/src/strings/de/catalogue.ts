import { formatNumber } from '../../lib/format.ts'
import { count } from './common.ts'

const PLURALS: Readonly<Record<string, string>> = {
  string: 'Texten',
  number: 'Zahlen',
  integer: 'ganzen Zahlen',
  boolean: 'Wahrheitswerten',
  object: 'Objekten',
  array: 'Listen',
  null: 'null',
}

type Limits = readonly [min: number | undefined, max: number | undefined]

function amount([min, max]: Limits, one: string, many: string): string {
  const unit = (n: number) => count(n, one, many)
  if (min !== undefined && min === max) return `genau ${unit(min)}`
  if (min !== undefined && max !== undefined) return `${formatNumber(min)} bis ${unit(max)}`
  return min === undefined ? `höchstens ${unit(max ?? 0)}` : `mindestens ${unit(min)}`
}

export const catalogue = {
  payload: 'Inhalt',
  outline: 'Gliederung',
  jsonSchema: 'JSON Schema',
  view: 'Wie der Inhalt beschrieben ist',
  example: 'Beispiel',
  required: 'erforderlich',
  optional: 'freiwillig',
  deprecated: 'veraltet',
  anyValue: 'beliebiger Wert',
  anyOf: 'beliebigen Werten',
  never: 'nie vorhanden',
  or: 'oder',
  arrayOf: (items: string) => `Liste von ${items}`,
  plural: (type: string) => PLURALS[type] ?? type,
  eachItem: 'jeder Eintrag',
  item: (index: number) => `Eintrag ${index + 1}`,
  otherProperties: 'jeder andere Name',
  matching: 'passende Namen',
  variant: (number: number) => `Form ${number}`,
  oneOf: (n: number) => `Eine dieser ${n} Formen`,
  someOf: (n: number) => `Mindestens eine dieser ${n} Formen`,
  repeats: (name: string) =>
    name === '#' ? 'hat wieder die Form des ganzen Inhalts' : `hat wieder die Form von ${name}`,
  cut: 'Hier ist mehr, als eine Gliederung zeigen kann: siehe JSON Schema.',
  nothing: 'Das Schema sagt nichts über die Felder des Inhalts.',
  moreValues: (n: number) => `${formatNumber(n)} weitere`,
  unfold: (name: string) => `Zeigen, was in ${name} ist`,
  fold: (name: string) => `Verbergen, was in ${name} ist`,
  unfoldAll: 'Alles ausklappen',
  foldAll: 'Alles einklappen',
  wholePayload: 'der Inhalt',
  rules: {
    length: (limits: Limits) => amount(limits, 'Zeichen', 'Zeichen'),
    items: (limits: Limits) => amount(limits, 'Eintrag', 'Einträge'),
    members: (limits: Limits) => amount(limits, 'Feld', 'Felder'),
    unique: 'kein Eintrag doppelt',
    between: (min: string, max: string) => `${min} bis ${max}`,
    min: (value: string) => `${value} oder mehr`,
    max: (value: string) => `${value} oder weniger`,
    above: (value: string) => `mehr als ${value}`,
    below: (value: string) => `weniger als ${value}`,
    multiple: (value: string) => `ein Vielfaches von ${value}`,
    pattern: 'passt auf',
    encoding: (name: string) => `kodiert als ${name}`,
    media: (name: string) => `enthält ${name}`,
    standard: 'Standard',
    such: 'etwa',
    closed: 'keine anderen Felder',
    needs: (name: string, others: string) => `${name} nur zusammen mit ${others}`,
    contains: 'hat einen Eintrag, der erfüllt',
    names: 'Namen erfüllen',
    dependent: 'abhängig von Feldern',
    ifSo: 'wenn',
    thenSo: 'dann',
    otherwise: 'sonst',
    not: 'ist nicht',
  },
  receive: {
    title: 'Empfangen',
    lead: 'Ein vollständiger Empfänger, ohne Pakete. Kopieren Sie ihn, setzen Sie Ihr Secret, und machen Sie ihn sich zu eigen.',
    language: 'Sprache',
    does: [
      [
        'Prüft das Bearer-Token',
        'gegen Ihr clientSecret, in konstanter Zeit; zwei Secrets, während Sie eines ersetzen.',
      ],
      ['Prüft die Signatur', 'über ID, Zeit und die Bytes des Inhalts, wenn Sie ein Signatur-Secret setzen.'],
      ['Behält jedes Ereignis einmal', 'unter seiner webhook-id: Ein Ereignis kann mehrmals ankommen.'],
      ['Antwortet zuerst mit 204', 'und arbeitet danach. Alles außer 2xx wird später erneut gesendet.'],
    ] as const,
    run: 'Starten',
    signing: '# und SIGNING_SECRET=whsec_…, um Signaturen zu prüfen',
    secret: 'ein-langes-zufaelliges-secret',
    tryIt: 'Aus einem anderen Terminal ausprobieren, ohne Signatur-Secret',
    trySigned: 'Aus einem anderen Terminal ausprobieren, signiert wie eine echte Anfrage',
    csharpRun: 'dotnet new web -o receiver && cd receiver   # dann Program.cs ersetzen',
    tls: 'Gesendet wird nur an https://: Stellen Sie den Empfänger hinter Ihren Proxy oder Load Balancer.',
    library:
      'In JavaScript und TypeScript macht verify(request, secrets) aus @posthorn/client alle Prüfungen mit einem Aufruf, auf Node, Deno, Bun und am Edge.',
  },
}
