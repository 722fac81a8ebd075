import type { Endpoint, UpdateEndpointBody } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { catalogueQuery } from '../../../app/catalogue.ts'
import { Checkbox } from '../../../kit/choices.tsx'
import { CodeBlock } from '../../../kit/code.tsx'
import { Copy } from '../../../kit/copy.tsx'
import { TextArea, TextField } from '../../../kit/field.tsx'
import { KeyValue } from '../../../kit/surfaces.tsx'
import { Time } from '../../../kit/time.tsx'
import { TypesField } from '../../../kit/types-field.tsx'
import { errorUnder, fieldError } from '../../../lib/errors.ts'
import { formatDuration } from '../../../lib/format.ts'
import { common } from '../../../strings/en/common.ts'
import { endpointChange as words } from '../../../strings/en/endpoint-change.ts'
import { FilterField, parseFilter } from '../filter-field.tsx'
import styles from '../one.module.css'
import { UrlField } from '../url-field.tsx'
import { Advice } from './advice.tsx'
import { EditSection } from './edit-section.tsx'
import { Headers, Labels, SignatureHeaders } from './settings-rows.tsx'

type Props = { readonly endpoint: Endpoint }

/** What can be set about the endpoint, each part changed in its place. */
export function Settings({ endpoint }: Props) {
  return (
    <div className={styles.sections}>
      <Receiver endpoint={endpoint} />
      <Events endpoint={endpoint} />
      <Sending endpoint={endpoint} />
      <Headers endpoint={endpoint} />
      <Labels endpoint={endpoint} />
      <SignatureHeaders endpoint={endpoint} />
    </div>
  )
}

const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim())

function Receiver({ endpoint }: Props) {
  const { tenant, name, url, uid, description, createdAt, updatedAt } = endpoint
  const { receiver } = words
  return (
    <EditSection
      endpoint={endpoint}
      title={receiver.title}
      help={receiver.help}
      fields={['name', 'url', 'uid', 'description']}
      view={
        <>
          <KeyValue
            facts={[
              [receiver.name, name === null ? null : <bdi key="name">{name}</bdi>],
              [
                receiver.url,
                <span key="url" className={styles.url}>
                  <bdi>{url ?? common.listener}</bdi>
                  {url !== null && <Copy text={url} what={receiver.url} />}
                </span>,
              ],
              [receiver.uid, uid === null ? null : <code key="uid">{uid}</code>],
              [receiver.description, description === null ? null : <bdi key="text">{description}</bdi>],
              [receiver.created, <Time key="created" at={createdAt} />],
              [receiver.updated, <Time key="updated" at={updatedAt} />],
            ]}
          />
          <Advice endpoint={endpoint} fields={['/url']} />
        </>
      }
      start={() => ({ name: name ?? '', url: url ?? '', uid: uid ?? '', description: description ?? '' })}
      body={draft => ({
        name: orNull(draft.name),
        uid: orNull(draft.uid),
        description: orNull(draft.description),
        // What isn't changed isn't resolved and checked once more.
        ...(url !== null && draft.url.trim() !== url && { url: draft.url.trim() }),
      })}
      form={(draft, set, error) => (
        <>
          <TextField
            label={receiver.name}
            help={receiver.nameHelp}
            value={draft.name}
            maxLength={128}
            onChange={next => set({ name: next })}
            error={fieldError(error, 'name')}
          />
          {url !== null && (
            <UrlField
              tenant={tenant}
              value={draft.url}
              onChange={next => set({ url: next })}
              error={fieldError(error, 'url')}
            />
          )}
          <TextField
            label={receiver.uid}
            help={receiver.uidHelp}
            mono
            value={draft.uid}
            maxLength={128}
            onChange={next => set({ uid: next })}
            error={fieldError(error, 'uid')}
          />
          <TextArea
            label={receiver.description}
            rows={3}
            value={draft.description}
            maxLength={1_024}
            onChange={next => set({ description: next })}
            error={fieldError(error, 'description')}
          />
        </>
      )}
    />
  )
}

