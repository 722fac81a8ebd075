import type { Endpoint, UpdateEndpointBody } from '@posthorn/client'
import { Button, IconButton } from '../../../kit/button.tsx'
import { Checkbox } from '../../../kit/choices.tsx'
import { TextField } from '../../../kit/field.tsx'
import { KeyValue } from '../../../kit/surfaces.tsx'
import { errorUnder, fieldError } from '../../../lib/errors.ts'
import { endpointChange as words } from '../../../strings/en/endpoint-change.ts'
import styles from '../one.module.css'
import { EditSection } from './edit-section.tsx'

type Props = { readonly endpoint: Endpoint }

/** A name and a value as they are typed. */
type Row = {
  readonly name: string
  readonly value: string
  /** Null if no one has said: then its name decides. */
  readonly isSecret: boolean | null
  /** The stored value is secret, and stays if none is typed. */
  readonly isKept: boolean
}

const EMPTY: Row = { name: '', value: '', isSecret: null, isKept: false }

/** Whether a header is taken for a secret by its name. The server's rule knows more names, and has the last word. */
const SECRET_NAME = /auth|credential|password|secret|session|signature|token|(?:^|[-_])(?:key|pin|pass|sig)(?:$|[-_])/i

function isSecret(row: Row): boolean {
  return row.isSecret ?? SECRET_NAME.test(row.name)
}

type RowsProps = {
  readonly rows: readonly Row[]
  readonly onChange: (rows: readonly Row[]) => void
  readonly labels: { readonly name: string; readonly value: string; readonly secret?: string; readonly kept?: string }
}

/** Names and values, one pair in a row. */
function Rows({ rows, onChange, labels }: RowsProps) {
  const set = (index: number, changes: Partial<Row>) =>
    onChange(rows.map((row, at) => (at === index ? { ...row, ...changes } : row)))
  return (
    <div className={styles.rows}>
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name while they are typed
        <div key={index} className={styles.rowFields}>
          <TextField
            hideLabel
            mono
            label={`${labels.name} ${index + 1}`}
            placeholder={labels.name}
            value={row.name}
            onChange={name => set(index, { name })}
          />
          <TextField
            hideLabel
            mono
            label={`${labels.value} ${index + 1}`}
            placeholder={row.isKept ? labels.kept : labels.value}
            type={labels.secret !== undefined && isSecret(row) ? 'password' : 'text'}
            autoComplete={labels.secret === undefined ? 'off' : 'new-password'}
            value={row.value}
            onChange={value => set(index, { value })}
          />
          {labels.secret !== undefined && (
            <Checkbox
              label={labels.secret}
              checked={isSecret(row)}
              onChange={next => set(index, { isSecret: next, isKept: row.isKept && next })}
            />
          )}
          <IconButton
            icon="cross"
            label={`${words.remove} ${row.name}`}
            onClick={() => onChange(rows.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div>
        <Button small icon="plus" onClick={() => onChange([...rows, EMPTY])}>
          {words.add}
        </Button>
      </div>
    </div>
  )
}

export function Headers({ endpoint }: Props) {
  const { headers: texts } = words
  const headers = Object.entries(endpoint.headers)
  return (
    <EditSection
      endpoint={endpoint}
      isSecret
      title={texts.title}
      help={texts.help}
      fields={['headers']}
      view={
        headers.length === 0 ? (
          <p className={styles.muted}>{words.none}</p>
        ) : (
          <KeyValue
            facts={headers.map(([name, header]) => [
              name,
              typeof header === 'string' ? (
                <code key={name}>{header}</code>
              ) : 'value' in header ? (
                <code key={name}>{header.value}</code>
              ) : (
                <span key={name} className={styles.muted}>
                  {texts.hidden}
                </span>
              ),
            ])}
          />
        )
      }
      start={() => ({ rows: headers.map(([name, header]) => rowOf(name, header)) as readonly Row[] })}
      body={({ rows }): UpdateEndpointBody => ({
        headers: Object.fromEntries(
          rows.filter(({ name }) => name.trim() !== '').map(row => [row.name.trim(), headerOf(row)]),
        ),
      })}
      form={({ rows }, set, error) => (
        <>
          <Rows rows={rows} onChange={next => set({ rows: next })} labels={texts} />
          <p role="alert" className={styles.error}>
            {errorUnder(error, 'headers')}
          </p>
        </>
      )}
    />
  )
}

/** What is sent of a header. What no one has called secret or not is left to the server to judge by its name. */
function headerOf(row: Row): string | { value?: string; secret: boolean } {
  if (row.isKept && row.value === '') return { secret: true }
  if (isSecret(row)) return { value: row.value, secret: true }
  return row.isSecret === null ? row.value : { value: row.value, secret: false }
}

function rowOf(name: string, header: Endpoint['headers'][string]): Row {
  if (typeof header === 'string') return { ...EMPTY, name, value: header }
  if ('value' in header) return { ...EMPTY, name, value: header.value, isSecret: false }
  return { name, value: '', isSecret: true, isKept: true }
}

export function Labels({ endpoint }: Props) {
  const { metadata: texts } = words
  const labels = Object.entries(endpoint.metadata)
  return (
    <EditSection
      endpoint={endpoint}
      title={texts.title}
      help={texts.help}
      fields={['metadata']}
      view={
        labels.length === 0 ? (
          <p className={styles.muted}>{words.none}</p>
        ) : (
          <KeyValue facts={labels.map(([name, value]) => [name, <bdi key={name}>{value}</bdi>])} />
        )
      }
      start={() => ({ rows: labels.map(([name, value]) => ({ ...EMPTY, name, value })) as readonly Row[] })}
      body={({ rows }): UpdateEndpointBody => ({
        metadata: Object.fromEntries(
          rows.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]),
        ),
      })}
      form={({ rows }, set, error) => (
        <>
          <Rows rows={rows} onChange={next => set({ rows: next })} labels={texts} />
          <p role="alert" className={styles.error}>
            {errorUnder(error, 'metadata')}
          </p>
        </>
      )}
    />
  )
}

