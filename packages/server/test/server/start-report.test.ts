import { describe, expect, it } from 'vitest'
import { Hidden } from '../../src/config/hidden.ts'
import { type StartFacts, startReport } from '../../src/server/start-report.ts'

const FACTS: StartFacts = {
  config: {
    data: '/srv/posthorn',
    databaseUrl: null,
    dev: false,
    egressAddresses: ['192.0.2.1'],
    role: 'all',
  },
  url: 'http://127.0.0.1:8470',
  dashboardUrl: 'http://127.0.0.1:8470/',
  exposed: [],
  environment: {},
  isNew: false,
}

const report = (
  facts: Omit<Partial<StartFacts>, 'config'> & { config?: Partial<StartFacts['config']> },
  columns?: number,
) => startReport({ ...FACTS, ...facts, config: { ...FACTS.config, ...facts.config } }, columns)

describe('the report of a startup', () => {
  it('says where everything is, and what to do next', () => {
    expect(report({})).toMatch(
      /^Posthorn \d\S+ is running\. Stop it with Ctrl-C\.\n\n {2}API {8}http:\/\/127\.0\.0\.1:8470\n {2}Dashboard {2}http:\/\/127\.0\.0\.1:8470\/\n {2}Data {7}\/srv\/posthorn\n\n {2}Next {7}posthorn doctor --data \/srv\/posthorn\n\n$/,
    )
    expect(report({ isNew: true, dashboardUrl: null })).toMatch(
      /Data.*\n\n {2}Next {7}posthorn login --url http:\S+ --tenant acme\n {13}posthorn tenants put .*\n {13}posthorn listen /,
    )
  })

  it('has doctor check what was started', () => {
    expect(report({ config: { dev: true } })).toContain('Next       posthorn doctor --dev --data /srv/posthorn\n')
  })

  it('names the dangers, each with what to do', () => {
    const exposed = [
      'Other users have access to the data folder /srv/posthorn (mode 0755). Run: chmod 700 /srv/posthorn',
    ]
    expect(report({ exposed, config: { dev: true } }, 60)).toContain(
      '  Careful    Other users have access to the data folder\n' +
        '             /srv/posthorn (mode 0755). Run: chmod 700\n' +
        '             /srv/posthorn\n' +
        '             Development mode (--dev): endpoints on this\n',
    )
    expect(report({ config: { egressAddresses: [] } })).toContain('--egress-addresses')
    expect(report({ config: { egressAddresses: [], role: 'api' } })).not.toContain('Careful')
  })

  it('shows the database without its user and password', () => {
    const databaseUrl = new Hidden('postgres://app:hush@db.example:5433/posthorn?password=hush')
    const text = report({ config: { databaseUrl } })
    expect(text).toContain('Data       PostgreSQL, database posthorn on db.example:5433\n')
    expect(text).not.toMatch(/hush|app:/)
    expect(report({ config: { databaseUrl: new Hidden('postgres:///x?host=/run/hush') } })).not.toContain('hush')
  })

  it('has no line in a terminal of 40 columns that is longer, but for addresses and commands', () => {
    const long = report({ config: { dev: true }, exposed: ['Other users can open a file.'] }, 40)
    for (const line of long.split('\n')) if (!/posthorn|http/.test(line)) expect(line.length).toBeLessThanOrEqual(40)
    expect(report({ config: { data: '/srv/\u001b[2Jx' } })).not.toContain('\u001b')
  })
})
