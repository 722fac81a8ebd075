import type { ReactNode } from 'react'
import { Button, IconButton } from '../../kit/button.tsx'
import { Checkbox, SegmentedControl } from '../../kit/choices.tsx'
import { TextArea, TextField } from '../../kit/field.tsx'
import { Icon } from '../../kit/icon.tsx'
import { register as words } from '../../strings/en/register.ts'
import type { HeaderDraft } from './draft.ts'
import type { Part } from './form.tsx'
import styles from './register.module.css'
import { Section } from './section.tsx'

const { more } = words

type Props = Part & { readonly isOpen: boolean; readonly onToggle: (isOpen: boolean) => void }

/** What few endpoints need. */
export function MoreOptions({ isOpen, onToggle, ...part }: Props) {
  return (
    <div className={styles.more}>
      <button
        type="button"
        className={styles.moreHead}
        aria-expanded={isOpen}
        aria-controls="more-options"
        onClick={() => onToggle(!isOpen)}
      >
        <Icon name={isOpen ? 'down' : 'right'} />
        <b>{more.title}</b>
        <span>{more.text}</span>
      </button>
      <div id="more-options" hidden={!isOpen}>
        {isOpen && (
          <>
            <OAuth {...part} />
            <Certificate {...part} />
            <Names {...part} />
            <Headers {...part} />
            <Pace {...part} />
          </>
        )}
      </div>
    </div>
  )
}

function Labelled({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className={styles.labelled}>
      <span className={styles.label} aria-hidden="true">
        {label}
      </span>
      {children}
    </div>
  )
}

function OAuth({ draft, change, errorAt }: Part) {
  const isOauth = draft.credentials === 'oauth'
  return (
    <Section title={more.oauthTitle} text={more.oauthText}>
      <Labelled label={more.credentials}>
        <SegmentedControl
          label={more.credentials}
          value={draft.credentials}
          options={[
            { value: 'secret', label: more.secret },
            { value: 'oauth', label: more.oauth },
          ]}
          onChange={credentials => change({ credentials })}
        />
      </Labelled>
      {isOauth && (
        <>
          <TextField
            label={more.tokenUrl}
            mono
            placeholder="https://"
            value={draft.tokenUrl}
            onChange={tokenUrl => change({ tokenUrl })}
            error={errorAt('oauth/tokenUrl')}
          />
          <div className={styles.two}>
            <TextField
              label={more.clientId}
              mono
              value={draft.clientId}
              onChange={clientId => change({ clientId })}
              error={errorAt('oauth/clientId')}
            />
            <TextField
              label={more.oauthSecret}
              type="password"
              mono
              autoComplete="off"
              value={draft.oauthSecret}
              onChange={oauthSecret => change({ oauthSecret })}
              error={errorAt('oauth/clientSecret')}
            />
          </div>
          <div className={styles.two}>
            <TextField
              label={more.scope}
              help={more.scopeHelp}
              mono
              value={draft.scope}
              onChange={scope => change({ scope })}
              error={errorAt('oauth/scope')}
            />
            <TextField
              label={more.audience}
              help={more.audienceHelp}
              mono
              value={draft.audience}
              onChange={audience => change({ audience })}
              error={errorAt('oauth/audience')}
            />
          </div>
          <Labelled label={more.credentialsIn}>
            <SegmentedControl
              label={more.credentialsIn}
              value={draft.credentialsIn}
              options={[
                { value: 'header', label: more.inHeader },
                { value: 'body', label: more.inBody },
              ]}
              onChange={credentialsIn => change({ credentialsIn })}
            />
          </Labelled>
        </>
      )}
    </Section>
  )
}

