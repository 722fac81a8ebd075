import { TextField } from '../../kit/field.tsx'
import { Icon } from '../../kit/icon.tsx'
import { register as words } from '../../strings/en/register.ts'
import type { Check } from './check.ts'
import type { Part } from './form.tsx'
import { Advice } from './notes.tsx'
import styles from './register.module.css'
import { Section } from './section.tsx'

/** The URL, which is checked as it is typed, and a name. */
export function Where({
  draft,
  change,
  errorAt,
  check,
  isFirst,
}: Part & { readonly check: Check; readonly isFirst: boolean }) {
  const { where } = words
  return (
    <Section title={where.title} text={where.text}>
      <TextField
        label={where.url}
        value={draft.url}
        onChange={url => change({ url })}
        error={errorAt('url')}
        mono
        inputMode="url"
        placeholder="https://"
        autoFocus={isFirst}
        help={<Verdict url={draft.url.trim()} hasError={errorAt('url') !== null} check={check} />}
      />
      <Advice warnings={check.warnings} about={['url']} />
      <TextField
        label={where.name}
        value={draft.name}
        onChange={name => change({ name })}
        error={errorAt('name')}
        help={where.nameHelp}
      />
    </Section>
  )
}

type VerdictProps = { readonly url: string; readonly hasError: boolean; readonly check: Check }

/** Below the URL: what it has to be, that it is being checked, or that it is allowed. An error says it instead. */
function Verdict({ url, hasError, check }: VerdictProps) {
  const { where } = words
  const isGood = !hasError && url !== '' && check.goodUrl === url
  return (
    <span aria-live="polite">
      {isGood ? (
        <span className={styles.good}>
          <Icon name="check" size={14} />
          {where.good}
        </span>
      ) : check.isBusy && url.length > 'https://'.length ? (
        where.checking
      ) : (
        !hasError && where.urlHelp
      )}
    </span>
  )
}
