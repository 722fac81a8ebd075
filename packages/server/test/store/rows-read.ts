/** How many rows an operation really reads, whatever it returns. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import pg from 'pg'
import type { OperationCall } from '../../src/store/driver.ts'
import { postgresDialect } from '../../src/store/postgres/dialect.ts'
import { runOperation } from '../../src/store/run-operation.ts'
import { sqliteDialect } from '../../src/store/sqlite/dialect.ts'
import type { Query, Row } from '../../src/store/transaction.ts'

export type RowCounter = {
  count(call: OperationCall): Promise<number>
  close(): Promise<void>
}

/** What is counted: rows of deliveries and events, or of endpoints. */
export type Counted = 'history' | 'endpoints'

/** Counts the rows for which the condition is evaluated: those that the index leads to. */
export function sqliteCounter(file: string, counted: Counted = 'history'): RowCounter {
  const database = new DatabaseSync(file, { readOnly: true })
  let seen = 0
  database.function('seen', { varargs: true, deterministic: false }, () => {
    seen++
    return 1
  })
  const run = ({ text, params = [] }: Query): Row[] => {
    const watched =
      counted === 'endpoints'
        ? text.replaceAll('from endpoint where ', 'from endpoint where seen(id) and ')
        : text
            .replaceAll('delivery d where ', 'delivery d where seen(d.id) and ')
            .replaceAll('from event where ', 'from event where seen(id) and ')
    return database.prepare(watched.replaceAll('$', '?')).all(...(params as SQLInputValue[])) as Row[]
  }
  return {
    async count(call) {
      seen = 0
      const transaction = runOperation(call, sqliteDialect)
      for (let step = transaction.next([]); step.done !== true; step = transaction.next(run(step.value as Query)));
      return seen
    },
    close: async () => database.close(),
  }
}

type Plan = {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

const TABLES: Readonly<Record<Counted, RegExp>> = { history: /^((live_)?delivery|event)/, endpoints: /^endpoint$/ }

const rowsOf = (plan: Plan, counted: Counted): number => {
  const isRead = TABLES[counted].test(plan['Relation Name'] ?? '')
  const own = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']
  return (isRead ? own : 0) + (plan.Plans ?? []).reduce((sum, inner) => sum + rowsOf(inner, counted), 0)
}

/** Adds up what the execution plans report. */
export async function postgresCounter(url: string, counted: Counted = 'history'): Promise<RowCounter> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=posthorn' })
  await client.connect()
  pg.types.setTypeParser(20, Number)
  const run = async ({ text, params = [] }: Query): Promise<Row[]> =>
    (await client.query(text, [...params] as unknown[])).rows as Row[]
  return {
    async count(call) {
      let rows = 0
      await client.query('begin')
      const transaction = runOperation(call, postgresDialect)
      for (let step = transaction.next([]); step.done !== true; ) {
        const query = step.value as Query
        if (!query.text.includes('set_config')) {
          const [explained] = await run({ ...query, text: `explain (analyze, timing off, format json) ${query.text}` })
          rows += rowsOf((explained as unknown as { 'QUERY PLAN': [{ Plan: Plan }] })['QUERY PLAN'][0].Plan, counted)
        }
        step = transaction.next(await run(query))
      }
      await client.query('rollback')
      return rows
    },
    close: () => client.end(),
  }
}