function Certificate({ draft, change, errorAt }: Part) {
  return (
    <Section title={more.certificateTitle} text={more.certificateText}>
      <TextArea
        label={more.certificate}
        mono
        rows={3}
        dir="ltr"
        placeholder="-----BEGIN CERTIFICATE-----"
        value={draft.certificate}
        onChange={certificate => change({ certificate })}
        error={errorAt('clientCertificate/certificate')}
      />
      <TextArea
        label={more.certificateKey}
        mono
        rows={3}
        dir="ltr"
        autoComplete="off"
        placeholder="-----BEGIN PRIVATE KEY-----"
        value={draft.certificateKey}
        onChange={certificateKey => change({ certificateKey })}
        error={errorAt('clientCertificate/key')}
      />
    </Section>
  )
}

function Names({ draft, change, errorAt }: Part) {
  return (
    <Section title={more.namesTitle} text={more.namesText}>
      <TextField
        label={more.uid}
        help={more.uidHelp}
        mono
        value={draft.uid}
        onChange={uid => change({ uid })}
        error={errorAt('uid')}
      />
      <TextField
        label={more.description}
        value={draft.description}
        onChange={description => change({ description })}
        error={errorAt('description')}
      />
    </Section>
  )
}

let nextHeader = 1

function Headers({ draft, change, errorAt }: Part) {
  const { headers } = draft
  const set = (id: number, changes: Partial<HeaderDraft>) =>
    change({ headers: headers.map(header => (header.id === id ? { ...header, ...changes } : header)) })
  return (
    <Section title={more.headersTitle} text={more.headersText}>
      {headers.map(({ id, name, value, isSecret }) => (
        <div key={id} className={styles.header}>
          <TextField
            label={more.headerName}
            mono
            autoFocus={name === '' && value === ''}
            value={name}
            onChange={next => set(id, { name: next })}
            error={errorAt(`headers/${id}`)}
          />
          <TextField
            label={more.headerValue}
            type={isSecret ? 'password' : 'text'}
            mono
            value={value}
            onChange={next => set(id, { value: next })}
          />
          <div className={styles.headerEnd}>
            <Checkbox
              label={more.headerSecret}
              checked={isSecret}
              onChange={checked => set(id, { isSecret: checked })}
            />
            <IconButton
              icon="cross"
              label={more.removeHeader(name)}
              onClick={() => change({ headers: headers.filter(header => header.id !== id) })}
            />
          </div>
        </div>
      ))}
      {errorAt('headers') !== null && <p className={styles.error}>{errorAt('headers')}</p>}
      <div>
        <Button
          icon="plus"
          onClick={() => change({ headers: [...headers, { id: nextHeader++, name: '', value: '', isSecret: false }] })}
        >
          {more.addHeader}
        </Button>
      </div>
    </Section>
  )
}

function Pace({ draft, change, errorAt }: Part) {
  return (
    <Section title={more.paceTitle} text={more.paceText}>
      <div className={styles.pace}>
        <TextField
          label={more.rate}
          inputMode="numeric"
          value={draft.rateRequests}
          onChange={rateRequests => change({ rateRequests })}
          error={errorAt('rateLimit')}
        />
        <TextField
          label={more.ratePeriod}
          inputMode="numeric"
          value={draft.rateSeconds}
          onChange={rateSeconds => change({ rateSeconds })}
        />
      </div>
      <div>
        <Checkbox label={more.ordered} checked={draft.ordered} onChange={ordered => change({ ordered })} />
        <p className={styles.help}>{more.orderedHelp}</p>
      </div>
      <TextField
        label={more.schedule}
        help={more.scheduleHelp}
        inputMode="numeric"
        value={draft.schedule}
        onChange={schedule => change({ schedule })}
        error={errorAt('schedule')}
      />
      <TextField
        label={more.timeout}
        help={more.timeoutHelp}
        inputMode="decimal"
        value={draft.timeout}
        onChange={timeout => change({ timeout })}
        error={errorAt('timeoutMs')}
      />
      <Labelled label={more.signature}>
        <SegmentedControl
          label={more.signature}
          value={draft.signatureVersion}
          options={[
            { value: 'v1', label: more.v1 },
            { value: 'v1a', label: more.v1a },
          ]}
          onChange={signatureVersion => change({ signatureVersion })}
        />
      </Labelled>
    </Section>
  )
}
