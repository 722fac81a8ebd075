import type { EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { catalogueQuery } from '../../app/catalogue.ts'
import { Receive } from '../../catalogue/receive.tsx'
import type { LanguageId } from '../../catalogue/receiver-code.ts'
import { Select } from '../../kit/choices.tsx'
import { TextField } from '../../kit/field.tsx'
import { firstSteps } from '../../strings/en/first-steps.ts'
import { typesFor } from '../listen/test-event.tsx'
import styles from './first-steps.module.css'

const words = firstSteps.verify

/** What the receivers take: one secret, or two while one is replaced. */
const WHOLE = /^whsec_[A-Za-z0-9+/]{32,}={0,2}(?:,whsec_[A-Za-z0-9+/]{32,}={0,2})*$/

/** Code that verifies, in the language chosen. The secrets stay in the page, and are gone with it. */
export function Verify() {
  const { data } = useQuery(catalogueQuery)
  const [chosen, setChosen] = useState<string | null>(null)
  const [language, setLanguage] = useState<LanguageId>('javascript')
  const [token, setToken] = useState('')
  const [signing, setSigning] = useState('')
  if (data === undefined) return null
  const types: readonly EventType[] = typesFor(data, null)
  const type = types.find(({ name }) => name === chosen) ?? types[0]
  if (type === undefined) return <p className={styles.muted}>{words.noTypes}</p>
  return (
    <>
      <p className={styles.muted}>{words.onlyYou}</p>
      <div className={styles.fields}>
        {types.length > 1 && (
          <Select
            label={words.type}
            value={type.name}
            options={types.map(({ name }) => ({ value: name, label: name }))}
            onChange={setChosen}
          />
        )}
        <Secret label={words.token} value={token} onChange={setToken} />
        <Secret
          label={words.signing}
          value={signing}
          error={signing === '' || WHOLE.test(signing) ? null : words.notWhole}
          onChange={setSigning}
        />
      </div>
      <p className={styles.muted}>{words.secretHelp}</p>
      <Receive type={type} language={language} onLanguage={setLanguage} secrets={{ token, signing }} />
    </>
  )
}

type SecretProps = {
  readonly label: string
  readonly error?: string | null
  readonly value: string
  readonly onChange: (value: string) => void
}

/** Hidden as it is pasted, and not kept by password managers: it belongs to the receiver. */
function Secret({ label, error = null, value, onChange }: SecretProps) {
  return (
    <TextField
      label={label}
      error={error}
      value={value}
      onChange={text => onChange(text.trim())}
      type="password"
      mono
      data-1p-ignore=""
    />
  )
}
