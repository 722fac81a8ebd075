/**
 * Runs in a mount namespace where names are resolved by the system's resolver and no name server responds. Writes what
 * happens to a tenant's names while others' look-ups hold all threads.
 */
import { systemClock } from '../../../src/base/clock.ts'
import { Names } from '../../../src/guard/names/names.ts'

const TENANTS = 10
const NAMES = 40

const names = new Names(systemClock)
const ask = (name: string, tenant: string, signal: AbortSignal) =>
  new Promise<string>(resolve => {
    names.resolve(name, { all: true, tenant, signal }, error => resolve(error?.code ?? 'found'))
  })
const patience = () => AbortSignal.timeout(3_000)

const first = await ask('localhost', 'good', patience())
const pid = names.state.systemPid
const ending = new AbortController()
const hanging = Array.from({ length: TENANTS * NAMES }, (_, index) =>
  ask(`dead${index}.test`, `bad${index % TENANTS}`, ending.signal),
)
const { running } = names.state
// A name that isn't kept.
const during = await ask('ip6-localhost', 'good', patience())
ending.abort()
const codes = new Set(await Promise.all(hanging))
const after = await ask('good.test', 'good', patience())
const isReplaced = names.state.systemPid !== pid
process.stdout.write(JSON.stringify({ first, running, during, isReplaced, codes: [...codes], after }))
names.close()