const STANDARD = { id: 'webhook-id', timestamp: 'webhook-timestamp', signature: 'webhook-signature' } as const
const PARTS = ['id', 'timestamp', 'signature'] as const

export function SignatureHeaders({ endpoint }: Props) {
  const { signatureHeaders: texts } = words
  const names = endpoint.signatureHeaders
  return (
    <EditSection
      endpoint={endpoint}
      title={texts.title}
      help={texts.help}
      fields={PARTS.map(part => `signatureHeaders/${part}`)}
      view={
        names === null ? (
          <p className={styles.muted}>{texts.standard}</p>
        ) : (
          <KeyValue facts={PARTS.map(part => [texts[part], <code key={part}>{names[part]}</code>])} />
        )
      }
      start={() => ({
        id: nameOf(names, 'id'),
        timestamp: nameOf(names, 'timestamp'),
        signature: nameOf(names, 'signature'),
      })}
      body={(draft): UpdateEndpointBody => {
        const given = PARTS.filter(part => draft[part].trim() !== '').map(part => [part, draft[part].trim()])
        return { signatureHeaders: given.length === 0 ? null : Object.fromEntries(given) }
      }}
      form={(draft, set, error) =>
        PARTS.map(part => (
          <TextField
            key={part}
            label={texts[part]}
            mono
            placeholder={STANDARD[part]}
            value={draft[part]}
            onChange={next => set({ [part]: next })}
            error={fieldError(error, `signatureHeaders/${part}`)}
          />
        ))
      }
    />
  )
}

/** The name of a header, if it isn't the standard's. */
function nameOf(names: Endpoint['signatureHeaders'], part: (typeof PARTS)[number]): string {
  const name = names?.[part] ?? STANDARD[part]
  return name === STANDARD[part] ? '' : name
}