function Events({ endpoint }: Props) {
  const { tenant, types, filter } = endpoint
  const { events } = words
  const catalogue = useQuery(catalogueQuery)
  return (
    <EditSection
      endpoint={endpoint}
      title={events.title}
      help={events.help}
      fields={['types', 'filter']}
      view={
        <>
          <KeyValue
            facts={[
              [
                events.types,
                types === null ? (
                  events.all
                ) : (
                  <ul key="types" className={styles.types}>
                    {types.map(type => (
                      <li key={type}>
                        <code>{type}</code>
                      </li>
                    ))}
                  </ul>
                ),
              ],
              [
                events.filter,
                filter === null ? (
                  events.noFilter
                ) : (
                  <CodeBlock key="filter" code={JSON.stringify(filter, null, 2)} label={events.filter} />
                ),
              ],
            ]}
          />
          <Advice endpoint={endpoint} fields={['/types', '/filter']} />
        </>
      }
      start={() => ({
        types: types as readonly string[] | null,
        filter: filter ? JSON.stringify(filter, null, 2) : '',
      })}
      body={draft => eventsBody(draft)}
      form={(draft, set, error) => (
        <>
          <TypesField
            catalogue={catalogue.data ?? []}
            value={draft.types}
            onChange={next => set({ types: next })}
            error={errorUnder(error, 'types')}
          />
          <FilterField
            tenant={tenant}
            types={draft.types}
            value={draft.filter}
            onChange={next => set({ filter: next })}
            error={errorUnder(error, 'filter')}
          />
        </>
      )}
    />
  )
}

function eventsBody(draft: { types: readonly string[] | null; filter: string }): UpdateEndpointBody | null {
  const filter = parseFilter(draft.filter)
  if (filter.error !== null || draft.types?.length === 0) return null
  return { types: draft.types, filter: filter.value }
}

function Sending({ endpoint }: Props) {
  const { timeoutMs, rateLimit, ordered } = endpoint
  const { sending } = words
  return (
    <EditSection
      endpoint={endpoint}
      title={sending.title}
      help={sending.help}
      fields={['timeoutMs', 'rateLimit']}
      view={
        <KeyValue
          facts={[
            [sending.timeout, timeoutMs === null ? words.standard : formatDuration(timeoutMs)],
            [
              sending.rate,
              rateLimit === null
                ? sending.noRate
                : sending.ratePer(rateLimit.requests, formatDuration(rateLimit.perSeconds * 1_000)),
            ],
            [sending.ordered, ordered ? sending.inOrder : sending.notInOrder],
          ]}
        />
      }
      start={() => ({
        timeout: timeoutMs === null ? '' : String(timeoutMs / 1_000),
        requests: rateLimit === null ? '' : String(rateLimit.requests),
        per: rateLimit === null ? '' : String(rateLimit.perSeconds),
        ordered,
      })}
      body={sendingBody}
      form={(draft, set, error) => (
        <>
          <TextField
            label={sending.timeoutField}
            help={sending.timeoutHelp}
            inputMode="decimal"
            value={draft.timeout}
            onChange={next => set({ timeout: next })}
            error={numberError(draft.timeout) ?? fieldError(error, 'timeoutMs')}
          />
          <div className={styles.two}>
            <TextField
              label={sending.requests}
              help={sending.rateHelp}
              inputMode="numeric"
              value={draft.requests}
              onChange={next => set({ requests: next })}
              error={numberError(draft.requests) ?? errorUnder(error, 'rateLimit')}
            />
            <TextField
              label={sending.perSeconds}
              inputMode="numeric"
              value={draft.per}
              onChange={next => set({ per: next })}
              error={
                numberError(draft.per) ?? ((draft.requests === '') === (draft.per === '') ? null : sending.rateBoth)
              }
            />
          </div>
          <div>
            <Checkbox label={sending.orderedField} checked={draft.ordered} onChange={next => set({ ordered: next })} />
            <p className={styles.small}>{sending.orderedHelp}</p>
          </div>
        </>
      )}
    />
  )
}

function numberError(text: string): string | null {
  return text.trim() === '' || Number.isFinite(Number(text)) ? null : words.sending.number
}

type SendingDraft = { timeout: string; requests: string; per: string; ordered: boolean }

function sendingBody({ timeout, requests, per, ordered }: SendingDraft): UpdateEndpointBody | null {
  const isWrong = [timeout, requests, per].some(text => numberError(text) !== null)
  if (isWrong || (requests.trim() === '') !== (per.trim() === '')) return null
  return {
    timeoutMs: timeout.trim() === '' ? null : Math.round(Number(timeout) * 1_000),
    rateLimit: requests.trim() === '' ? null : { requests: Number(requests), perSeconds: Number(per) },
    ordered,
  }
}
