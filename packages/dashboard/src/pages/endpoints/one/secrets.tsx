import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { KeyValue } from '../../../kit/surfaces.tsx'
import { Time } from '../../../kit/time.tsx'
import { formatDay } from '../../../lib/format.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import styles from '../one.module.css'
import { Advice } from './advice.tsx'
import { Certificate } from './certificate.tsx'
import { Section } from './edit-section.tsx'
import { OAuthDialog } from './oauth-dialog.tsx'
import { ReplaceSecret } from './replace-secret.tsx'
import { SigningSecrets } from './signing.tsx'

type Props = { readonly endpoint: Endpoint }

/** Codes of the warnings about a bearer secret (C8), which have no member. */
const ABOUT_SECRET = [
  'secret_unreadable',
  'token_expired',
  'token_expires_soon',
  'token_expires_within_six_months_of_issue',
  'token_carries_access',
  'secret_short',
  'secret_shared_between_endpoints',
  'secret_for_several_types',
]

/** How the endpoint authenticates, and how its requests are signed. */
export function Secrets({ endpoint }: Props) {
  return (
    <div className={styles.sections}>
      <Bearer endpoint={endpoint} />
      <OAuth endpoint={endpoint} />
      <SigningSecrets endpoint={endpoint} />
      <Certificate endpoint={endpoint} />
    </div>
  )
}

function Bearer({ endpoint }: Props) {
  const { secretFingerprint, secretExpiresAt, nextSecret, oauth } = endpoint
  const { secret: words } = endpointChange
  const { canManageSecrets } = usePermissions()
  const [isOpen, setOpen] = useState(false)
  return (
    <Section
      title={words.title}
      help={words.help}
      {...(canManageSecrets && {
        actions: (
          <Button small icon="key" onClick={() => setOpen(true)}>
            {oauth === null ? words.replace : words.useSecret}
          </Button>
        ),
      })}
    >
      {oauth !== null ? (
        <p className={styles.muted}>{words.instead}</p>
      ) : (
        <KeyValue
          facts={[
            [
              words.fingerprint,
              secretFingerprint === null ? words.unreadable : <code key="fingerprint">{secretFingerprint}</code>,
            ],
            secretExpiresAt != null && [words.expires, <Until key="expires" at={secretExpiresAt} />],
            nextSecret !== null && [
              words.next,
              <span key="next">
                <code>{nextSecret.fingerprint}</code>, {words.from} <Time at={nextSecret.switchAt} as="clock" /> (
                <Time at={nextSecret.switchAt} />)
              </span>,
            ],
            nextSecret?.expiresAt != null && [words.nextExpires, <Until key="nextExpires" at={nextSecret.expiresAt} />],
          ]}
        />
      )}
      <Advice endpoint={endpoint} codes={ABOUT_SECRET} />
      {isOpen && <ReplaceSecret endpoint={endpoint} onClose={() => setOpen(false)} />}
    </Section>
  )
}

/** A day and how far it is: `22 Apr 2027, in 143 days`. */
function Until({ at }: { readonly at: string }) {
  return (
    <span>
      {formatDay(Date.parse(at))}, <Time at={at} />
    </span>
  )
}

function OAuth({ endpoint }: Props) {
  const { oauth } = endpoint
  const { oauth: words } = endpointChange
  const { canManageSecrets } = usePermissions()
  const [isOpen, setOpen] = useState(false)
  return (
    <Section
      title={words.title}
      help={words.help}
      {...(canManageSecrets && {
        actions: (
          <Button small onClick={() => setOpen(true)}>
            {oauth === null ? words.use : words.edit}
          </Button>
        ),
      })}
    >
      {oauth === null ? (
        <p className={styles.muted}>{words.unused}</p>
      ) : (
        <KeyValue
          facts={[
            [words.tokenUrl, <bdi key="url">{oauth.tokenUrl}</bdi>],
            [words.clientId, <bdi key="client">{oauth.clientId}</bdi>],
            oauth.scope !== null && [words.scope, <bdi key="scope">{oauth.scope}</bdi>],
            oauth.audience !== null && [words.audience, <bdi key="audience">{oauth.audience}</bdi>],
            oauth.resource !== null && [words.resource, <bdi key="resource">{oauth.resource.join(', ')}</bdi>],
            [words.credentialsIn, words.places[oauth.credentialsIn]],
          ]}
        />
      )}
      <Advice endpoint={endpoint} fields={['/oauth']} />
      {isOpen && <OAuthDialog endpoint={endpoint} onClose={() => setOpen(false)} />}
    </Section>
  )
}
